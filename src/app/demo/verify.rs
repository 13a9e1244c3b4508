//! Whether an answer is whole: what a client can tell by itself, and whether it is the one an untroubled endpoint gives.

use http::StatusCode;

use super::prompts::Wants;
use crate::claude::sse::{Decoder, EventKind};

/// An answer as the client read it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

/// Compares an answer with the expected one.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn verify(wants: Wants, answer: &Answer, expected: &Answer) -> Result<(), String> {
    if answer.status != StatusCode::OK {
        return Err(format!("status {}", answer.status.as_u16()));
    }
    match wants {
        Wants::Stream => stream(&answer.body)?,
        Wants::Message => document(&answer.body, |json| json["type"] == "message")?,
        Wants::Count => document(&answer.body, |json| json["input_tokens"].is_u64())?,
    }
    match answer == expected {
        true => Ok(()),
        false => Err("not the answer an untroubled endpoint gives".to_owned()),
    }
}

fn stream(body: &[u8]) -> Result<(), String> {
    let (mut decoder, mut stops, mut last) = (Decoder::new(), 0, None);
    let mut look = |event: crate::claude::sse::Event<'_>| {
        last = Some(event.kind());
        stops += u32::from(last == Some(EventKind::MessageStop));
    };
    decoder.feed(body, &mut look).map_err(|error| error.to_string())?;
    decoder.finish(&mut look);
    match (stops, last) {
        (1, Some(EventKind::MessageStop)) => Ok(()),
        (1, _) => Err("events behind message_stop".to_owned()),
        (0, _) => Err("a stream without message_stop".to_owned()),
        (n, _) => Err(format!("message_stop {n} times")),
    }
}

fn document(body: &[u8], is_right: impl Fn(&serde_json::Value) -> bool) -> Result<(), String> {
    match serde_json::from_slice(body) {
        Ok(json) if is_right(&json) => Ok(()),
        Ok(_) => Err("JSON of another kind".to_owned()),
        Err(_) => Err("not a JSON document".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOP: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    const START: &str = "event: message_start\ndata: {\"type\":\"message_start\"}\n\n";

    fn checked(wants: Wants, status: u16, body: &str, expected: &str) -> Result<(), String> {
        let answer = |status, body: &str| Answer {
            status: StatusCode::from_u16(status).unwrap(),
            body: body.as_bytes().to_vec(),
        };
        verify(wants, &answer(status, body), &answer(200, expected))
    }

    #[test]
    fn a_whole_stream_has_one_message_stop_at_its_end() {
        let whole = format!("{START}{STOP}");
        assert_eq!(checked(Wants::Stream, 200, &whole, &whole), Ok(()));
        assert!(checked(Wants::Stream, 200, START, START).is_err());
        for odd in [format!("{whole}{STOP}"), format!("{whole}{START}")] {
            assert!(checked(Wants::Stream, 200, &odd, &odd).is_err(), "{odd}");
        }
        assert!(checked(Wants::Stream, 200, &whole, STOP).is_err(), "another answer");
        assert!(checked(Wants::Stream, 503, &whole, &whole).is_err(), "an error status");
    }

    #[test]
    fn a_whole_document_is_json_of_its_kind() {
        let message = r#"{"type":"message"}"#;
        assert_eq!(checked(Wants::Message, 200, message, message), Ok(()));
        assert!(checked(Wants::Message, 200, r#"{"type":"#, r#"{"type":"#).is_err());
        assert!(checked(Wants::Count, 200, message, message).is_err());
        let count = r#"{"input_tokens":12}"#;
        assert_eq!(checked(Wants::Count, 200, count, count), Ok(()));
    }
}
