//! Readers of the admin port's stream of events, some of which do not read: what they cost requests, and memory.
//!
//! One forwarder gets the same paced load in turn without readers and with [`READERS`] of them, [`STOPPED`] of which never
//! take a byte. Its memory is looked at while all of them are connected, after the first round and after the last.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::client::{self, Connection};
use super::process::{Service, free_port};
use super::target::{Target, Wanted, median, say};
use super::upstream::Answer;

/// For people, and to be chosen by.
pub(crate) const NAME: &str = "200 requests/s, 50 readers of the event stream, ten of them stopped";
const READERS: usize = 50;
const STOPPED: usize = 10;
/// Connections of the load, one request each per [`PACE`].
const CONNECTIONS: u32 = 20;
const PACE: Duration = Duration::from_millis(100);
/// For all readers to be served.
const PATIENCE: Duration = Duration::from_secs(20);

/// What requests took, in order, and what the forwarder took for them.
struct Seen {
    delays: Vec<Duration>,
    cpu: Option<Duration>,
    rss: Option<u64>,
}

impl Seen {
    fn at(&self, share: f64) -> f64 {
        let place = (self.delays.len() as f64 * share) as usize;
        self.delays.get(place).map_or(f64::NAN, Duration::as_secs_f64)
    }
}

/// The same requests without readers and with them.
pub(crate) async fn measure(
    upstream: SocketAddr,
    folder: &Path,
    rounds: usize,
    window: Duration,
) -> anyhow::Result<Vec<Target>> {
    let admin = free_port()?;
    let service = Service::watched(upstream, folder, admin)?;
    // What is kept for the screens (the last requests, the ring of events) fills first.
    load(&service, window).await?;
    let (mut p50, mut p99, mut cpu, mut rss) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let alone = load(&service, window).await?;
        let readers = Readers::open(admin).await?;
        let watched = load(&service, window).await?;
        let events = readers.close()?;
        say(&format!(
            "  round {round}: p50 {:.0} us alone, {:.0} us with readers; p99 {:.0} and {:.0} us; {events} bytes read",
            alone.at(0.5) * 1e6,
            watched.at(0.5) * 1e6,
            alone.at(0.99) * 1e6,
            watched.at(0.99) * 1e6
        ));
        p50.push(watched.at(0.5) / alone.at(0.5));
        p99.push(watched.at(0.99) / alone.at(0.99));
        cpu.extend(watched.cpu.map(|cpu| cpu.as_secs_f64() / window.as_secs_f64() * 100.0));
        rss.extend(watched.rss.map(|bytes| bytes as f64 / 1024.0 / 1024.0));
    }
    say(&format!("  with readers: {:.1} % of a core; memory {rss:.1?} MiB", median(cpu)));
    let grown = rss.first().zip(rss.last()).map(|(first, last)| last - first);
    let target = |what, bound, unit, reached| Target { what, wanted: Wanted::AtMost(bound), unit, reached };
    Ok(vec![
        target("50 readers of events: latency p50 with, of without", 1.5, "times", Some(median(p50))),
        target("50 readers of events: latency p99 with, of without", 2.0, "times", Some(median(p99))),
        target("50 readers of events: memory, last round over first", 4.0, "MiB", grown),
    ])
}

/// 200 requests a second for as long as `window`.
async fn load(service: &Service, window: Duration) -> anyhow::Result<Seen> {
    let before = service.cpu();
    let mut workers = JoinSet::new();
    for index in 0..CONNECTIONS {
        workers.spawn(work(service.address, PACE * index / CONNECTIONS, window));
    }
    let mut delays = Vec::new();
    while let Some(worked) = workers.join_next().await {
        delays.append(&mut worked??);
    }
    delays.sort();
    let cpu = service.cpu().zip(before).map(|(after, before)| after - before);
    Ok(Seen { delays, cpu, rss: service.rss() })
}

async fn work(address: SocketAddr, offset: Duration, window: Duration) -> anyhow::Result<Vec<Duration>> {
    let mut connection = Connection::open(address).await?;
    let body = client::body(2_000, false);
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::time::sleep(offset).await;
    ticks.reset_immediately();
    let (mut delays, end) = (Vec::new(), Instant::now() + window);
    while Instant::now() < end {
        ticks.tick().await;
        let request = client::request(&body, Answer::Document { bytes: 2_000 })?;
        let exchange = connection.exchange(request, |_, _| {}).await?;
        delays.push(exchange.ended - exchange.began);
    }
    Ok(delays)
}

/// Everybody who is connected to the stream.
struct Readers {
    reading: JoinSet<anyhow::Result<()>>,
    read: Arc<AtomicU64>,
    _stopped: Vec<TcpStream>,
}

impl Readers {
    /// Returns when all who read have got something.
    async fn open(admin: SocketAddr) -> anyhow::Result<Self> {
        let mut stopped = Vec::new();
        for _ in 0..STOPPED {
            let mut socket = TcpStream::connect(admin).await?;
            socket.write_all(b"GET /api/v1/stream HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
            stopped.push(socket);
        }
        let (mut reading, read) = (JoinSet::new(), Arc::default());
        let (ready, mut begun) = tokio::sync::mpsc::channel(READERS);
        for _ in STOPPED..READERS {
            reading.spawn(listen(admin, Arc::clone(&read), ready.clone()));
        }
        drop(ready);
        for _ in STOPPED..READERS {
            timeout(PATIENCE, begun.recv()).await?.context("a reader got nothing")?;
        }
        Ok(Self { reading, read, _stopped: stopped })
    }

    /// How many bytes they got; all must still be listening.
    fn close(mut self) -> anyhow::Result<u64> {
        ensure!(self.reading.try_join_next().is_none(), "a reader was cut off");
        Ok(self.read.load(Ordering::Relaxed))
    }
}

async fn listen(
    admin: SocketAddr,
    read: Arc<AtomicU64>,
    ready: tokio::sync::mpsc::Sender<()>,
) -> anyhow::Result<()> {
    let stream = TokioIo::new(TcpStream::connect(admin).await?);
    let (mut sender, driver) = hyper::client::conn::http1::handshake(stream).await?;
    let mut drivers = JoinSet::new();
    drivers.spawn(driver);
    let request = Request::get("/api/v1/stream").header("host", "localhost").body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    ensure!(answer.status() == StatusCode::OK, "the stream has status {}", answer.status());
    let mut body = answer.into_body();
    let mut ready = Some(ready);
    while let Some(frame) = body.frame().await {
        let bytes = frame?.data_ref().map_or(0, Bytes::len);
        read.fetch_add(bytes as u64, Ordering::Relaxed);
        if let Some(ready) = ready.take() {
            ready.send(()).await?;
        }
    }
    anyhow::bail!("the stream ended")
}
