//! The admin port's life: opened beside the proxy port, closed after its last answer.
//!
//! Forwarding never depends on it. When its address is taken the program says which key to change and goes on.

use std::net::SocketAddr;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::admin::{self, Admin, serve};
use crate::config::Web;

/// How long admin answers may go on once everything else has ended.
const GRACE: Duration = Duration::from_secs(2);

/// A port that is open.
#[derive(Debug)]
pub(super) struct AdminPort {
    address: SocketAddr,
    connections: TaskTracker,
    stop: serve::Stop,
}

impl AdminPort {
    /// Opens it, if the configuration wants it and the system lets us. `state` is told the address.
    pub(super) async fn open(web: &Web, state: impl FnOnce(SocketAddr) -> admin::State) -> Option<Self> {
        if !web.enabled {
            return None;
        }
        let bound = serve::bind(web).await.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = match bound {
            Ok(bound) => bound,
            Err(error) => {
                tracing::warn!(
                    target: "cc_forwarder::admin",
                    "no admin port: cannot listen on {}:{} ({error}); choose another web.port, or 0 to let the system \
                     choose, or set web.enabled: false. Requests are forwarded all the same",
                    web.host, web.port
                );
                return None;
            }
        };
        let port = Self { address, connections: TaskTracker::new(), stop: serve::Stop::default() };
        let router = admin::router(Admin::new(state(address)));
        port.connections.spawn(serve::run(listener, router, port.connections.clone(), port.stop.clone()));
        Some(port)
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets answers that are under way finish, for a moment, and closes it.
    pub(super) async fn close(self) {
        self.stop.gently.cancel();
        self.connections.close();
        if tokio::time::timeout(GRACE, self.connections.wait()).await.is_err() {
            self.stop.now.cancel();
            self.connections.wait().await;
        }
    }
}
