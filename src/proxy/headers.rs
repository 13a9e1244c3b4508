//! Which headers cross the proxy, and in whose name. Pure: maps in, maps out.
//!
//! | header | towards the endpoint | towards the client |
//! |---|---|---|
//! | hop-by-hop (RFC 9110 section 7.6.1) and every name listed in `Connection` | dropped | dropped |
//! | `Host` | the endpoint's authority, first | - |
//! | `Authorization`, `x-api-key` | the client's only with `credential: pass`, else the endpoint's own | unchanged |
//! | `x-cc-forwarder-token` (this proxy's own credential) | dropped, always | - |
//! | `Expect` | dropped: the body is already here, there is nothing to wait for | - |
//! | the endpoint's `headers` | set last, replacing every value of that name | - |
//! | all others | unchanged, with their multiplicity and order | unchanged |
//!
//! `Content-Length` passes here and is corrected by the transport, which alone knows the body that goes with it.
//! Header names travel in lower case: HTTP names are case-insensitive and HTTP/2 requires it, so the client's
//! spelling is not kept.
//!
//! Must never: let a client credential reach an endpoint that has its own, or read anything but its arguments.

mod known;
#[cfg(test)]
mod tests;

use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::domain::endpoint::{BaseUrl, Credential, EndpointSpec};
use crate::domain::secret::Secret;

/// The Anthropic API key header.
pub const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// The credential of this proxy's own port; it is for nobody else.
pub const X_CC_FORWARDER_TOKEN: HeaderName = HeaderName::from_static("x-cc-forwarder-token");
/// The API version header, required by every Anthropic endpoint.
pub const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
/// The API's own id of an answer, which the SDKs show in their errors.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
/// The one published version; probes name it because no client does it for them.
const PROBE_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// Why a client's target cannot be sent to an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TargetError {
    /// Authority form (`CONNECT`) or asterisk form (`OPTIONS *`): there is no path to forward.
    #[error("the request target has no path")]
    NoPath,
    /// Base path and path together are no valid request target (too long for one, above all).
    #[error("the request target is not valid behind the endpoint's base path")]
    Invalid,
}

/// The headers of a request to an endpoint, made from the client's. See the module's table.
///
/// The loader refuses an authority, token or key that cannot stand in a header; were one to get here it is left out.
pub fn outbound_headers(client: &HeaderMap, spec: &EndpointSpec) -> HeaderMap {
    let listed = listed_in_connection(client);
    let mut out = HeaderMap::with_capacity(client.len() + spec.headers.len() + 3);
    if let Ok(host) = HeaderValue::from_str(&spec.url.authority) {
        out.insert(HOST, host);
    }
    for (name, value) in client.iter().filter(|(name, _)| goes_out(name, &listed, spec)) {
        let mut value = value.clone();
        value.set_sensitive(value.is_sensitive() || is_credential(name));
        out.append(known::copy(name), value);
    }
    set_credential(&mut out, &spec.credential);
    override_with(&mut out, &spec.headers);
    out
}

/// The headers of a probe: what a real request would carry, and the API version. With `credential: pass` there is no
/// client to take a credential from, so none is sent.
pub fn probe_headers(spec: &EndpointSpec) -> HeaderMap {
    let client = HeaderMap::from_iter([(ANTHROPIC_VERSION, PROBE_VERSION)]);
    outbound_headers(&client, spec)
}

/// The headers of an answer as the client may see them: hop-by-hop dropped, everything else unchanged.
pub fn response_headers(upstream: HeaderMap) -> HeaderMap {
    let listed = listed_in_connection(&upstream);
    if upstream.keys().all(|name| is_end_to_end(name, &listed)) {
        return upstream;
    }
    let mut out = HeaderMap::with_capacity(upstream.len());
    let mut passes = false;
    for (name, value) in upstream {
        // A value without a name is another one of the name before it.
        if let Some(name) = name {
            passes = is_end_to_end(&name, &listed);
            if passes {
                out.append(name, value);
            }
        } else if let Some(name) = out.keys().last().filter(|_| passes).cloned() {
            out.append(name, value);
        }
    }
    out
}

/// The length that an answer announces.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// The target of a request to an endpoint, in origin form: its base path, then the client's path and query exactly
/// as sent.
///
/// # Errors
/// See [`TargetError`].
pub fn request_target(base: &BaseUrl, client: &Uri) -> Result<Uri, TargetError> {
    let sent = client
        .path_and_query()
        .filter(|target| target.as_str().starts_with('/'))
        .ok_or(TargetError::NoPath)?;
    let target = if base.base_path.is_empty() {
        sent.clone()
    } else {
        let joined = [base.base_path.as_str(), sent.as_str()].concat();
        PathAndQuery::from_maybe_shared(bytes::Bytes::from(joined)).map_err(|_| TargetError::Invalid)?
    };
    Ok(Uri::from(target))
}

/// True for headers that describe one connection and not the message. `Proxy-*` covers the credentials and challenges
/// of proxies as well as the non-standard `Proxy-Connection`.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(name, "connection" | "keep-alive" | "te" | "trailer" | "transfer-encoding" | "upgrade")
        || name.starts_with("proxy-")
}

fn is_credential(name: &HeaderName) -> bool {
    *name == AUTHORIZATION || *name == X_API_KEY
}

fn is_end_to_end(name: &HeaderName, listed: &[HeaderName]) -> bool {
    !is_hop_by_hop(name) && !listed.contains(name)
}

fn goes_out(name: &HeaderName, listed: &[HeaderName], spec: &EndpointSpec) -> bool {
    let ours = matches!(name.as_str(), "host" | "expect" | "x-cc-forwarder-token");
    let foreign_credential = is_credential(name) && spec.credential != Credential::Pass;
    is_end_to_end(name, listed) && !ours && !foreign_credential
}

/// Names in `Connection`, all its lines together; what is no header name is no header either.
fn listed_in_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let lines = headers.get_all(CONNECTION).into_iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect()
}

fn set_credential(out: &mut HeaderMap, credential: &Credential) {
    let Credential::Own { token, api_key } = credential else { return };
    if let Some(value) = token.as_ref().and_then(|token| header_of("Bearer ", token)) {
        out.insert(AUTHORIZATION, value);
    }
    if let Some(value) = api_key.as_ref().and_then(|key| header_of("", key)) {
        out.insert(X_API_KEY, value);
    }
}

/// The first value of a name replaces what is there, further ones join it.
fn override_with(out: &mut HeaderMap, headers: &[(HeaderName, HeaderValue)]) {
    for (index, (name, value)) in headers.iter().enumerate() {
        let value = sensitive(value.clone());
        if headers[..index].iter().any(|(earlier, _)| earlier == name) {
            out.append(name.clone(), value);
        } else {
            out.insert(name.clone(), value);
        }
    }
}

fn header_of(prefix: &str, secret: &Secret) -> Option<HeaderValue> {
    HeaderValue::try_from([prefix, secret.expose()].concat()).ok().map(sensitive)
}

fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}
