//! Holding an answer back until it is known to be real.
//!
//! Head and body wait here; what comes out is either everything held so far, to be released unchanged and in order, or
//! the reason why it was none.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::time::{Instant, sleep_until};

use super::inspect::{Gate, Inspector};
use super::transport::UpstreamBody;
use crate::claude::gate::{GateFailure, Ruling};
use crate::domain::outcome::Transport;

/// Most that is held of a stream.
pub const MAX_STREAM: usize = 64 * 1024;
/// Most that is held of another body.
pub const MAX_BODY: usize = 1024 * 1024;

/// How long and how much is held.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes as they came.
    pub bytes: usize,
    /// From the first byte.
    pub hold: Option<Duration>,
    /// Between two bytes, the first included; `None` for ever.
    pub idle: Option<Duration>,
}

/// What was held.
#[derive(Debug, Default)]
pub struct Held {
    /// In order.
    pub frames: Vec<Bytes>,
    /// Their length.
    pub bytes: usize,
    /// The body has ended.
    pub ended: bool,
}

/// Why a held answer was none.
#[derive(Debug, PartialEq, Eq)]
pub enum NotReal {
    /// Its content says so.
    Gate(GateFailure),
    /// The connection failed.
    Transport(Transport),
}

impl Held {
    fn add(&mut self, data: Bytes, inspector: &Inspector) {
        self.bytes += data.len();
        if !inspector.keeps() {
            self.frames.push(data);
        }
    }

    /// Takes what the inspector has kept.
    fn take_kept(&mut self, inspector: &mut Inspector) {
        self.frames.extend(inspector.share());
    }
}

/// Holds until the gate rules, or a limit is reached. The endpoint was last `heard` at its head.
pub async fn until_real(
    body: &mut UpstreamBody,
    inspector: &mut Inspector,
    gate: &mut Gate,
    limits: Limits,
    heard: Instant,
) -> (Held, Result<(), NotReal>) {
    let mut held = Held::default();
    let ruling = hold(&mut held, body, inspector, gate, limits, heard).await;
    held.take_kept(inspector);
    (held, ruling)
}

async fn hold(
    held: &mut Held,
    body: &mut UpstreamBody,
    inspector: &mut Inspector,
    gate: &mut Gate,
    limits: Limits,
    heard: Instant,
) -> Result<(), NotReal> {
    let mut idle_end = limits.idle.map(|d| heard + d);
    let mut hold_end = None;
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = at(hold_end) => return accept(gate.expire()),
            () = at(idle_end) => return Err(NotReal::Transport(Transport::IdleTimeout)),
        };
        let ruling = match frame {
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else { continue };
                if data.is_empty() {
                    continue;
                }
                let ruling = inspector.feed_gated(&data, gate);
                held.add(data, inspector);
                if ruling == Ruling::Hold && held.bytes >= limits.bytes { gate.expire() } else { ruling }
            }
            Some(Err(_)) if held.bytes == 0 => return Err(NotReal::Transport(Transport::Reset)),
            Some(Err(_)) => return Err(NotReal::Gate(GateFailure::Cut)),
            None => {
                held.ended = true;
                held.take_kept(inspector);
                inspector.end_gated(gate)
            }
        };
        if ruling != Ruling::Hold {
            return accept(ruling);
        }
        let now = Instant::now();
        idle_end = limits.idle.map(|d| now + d);
        hold_end = hold_end.or_else(|| limits.hold.map(|d| now + d));
    }
}

fn accept(ruling: Ruling) -> Result<(), NotReal> {
    match ruling {
        Ruling::Fail(failure) => Err(NotReal::Gate(failure)),
        Ruling::Commit | Ruling::Hold => Ok(()),
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
