//! The loads, and one run of one load against one party.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::client::{self, Connection};
use super::process::Service;
use super::upstream::Answer;

/// Events at the start of a paced stream whose delay does not count: the forwarder holds the first ones back on
/// purpose, until there is content.
const HELD: u64 = 8;

/// What is sent, how often, over how many connections.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// For people.
    pub(crate) name: &'static str,
    /// Bytes of each request body.
    pub(crate) body: usize,
    /// What is asked for.
    pub(crate) answer: Answer,
    /// Connections, each with one request at a time.
    pub(crate) connections: u32,
    /// How long requests follow each other on each connection; `None`: one request each, started one after the other
    /// over [`SPREAD`].
    pub(crate) window: Option<Duration>,
}

/// Streams of a paced load start within this time, so that their events do not fall on the same instants.
const SPREAD: Duration = Duration::from_secs(1);

/// What one run showed.
#[derive(Clone, Default, Debug)]
pub(crate) struct Sample {
    pub(crate) requests: u64,
    pub(crate) events: u64,
    pub(crate) elapsed: Duration,
    /// Of each request; in a paced load of each event behind the instant it was due.
    pub(crate) delays: Vec<Duration>,
    /// CPU time of the party.
    pub(crate) cpu: Option<Duration>,
    /// CPU time of the simulator. It computes on one thread: close to a whole core it is the limit. Less does not mean
    /// that it had nothing to do, as all share the cores.
    pub(crate) source: Option<Duration>,
    /// Memory of the party while all streams of a paced load were open.
    pub(crate) rss: Option<u64>,
}

impl Sample {
    fn add(&mut self, mut other: Self) {
        self.requests += other.requests;
        self.events += other.events;
        self.delays.append(&mut other.delays);
    }
}

impl Load {
    /// The pause between two events of a paced stream.
    fn interval(&self) -> Duration {
        match self.answer {
            Answer::Stream { interval, .. } => interval,
            Answer::Document { .. } => Duration::ZERO,
        }
    }

    /// When all streams of a paced load are open, and half of what follows is over.
    fn midst(&self) -> Duration {
        match self.answer {
            Answer::Stream { deltas, interval, .. } => SPREAD + interval.saturating_mul(deltas as u32) / 3,
            Answer::Document { .. } => Duration::ZERO,
        }
    }

    /// Runs once against `address`; CPU and memory are those of `party`, the source is `simulator`.
    ///
    /// # Errors
    /// When any request fails: a bench of errors is none.
    pub(crate) async fn run(
        &self,
        address: SocketAddr,
        party: Option<&Service>,
        simulator: Option<&Service>,
    ) -> anyhow::Result<Sample> {
        let cpu_of = |service: Option<&Service>| service.and_then(Service::cpu);
        let ready = Arc::new(Barrier::new(self.connections as usize + 1));
        let body = client::body(self.body, matches!(self.answer, Answer::Stream { .. }));
        let mut workers = JoinSet::new();
        for index in 0..self.connections {
            let worker = Worker { load: self.clone(), body: body.clone(), address, index };
            workers.spawn(worker.run(Arc::clone(&ready)));
        }
        tokio::select! {
            _ = ready.wait() => {}
            // Only an error ends a worker before it is ready.
            Some(ended) = workers.join_next() => return ended?.context(self.name),
        }
        let (began, cpu, source) = (Instant::now(), cpu_of(party), cpu_of(simulator));
        let mut sum = Sample::default();
        if self.window.is_none() {
            sleep_until(began + self.midst()).await;
            sum.rss = party.and_then(Service::rss);
        }
        while let Some(ended) = workers.join_next().await {
            sum.add(ended?.context(self.name)?);
        }
        sum.elapsed = began.elapsed();
        sum.cpu = cpu_of(party).zip(cpu).map(|(after, before)| after - before);
        sum.source = cpu_of(simulator).zip(source).map(|(after, before)| after - before);
        Ok(sum)
    }
}

struct Worker {
    load: Load,
    body: Bytes,
    address: SocketAddr,
    index: u32,
}

impl Worker {
    async fn run(self, ready: Arc<Barrier>) -> anyhow::Result<Sample> {
        let mut connection = Connection::open(self.address).await?;
        if self.load.window.is_some() {
            connection.exchange(self.request()?, |_, _| {}).await?;
        }
        ready.wait().await;
        match self.load.window {
            Some(window) => self.hurry(&mut connection, Instant::now() + window).await,
            None => self.listen(&mut connection).await,
        }
    }

    fn request(&self) -> anyhow::Result<http::Request<http_body_util::Full<Bytes>>> {
        client::request(&self.body, self.load.answer)
    }

    /// One request after the other.
    async fn hurry(&self, connection: &mut Connection, end: Instant) -> anyhow::Result<Sample> {
        let mut sample = Sample::default();
        while Instant::now() < end {
            let exchange = connection.exchange(self.request()?, |_, _| {}).await?;
            sample.requests += 1;
            sample.events += exchange.events;
            sample.delays.push(exchange.ended - exchange.began);
        }
        Ok(sample)
    }

    /// One stream, event by event.
    async fn listen(&self, connection: &mut Connection) -> anyhow::Result<Sample> {
        sleep(SPREAD * self.index / self.load.connections).await;
        let interval = self.load.interval();
        let mut came = Vec::new();
        let request = self.request()?;
        let exchange = connection.exchange(request, |index, at| came.push((index, at))).await?;
        let due = |index: u64| exchange.began + interval * u32::try_from(index).unwrap_or(u32::MAX);
        let counted = came.iter().filter(|(index, _)| *index >= HELD);
        let delays = counted.map(|(index, at)| at.saturating_duration_since(due(*index))).collect();
        Ok(Sample { requests: 1, events: exchange.events, delays, ..Sample::default() })
    }
}
