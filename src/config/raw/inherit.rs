//! What endpoints take over from each other. Pure.
//!
//! | key | from |
//! |---|---|
//! | `group` | the previous endpoint in file order; the first one without is in `Default` |
//! | `group-priority` | the first endpoint of the group; a group that names none has that of the group before it, at first 1 |
//! | `timeout` | the first endpoint of the file, else `global_timeout` |
//! | `token`, `api-key` | each from the first endpoint of the same group that has it, and only for an endpoint with none of `token`, `api-key`, `credential` |
//! | `headers` | the first endpoint of the same group; own ones win. `authorization` and `x-api-key` only under the rule of `token` |
//! | `credential` | nowhere |
//!
//! Nothing secret ever crosses groups.

use std::collections::HashMap;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};

use crate::domain::endpoint::{BaseUrl, Credential, EndpointId, EndpointSpec, GroupId};
use crate::domain::secret::Secret;

/// The group of a first endpoint that names none.
const FIRST_GROUP: &str = "Default";
/// Its priority.
const FIRST_PRIORITY: u32 = 1;

/// One endpoint as written; `None` is "not said".
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// `endpoints[2]`, for messages.
    pub(super) path: String,
    pub(super) name: String,
    pub(super) url: BaseUrl,
    pub(super) priority: u32,
    pub(super) group: Option<GroupId>,
    pub(super) group_priority: Option<u32>,
    pub(super) timeout: Option<Duration>,
    pub(super) own: Own,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) supports_count_tokens: Option<bool>,
    pub(super) models: Vec<(String, String)>,
    pub(super) price_multiplier_ppm: u64,
    pub(super) retry_statuses: Vec<u16>,
    pub(super) http2: bool,
    pub(super) enabled: bool,
}

/// The credential keys of one endpoint.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    pub(super) pass: bool,
    pub(super) token: Option<Secret>,
    pub(super) api_key: Option<Secret>,
}

impl Own {
    fn says_nothing(&self) -> bool {
        !self.pass && self.token.is_none() && self.api_key.is_none()
    }
}

/// A path and what the person should know about it.
pub(super) type Warning = (String, String);

/// What the members of a group may take over.
#[derive(Default)]
struct Shared {
    token: Option<Secret>,
    api_key: Option<Secret>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Fills in everything that is inherited.
pub(super) fn resolve(drafts: Vec<Draft>, global_timeout: Duration) -> (Vec<EndpointSpec>, Vec<Warning>) {
    let (groups, warnings) = groups(&drafts);
    let shared = shared(&drafts, &groups);
    let timeout = drafts.first().and_then(|d| d.timeout).unwrap_or(global_timeout);
    let nothing = Shared::default();
    let specs = drafts.into_iter().zip(groups).map(|(draft, (group, rank))| {
        let shared = shared.get(&group).unwrap_or(&nothing);
        EndpointSpec {
            id: EndpointId::new(draft.name).lasting(),
            url: draft.url,
            priority: draft.priority,
            group_priority: rank,
            timeout: draft.timeout.unwrap_or(timeout),
            credential: credential(&draft.own, shared),
            headers: headers(draft.headers, &draft.own, shared),
            supports_count_tokens: draft.supports_count_tokens,
            models: draft.models,
            price_multiplier_ppm: draft.price_multiplier_ppm,
            retry_statuses: draft.retry_statuses,
            http2: draft.http2,
            enabled: draft.enabled,
            group: group.lasting(),
        }
    });
    (specs.collect(), warnings)
}

/// Group and group priority of every endpoint.
fn groups(drafts: &[Draft]) -> (Vec<(GroupId, u32)>, Vec<Warning>) {
    let mut ranks: HashMap<GroupId, u32> = HashMap::new();
    let mut previous = (GroupId::new(FIRST_GROUP), FIRST_PRIORITY);
    let mut warnings = Vec::new();
    let mut all = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let group = draft.group.clone().unwrap_or(previous.0);
        let rank = *ranks.entry(group.clone()).or_insert(draft.group_priority.unwrap_or(previous.1));
        if draft.group_priority.is_some_and(|own| own != rank) {
            let message = format!("has no effect: the group's first endpoint says {rank}");
            warnings.push((format!("{}.group-priority", draft.path), message));
        }
        all.push((group.clone(), rank));
        previous = (group, rank);
    }
    (all, warnings)
}

fn shared(drafts: &[Draft], groups: &[(GroupId, u32)]) -> HashMap<GroupId, Shared> {
    let mut all: HashMap<GroupId, Shared> = HashMap::new();
    for (draft, (group, _)) in drafts.iter().zip(groups) {
        let first = || Shared { headers: draft.headers.clone(), ..Shared::default() };
        let shared = all.entry(group.clone()).or_insert_with(first);
        shared.token = shared.token.take().or_else(|| draft.own.token.clone());
        shared.api_key = shared.api_key.take().or_else(|| draft.own.api_key.clone());
    }
    all
}

fn credential(own: &Own, shared: &Shared) -> Credential {
    let (token, api_key) = match own {
        Own { pass: true, .. } => return Credential::Pass,
        own if own.says_nothing() => (shared.token.clone(), shared.api_key.clone()),
        own => (own.token.clone(), own.api_key.clone()),
    };
    if token.is_none() && api_key.is_none() {
        return Credential::None;
    }
    Credential::Own { token, api_key }
}

fn headers(
    mut headers: Vec<(HeaderName, HeaderValue)>,
    own: &Own,
    shared: &Shared,
) -> Vec<(HeaderName, HeaderValue)> {
    for (name, value) in &shared.headers {
        let authenticates = *name == AUTHORIZATION || *name == "x-api-key";
        let overridden = headers.iter().any(|(own, _)| own == name);
        if !overridden && (!authenticates || own.says_nothing()) {
            headers.push((name.clone(), value.clone()));
        }
    }
    headers
}

#[cfg(test)]
mod tests;
