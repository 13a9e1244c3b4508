//! Requests as the screens know them, whether they run, have just ended, or come from the store.
//!
//! | type | is | lives |
//! |---|---|---|
//! | [`Entry`] | a line of the request log: small, with its texts ready to be searched | as long as the screen |
//! | [`Detail`] | all that is known of one request | while it is open |
//!
//! What is not known is nothing here and `-` on screen, never zero.

mod detail;
mod stored;

use std::time::Duration;

use jiff::Timestamp;

pub(super) use self::detail::bytes;
pub use self::detail::{Attempt, Detail, Fact, Pause};

use super::filter::{Name, Number, Subject};
use super::format::between;
use crate::claude::money::PicoUsd;
use crate::claude::request::Class;
use crate::events::board::{Live, Phase};
use crate::events::{RequestId, RequestRecord, State};

/// Where a request is, or how it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// It runs.
    Live(Phase),
    /// It does not.
    Ended(State),
}

impl Stage {
    /// In a word, each its own.
    pub fn word(self) -> &'static str {
        match self {
            Self::Live(Phase::Pending) => "pending",
            Self::Live(Phase::Forwarding) => "forwarding",
            Self::Live(Phase::Retrying) => "retrying",
            Self::Live(Phase::Suspended) => "suspended",
            Self::Live(Phase::Streaming) => "streaming",
            Self::Ended(state) => state.as_str(),
        }
    }
}

/// See the module.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// Ours.
    pub id: RequestId,
    /// When it was accepted.
    pub accepted: Timestamp,
    /// Where it is.
    pub stage: Stage,
    /// Attempts so far.
    pub attempts: u32,
    /// The status the client got.
    pub status: Option<u16>,
    /// From acceptance to the first byte passed on.
    pub first_byte: Option<Duration>,
    /// From acceptance to the end; nothing while it runs.
    pub duration: Option<Duration>,
    /// Tokens of the prompt; nothing when none were reported.
    pub tokens_in: Option<u64>,
    /// Tokens of the answer, likewise.
    pub tokens_out: Option<u64>,
    /// What they cost; nothing without tokens or without a price.
    pub cost: Option<PicoUsd>,
    /// When it was looked at, while it runs: its age is known up to here.
    seen: Timestamp,
    texts: Texts,
}

/// The texts of an entry: as they are, and all of them in lower case for searches.
#[derive(Clone, PartialEq, Debug)]
pub struct Texts {
    /// The model that answered, else the one asked for.
    pub model: Option<String>,
    /// The endpoint asked last.
    pub endpoint: Option<String>,
    /// Claude Code's session.
    pub session: Option<String>,
    /// One after the other with line breaks between them, in lower case.
    search: String,
    /// Where each of [`Name::ALL`] ends in it.
    ends: [u32; Name::ALL.len()],
}

/// What the texts are made of.
#[derive(Clone, Copy, Default, Debug)]
pub struct Words<'a> {
    /// The model that answered, else the one asked for.
    pub model: Option<&'a str>,
    /// The endpoint asked last.
    pub endpoint: Option<&'a str>,
    /// Its group.
    pub group: Option<&'a str>,
    /// Claude Code's session.
    pub session: Option<&'a str>,
    /// The endpoint's `request-id`.
    pub upstream_id: Option<&'a str>,
    /// Path without the query.
    pub path: &'a str,
    /// `x-claude-code-agent-id`.
    pub agent: Option<&'a str>,
    /// What kind of request.
    pub class: Option<Class>,
    /// What kind of failure.
    pub kind: Option<&'a str>,
    /// The failure in words, and other things to be found.
    pub error: Option<&'a str>,
}

impl Texts {
    fn new(id: RequestId, stage: Stage, words: &Words<'_>) -> Self {
        let ids = format!("{id} {}", words.upstream_id.unwrap_or_default());
        let parts = [
            words.model.unwrap_or_default(),
            words.endpoint.unwrap_or_default(),
            words.group.unwrap_or_default(),
            words.session.unwrap_or_default(),
            stage.word(),
            &ids,
            words.path,
            words.agent.unwrap_or_default(),
            words.class.map_or("", Class::as_str),
            words.kind.unwrap_or_default(),
        ];
        let (mut search, mut ends) = (String::new(), [0; Name::ALL.len()]);
        for (part, end) in parts.iter().zip(&mut ends) {
            search.push_str(&part.to_lowercase());
            *end = u32::try_from(search.len()).unwrap_or(u32::MAX);
            search.push('\n');
        }
        search.push_str(&words.error.unwrap_or_default().to_lowercase());
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let (model, endpoint) = (owned(words.model), owned(words.endpoint));
        Self { model, endpoint, session: owned(words.session), search, ends }
    }
}

/// The numbers of an entry that came from the store.
#[derive(Clone, Copy, Default, Debug)]
pub struct Numbers {
    /// How many.
    pub attempts: u32,
    /// The status the client got.
    pub status: Option<u16>,
    /// From acceptance to the first byte passed on.
    pub first_byte: Option<Duration>,
    /// From acceptance to the end.
    pub duration: Option<Duration>,
    /// Tokens of prompt and answer; nothing when none were reported.
    pub tokens: Option<(u64, u64)>,
    /// What they cost.
    pub cost: Option<PicoUsd>,
}

impl Entry {
    /// A request out of its parts.
    pub fn new(
        id: RequestId,
        accepted: Timestamp,
        stage: Stage,
        numbers: Numbers,
        words: &Words<'_>,
    ) -> Self {
        Self {
            id,
            accepted,
            stage,
            attempts: numbers.attempts,
            status: numbers.status,
            first_byte: numbers.first_byte,
            duration: numbers.duration,
            tokens_in: numbers.tokens.map(|(prompt, _)| prompt),
            tokens_out: numbers.tokens.map(|(_, answer)| answer),
            cost: numbers.cost,
            seen: accepted,
            texts: Texts::new(id, stage, words),
        }
    }

    /// A request that runs, as it was at `now`.
    pub fn live(live: &Live, now: Timestamp) -> Self {
        let failed = live.last_failure.as_ref().map(|(_, kind)| kind.words());
        let words = Words {
            model: live.model(),
            endpoint: live.endpoint.as_ref().map(|e| &*e.0),
            session: live.described.session.as_deref(),
            path: &live.accepted.path,
            agent: live.accepted.agent.as_deref(),
            class: Some(live.accepted.class),
            kind: failed,
            ..Words::default()
        };
        let streaming = live.streaming_since.map(|at| between(live.accepted.at, at));
        let numbers = Numbers {
            attempts: live.attempts,
            first_byte: streaming,
            tokens: (!live.usage.is_empty()).then(|| (live.usage.prompt_tokens(), live.usage.output)),
            cost: live.cost,
            ..Numbers::default()
        };
        let entry = Self::new(live.accepted.id, live.accepted.at, Stage::Live(live.phase), numbers, &words);
        Self { seen: now, ..entry }
    }

    /// A request that has ended.
    pub fn ended(record: &RequestRecord) -> Self {
        let words = Words {
            model: record.served_model.as_deref().or(record.model.as_deref()),
            endpoint: record.endpoint.as_ref().map(|e| &*e.0),
            group: record.group.as_ref().map(|g| &*g.0),
            session: record.session.as_deref(),
            upstream_id: record.upstream_id.as_deref(),
            path: &record.path,
            agent: record.agent.as_deref(),
            class: Some(record.class),
            kind: record.failure.map(|kind| kind.words()),
            error: record.error.as_deref().or(record.cancel_reason.as_deref()),
        };
        let used = !record.usage.is_empty();
        let numbers = Numbers {
            attempts: u32::try_from(record.attempts.len()).unwrap_or(u32::MAX),
            status: record.status,
            first_byte: record.first_byte_ms.map(millis),
            duration: Some(millis(record.duration_ms)),
            tokens: used.then(|| (record.usage.prompt_tokens(), record.usage.output)),
            cost: (used && record.unpriced == 0).then(|| record.cost.total()),
        };
        Self::new(record.id, record.accepted, Stage::Ended(record.state), numbers, &words)
    }

    /// The model that answered, else the one asked for.
    pub fn model(&self) -> Option<&str> {
        self.texts.model.as_deref()
    }

    /// The endpoint asked last.
    pub fn endpoint(&self) -> Option<&str> {
        self.texts.endpoint.as_deref()
    }

    /// Claude Code's session.
    pub fn session(&self) -> Option<&str> {
        self.texts.session.as_deref()
    }

    /// How long it took, or has taken by `now`; nothing for one that ended while nobody looked.
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        match self.stage {
            Stage::Live(_) => Some(between(self.accepted, now)),
            Stage::Ended(_) => self.duration,
        }
    }

    /// As [`Entry::age`], at the time it was looked at.
    pub fn known_age(&self) -> Option<Duration> {
        self.age(self.seen)
    }

    /// True when the program ended before it did: what is missing of it is not known, not nothing.
    pub fn is_interrupted(&self) -> bool {
        self.stage == Stage::Ended(State::Interrupted)
    }

    /// True once it has ended.
    pub fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended(_))
    }
}

impl Subject for Entry {
    fn everything(&self) -> &str {
        &self.texts.search
    }

    fn text(&self, name: Name) -> &str {
        let ends = &self.texts.ends;
        let at = name as usize;
        let start = if at == 0 { 0 } else { ends[at - 1] as usize + 1 };
        self.texts.search.get(start..ends[at] as usize).unwrap_or_default()
    }

    fn number(&self, number: Number) -> Option<u64> {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        match number {
            Number::Status => self.status.map(u64::from),
            Number::Cost => self.cost.map(|cost| u64::try_from(cost.pico() / 1_000).unwrap_or(u64::MAX)),
            Number::Tokens => Some(self.tokens_in?.saturating_add(self.tokens_out?)),
            Number::In => self.tokens_in,
            Number::Out => self.tokens_out,
            Number::Duration => self.known_age().map(ms),
            Number::Ttft => self.first_byte.map(ms),
            Number::Attempts => Some(u64::from(self.attempts)),
        }
    }
}

fn millis(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::record::testing::record;
    use crate::tui::filter::Filter;

    #[test]
    fn every_field_can_be_filtered() {
        let mut record = record(&[None]);
        (record.session, record.agent) = (Some("Sess-1".into()), Some("agent-9".into()));
        record.upstream_id = Some("req_011".to_owned());
        let entry = Entry::ended(&record);
        let all = "model:opus endpoint:a group:main session:sess-1 state:completed id:req-7f3a id:req_011 \
                   path:/v1/messages agent:agent-9 class:messages status:200 attempts:1 duration:1s ttft:500ms";
        for term in all.split_whitespace() {
            assert!(Filter::parse(term).unwrap().fits(&entry), "{term}");
            assert!(!Filter::parse(&format!("!{term}")).unwrap().fits(&entry), "{term}");
        }
        assert!(!Filter::parse("kind:o").unwrap().fits(&entry) && entry.cost.is_none());
        assert!(Name::ALL.iter().enumerate().all(|(i, (name, _))| *name as usize == i));
    }
}
