//! `endpoints[]`, as each one is written; what it takes over from others is decided in [`inherit`](super::inherit).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::inherit::{Draft, Own, resolve};
use super::secs;
use super::url::base_url;
use crate::config::section::{Field, Section};
use crate::config::value::{Parsed, choice, count, filled, flag, millionths, positive_duration, whole};
use crate::domain::endpoint::{BaseUrl, EndpointSpec, GroupId, Scheme};

/// Headers that belong to one connection or that are computed for each request.
const RESERVED_HEADERS: [&str; 12] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
];

/// All endpoints in file order.
pub(super) fn endpoints(s: &Section<'_>) -> Vec<Arc<EndpointSpec>> {
    let timeout: Duration = s.value("global_timeout", secs(280), positive_duration);
    let items = s.field("endpoints").map(|f| f.items()).unwrap_or_default();
    let drafts: Vec<Draft> = items.into_iter().filter_map(|item| item.required_section(draft)).collect();
    if drafts.is_empty() {
        s.problem(
            "endpoints",
            "there is no endpoint: list at least one under `endpoints`, with `name` and `url`",
        );
    } else if drafts.iter().all(|d| !d.enabled) {
        s.problem("endpoints", "every endpoint is disabled: enable at least one");
    }
    check_names(s, &drafts);
    let (specs, warnings) = resolve(drafts, timeout);
    for (path, message) in warnings {
        s.context().warning(&path, message);
    }
    specs.into_iter().map(Arc::new).collect()
}

fn check_names(s: &Section<'_>, drafts: &[Draft]) {
    let mut first: HashMap<&str, &str> = HashMap::new();
    for draft in drafts.iter().filter(|d| !d.name.is_empty()) {
        if let Some(other) = first.get(&*draft.name) {
            let message = format!("is already the name of {other}: names must be unique");
            s.context().problem(&format!("{}.name", draft.path), message);
        } else {
            first.insert(&draft.name, &draft.path);
        }
    }
}

fn draft(s: &Section<'_>) -> Option<Draft> {
    Some(Draft {
        path: s.here().to_owned(),
        name: required(s, "name", "give the endpoint a unique name", filled).unwrap_or_default(),
        url: url(s),
        priority: s.value("priority", 0, count(0)),
        group: s.optional("group", filled).map(GroupId::new),
        group_priority: s.optional("group-priority", count(0)),
        timeout: s.optional("timeout", positive_duration),
        own: own_credential(s),
        headers: s.field("headers").map(|f| headers(&f)).unwrap_or_default(),
        supports_count_tokens: s.optional("supports_count_tokens", flag),
        models: s.field("models").map(|f| models(&f)).unwrap_or_default(),
        price_multiplier_ppm: s.value("price_multiplier", 1_000_000, millionths),
        retry_statuses: s.list("retry_statuses", whole(400..=599)),
        http2: s.value("http2", false, flag),
        enabled: s.value("enabled", true, flag),
    })
}

fn required<T>(
    s: &Section<'_>,
    key: &'static str,
    what: &str,
    parse: impl FnOnce(&str) -> Parsed<T>,
) -> Option<T> {
    let Some(field) = s.field(key) else {
        s.problem(key, format!("is missing: {what}"));
        return None;
    };
    field.quiet_value(parse)
}

fn url(s: &Section<'_>) -> BaseUrl {
    let stand_in = || BaseUrl {
        scheme: Scheme::Https,
        host: String::new(),
        port: 443,
        authority: String::new(),
        base_path: String::new(),
        secret: false,
    };
    let Some(mut url) =
        required(s, "url", "where the endpoint is, such as `https://api.anthropic.com`", base_url)
    else {
        return stand_in();
    };
    if s.field("url").is_some_and(|f| f.has_reference()) {
        for part in [&url.to_string(), &url.authority, &url.host, &url.base_path] {
            s.context().secret(part);
        }
        url.secret = true;
    }
    if url.base_path.ends_with("/v1") {
        s.warning("url", "ends in `/v1`, and clients send paths that begin with `/v1` themselves: drop it if requests fail with 404");
    }
    url
}

fn own_credential(s: &Section<'_>) -> Own {
    let pass = s.optional("credential", choice(&[("pass", true)])).unwrap_or(false);
    let (token, api_key) = (s.header_secret("token"), s.header_secret("api-key"));
    if pass && (token.is_some() || api_key.is_some()) {
        s.problem(
            "credential",
            "`pass` forwards the client's credential, and the endpoint has its own: remove `credential`, or `token` and \
             `api-key`",
        );
    }
    Own { pass, token, api_key }
}

fn headers(field: &Field<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for (name, value) in field.entries() {
        let header = header_name(name).map_err(|message| value.problem(message)).ok();
        let value_of = header_value(&value);
        let (Some(name), Some(header)) = (header, value_of) else { continue };
        if headers.iter().any(|(other, _)| *other == name) {
            value.problem("is given twice in different letter case: keep one");
        } else {
            headers.push((name, header));
        }
    }
    headers
}

fn header_name(text: &str) -> Parsed<HeaderName> {
    let name =
        HeaderName::from_bytes(text.as_bytes()).map_err(|_| "is not a valid header name".to_owned())?;
    if RESERVED_HEADERS.contains(&name.as_str()) {
        return Err("cannot be set: this header belongs to the connection, not to the endpoint".to_owned());
    }
    Ok(name)
}

fn header_value(field: &Field<'_>) -> Option<HeaderValue> {
    let text = field.secret_text()?;
    match HeaderValue::from_str(&text) {
        Ok(mut value) => {
            value.set_sensitive(true);
            Some(value)
        }
        Err(_) => {
            field.problem("has characters that cannot be sent in a header, such as line breaks");
            None
        }
    }
}

fn models(field: &Field<'_>) -> Vec<(String, String)> {
    let mut models = Vec::new();
    for (pattern, target) in field.entries() {
        if pattern.is_empty() || pattern[..pattern.len() - 1].contains('*') {
            target.problem("must be a model name, with `*` only as its last character");
        }
        let name = |text: &str| match filled(text) {
            Ok(name) if name.contains('*') => Err("must be one model name, without `*`".to_owned()),
            other => other,
        };
        if let Some(target) = target.value(name) {
            models.push((pattern.to_owned(), target));
        }
    }
    models
}
