//! Where a request should rather go: its session's endpoint, and what a fast test found.
//!
//! The remembered sessions are behind a lock that is held for one look-up, never over an await: every request reads them
//! before it is routed, so there is no task in between. What they mean is decided in [`crate::domain::session`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::Shared;
use crate::config::Config;
use crate::control::View;
use crate::domain::endpoint::EndpointId;
use crate::domain::fleet::FleetView;
use crate::domain::route::Measured;
use crate::domain::session::{Affinity, Preferred, Rules, Sessions};
use crate::domain::standing::Availability;

/// The remembered sessions; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct SessionTable(Arc<Mutex<Sessions>>);

/// An answer to a session that is being passed on. Dropping it is its end.
#[derive(Debug)]
pub struct Answering {
    table: SessionTable,
    session: Arc<str>,
    endpoint: EndpointId,
    wrote_long_cache: bool,
    /// When it ended, if somebody said so.
    ended: Option<Instant>,
}

/// What is known about where a request should go, beside the state of the fleet.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// What the session's past says.
    pub affinity: Affinity,
    /// What follows from it.
    pub preferred: Option<Preferred>,
    /// What a fast test found.
    pub measured: Option<Arc<Measured>>,
}

impl SessionTable {
    /// What the past of this session says at `now`.
    pub fn affinity(&self, session: Option<&str>, rules: Rules, orders: u64, now: Instant) -> Affinity {
        session.map_or(Affinity::New, |s| self.lock().affinity(s, rules, orders, now.into_std()))
    }

    /// The answer of `endpoint` begins at `now`, which was asked when people had given `orders` orders.
    pub fn committed(&self, session: Arc<str>, endpoint: EndpointId, orders: u64, now: Instant) -> Answering {
        self.lock().committed(&session, &endpoint, orders, now.into_std());
        Answering { table: self.clone(), session, endpoint, wrote_long_cache: false, ended: None }
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answering {
    /// The answer has ended at `now`.
    pub fn ended(mut self, wrote_long_cache: bool, now: Instant) {
        self.wrote_long_cache = wrote_long_cache;
        self.ended = Some(now);
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let ended = self.ended.unwrap_or_else(Instant::now).into_std();
        self.table.lock().ended(&self.session, &self.endpoint, self.wrote_long_cache, ended);
    }
}

/// Where this request should rather go. Measures first if that is wanted and the session does not stay anyway.
pub async fn wish(shared: &Shared, config: &Config, session: Option<&str>, model: Option<&str>) -> Wish {
    let (view, now) = (shared.control.view(), Instant::now());
    let affinity = shared.sessions.affinity(session, config.session_rules(), view.orders, now);
    let preferred = affinity.preferred(view.orders);
    let measured = if stays(&view, preferred.as_ref(), model, now) {
        None
    } else {
        // It may take a while.
        let view = View::into_inner(view);
        shared.fast_tests.measured(&config.strategy, &view).await
    };
    Wish { affinity, preferred, measured }
}

/// True when nothing else will be asked first.
fn stays(view: &FleetView, preferred: Option<&Preferred>, model: Option<&str>, now: Instant) -> bool {
    let endpoint = preferred.filter(|p| !p.in_group).and_then(|p| view.endpoint(&p.endpoint));
    endpoint.is_some_and(|e| e.availability(model, now.into_std()) == Availability::Usable)
}
