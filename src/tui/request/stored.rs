//! Requests as the ledger keeps them.

use std::time::Duration;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

use super::detail::{bytes, client, known};
use super::{Attempt, Detail, Entry, Fact, Numbers, Stage, Words};
use crate::claude::price::CostLines;
use crate::claude::usage::Usage;
use crate::domain::outcome::Kind;
use crate::events::State;
use crate::store::row::{AttemptRow, Row};

impl Entry {
    /// A request of the ledger.
    pub fn of_row(row: &Row) -> Self {
        let words = Words {
            model: row.served_model.as_deref().or(row.model.as_deref()),
            endpoint: row.endpoint.as_deref(),
            group: row.group.as_deref(),
            session: row.session.as_deref(),
            upstream_id: row.upstream_id.as_deref(),
            path: &row.path,
            agent: row.agent.as_deref(),
            class: Some(row.class),
            kind: row.failure.as_deref().map(words_of),
            error: row.error.as_deref().or(row.cancel_reason.as_deref()),
        };
        let tokens = row.tokens();
        let used = !tokens.is_empty();
        let numbers = Numbers {
            attempts: u32::try_from(row.attempts.len()).unwrap_or(u32::MAX),
            status: row.status,
            first_byte: row.first_byte_us.map(Duration::from_micros),
            // Nobody saw an interrupted request end.
            duration: (row.state != State::Interrupted).then(|| Duration::from_micros(row.duration_us)),
            tokens: used.then(|| (tokens.prompt(), tokens.output)),
            cost: (used && !row.unpriced()).then(|| row.cost().total()),
        };
        Self::new(row.request_id(), row.accepted(), Stage::Ended(row.state), numbers, &words)
    }
}

impl Detail {
    /// Of a request of the ledger, with its story. Waits between attempts are in the story only.
    pub fn of_row(row: &Row, story: Vec<String>) -> Self {
        let mut usage = Usage::default();
        row.attempts.iter().for_each(|attempt| usage += &attempt.usage());
        let priced = row.attempts.iter().any(|a| a.bill.is_some());
        Self {
            entry: Entry::of_row(row).into(),
            facts: facts(row),
            attempts: (1..).zip(&row.attempts).map(|(n, a)| attempt(n, a)).collect(),
            pauses: Vec::new(),
            usage,
            cost: priced.then(|| row.cost()),
            unpriced: row.attempts.iter().filter(|a| a.bill.is_none() && !a.tokens.is_empty()).count() as u32,
            story,
            error: row.error.clone().or_else(|| row.cancel_reason.clone()),
        }
    }
}

fn facts(row: &Row) -> Vec<(&'static str, Fact)> {
    let open = |text: &Option<String>| text.clone().map(Fact::Open);
    let kind = if row.stream { "stream" } else { "whole" };
    // Of an interrupted request only the beginning was kept.
    let body = |n: u64| (n > 0 || row.state != State::Interrupted).then(|| Fact::Open(bytes(n)));
    known([
        ("endpoint's id", open(&row.upstream_id)),
        ("session", open(&row.session)),
        ("agent", open(&row.agent)),
        ("asked for", open(&row.model)),
        ("answered by", open(&row.served_model)),
        ("group", open(&row.group)),
        ("chosen as", open(&row.route)),
        ("request", Some(Fact::Private(format!("{} {}", row.method, row.path)))),
        ("class", Some(Fact::Open(format!("{}, {kind}", row.class)))),
        ("client", client(row.client, row.user_agent.as_deref())),
        ("body in", body(row.bytes_in)),
        ("body out", body(row.bytes_out)),
        ("failure", row.failure.as_deref().map(|name| Fact::Open(words_of(name).to_owned()))),
    ])
}

fn attempt(number: u32, attempt: &AttemptRow) -> Attempt {
    let end = match &attempt.failure {
        Some(name) => words_of(name),
        None if attempt.cancelled => "given up by the client",
        None => "answered",
    };
    Attempt {
        number,
        endpoint: attempt.endpoint.clone(),
        start: Duration::from_micros(attempt.start_us),
        connect: attempt.connect_us.map(Duration::from_micros),
        first_byte: attempt.first_byte_us.map(Duration::from_micros),
        length: Duration::from_micros(attempt.duration_us),
        status: attempt.status,
        end: end.to_owned(),
        ok: attempt.failure.is_none() && !attempt.cancelled,
        model: attempt.model_served.clone().or_else(|| attempt.model_sent.clone()),
        usage: attempt.usage(),
        cost: attempt.bill.as_ref().map(|bill| -> CostLines { bill.lines }),
    }
}

/// The words of a failure whose name was stored; the name itself when this version does not know it.
fn words_of(name: &str) -> &str {
    let name_of: StrDeserializer<'_, Error> = name.into_deserializer();
    Kind::deserialize(name_of).map_or(name, |kind| kind.words())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::record::testing::record;
    use crate::tui::filter::Filter;

    #[test]
    fn what_nobody_saw_of_an_interrupted_request_is_not_known() {
        let mut record = record(&[]);
        (record.state, record.duration_ms) = (State::Interrupted, 0.0);
        (record.bytes_in, record.bytes_out) = (0, 0);
        let detail = Detail::of_row(&Row::of_record(&record, record.accepted), vec![]);
        let later = record.accepted + jiff::SignedDuration::from_hours(9);
        assert_eq!((detail.entry.age(later), detail.entry.known_age()), (None, None));
        for filter in ["duration:>0s", "duration:<1h", "duration:0s"] {
            assert!(!Filter::parse(filter).unwrap().fits(&*detail.entry), "{filter}");
        }
        assert!(detail.facts.iter().all(|(label, _)| !label.starts_with("body")), "{:?}", detail.facts);
    }

    #[test]
    fn the_ledger_tells_the_same_as_the_record() {
        let mut record = record(&[Some(Kind::Overloaded), None]);
        record.attempts[1].usage = Usage { input: 7, output: 5, ..Usage::default() };
        record.usage = record.attempts[1].usage.clone();
        record.unpriced = 1;
        let (stored, seen) =
            (Detail::of_row(&Row::of_record(&record, record.accepted), vec![]), Detail::of_record(&record));
        assert_eq!(stored.entry, seen.entry);
        assert_eq!(stored.facts, seen.facts);
        assert_eq!((stored.attempts, stored.usage), (seen.attempts, seen.usage));
        assert_eq!((words_of("overloaded"), words_of("from_the_future")), ("overloaded", "from_the_future"));
    }
}
