//! One request as it is stored.
//!
//! This is layout 1 of a stored row: a field that is added, removed, moved or changed makes it another layout, which gets
//! another number in [`super::codec`] and a way from the old one, because every store ever written has to open. Enums are
//! stored by name or by a fixed number, never by their place in the source.

mod attempt;
mod by_number;
mod head;
mod open;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use self::attempt::{AttemptRow, BillRow};
pub use self::head::{Columns, RowHead};
pub use self::open::OpenRow;
use super::key::{RowKey, instant, micros};
use crate::claude::price::CostLines;
use crate::claude::request::Class;
use crate::claude::usage::Usage;
use crate::domain::endpoint::EndpointId;
use crate::domain::outcome::Kind;
use crate::domain::pricebook::PriceBook;
use crate::events::trace::explain;
use crate::events::{RequestId, RequestRecord, State};

/// Longest text kept of what a client or endpoint chose, bytes.
const MAX_TEXT: usize = 512;

/// Token counts and billed tool calls.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Tokens {
    /// Input tokens that were neither read from nor written to the prompt cache.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// Input tokens read from the prompt cache.
    pub cache_read: u64,
    /// Input tokens written to the prompt cache for five minutes.
    pub cache_write_5m: u64,
    /// Input tokens written to the prompt cache for one hour.
    pub cache_write_1h: u64,
    /// Web searches.
    pub web_search: u64,
    /// Web fetches.
    pub web_fetch: u64,
    /// Code executions.
    pub code_execution: u64,
}

impl Tokens {
    /// The size of the prompt.
    pub fn prompt(&self) -> u64 {
        [self.input, self.cache_read, self.cache_write_5m, self.cache_write_1h]
            .iter()
            .fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// Tokens written to the cache, whatever their lifetime.
    pub fn cache_write(&self) -> u64 {
        self.cache_write_5m.saturating_add(self.cache_write_1h)
    }

    /// True when nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<&Usage> for Tokens {
    fn from(usage: &Usage) -> Self {
        Self {
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write_5m: usage.cache_write_5m,
            cache_write_1h: usage.cache_write_1h,
            web_search: usage.web_search,
            web_fetch: usage.web_fetch,
            code_execution: usage.code_execution,
        }
    }
}

/// One request.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Ours, as a number.
    pub id: u32,
    /// The endpoint's `request-id`.
    pub upstream_id: Option<String>,
    /// Acceptance, microseconds since 1970.
    pub accepted_us: u64,
    /// When this row was last written, likewise.
    pub updated_us: u64,
    /// From acceptance to the first byte passed on.
    pub first_byte_us: Option<u64>,
    /// From acceptance to the end; 0 for an interrupted request, whose end nobody saw.
    pub duration_us: u64,
    /// Time in the queue of suspended requests.
    pub suspended_us: u64,
    /// Peer address.
    pub client: Option<IpAddr>,
    /// `user-agent`.
    pub user_agent: Option<String>,
    /// HTTP method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// What kind of request.
    #[serde(with = "by_number")]
    pub class: Class,
    /// The model asked for.
    pub model: Option<String>,
    /// The model that answered.
    pub served_model: Option<String>,
    /// Claude Code's session.
    pub session: Option<String>,
    /// `x-claude-code-agent-id`.
    pub agent: Option<String>,
    /// A streaming request.
    pub stream: bool,
    /// The endpoint whose answer (or failure) was the last.
    pub endpoint: Option<String>,
    /// Its group.
    pub group: Option<String>,
    /// Why that endpoint.
    pub route: Option<String>,
    /// The status the client got.
    pub status: Option<u16>,
    /// How it ended.
    #[serde(with = "by_number")]
    pub state: State,
    /// The name of the failure.
    pub failure: Option<String>,
    /// The failure in words.
    pub error: Option<String>,
    /// Why it was cancelled.
    pub cancel_reason: Option<String>,
    /// Bytes of the request body.
    pub bytes_in: u64,
    /// Bytes of the response body passed on.
    pub bytes_out: u64,
    /// Which prices were used.
    pub price_revision: Option<String>,
    /// In order.
    pub attempts: Vec<AttemptRow>,
}

impl Row {
    /// Where it stands.
    pub fn key(&self) -> RowKey {
        RowKey { at_us: self.accepted_us, id: RequestId::from_number(self.id) }
    }

    /// Its id as people know it.
    pub fn request_id(&self) -> RequestId {
        RequestId::from_number(self.id)
    }

    /// When it was accepted.
    pub fn accepted(&self) -> jiff::Timestamp {
        instant(self.accepted_us)
    }

    /// When it ended; nothing for an interrupted request.
    pub fn ended(&self) -> Option<jiff::Timestamp> {
        (self.state != State::Interrupted).then(|| instant(self.accepted_us.saturating_add(self.duration_us)))
    }

    /// Tokens over all attempts.
    pub fn tokens(&self) -> Tokens {
        super::totals::whole(self).tokens
    }

    /// Cost over all attempts.
    pub fn cost(&self) -> CostLines {
        super::totals::whole(self).cost
    }

    /// True when at least one attempt used tokens no price is known for.
    pub fn unpriced(&self) -> bool {
        self.attempts.iter().any(|a| a.bill.is_none() && !a.tokens.is_empty())
    }

    /// True when at least one output count is an estimate.
    pub fn estimated(&self) -> bool {
        self.attempts.iter().any(|a| a.estimated)
    }

    /// The model its request counts for: as the answer names it, else as asked for, else empty.
    pub fn billed_model(&self) -> &str {
        match self.attempts.last() {
            Some(last) => last.billed_model(self),
            None => self.model.as_deref().unwrap_or_default(),
        }
    }

    /// A finished request. `now` is the time of writing.
    pub fn of_record(record: &RequestRecord, now: jiff::Timestamp) -> Self {
        let asked = record.model.as_deref();
        let revision = record.attempts.iter().find_map(|a| a.bill.as_ref()).map(|b| b.revision.to_string());
        Self {
            id: record.id.number(),
            upstream_id: clipped(record.upstream_id.as_deref()),
            accepted_us: micros(record.accepted),
            updated_us: micros(now),
            first_byte_us: record.first_byte_ms.map(us),
            duration_us: us(record.duration_ms),
            suspended_us: us(record.suspended_ms),
            client: record.client,
            user_agent: clipped(record.user_agent.as_deref()),
            method: clip(&record.method),
            path: clip(&record.path),
            class: record.class,
            model: clipped(asked),
            served_model: clipped(record.served_model.as_deref()),
            session: clipped(record.session.as_deref()),
            agent: clipped(record.agent.as_deref()),
            stream: record.stream,
            endpoint: record.endpoint.as_ref().map(ToString::to_string),
            group: record.group.as_ref().map(ToString::to_string),
            route: record.route.as_ref().map(ToString::to_string),
            status: record.status,
            state: record.state,
            failure: record.failure.map(name_of),
            error: clipped(record.error.as_deref()),
            cancel_reason: clipped(record.cancel_reason.as_deref()),
            bytes_in: record.bytes_in,
            bytes_out: record.bytes_out,
            price_revision: revision,
            attempts: record.attempts.iter().map(|a| AttemptRow::of_record(a, asked)).collect(),
        }
    }

    /// A request that was open when the program was killed. `now` is the time of writing.
    pub fn interrupted(open: &OpenRow, now: jiff::Timestamp) -> Self {
        let OpenRow {
            id,
            accepted_us,
            client,
            user_agent,
            method,
            path,
            class,
            model,
            session,
            agent,
            stream,
        } = open.clone();
        Self {
            id,
            accepted_us,
            updated_us: micros(now),
            client,
            user_agent,
            method,
            path,
            class,
            state: State::Interrupted,
            upstream_id: None,
            first_byte_us: None,
            model,
            session,
            agent,
            stream,
            duration_us: 0,
            suspended_us: 0,
            served_model: None,
            endpoint: None,
            group: None,
            route: None,
            status: None,
            failure: None,
            error: None,
            cancel_reason: None,
            bytes_in: 0,
            bytes_out: 0,
            price_revision: None,
            attempts: Vec::new(),
        }
    }

    /// Prices it anew. True when that changed anything.
    pub fn reprice(&mut self, book: &PriceBook, now: jiff::Timestamp) -> bool {
        let before = (self.price_revision.clone(), self.attempts.clone());
        let (at, asked) = (self.accepted(), self.model.clone());
        self.price_revision = None;
        for attempt in &mut self.attempts {
            let usage = attempt.usage();
            let model = attempt.model_billed_for(asked.as_deref()).to_owned();
            let endpoint = EndpointId::new(attempt.endpoint.as_str());
            let bill = (!usage.is_empty()).then(|| book.bill(&endpoint, &model, at, &usage)).flatten();
            self.price_revision =
                bill.as_ref().map(|b| b.revision.to_string()).or(self.price_revision.take());
            attempt.bill = bill.as_ref().map(BillRow::from);
        }
        let changed = before.1 != self.attempts || before.0 != self.price_revision;
        if changed {
            self.updated_us = micros(now);
        }
        changed
    }
}

/// The story of a request, as kept beside its row.
pub fn story(record: &RequestRecord) -> Vec<String> {
    explain(record)
}

/// The name of a kind of failure as written in JSON.
fn name_of(kind: Kind) -> String {
    let name = serde_json::to_value(kind).ok().and_then(|v| v.as_str().map(str::to_owned));
    name.unwrap_or_default()
}

fn us(ms: f64) -> u64 {
    // Casting saturates: below zero is zero.
    (ms * 1e3).round() as u64
}

fn clip(text: &str) -> String {
    let end = (0..=MAX_TEXT.min(text.len())).rev().find(|i| text.is_char_boundary(*i));
    text[..end.unwrap_or(0)].to_owned()
}

fn clipped(text: Option<&str>) -> Option<String> {
    text.map(clip)
}
