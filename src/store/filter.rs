//! Which requests a list, a count, a sum or an export is about: one predicate for all of them.
//!
//! A filter matches a request by its own columns (the endpoint, group and model it ended with). Sums that a rollup can
//! answer tell apart by the endpoint and model that used the tokens; see [`super::totals`].

use jiff::Timestamp;

use super::row::Row;
use crate::events::State;

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
        let since = self.since.is_none_or(|at| row.accepted() >= at);
        since
            && self.until.is_none_or(|at| row.accepted() < at)
            && self.matches_names(row)
            && self.matches_end(row)
    }

    fn matches_names(&self, row: &Row) -> bool {
        let is = |wanted: &Option<String>, have: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| have.unwrap_or_default() == wanted)
        };
        self.model.as_deref().is_none_or(|pattern| fits(pattern, row.billed_model()))
            && is(&self.endpoint, row.endpoint.as_deref())
            && is(&self.group, row.group.as_deref())
            && is(&self.session, row.session.as_deref())
    }

    fn matches_end(&self, row: &Row) -> bool {
        self.state.is_none_or(|state| row.state == state)
            && self.status.is_none_or(|status| row.status == Some(status))
            && self.text.as_deref().is_none_or(|text| mentions(row, &text.to_lowercase()))
    }
}

/// True when `name` is the pattern, or begins like one that ends in `*`.
pub fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

fn mentions(row: &Row, lowercase: &str) -> bool {
    let texts = [
        row.user_agent.as_deref(),
        Some(row.path.as_str()),
        row.model.as_deref(),
        row.served_model.as_deref(),
        row.endpoint.as_deref(),
        row.session.as_deref(),
        row.failure.as_deref(),
        row.error.as_deref(),
    ];
    row.request_id().to_string().contains(lowercase)
        || texts.into_iter().flatten().any(|text| text.to_lowercase().contains(lowercase))
}
