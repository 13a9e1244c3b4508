//! What is written about one answer: text for people, without secrets.

use std::fmt::Write;

use http::HeaderMap;

use super::{MAX_BODY, Sample};
use crate::domain::secret::{MASK, Redactor, is_secret_header};
use crate::proxy::decode::ContentDecoder;

/// Longer than any secret: so much is cut from the end of a body that was cut already, because a secret of which only
/// the beginning is left is not recognised.
const MARGIN: usize = 8 * 1024;

/// The whole page.
pub(super) fn text(sample: &Sample, redactor: &Redactor) -> String {
    let redactor = redactor.and(&Redactor::new(&sample.credentials));
    let (body, cut) = body(sample, &redactor);
    let [endpoint, group, model] = &sample.asked;
    let usage = serde_json::to_string(&sample.usage).unwrap_or_default();
    let mut page = format!(
        "request: {}\nat: {}\nendpoint: {endpoint}\ngroup: {group}\nmodel: {model}\nstatus: {}\n",
        sample.id, sample.at, sample.head.0
    );
    for (name, value) in shown(&sample.head.1) {
        // Writing to a String does not fail.
        let _ = writeln!(page, "header: {name}: {value}");
    }
    let cut = if cut { " (the beginning of it)" } else { "" };
    let _ = write!(page, "usage read: {usage}\nbytes: {}\nbody{cut}:\n", sample.seen);
    let mut page = redactor.scrub(&page).into_owned();
    page.push_str(&body);
    page
}

/// Headers as text, masked where they may hold secrets that nobody knows.
fn shown(headers: &HeaderMap) -> impl Iterator<Item = (&str, String)> {
    headers.iter().map(|(name, value)| {
        let value = if is_secret_header(name.as_str()) {
            MASK.to_owned()
        } else {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        (name.as_str(), value)
    })
}

/// The decoded body without secrets, and whether it was cut.
fn body(sample: &Sample, redactor: &Redactor) -> (String, bool) {
    let mut decoder = ContentDecoder::for_headers(&sample.head.1);
    let mut bytes = Vec::new();
    for piece in &sample.pieces {
        decoder.feed(piece, |decoded| {
            let room = MAX_BODY.saturating_sub(bytes.len()).min(decoded.len());
            bytes.extend_from_slice(&decoded[..room]);
        });
    }
    if decoder.is_opaque() && bytes.is_empty() {
        return ("(coded in a way that cannot be decoded)".to_owned(), true);
    }
    let cut = sample.seen > sample.kept as u64 || bytes.len() >= MAX_BODY;
    let clean = redactor.scrub(&String::from_utf8_lossy(&bytes)).into_owned();
    let end = if cut { clean.len().saturating_sub(MARGIN) } else { clean.len() };
    let end = (0..=end).rev().find(|at| clean.is_char_boundary(*at)).unwrap_or(0);
    (clean[..end].to_owned(), cut)
}
