//! The newest log lines as data, for whoever shows them: a bounded ring in memory.
//!
//! | rule | why |
//! |---|---|
//! | there is none until somebody asks for it, see [`super::LogHandle::ring`] | a forwarder without a screen pays nothing |
//! | at most [`MAX_LINES`] lines and [`MAX_BYTES`] of text; the oldest go first | it may run for months |
//! | who writes holds the lock for one push, who reads for copying pointers | a slow reader holds nobody up |
//! | a reader that is late misses lines and can tell by [`Line::seq`] | nobody waits for it |
//! | lines come here masked, like everywhere else, but neither cut at 500 bytes nor escaped | whoever shows them does that |

mod fields;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::escape::cut;
use super::record::{Record, Value};
use crate::config::Level;

/// Lines kept.
pub const MAX_LINES: usize = 5_000;
/// Bytes of text kept.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Longer messages and values are cut, bytes.
const MAX_VALUE: usize = 16 * 1024;

/// One line. Its texts are masked, not escaped: they may hold control characters.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = LogLine)]
pub struct Line {
    /// Counted from 1, without gaps.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Severity.
    pub level: Level,
    /// Module it comes from.
    pub target: String,
    /// What happened.
    pub message: String,
    /// Everything else, in source order; in JSON an object.
    #[serde(with = "fields")]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub fields: Vec<(Cow<'static, str>, String)>,
    /// The request it belongs to.
    pub request: Option<String>,
}

impl Line {
    fn of(record: &Record, at: Timestamp) -> Self {
        let short = |text: &str| cut(text, Some(MAX_VALUE)).into_owned();
        let value = |value: &Value| match value {
            Value::Text(text) => short(text),
            Value::Plain(plain) => plain.to_string(),
        };
        Self {
            seq: 0,
            at,
            level: level(record.level),
            target: record.target.clone().into_owned(),
            message: short(&record.message),
            fields: record.fields.iter().map(|(name, v)| (Cow::Borrowed(*name), value(v))).collect(),
            request: record.request_id.map(|id| id.to_string()),
        }
    }

    /// Bytes of text.
    fn size(&self) -> usize {
        let fields: usize = self.fields.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.target.len() + self.message.len() + fields
    }
}

fn level(level: tracing::Level) -> Level {
    match level {
        tracing::Level::TRACE => Level::Trace,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::INFO => Level::Info,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::ERROR => Level::Error,
    }
}

/// See the module. Cheap to clone; all clones are the same ring.
#[derive(Clone, Debug)]
pub struct Ring(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    kept: Mutex<Kept>,
    newest: watch::Sender<u64>,
}

#[derive(Default, Debug)]
struct Kept {
    lines: VecDeque<Arc<Line>>,
    bytes: usize,
    newest: u64,
}

impl Default for Ring {
    fn default() -> Self {
        Self(Arc::new(Shared { kept: Mutex::default(), newest: watch::Sender::new(0) }))
    }
}

impl Ring {
    /// Adds a line; it gets the next number.
    pub fn push(&self, mut line: Line) {
        let mut kept = self.kept();
        kept.newest += 1;
        line.seq = kept.newest;
        kept.bytes += line.size();
        kept.lines.push_back(Arc::new(line));
        while kept.lines.len() > MAX_LINES || kept.bytes > MAX_BYTES {
            let Some(oldest) = kept.lines.pop_front() else { break };
            kept.bytes -= oldest.size();
        }
        let newest = kept.newest;
        drop(kept);
        self.0.newest.send_replace(newest);
    }

    pub(super) fn record(&self, record: &Record) {
        self.push(Line::of(record, Timestamp::now()));
    }

    /// The lines behind number `seq` that are still there, the oldest first.
    pub fn since(&self, seq: u64) -> Vec<Arc<Line>> {
        let kept = self.kept();
        let fresh = usize::try_from(kept.newest.saturating_sub(seq)).unwrap_or(usize::MAX);
        let skip = kept.lines.len().saturating_sub(fresh);
        kept.lines.iter().skip(skip).cloned().collect()
    }

    /// Changes with every line: the newest one's number.
    pub fn newest(&self) -> watch::Receiver<u64> {
        self.0.newest.subscribe()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str) -> Line {
        Line {
            seq: 0,
            at: Timestamp::UNIX_EPOCH,
            level: Level::Info,
            target: String::new(),
            message: message.to_owned(),
            fields: Vec::new(),
            request: None,
        }
    }

    #[test]
    fn lines_cross_a_wire_with_their_fields_in_order() {
        let fields = [("z", "1"), ("a", "two\n")].map(|(name, value)| (name.into(), value.to_owned()));
        let line = Line { seq: 7, fields: fields.into(), request: Some("req-00000001".into()), ..line("x") };
        let json = serde_json::to_string(&line).unwrap();
        assert!(
            json.contains(r#""level":"info","target":"","message":"x","fields":{"z":"1","a":"two\n"}"#),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<Line>(&json).unwrap(), line);
    }

    fn seqs(lines: &[Arc<Line>]) -> Vec<u64> {
        lines.iter().map(|l| l.seq).collect()
    }

    #[test]
    fn readers_get_what_is_new_to_them() {
        let ring = Ring::default();
        let newest = ring.newest();
        ["a", "b", "c"].iter().for_each(|text| ring.push(line(text)));
        assert_eq!(seqs(&ring.since(0)), [1, 2, 3]);
        assert_eq!(seqs(&ring.since(2)), [3]);
        assert!(ring.since(3).is_empty() && ring.since(99).is_empty());
        assert!(newest.has_changed().unwrap() && *newest.borrow() == 3);
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let ring = Ring::default();
        (0..MAX_LINES + 7).for_each(|_| ring.push(line("x")));
        let kept = ring.since(0);
        assert_eq!((kept.len(), kept[0].seq), (MAX_LINES, 8));
    }

    #[test]
    fn the_oldest_go_when_they_are_too_long() {
        let ring = Ring::default();
        let long = "x".repeat(MAX_VALUE);
        (0..2 * MAX_BYTES / MAX_VALUE).for_each(|_| ring.push(line(&long)));
        let kept = ring.since(0);
        assert_eq!(kept.len(), MAX_BYTES / MAX_VALUE);
        assert_eq!(kept.last().unwrap().seq as usize, 2 * MAX_BYTES / MAX_VALUE);
    }
}
