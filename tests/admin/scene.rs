//! A forwarder with an admin port and a store of its own.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use tempfile::TempDir;

use crate::support::{Answer, Client, PATIENCE, QUICK, World};

/// Every route, with a method it takes.
pub(crate) const ROUTES: [(Method, &str); 10] = [
    (Method::GET, "/health"),
    (Method::GET, "/api/v1/status"),
    (Method::GET, "/api/v1/usage/summary"),
    (Method::GET, "/api/v1/usage/stats"),
    (Method::GET, "/api/v1/usage/requests"),
    (Method::GET, "/api/v1/usage/requests/req-00000001"),
    (Method::GET, "/api/v1/usage/models"),
    (Method::GET, "/api/v1/usage/export"),
    (Method::POST, "/api/v1/usage/recost"),
    (Method::POST, "/api/v1/usage/backup"),
];

pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) admin: Client,
    pub(crate) folder: TempDir,
}

impl Scene {
    /// Two endpoints, a store, an admin port; `web` is more of that section.
    pub(crate) async fn with(web: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("usage.redb");
        let store = format!(
            "usage_tracking: {{ database_path: '{}', flush_interval: 10ms }}\ntimezone: Europe/Berlin",
            path.display()
        );
        let base = QUICK
            .replace("web: { enabled: false }", &format!("web: {{ port: 0{web} }}"))
            .replace("usage_tracking: { enabled: false }", &store);
        let world = World::with(&base, &[("a", "main"), ("b", "main")]).await.settled().await;
        let admin = client(&world);
        Self { world, admin, folder }
    }

    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// Sends so many requests, every other one a stream, and waits until they are on the disk.
    pub(crate) async fn traffic(&mut self, requests: usize) {
        for n in 0..requests {
            assert_eq!(self.world.client.messages(n % 2 == 0).await.status, 200);
            self.world.record().await;
        }
        self.saved(requests as u64).await;
    }

    /// Waits until the store has so many requests.
    pub(crate) async fn saved(&self, requests: u64) {
        let all = async {
            while self.admin.get("/api/v1/usage/requests?limit=1").await.json()["total"] != requests {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, all).await.expect("records on the disk in time");
    }

    /// An answer of the usage routes.
    pub(crate) async fn usage(&self, rest: &str) -> serde_json::Value {
        let answer = self.admin.get(&format!("/api/v1/usage/{rest}")).await;
        assert_eq!(answer.status, 200, "{rest}: {}", answer.text());
        answer.json()
    }

    pub(crate) async fn ask(&self, method: &Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(self.admin.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.admin.send(request.body(Full::<Bytes>::default()).unwrap()).await
    }

    pub(crate) async fn stop(self) {
        drop(self.admin);
        self.world.stop().await;
    }
}

/// A client of a forwarder's admin port.
pub(crate) fn client(world: &World) -> Client {
    Client::new(format!("http://{}", world.forwarder.admin_address().expect("an admin port")))
}
