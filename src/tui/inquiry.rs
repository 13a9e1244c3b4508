//! A question to the ledger that is asked again whenever its answer may be another by now.
//!
//! | asked again when | at the earliest |
//! |---|---|
//! | something else is wanted | at once |
//! | a request has ended, the ledger has written, another day has begun | when [`Inquiry`]'s pace allows |
//! | nothing has happened | never |
//!
//! One question at a time: while an answer is on its way nothing is asked.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::msg::Effect;
use super::source::{Ask, UsageQuery};
use crate::events::board::Snapshot;

/// A request that ended is in the ledger by then, unless the ledger says that it is late.
const SETTLING: SignedDuration = SignedDuration::from_secs(1);

/// By this a screen sees that the ledger may say something else.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct News {
    /// Requests that have ended.
    ended: u64,
    /// Since when it is that many.
    since: Option<Timestamp>,
    /// When the ledger last wrote.
    written: Option<Timestamp>,
    /// The date: "today" is another day tomorrow.
    date: Option<Date>,
}

impl News {
    /// There is a newer snapshot.
    pub fn hear(&mut self, snapshot: &Snapshot, now: Timestamp) {
        let totals = &snapshot.totals;
        let ended = totals.completed + totals.failed + totals.cancelled;
        if self.ended != ended {
            (self.ended, self.since) = (ended, Some(now));
        }
        self.written = snapshot.ledger.as_ref().and_then(|ledger| ledger.last_commit);
    }

    /// It is this day.
    pub fn dated(&mut self, today: Date) {
        self.date = Some(today);
    }
}

/// See the module; `W` is what is wanted.
#[derive(Debug)]
pub struct Inquiry<W> {
    asked: Option<Asked<W>>,
    /// An answer is on its way.
    waiting: bool,
    /// Least time between two questions about the same.
    pace: SignedDuration,
}

/// The last question.
#[derive(Debug)]
struct Asked<W> {
    wanted: W,
    query: UsageQuery,
    at: Timestamp,
    news: News,
}

impl<W: Clone + PartialEq> Inquiry<W> {
    /// Nothing is asked yet.
    pub fn new(pace: SignedDuration) -> Self {
        Self { asked: None, waiting: false, pace }
    }

    /// The question to ask now, if there is one.
    pub fn ask(
        &mut self,
        wanted: &W,
        news: &News,
        now: Timestamp,
        query: impl FnOnce() -> UsageQuery,
    ) -> Vec<Effect> {
        if self.waiting || !self.is_due(wanted, news, now) {
            return Vec::new();
        }
        let query = query();
        self.waiting = true;
        let (wanted, news) = (wanted.clone(), news.clone());
        self.asked = Some(Asked { wanted, query: query.clone(), at: now, news });
        vec![Effect::Ask(Ask::Usage(query))]
    }

    fn is_due(&self, wanted: &W, news: &News, now: Timestamp) -> bool {
        let Some(asked) = &self.asked else { return true };
        if asked.wanted != *wanted {
            return true;
        }
        let settling = news.since.is_some_and(|since| asked.at < since + SETTLING);
        (settling || asked.news != *news) && now.duration_since(asked.at) >= self.pace
    }

    /// An answer is here: what it is about and when it was asked for; nothing when it is the answer to another question.
    pub fn answered(&mut self, query: &UsageQuery) -> Option<(W, Timestamp)> {
        let asked = self.asked.as_ref().filter(|asked| asked.query == *query)?;
        self.waiting = false;
        Some((asked.wanted.clone(), asked.at))
    }
}
