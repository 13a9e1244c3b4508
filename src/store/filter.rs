//! Which requests a list, a count, a sum or an export is about: one predicate for all of them.
//!
//! Lists, counts and exports match a request by its own columns: the model, endpoint and group it ended with. Sums match
//! model, endpoint and group by the parts of a request, because those are what used the tokens; see [`super::totals`].

use std::ops::Range;

use jiff::Timestamp;
use memchr::memchr2_iter;
use memchr::memmem::Finder;

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
        self.keys().contains(&row.key())
            && self.matches_columns(&row.columns(), self.text.as_deref().map(Needle::new).as_ref())
            && self.model.as_deref().is_none_or(|pattern| fits(pattern, row.billed_model().as_bytes()))
    }

    /// Where the rows of its time stand.
    pub fn keys(&self) -> Range<RowKey> {
        let key = |at_us| RowKey { at_us, id: RequestId::from_number(0) };
        key(self.since.map_or(0, micros_up))..key(self.until.map_or(u64::MAX, micros_up))
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

    fn matches_columns(&self, row: &Columns<'_>, text: Option<&Needle<'_>>) -> bool {
        let is = |wanted: &Option<String>, have: Option<&[u8]>| {
            wanted.as_ref().is_none_or(|wanted| have.unwrap_or_default() == wanted.as_bytes())
        };
        self.state.is_none_or(|state| row.state == state)
            && self.status.is_none_or(|status| row.status == Some(status))
            && is(&self.endpoint, row.endpoint)
            && is(&self.group, row.group)
            && is(&self.session, row.session)
            && text.is_none_or(|text| text.is_mentioned_by(row))
    }
}

/// A filter put to many stored rows, whose times are known to fit.
pub(super) struct Scan<'f> {
    filter: &'f Filter,
    session: Option<Finder<'f>>,
    text: Option<Needle<'f>>,
}

impl<'f> Scan<'f> {
    /// For this filter.
    pub(super) fn new(filter: &'f Filter) -> Self {
        let session = filter.session.as_deref().map(Finder::new);
        Self { filter, session, text: filter.text.as_deref().map(Needle::new) }
    }

    /// As [`Filter::matches`].
    ///
    /// # Errors
    /// When the row is damaged.
    pub(super) fn matches(&self, row: &[u8]) -> Result<bool, CodecError> {
        if !self.may_match(row) {
            return Ok(false);
        }
        let head = RowHead::decode(row)?;
        Ok(self.filter.matches_columns(&head.columns, self.text.as_ref())
            && match &self.filter.model {
                Some(pattern) => fits(pattern, head.billed_model()?),
                None => true,
            })
    }

    /// False when the bytes hold nothing like what a column has to hold: texts are stored as they are.
    fn may_match(&self, row: &[u8]) -> bool {
        self.session.as_ref().is_none_or(|session| session.find(row).is_some())
            && self.text.as_ref().is_none_or(|text| text.of_id || !text.wanted.is_ascii() || text.is_in(row))
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

/// A text to be found whatever the case.
struct Needle<'f> {
    wanted: &'f str,
    /// Where its rarest letter is, roughly: only places with that one are looked at.
    anchor: usize,
    /// It could be in an id, which is not stored as text.
    of_id: bool,
}

impl<'f> Needle<'f> {
    fn new(wanted: &'f str) -> Self {
        let common = |b: &u8| b"etaoinsrlcdmup-/. _0123456789".contains(&b.to_ascii_lowercase());
        let of_ids = |b: u8| b"REQreq-".contains(&b) || b.is_ascii_hexdigit();
        let anchor = wanted.as_bytes().iter().position(|b| !common(b)).unwrap_or(0);
        Self { wanted, anchor, of_id: wanted.bytes().all(of_ids) }
    }

    fn is_mentioned_by(&self, row: &Columns<'_>) -> bool {
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
        texts.into_iter().flatten().any(|text| self.is_in(text))
            || self.of_id && self.is_in(RequestId::from_number(row.id).to_string().as_bytes())
    }

    fn is_in(&self, text: &[u8]) -> bool {
        if !self.wanted.is_ascii() {
            return String::from_utf8_lossy(text).to_lowercase().contains(&self.wanted.to_lowercase());
        }
        let wanted = self.wanted.as_bytes();
        let Some(rare) = wanted.get(self.anchor) else { return true };
        memchr2_iter(rare.to_ascii_lowercase(), rare.to_ascii_uppercase(), text)
            .filter_map(|at| text.get(at.checked_sub(self.anchor)?..)?.get(..wanted.len()))
            .any(|found| found.eq_ignore_ascii_case(wanted))
    }
}
