//! What is noted down of a request's headers and of the answers that fail it, for [`crate::events::evidence`].
//!
//! | moment | noted | how |
//! |---|---|---|
//! | accepted | the client's headers | masked and copied once; the original stays as it is |
//! | an attempt failed with an answer that was read | its head and the beginning of its body | from the pieces at hand |
//! | an answer is passed on unread | the same | pieces are shared as they pass, and looked at when the request ends |
//! | an attempt was answered | nothing | |
//!
//! Masked are the values of headers whose name says that they are secret, what the configuration knows as secret, and
//! what the client sent as its credential, wherever an endpoint repeats it. That happens before anything is kept.
//!
//! While nobody could look nothing is done beyond one look at a flag. Must never: touch, hold up or copy a byte of an
//! answer that is good, or keep a header value that shares its memory with the request, credential included.

mod shown;
#[cfg(test)]
mod tests;

use std::str::from_utf8;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, response};
use tokio::sync::watch;

use crate::config::Config;
use crate::domain::secret::{Redactor, is_secret_header};
use crate::events::RequestId;
use crate::events::evidence::{Extent, Refusal, Ring};

/// Most that is kept of a body as it came, until it is decoded.
const MAX_RAW: usize = 16 * 1024;
/// Parts of cookies that are shorter are words that stand anywhere.
const SHORTEST_COOKIE: usize = 12;

/// Notes things down. Cheap to clone; the default one has nobody to note for.
#[derive(Clone, Debug, Default)]
pub struct Witness {
    ring: Ring,
    /// The newest one: a running request may be sent to an endpoint that it alone knows.
    config: Option<watch::Receiver<Arc<Config>>>,
}

/// An answer that failed an attempt.
pub(super) struct Sighting {
    pub(super) attempt: u32,
    status: u16,
    headers: HeaderMap,
    credentials: Vec<String>,
    pieces: Vec<Bytes>,
    kept: usize,
    seen: u64,
    /// What came was all.
    pub(super) ended: bool,
    /// The client gets it.
    pub(super) passed_on: bool,
}

impl Witness {
    /// For this ring, once it is open. What the newest configuration knows as secret is masked.
    pub fn new(ring: Ring, config: watch::Receiver<Arc<Config>>) -> Self {
        Self { ring, config: Some(config) }
    }

    /// True while somebody could look.
    pub(super) fn watches(&self) -> bool {
        self.ring.is_open()
    }

    /// A request came with these headers.
    pub(super) fn accepted(&self, id: RequestId, headers: &HeaderMap, redactor: &Redactor) {
        if self.watches() {
            self.ring.accepted(id, shown::lines(headers, redactor));
        }
    }

    /// Notes an answer down for good.
    pub(super) fn refused(&self, id: RequestId, sighting: Sighting) {
        let known = self.config.as_ref().map(|config| config.borrow().redactor.clone()).unwrap_or_default();
        self.ring.refused(id, sighting.refusal(&known));
    }

    /// The client gets the answer that this attempt failed with.
    pub(super) fn passed_on(&self, id: RequestId, attempt: u32) {
        if self.watches() {
            self.ring.passed_on(id, attempt);
        }
    }
}

impl Sighting {
    /// Of an answer with this head, none of whose body was seen yet. `client` and `query` are those of the request.
    pub(super) fn new(
        attempt: u32,
        head: &response::Parts,
        (client, query): (&HeaderMap, Option<&str>),
    ) -> Self {
        let mut credentials = credentials(client);
        credentials.extend(query.into_iter().flat_map(in_query));
        Self {
            attempt,
            status: head.status.as_u16(),
            headers: head.headers.clone(),
            credentials,
            pieces: Vec::new(),
            kept: 0,
            seen: 0,
            ended: false,
            passed_on: false,
        }
    }

    /// The next bytes of its body, as they came.
    pub(super) fn take(&mut self, bytes: &Bytes) {
        self.seen += bytes.len() as u64;
        let room = (MAX_RAW - self.kept).min(bytes.len());
        if room > 0 {
            self.pieces.push(bytes.slice(..room));
            self.kept += room;
        }
    }

    fn refusal(self, known: &Redactor) -> Refusal {
        let redactor = known.and(&Redactor::new(&self.credentials));
        let (body, extent) = self.body(&redactor);
        Refusal {
            attempt: self.attempt,
            status: self.status,
            head: shown::lines(&shown::worth_seeing(&self.headers), &redactor).head(),
            body,
            bytes: self.seen,
            extent,
            passed_on: self.passed_on,
        }
    }

    fn body(&self, redactor: &Redactor) -> (String, Extent) {
        if self.seen == 0 {
            return (String::new(), if self.ended { Extent::Whole } else { Extent::Unread });
        }
        let cut = self.seen > self.kept as u64;
        shown::body(&self.headers, &self.pieces, (cut, self.ended), redactor)
    }
}

/// What somebody sent to identify himself, in all the ways in which others could repeat it: the value of a header, that
/// without its scheme, name and password of `Basic`, and each cookie; each of them also as JSON may write it.
pub(super) fn credentials(headers: &HeaderMap) -> Vec<String> {
    spellings(headers.iter().filter(|(name, _)| is_secret_header(name.as_str())))
}

/// The same of headers that are known to be secret.
fn spellings<'a>(secret: impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for (name, value) in secret.filter_map(|(name, value)| Some((name, from_utf8(value.as_bytes()).ok()?))) {
        if *name == COOKIE || *name == SET_COOKIE {
            let values = value.split(';').filter_map(|cookie| cookie.split_once('='));
            let values = values.map(|(_, value)| value.trim()).filter(|v| v.len() >= SHORTEST_COOKIE);
            all.extend(values.map(str::to_owned));
        } else if let Some((scheme, token)) = value.split_once(' ') {
            all.extend(basic(scheme, token.trim()));
            all.push(token.trim().to_owned());
        }
        all.push(value.to_owned());
    }
    let escaped: Vec<_> = all.iter().flat_map(|value| escaped(value)).collect();
    all.extend(escaped);
    all
}

/// The secrets in a query, which endpoints repeat when they do not know the path.
fn in_query(query: &str) -> impl Iterator<Item = String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(name, _)| is_secret_header(&name.to_ascii_lowercase())).map(|(_, value)| value.to_owned())
}

/// Name and password, and the password alone.
fn basic(scheme: &str, token: &str) -> Vec<String> {
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(token).ok());
    let Some(pair) = decoded.flatten().and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return Vec::new();
    };
    let password = pair.split_once(':').map(|(_, password)| password.to_owned());
    password.into_iter().chain([pair]).collect()
}

/// What PHP and .NET make of it in JSON.
fn escaped(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    if value.contains('/') {
        all.push(value.replace('/', "\\/"));
    }
    if value.contains('+') {
        all.push(value.replace('+', "\\u002B"));
        all.push(value.replace('+', "\\u002b"));
    }
    all
}
