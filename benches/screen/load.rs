//! The two loads.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::ensure;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

use super::client::{Connection, body, request};
use super::party::Party;
use super::upstream::Answer;

/// Between two events of an open stream: as fast as a model writes.
const EVENT: Duration = Duration::from_millis(100);
/// Connections that share the steady flow of requests, and the pause of each between two.
const FLOW: u32 = 10;
const PAUSE: Duration = Duration::from_millis(200);
/// Connections of the load that goes as fast as it can.
const HURRIED: u32 = 16;
/// Bytes of a small answer.
const SMALL: Answer = Answer::Document { bytes: 2_000 };
/// Until all streams are open.
const OPENING: Duration = Duration::from_secs(2);

/// Opens so many streams and asks 50 times a second beside them; the CPU of the party in % of a core over `window`.
pub(crate) async fn busy(party: &Party, streams: u32, window: Duration) -> anyhow::Result<Option<f64>> {
    let deltas = ((window + OPENING * 2).as_millis() / EVENT.as_millis()) as usize;
    let stream = Answer::Stream { deltas, bytes: 40, interval: EVENT, burst: 0 };
    let mut workers = JoinSet::new();
    for index in 0..streams {
        let address = party.address;
        workers.spawn(async move {
            sleep(OPENING / 2 * index / streams).await;
            let mut connection = Connection::open(address).await?;
            let exchange = connection.exchange(request(&body(2_000, true), stream)?, |_, _| {}).await?;
            ensure!(exchange.events > deltas as u64, "a stream of {} events", exchange.events);
            Ok(())
        });
    }
    for index in 0..FLOW {
        workers.spawn(flow(party.address, PAUSE * index / FLOW));
    }
    sleep(OPENING).await;
    let before = party.cpu();
    tokio::select! {
        () = sleep(window) => {}
        // Only an error ends one before that.
        Some(ended) = workers.join_next() => ended??,
    }
    let share =
        |(after, before): (Duration, Duration)| (after - before).as_secs_f64() / window.as_secs_f64() * 100.0;
    Ok(party.cpu().zip(before).map(share))
}

async fn flow(address: SocketAddr, delay: Duration) -> anyhow::Result<()> {
    sleep(delay).await;
    let mut connection = Connection::open(address).await?;
    let (body, mut turns) = (body(2_000, false), interval(PAUSE));
    loop {
        turns.tick().await;
        connection.exchange(request(&body, SMALL)?, |_, _| {}).await?;
    }
}

/// What a load that goes as fast as it can showed.
#[derive(Default)]
pub(crate) struct Sample {
    delays: Vec<Duration>,
    window: Duration,
}

impl Sample {
    /// Both together.
    pub(crate) fn add(&mut self, mut other: Self) {
        self.delays.append(&mut other.delays);
        self.window += other.window;
    }

    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        self.delays.len() as f64 / self.window.as_secs_f64()
    }

    /// A quantile of the times they took, seconds.
    pub(crate) fn delay(&self, quantile: f64) -> f64 {
        let mut sorted = self.delays.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        sorted.get((last as f64 * quantile).round() as usize).map_or(f64::NAN, Duration::as_secs_f64)
    }
}

/// One request after the other on each connection, for `window`.
pub(crate) async fn hurried(address: SocketAddr, window: Duration) -> anyhow::Result<Sample> {
    let mut workers = JoinSet::new();
    let end = Instant::now() + window;
    for _ in 0..HURRIED {
        workers.spawn(async move {
            let (mut connection, body) = (Connection::open(address).await?, body(2_000, false));
            let mut delays = Vec::new();
            while Instant::now() < end {
                let exchange = connection.exchange(request(&body, SMALL)?, |_, _| {}).await?;
                delays.push(exchange.ended - exchange.began);
            }
            anyhow::Ok(delays)
        });
    }
    let mut sample = Sample { delays: Vec::new(), window };
    while let Some(ended) = workers.join_next().await {
        sample.delays.extend(ended??);
    }
    Ok(sample)
}
