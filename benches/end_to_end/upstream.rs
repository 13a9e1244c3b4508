//! The simulator as an upstream of the bench: each request says in a header what it wants for an answer.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use cc_forwarder::simulator::{Behaviour, Pace, Received, Simulator, Writes};

/// Carries an [`Answer`].
pub(crate) const HEADER: &str = "x-bench-answer";

/// What a request wants for an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// A JSON document of about this many bytes.
    Document { bytes: usize },
    /// A stream of this many deltas of this many bytes, one every `interval`, as many in one write as make `burst` bytes.
    Stream { deltas: usize, bytes: usize, interval: Duration, burst: usize },
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document { bytes } => write!(f, "document {bytes}"),
            Self::Stream { deltas, bytes, interval, burst } => {
                write!(f, "stream {deltas} {bytes} {} {burst}", interval.as_millis())
            }
        }
    }
}

impl FromStr for Answer {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let mut words = text.split(' ');
        let kind = words.next();
        let numbers = words.map(str::parse).collect::<Result<Vec<usize>, _>>()?;
        match (kind, numbers.as_slice()) {
            (Some("document"), [bytes]) => Ok(Self::Document { bytes: *bytes }),
            (Some("stream"), [deltas, bytes, millis, burst]) => Ok(Self::Stream {
                deltas: *deltas,
                bytes: *bytes,
                interval: Duration::from_millis(*millis as u64),
                burst: *burst,
            }),
            _ => anyhow::bail!("{text:?} is no answer"),
        }
    }
}

/// Bytes of a document around its text.
const ENVELOPE: usize = 300;

fn behaviour(request: &Received) -> Option<Behaviour> {
    Some(match request.headers.get(HEADER)?.parse().ok()? {
        Answer::Document { bytes } => Behaviour::healthy().deltas(1, bytes.saturating_sub(ENVELOPE)),
        Answer::Stream { deltas, bytes, interval, burst } => Behaviour::healthy()
            .deltas(deltas, bytes)
            .pace(Pace::every(interval))
            .writes(Writes::Bursts(burst)),
    })
}

/// Runs a simulator until the task is dropped. `ready` learns the address.
pub(crate) async fn run(ready: impl FnOnce(SocketAddr)) -> anyhow::Result<()> {
    let simulator = Simulator::start("bench").await.context("the simulator cannot start")?;
    simulator.keep_bodies(0);
    simulator.rule(behaviour);
    ready(simulator.address());
    std::future::pending().await
}
