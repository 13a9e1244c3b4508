//! A forwarder with an admin port and a store of its own.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use tempfile::TempDir;

use crate::schema;
use crate::support::{Answer, Client, PATIENCE, QUICK, World};

/// A request that its route understands, whether or not there is such a thing.
pub(crate) struct Sample {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) body: &'static str,
}

const fn get(path: &'static str) -> Sample {
    Sample { method: Method::GET, path, body: "" }
}

const fn post(path: &'static str, body: &'static str) -> Sample {
    Sample { method: Method::POST, path, body }
}

/// One for every route.
pub(crate) const SAMPLES: [Sample; 39] = [
    get("/health"),
    get("/metrics"),
    get("/api/v1/status"),
    get("/api/v1/endpoints"),
    post("/api/v1/endpoints/a/priority", "{\"priority\": 3}"),
    post("/api/v1/endpoints/priorities", "{\"priorities\": {\"a\": 1}}"),
    post("/api/v1/endpoints/a/health-check", ""),
    post("/api/v1/endpoints/a/enable", ""),
    post("/api/v1/endpoints/a/disable", ""),
    post("/api/v1/endpoints/a/clear", ""),
    get("/api/v1/groups"),
    post("/api/v1/groups/main/activate", ""),
    post("/api/v1/groups/main/release", ""),
    post("/api/v1/groups/main/pause", ""),
    post("/api/v1/groups/main/resume", ""),
    get("/api/v1/connections"),
    get("/api/v1/suspended"),
    post("/api/v1/suspended/resume-all", ""),
    post("/api/v1/suspended/req-00000001/resume", ""),
    post("/api/v1/suspended/req-00000001/cancel", ""),
    get("/api/v1/config"),
    post("/api/v1/config/reload", ""),
    post("/api/v1/config/priorities", "{\"priorities\": {\"a\": 1}}"),
    post("/api/v1/config/priorities/review", "{\"priorities\": {\"a\": 1}}"),
    get("/api/v1/requests"),
    get("/api/v1/requests/req-00000001"),
    get("/api/v1/logs"),
    get("/api/v1/metrics/history"),
    get("/api/v1/openapi.json"),
    get("/api/v1/stream"),
    get("/api/v1/usage/summary"),
    get("/api/v1/usage/stats"),
    get("/api/v1/usage/requests"),
    get("/api/v1/usage/requests/req-00000001"),
    get("/api/v1/usage/models"),
    get("/api/v1/usage/budget"),
    get("/api/v1/usage/export"),
    post("/api/v1/usage/recost", ""),
    post("/api/v1/usage/backup", "{\"path\": \"copy.redb\"}"),
];

pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) admin: Port,
    pub(crate) folder: TempDir,
}

impl Scene {
    /// Two endpoints, a store, an admin port; `web` is more of that section.
    pub(crate) async fn with(web: &str) -> Self {
        Self::built(web, "flush_interval: 10ms").await
    }

    /// The same; `usage` is more of that section.
    pub(crate) async fn with_store(usage: &str) -> Self {
        Self::built("", usage).await
    }

    async fn built(web: &str, usage: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("usage.redb");
        let store = format!(
            "usage_tracking: {{ database_path: '{}', {usage} }}\ntimezone: Europe/Berlin",
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
        self.send(method, path, headers, "").await
    }

    pub(crate) async fn send(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(self.admin.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.admin.send(request.body(Full::new(Bytes::from(body.to_owned()))).unwrap()).await
    }

    /// The answer of a GET below `/api/v1`, which must be there.
    pub(crate) async fn view(&self, path: &str) -> serde_json::Value {
        let answer = self.admin.get(&format!("/api/v1{path}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Gives an order below `/api/v1`.
    pub(crate) async fn order(&self, path: &str, body: &str) -> Answer {
        self.send(&Method::POST, &format!("/api/v1{path}"), &[], body).await
    }

    pub(crate) async fn stop(self) {
        drop(self.admin);
        self.world.stop().await;
    }
}

/// A client of an admin port that believes nothing the OpenAPI document does not say.
#[derive(Clone)]
pub(crate) struct Port(Client);

impl Port {
    pub(crate) fn url(&self, path: &str) -> String {
        self.0.url(path)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(self.url(path)).body(Full::default()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let answer = self.0.send(request).await;
        schema::judge(&method, &path, &answer);
        answer
    }
}

/// A client of a forwarder's admin port.
pub(crate) fn client(world: &World) -> Port {
    Port(Client::new(format!("http://{}", world.forwarder.admin_address().expect("an admin port"))))
}
