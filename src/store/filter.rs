//! Which requests a list, a count, a sum or an export is about: one predicate for all of them.
//!
//! Lists, counts and exports match a request by its own columns: the model, endpoint and group it ended with. Sums match
//! model, endpoint and group by the parts of a request, because those are what used the tokens; see [`super::totals`].

use std::ops::Range;

use jiff::Timestamp;
use memchr::memchr2_iter;

use super::codec::CodecError;
use super::key::RowKey;
use super::row::{Columns, Row, RowHead};
use crate::events::{RequestId, State};

/// A conjunction; what is not given matches everything.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Filter {
    /// Accepted at this instant or later.
    pub since: Option<Timestamp>,
    /// Accepted before this instant.
    pub until: Option<Timestamp>,
    /// The model that counts for the request; a trailing `*` matches any ending.
    pub model: Option<String>,
    /// The endpoint it ended at.
    pub endpoint: Option<String>,
    /// That endpoint's group.
    pub group: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// How it ended.
    pub state: Option<State>,
    /// The status the client got.
    pub status: Option<u16>,
    /// Appears in the id, user agent, path, model, endpoint, session, failure or error, whatever the case.
    pub text: Option<String>,
}

impl Filter {
    /// True when the request is one of those meant.
    pub fn matches(&self, row: &Row) -> bool {
        let columns = row.columns();
        self.keys().contains(&row.key())
            && self.matches_columns(&columns)
            && self.model.as_deref().is_none_or(|pattern| fits(pattern, row.billed_model().as_bytes()))
    }

    /// Where the rows of its time stand.
    pub fn keys(&self) -> Range<RowKey> {
        let key = |at_us| RowKey { at_us, id: RequestId::from_number(0) };
        key(self.since.map_or(0, micros_up))..key(self.until.map_or(u64::MAX, micros_up))
    }

    /// As [`Filter::matches`], on a stored row whose time is known to fit.
    ///
    /// # Errors
    /// When the row is damaged.
    pub(super) fn matches_stored(&self, bytes: &[u8]) -> Result<bool, CodecError> {
        let head = RowHead::decode(bytes)?;
        Ok(self.matches_columns(&head.columns)
            && match &self.model {
                Some(pattern) => fits(pattern, head.billed_model()?),
                None => true,
            })
    }

    /// The same without what names parts of requests: model, endpoint and group.
    pub(super) fn besides_parts(&self) -> Self {
        Self { model: None, endpoint: None, group: None, ..self.clone() }
    }

    /// True when it asks for what the sums of hours and days do not tell apart.
    pub(super) fn asks_for_rows(&self) -> bool {
        self.status.is_some() || self.text.is_some()
    }

    /// True when it names parts of requests: a model, endpoint or group.
    pub(super) fn names_parts(&self) -> bool {
        self.model.is_some() || self.endpoint.is_some() || self.group.is_some()
    }

    /// True when model, endpoint and group, as a rollup names them, are those asked for.
    pub(super) fn fits_names(&self, [model, endpoint, group]: [&[u8]; 3]) -> bool {
        let is = |wanted: &Option<String>, have: &[u8]| wanted.as_ref().is_none_or(|w| w.as_bytes() == have);
        let model = self.model.as_deref().is_none_or(|pattern| fits(pattern, model));
        model && is(&self.endpoint, endpoint) && is(&self.group, group)
    }

    fn matches_columns(&self, row: &Columns<'_>) -> bool {
        let is = |wanted: &Option<String>, have: Option<&[u8]>| {
            wanted.as_ref().is_none_or(|wanted| have.unwrap_or_default() == wanted.as_bytes())
        };
        self.state.is_none_or(|state| row.state == state)
            && self.status.is_none_or(|status| row.status == Some(status))
            && is(&self.endpoint, row.endpoint)
            && is(&self.group, row.group)
            && is(&self.session, row.session)
            && self.text.as_deref().is_none_or(|text| mentions(row, text))
    }
}

/// Microseconds since 1970, a fraction counted as a whole one: rows are kept in whole microseconds, so those at or after
/// the instant and those at or after this are the same.
fn micros_up(at: Timestamp) -> u64 {
    let fraction = at.subsec_nanosecond() % 1_000 > 0;
    super::key::micros(at).saturating_add(u64::from(fraction))
}

/// True when `name` is the pattern, or begins like one that ends in `*`.
pub fn fits(pattern: &str, name: &[u8]) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start.as_bytes()),
        None => name == pattern.as_bytes(),
    }
}

fn mentions(row: &Columns<'_>, wanted: &str) -> bool {
    let texts = [
        row.user_agent,
        Some(row.path),
        row.model,
        row.served_model,
        row.endpoint,
        row.session,
        row.failure,
        row.error,
    ];
    texts.into_iter().flatten().any(|text| contains(text, wanted)) || id_contains(row.id, wanted)
}

/// Most texts cannot be in an id; only the others are worth writing one out.
fn id_contains(id: u32, wanted: &str) -> bool {
    let of_ids = |b: u8| b"REQreq-".contains(&b) || b.is_ascii_hexdigit();
    wanted.bytes().all(of_ids) && contains(RequestId::from_number(id).to_string().as_bytes(), wanted)
}

/// True when `wanted` is in `text`, whatever the case.
fn contains(text: &[u8], wanted: &str) -> bool {
    if !wanted.is_ascii() {
        return String::from_utf8_lossy(text).to_lowercase().contains(&wanted.to_lowercase());
    }
    let wanted = wanted.as_bytes();
    let Some(first) = wanted.first() else { return true };
    memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text)
        .filter_map(|at| text.get(at..at + wanted.len()))
        .any(|found| found.eq_ignore_ascii_case(wanted))
}
