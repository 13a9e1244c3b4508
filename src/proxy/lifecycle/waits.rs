//! The times a request waited: in the queue, and before it asked the same endpoint again.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Lifecycle, draft, millis};
use crate::domain::plan::WaitsFor;
use crate::domain::route::Skip;
use crate::events::Event;
use crate::events::trace::{self, TraceStep, What};

impl Lifecycle {
    /// Tells this when the request joins the queue.
    pub fn announce_suspension(&mut self, suspended: Arc<Notify>) {
        self.on_suspension = Some(suspended);
    }

    /// It joined the queue and waits until `until` at most; `skipped` could not be asked.
    pub fn suspended(&mut self, until: Instant, waits_for: WaitsFor, skipped: &[Skip]) {
        self.waits = Some((Instant::now(), waits_for, skipped.to_vec()));
        if let Some(suspended) = &self.on_suspension {
            suspended.notify_one();
        }
        let Some(draft) = &self.draft else { return };
        self.to.events.send(Event::Suspended { id: draft.id, wait: draft::wait(until, waits_for, skipped) });
        self.span.in_scope(|| {
            tracing::info!(target: "cc_forwarder::request", "suspended: waits for {}", waits_for.words());
        });
    }

    /// Its wait is over.
    pub fn resumed(&mut self) {
        let Some((since, waits_for, skipped)) = self.waits.take() else { return };
        let ms = millis(since.elapsed());
        let at_ms = millis(since - self.accepted);
        self.note(|r| {
            r.suspended_ms += ms;
            trace::push(&mut r.trace, at_ms, What::Waited { ms, waits_for, skipped });
        });
        let Some(draft) = &self.draft else { return };
        self.to.events.send(Event::Resumed { id: draft.id });
        self.span.in_scope(
            || tracing::info!(target: "cc_forwarder::request", waited_ms = ms.round() as u64, "wait over"),
        );
    }

    /// It paused before it asked the same endpoint again. A pause that the fleet interrupted goes on as one; behind the
    /// next attempt another one begins.
    pub fn backed_off(&mut self, since: Instant) {
        let (at_ms, ms) = (millis(since - self.accepted), millis(since.elapsed()));
        self.note(|r| {
            let asked_ms = r.attempts.last().map_or(0.0, |attempt| attempt.start_ms);
            match r.trace.last_mut() {
                Some(TraceStep { at_ms, what: What::BackedOff { ms: before } }) if *at_ms >= asked_ms => {
                    *before += ms;
                }
                _ => trace::push(&mut r.trace, at_ms, What::BackedOff { ms }),
            }
        });
    }
}
