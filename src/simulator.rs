//! A scriptable Claude upstream on a real socket: for `demo`, the tests and the benches.
//!
//! It answers like the API (messages as JSON or stream, token counts, models), misbehaves on demand in every way seen in
//! the field, and remembers what it received and what it told. It writes HTTP/1.1 itself, because half of the faults are
//! things no HTTP library would let a server do.
//!
//! ```text
//! Simulator ── accept ── connection task ── read request ── Script: which Behaviour? ── answer (pure) ── deliver
//!                                                └───────────── Log ◄── body, status, usage told, outcome ──┘
//! ```
//!
//! | file | for |
//! |---|---|
//! | `behaviour` | what to do with a request, as data |
//! | `faults`, `catalogue` | every fault as a behaviour, and all of them by name |
//! | `script` | which behaviour the next request meets |
//! | `ask`, `content`, `usage`, `models` | what is answered |
//! | `compose`, `render`, `encode`, `pieces`, `answer` | the bytes of the answer |
//! | `http`, `server`, `deliver` | the socket |
//! | `log` | what was seen |
//!
//! It binds to the loopback interface only, prints nothing, and never imports the program's own decoders or proxy: it is
//! the other side that those are tested against.

mod answer;
mod ask;
mod behaviour;
mod catalogue;
mod compose;
mod content;
mod deliver;
mod encode;
mod faults;
mod http;
mod log;
mod models;
mod pieces;
mod render;
mod script;
mod server;
mod usage;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use behaviour::{
    Behaviour, Coding, Content, Drip, Encoding, Framing, How, Mark, Pace, Reply, SseStyle, Stop, Writes,
};
pub use catalogue::{Asks, Effect, Fault};
pub use http::Headers;
pub use log::{Class, Log, Outcome, Received};
pub use script::Rule;
pub use usage::{Usage, UsageStyle};

use server::Shared;

/// For a port to be free again after its listener was closed.
const REBIND_PATIENCE: Duration = Duration::from_secs(5);
/// How long [`Simulator::wait_for`] waits.
const PATIENCE: Duration = Duration::from_secs(20);
/// Connections the kernel may hold for us.
const BACKLOG: u32 = 1024;

/// A condition on the log did not come true in time.
#[derive(Debug, thiserror::Error)]
#[error(
    "the simulator {name} waited {PATIENCE:?} in vain; it has seen {seen} requests, {in_flight} in flight"
)]
pub struct WaitedInVain {
    name: String,
    seen: u64,
    in_flight: usize,
}

/// A running simulator; dropping it ends everything it runs.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    address: SocketAddr,
    phase: Mutex<Phase>,
}

#[derive(Debug)]
enum Phase {
    Up {
        stop: CancellationToken,
        tasks: TaskTracker,
    },
    /// Bound but not listening: connects are refused and nobody else gets the port.
    Down(TcpSocket),
    Stopped,
}

impl Simulator {
    /// Starts a healthy simulator on a free loopback port.
    ///
    /// # Errors
    /// When no socket can be bound.
    pub async fn start(name: impl Into<String>) -> io::Result<Self> {
        let socket = bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let address = socket.local_addr()?;
        let shared = Arc::new(Shared {
            name: name.into(),
            script: script::Script::default(),
            recorder: log::Recorder::default(),
            rendered: compose::Rendered::default(),
        });
        let phase = Mutex::new(listen(&shared, socket)?);
        Ok(Self { shared, address, phase })
    }

    /// The name given at the start.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every messages request from now on meets this behaviour; a script that was running is dropped.
    pub fn set(&self, behaviour: Behaviour) {
        self.shared.script.set_default(behaviour);
    }

    /// The next messages requests meet these behaviours, one each; then the one given to [`Simulator::set`] again.
    pub fn script(&self, steps: Vec<Behaviour>) {
        self.shared.script.set_steps(steps, false);
    }

    /// Messages requests meet these behaviours in turn, round and round.
    pub fn cycle(&self, steps: Vec<Behaviour>) {
        self.shared.script.set_steps(steps, true);
    }

    /// Messages requests meet this fault from now on.
    pub fn inject(&self, fault: &Fault) {
        self.cycle(fault.steps.clone());
    }

    /// Requests of this class meet this behaviour, before any script.
    pub fn set_for(&self, class: Class, behaviour: Behaviour) {
        self.shared.script.set_for(class, behaviour);
    }

    /// Asks `rule` first, with each complete request; for choices by model, credential or count.
    pub fn rule(&self, rule: impl Fn(&Received) -> Option<Behaviour> + Send + Sync + 'static) {
        self.shared.script.set_rule(Some(Arc::new(rule)));
    }

    /// Steps of the script that no request has met yet.
    pub fn steps_left(&self) -> usize {
        self.shared.script.steps_left()
    }

    /// Limits the bytes of request bodies kept in the log (256 MiB by default).
    pub fn keep_bodies(&self, budget: usize) {
        self.shared.recorder.keep_bodies(budget);
    }

    /// Looks at the log. The simulator stands still meanwhile, so keep it short.
    pub fn log<T>(&self, look: impl FnOnce(&Log) -> T) -> T {
        look(&self.shared.recorder.read())
    }

    /// A copy of the requests kept, oldest first.
    pub fn requests(&self) -> Vec<Received> {
        self.log(|log| log.requests().cloned().collect())
    }

    /// A copy of the messages requests kept, oldest first.
    pub fn messages(&self) -> Vec<Received> {
        self.log(|log| log.messages().cloned().collect())
    }

    /// Usage told to clients since the start, summed over requests.
    pub fn reported_usage(&self) -> Usage {
        self.log(Log::reported_usage)
    }

    /// Connections open now.
    pub fn open_connections(&self) -> usize {
        self.log(Log::open_connections)
    }

    /// Connections accepted since the start.
    pub fn total_connections(&self) -> u64 {
        self.log(Log::total_connections)
    }

    /// Requests under way.
    pub fn in_flight(&self) -> usize {
        self.log(Log::in_flight)
    }

    /// Waits until the log fulfils `condition`; looks again at every change.
    ///
    /// # Errors
    /// After 20 s.
    pub async fn wait_for(&self, mut condition: impl FnMut(&Log) -> bool) -> Result<(), WaitedInVain> {
        let mut changes = self.shared.recorder.changes();
        let fulfilled = async {
            while !self.log(&mut condition) {
                // The sender lives as long as `self`.
                let _ = changes.changed().await;
            }
        };
        tokio::time::timeout(PATIENCE, fulfilled).await.map_err(|_| {
            let (seen, in_flight) = self.log(|log| (log.total_requests(), log.in_flight()));
            WaitedInVain { name: self.shared.name.clone(), seen, in_flight }
        })
    }

    /// Waits until `count` messages requests have come and all of them are over.
    ///
    /// # Errors
    /// After 20 s.
    pub async fn wait_until_settled(&self, count: usize) -> Result<(), WaitedInVain> {
        self.wait_for(|log| log.messages().count() >= count && log.in_flight() == 0).await
    }

    /// Ends all connections and refuses new ones; the port stays ours.
    ///
    /// # Errors
    /// When the port cannot be bound again.
    pub async fn down(&self) -> io::Result<()> {
        self.stop_tasks().await;
        let socket = bound_soon(self.address).await?;
        *self.phase() = Phase::Down(socket);
        Ok(())
    }

    /// Listens again on the same port; does nothing when it does already.
    ///
    /// # Errors
    /// When the port cannot be listened on, and after [`Simulator::shutdown`].
    pub async fn up(&self) -> io::Result<()> {
        let mut phase = self.phase();
        match std::mem::replace(&mut *phase, Phase::Stopped) {
            Phase::Down(socket) => *phase = listen(&self.shared, socket)?,
            up @ Phase::Up { .. } => *phase = up,
            Phase::Stopped => return Err(io::Error::other("the simulator was shut down")),
        }
        Ok(())
    }

    /// Ends everything and waits for it.
    pub async fn shutdown(&self) {
        self.stop_tasks().await;
    }

    async fn stop_tasks(&self) {
        let phase = std::mem::replace(&mut *self.phase(), Phase::Stopped);
        if let Phase::Up { stop, tasks } = phase {
            stop.cancel();
            tasks.close();
            tasks.wait().await;
        }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        if let Phase::Up { stop, .. } = &*self.phase() {
            stop.cancel();
        }
    }
}

/// A process that another thread is starting holds copies of all sockets, listening ones too, until it runs its own
/// program: the port may be in use for a moment more.
async fn bound_soon(address: SocketAddr) -> io::Result<TcpSocket> {
    let end = tokio::time::Instant::now() + REBIND_PATIENCE;
    loop {
        match bound(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tokio::time::Instant::now() < end => {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            done => return done,
        }
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // On Windows this would let others take the port over.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn listen(shared: &Arc<Shared>, socket: TcpSocket) -> io::Result<Phase> {
    let listener: TcpListener = socket.listen(BACKLOG)?;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    tasks.spawn(server::accept(Arc::clone(shared), listener, tasks.clone(), stop.clone()));
    Ok(Phase::Up { stop, tasks })
}
