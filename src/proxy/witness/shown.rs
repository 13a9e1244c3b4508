//! Headers and bodies as text, without secrets. Pure: bytes in, text out.

use std::borrow::Cow;
use std::fmt::Write;

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue};
use memchr::memmem;

use crate::domain::secret::{MASK, Redactor, is_secret_header};
use crate::events::evidence::{Extent, Lines, MAX_BODY};
use crate::proxy::decode::ContentDecoder;

/// Bytes that are decoded at a time: a bomb has no more to unpack than these, which is bounded once more by the decoder.
const STEP: usize = 256;

/// What an answer tells browsers and caches: of no use to who asks why a request failed.
const FOR_BROWSERS: [&str; 13] = [
    "alt-svc",
    "content-security-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "nel",
    "permissions-policy",
    "referrer-policy",
    "report-to",
    "reporting-endpoints",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
    "x-xss-protection",
];

/// These headers without those for browsers.
pub(super) fn worth_seeing(headers: &HeaderMap) -> HeaderMap {
    let for_browsers = |name: &str| FOR_BROWSERS.contains(&name) || name.starts_with("access-control-");
    let mut out = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers.iter().filter(|(name, _)| !for_browsers(name.as_str())) {
        out.append(name, value.clone());
    }
    out
}

/// Headers line by line, those values masked that are secret by their name, and whatever else is known as secret. Should
/// one of them repeat what another is masked for, it is masked there, too.
pub(super) fn lines(headers: &HeaderMap, redactor: &Redactor) -> Lines {
    let room = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 3).sum();
    let mut text = String::with_capacity(room);
    let mut secret = Vec::new();
    for (name, value) in headers {
        text.push_str(name.as_str());
        text.push_str(": ");
        if is_secret_header(name.as_str()) {
            text.push_str(MASK);
            secret.push((name, value));
        } else {
            push(&mut text, value);
        }
        text.push('\n');
    }
    let secret = super::spellings(secret.into_iter());
    let repeated = secret.iter().any(|value| memmem::find(text.as_bytes(), value.as_bytes()).is_some());
    let both = repeated.then(|| redactor.and(&Redactor::new(secret)));
    if let Cow::Owned(clean) = both.as_ref().unwrap_or(redactor).scrub(&text) {
        text = clean;
    }
    Lines::new(text)
}

fn push(text: &mut String, value: &HeaderValue) {
    match value.to_str() {
        Ok(value) => text.push_str(value),
        Err(_) => legible(text, value.as_bytes()),
    }
}

/// Appends bytes as text: what is no UTF-8 as `\xNN`, control characters but line ends and tabs as `\u{N}`.
fn legible(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() && !matches!(c, '\n' | '\r' | '\t') {
                text.extend(c.escape_unicode());
            } else {
                text.push(c);
            }
        }
        for byte in chunk.invalid() {
            // Writing to a String does not fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
}

/// The beginning of a body, decoded and without secrets. Of a body in these pieces: whether it was cut before it came
/// here, and whether it came to its end.
pub(super) fn body(
    headers: &HeaderMap,
    pieces: &[Bytes],
    (cut, ended): (bool, bool),
    redactor: &Redactor,
) -> (String, Extent) {
    let (mut plain, readable) = decoded(headers, pieces);
    if plain.is_empty() && !readable {
        return (String::new(), Extent::Unreadable);
    }
    let long = plain.len() > MAX_BODY;
    plain.truncate(MAX_BODY);
    let extent = match () {
        () if long || cut && readable => Extent::Beginning,
        () if ended && readable => Extent::Whole,
        () => Extent::Unfinished,
    };
    let whole = extent == Extent::Whole;
    let plain = if whole { &*plain } else { whole_characters(&plain) };
    let mut text = String::with_capacity(plain.len());
    legible(&mut text, plain);
    // Whether what is coded came to its own end, its decoder does not say.
    let sure = whole && !headers.contains_key(CONTENT_ENCODING);
    let clean = if sure { redactor.scrub(&text) } else { redactor.scrub_start(&text) };
    (clean.into_owned(), extent)
}

/// So much of a body that it can be told whether there is more than is kept, and whether all of it could be read.
fn decoded(headers: &HeaderMap, pieces: &[Bytes]) -> (Vec<u8>, bool) {
    let mut decoder = ContentDecoder::for_headers(headers);
    let mut plain = Vec::new();
    for step in pieces.iter().flat_map(|piece| piece.chunks(STEP)) {
        decoder.feed(step, |decoded| {
            let room = (MAX_BODY + 1).saturating_sub(plain.len()).min(decoded.len());
            plain.extend_from_slice(&decoded[..room]);
        });
        if plain.len() > MAX_BODY || decoder.is_opaque() {
            break;
        }
    }
    let readable = !decoder.is_opaque();
    (plain, readable)
}

/// Without the beginning of a character at the end.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        // The end of what is no UTF-8 anyway.
        _ => bytes,
    }
}
