//! A disk that takes its time: what that does to requests, and to their records.
//!
//! Two forwarders keep their records, one on the disk as it is, one on the same disk with [`DELAY`] before every sync. They
//! get the same load in turn; between two loads the second one catches up, because above 100,000 waiting records new
//! requests would be refused, as they should be. It is asked until [`BURST`] requests have come, and must have recorded
//! every one of them in the end.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use cc_forwarder::app::{self, Taps};
use cc_forwarder::config::{Source, System, load};
use cc_forwarder::store::{Options, Store};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use redb::StorageBackend;
use redb::backends::FileBackend;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::load::Load;
use super::process::{Service, free_port};
use super::target::{Target, Wanted, median, say};
use super::upstream::Answer;

/// For people, and to be chosen by.
pub(crate) const NAME: &str = "2 KB both ways, 64 connections, slow disk";
/// Before every sync.
const DELAY: Duration = Duration::from_millis(300);
/// Requests recorded behind the slow disk.
const BURST: u64 = 50_000;
/// Longest wait for the slow disk.
const PATIENCE: Duration = Duration::from_secs(300);

/// A file whose syncs take longer.
#[derive(Debug)]
struct SlowFile {
    file: FileBackend,
    delay: Duration,
}

impl StorageBackend for SlowFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        std::thread::sleep(self.delay);
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write(offset, data)
    }
}

fn opened(path: &Path, delay: Duration) -> io::Result<SlowFile> {
    let file = std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    Ok(SlowFile { file: FileBackend::new(file).map_err(io::Error::other)?, delay })
}

/// Runs a forwarder with its store at `path` until the task is dropped. `ready` learns the address.
pub(crate) async fn run(
    [upstream, admin, delay, path]: [&str; 4],
    ready: impl FnOnce(SocketAddr),
) -> anyhow::Result<()> {
    let text = format!(
        "server: {{ port: 0 }}\nweb: {{ port: {admin} }}\n\
         endpoints:\n  - {{ name: bench, url: \"http://{upstream}\", token: bench-token }}\n"
    );
    let config = load::parse(&text, Source::BuiltIn, &System)?.config;
    let (path, delay) = (Path::new(path).to_owned(), Duration::from_millis(delay.parse()?));
    let store = Store::open_on(Options::of(&config), move || opened(&path, delay))?;
    let forwarder = app::start(Arc::new(config), Taps { store: Some(store), ..Taps::default() }).await?;
    ready(forwarder.address());
    std::future::pending().await
}

/// One of the two forwarders.
struct Recorder {
    service: Service,
    admin: SocketAddr,
    asked: u64,
}

impl Recorder {
    fn start(upstream: SocketAddr, path: &Path, delay: Duration) -> anyhow::Result<Self> {
        let admin = free_port()?;
        let (upstream, port) = (upstream.to_string(), admin.port().to_string());
        let path = path.to_str().context("the folder has a strange name")?;
        let delay = delay.as_millis().to_string();
        let service = Service::role(&["--role", "recorder", &upstream, &port, &delay, path])?;
        Ok(Self { service, admin, asked: 0 })
    }

    /// Requests a second.
    async fn load(&mut self, window: Duration) -> anyhow::Result<f64> {
        let load = Load {
            name: NAME,
            body: 2_000,
            answer: Answer::Document { bytes: 2_000 },
            connections: 64,
            window: Some(window),
        };
        let sample = load.run(self.service.address, None, None).await?;
        // Every connection begins with a request that is not measured.
        self.asked += sample.requests + u64::from(load.connections);
        Ok(sample.requests as f64 / sample.elapsed.as_secs_f64())
    }

    /// A number in an answer of the admin port.
    async fn number(&self, path: &str, pointer: &str) -> anyhow::Result<u64> {
        let stream = TokioIo::new(TcpStream::connect(self.admin).await?);
        let (mut sender, driver) = hyper::client::conn::http1::handshake(stream).await?;
        let mut drivers = JoinSet::new();
        drivers.spawn(driver);
        let request = Request::get(path).header("host", "localhost").body(Full::<bytes::Bytes>::default())?;
        let body = sender.send_request(request).await?.into_body().collect().await?.to_bytes();
        let json: serde_json::Value = serde_json::from_slice(&body)?;
        let number = json.pointer(pointer).and_then(serde_json::Value::as_u64);
        number.with_context(|| format!("{path} has no number at {pointer}: {json}"))
    }

    async fn waiting(&self) -> anyhow::Result<u64> {
        self.number("/api/v1/status", "/store/unsaved").await
    }

    /// Waits until everything is on the disk, and makes sure that it is everything.
    async fn recovered(&self) -> anyhow::Result<()> {
        let end = Instant::now() + PATIENCE;
        while self.waiting().await? > 0 {
            ensure!(Instant::now() < end, "the slow disk did not catch up");
            sleep(Duration::from_millis(50)).await;
        }
        let recorded = self.number("/api/v1/usage/requests?limit=1", "/total").await?;
        ensure!(recorded == self.asked, "{recorded} of {} requests were recorded", self.asked);
        Ok(())
    }
}

/// Loads both in turn; `quick` is only a look whether it works.
pub(crate) async fn measure(
    upstream: SocketAddr,
    folder: &Path,
    rounds: usize,
    window: Duration,
    quick: bool,
) -> anyhow::Result<Vec<Target>> {
    let (delay, burst) = if quick { (DELAY / 20, 0) } else { (DELAY, BURST) };
    let mut fast = Recorder::start(upstream, &folder.join("fast.redb"), Duration::ZERO)?;
    let mut slow = Recorder::start(upstream, &folder.join("slow.redb"), delay)?;
    let (mut ratios, mut rates, mut most, mut memory) = (Vec::new(), [Vec::new(), Vec::new()], 0, None);
    for round in 0..rounds {
        let (first, second) = if round % 2 == 0 { (&mut fast, &mut slow) } else { (&mut slow, &mut fast) };
        let (one, other) = (first.load(window).await?, second.load(window).await?);
        let (of_fast, of_slow) = if round % 2 == 0 { (one, other) } else { (other, one) };
        ratios.push(of_slow / of_fast * 100.0);
        rates[0].push(of_fast);
        rates[1].push(of_slow);
        most = most.max(slow.waiting().await?);
        memory = memory.max(slow.service.rss());
        slow.recovered().await?;
    }
    while slow.asked < burst {
        slow.load(window).await?;
        most = most.max(slow.waiting().await?);
        memory = memory.max(slow.service.rss());
        slow.recovered().await?;
    }
    fast.recovered().await?;
    let [of_fast, of_slow] = rates.map(median);
    say(&format!(
        "\n{NAME}\n  requests/s: disk as it is {of_fast:.0}, {delay:?} before every sync {of_slow:.0}; {} recorded \
         behind the slow disk, {most} waited at most, none is lost",
        slow.asked
    ));
    Ok(vec![
        Target {
            what: "forwarding with a slow disk",
            wanted: Wanted::AtLeast(90.0),
            unit: "% fast",
            reached: Some(median(ratios)),
        },
        Target {
            what: "memory of a forwarder behind a slow disk",
            wanted: Wanted::AtMost(150.0),
            unit: "MiB",
            reached: memory.map(|bytes| bytes as f64 / super::MIB),
        },
    ])
}
