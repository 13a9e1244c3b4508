//! The shapes of a line: a pure function from [`Record`] to text.
//!
//! Text, for people (`request_id` last, because it is the longest-lived and least read part):
//!
//! ```text
//! 2026-02-03T04:05:06.789+01:00  INFO proxy::forward: request completed status=200 model="a b" request_id=req-0a1b2c3d
//! ```
//!
//! JSON, one object a line:
//!
//! ```text
//! {"timestamp":"2026-…","level":"INFO","target":"cc_forwarder::proxy::forward","message":"request completed",
//!  "request_id":"req-0a1b2c3d","fields":{"status":200,"model":"a b"}}
//! ```
//!
//! A line never contains a line break or a character that acts on a terminal, but for the colours put there here.

use std::fmt::Write as _;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::escape::{cut, escape, escape_json};
use super::record::{Record, Value};

/// How lines look in one place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Style {
    /// The shape.
    pub(super) shape: Shape,
    /// Values longer than this many bytes are cut; `None` never cuts.
    pub(super) limit: Option<usize>,
}

/// Text or JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// For people.
    Text {
        /// With terminal colours.
        colour: bool,
    },
    /// For programs.
    Json,
}

/// The line, with its line feed.
pub(super) fn line(record: &Record, style: Style) -> String {
    let mut line = match style.shape {
        Shape::Text { colour } => text(record, colour, style.limit),
        Shape::Json => json(record, style.limit),
    };
    line.push('\n');
    line
}

/// Room for most lines, bytes.
const USUAL_LENGTH: usize = 256;

const RESET: &str = "\x1b[0m";
const DIM: &str = "\x1b[2m";

fn level_colour(level: tracing::Level) -> &'static str {
    match level {
        tracing::Level::ERROR => "\x1b[31m",
        tracing::Level::WARN => "\x1b[33m",
        tracing::Level::INFO => "\x1b[32m",
        tracing::Level::DEBUG => "\x1b[34m",
        tracing::Level::TRACE => "\x1b[35m",
    }
}

/// The name of the level, right in a column of five.
fn level_column(level: tracing::Level) -> &'static str {
    match level {
        tracing::Level::ERROR => "ERROR",
        tracing::Level::WARN => " WARN",
        tracing::Level::INFO => " INFO",
        tracing::Level::DEBUG => "DEBUG",
        tracing::Level::TRACE => "TRACE",
    }
}

fn text(record: &Record, colour: bool, limit: Option<usize>) -> String {
    let (dim, level_on, off) = if colour { (DIM, level_colour(record.level), RESET) } else { ("", "", "") };
    let target = record.target.strip_prefix("cc_forwarder::").unwrap_or(&record.target);
    let mut out = String::with_capacity(USUAL_LENGTH);
    // Piece by piece: the formatting machinery would take most of the time there is for a line.
    out.extend([dim, &record.timestamp, off, " ", level_on, level_column(record.level), off]);
    out.extend([" ", dim, &escape(target), ":", off, " ", &escape(&cut(&record.message, limit))]);
    for (name, value) in &record.fields {
        out.extend([" ", name, "="]);
        push_value(&mut out, value, limit);
    }
    if let Some(id) = &record.request_id {
        out.push_str(" request_id=");
        push_text(&mut out, &id.to_string());
    }
    out
}

fn push_value(out: &mut String, value: &Value, limit: Option<usize>) {
    match value {
        Value::Text(text) => push_text(out, &cut(text, limit)),
        Value::Plain(plain) => match plain.as_u64() {
            Some(number) => push_number(out, number),
            // Writing into memory cannot fail.
            None => drop(write!(out, "{plain}")),
        },
    }
}

fn push_number(out: &mut String, number: u64) {
    if number > 9 {
        push_number(out, number / 10);
    }
    out.push(char::from(b'0' + (number % 10) as u8));
}

/// A bare word as it is; anything that could be mistaken for the next field in quotes.
fn push_text(out: &mut String, value: &str) {
    if is_bare(value) {
        return out.push_str(value);
    }
    let is_special = |c: char| c.is_whitespace() || matches!(c, '"' | '=' | '\\');
    if !value.is_empty() && !value.contains(is_special) {
        return out.push_str(&escape(value));
    }
    let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
    out.extend(["\"", &escape(&quoted), "\""]);
}

/// True for a word of such ASCII as needs neither quotes nor escapes, as most values are.
fn is_bare(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'=' | b'\\'))
}

fn json(record: &Record, limit: Option<usize>) -> String {
    // Serialising strings and numbers into memory cannot fail.
    escape_json(serde_json::to_string(&JsonLine { record, limit }).unwrap_or_default())
}

struct JsonLine<'a> {
    record: &'a Record,
    limit: Option<usize>,
}

impl Serialize for JsonLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { record, limit } = *self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("timestamp", &record.timestamp)?;
        map.serialize_entry("level", record.level.as_str())?;
        map.serialize_entry("target", &record.target)?;
        map.serialize_entry("message", &cut(&record.message, limit))?;
        if let Some(id) = &record.request_id {
            map.serialize_entry("request_id", id)?;
        }
        if !record.fields.is_empty() {
            map.serialize_entry("fields", &JsonFields(self))?;
        }
        map.end()
    }
}

struct JsonFields<'a>(&'a JsonLine<'a>);

impl Serialize for JsonFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.0.record.fields {
            match value {
                Value::Text(text) => map.serialize_entry(name, &cut(text, self.0.limit))?,
                Value::Plain(plain) => map.serialize_entry(name, plain)?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Shape = Shape::Text { colour: false };

    fn record() -> Record {
        Record {
            timestamp: "2026-02-03T04:05:06.789+01:00".into(),
            level: tracing::Level::INFO,
            target: "cc_forwarder::proxy::forward".into(),
            message: "request completed".into(),
            request_id: "req-0a1b2c3d".parse().ok(),
            fields: vec![
                ("status", Value::Plain(200.into())),
                ("model", Value::Text("claude-x".into())),
                ("note", Value::Text("a \"b\"\nc=d \\".into())),
                ("empty", Value::Text(String::new())),
            ],
        }
    }

    fn render(record: &Record, shape: Shape, limit: Option<usize>) -> String {
        line(record, Style { shape, limit })
    }

    #[test]
    fn text_is_one_line_with_fields_and_the_request_id() {
        assert_eq!(
            render(&record(), PLAIN, None),
            "2026-02-03T04:05:06.789+01:00  INFO proxy::forward: request completed status=200 model=claude-x \
             note=\"a \\\"b\\\"\\nc=d \\\\\" empty=\"\" request_id=req-0a1b2c3d\n"
        );
    }

    #[test]
    fn json_is_one_object_a_line_with_typed_fields() {
        let line = render(&record(), Shape::Json, None);
        assert_eq!(
            line,
            "{\"timestamp\":\"2026-02-03T04:05:06.789+01:00\",\"level\":\"INFO\",\
             \"target\":\"cc_forwarder::proxy::forward\",\"message\":\"request completed\",\
             \"request_id\":\"req-0a1b2c3d\",\"fields\":{\"status\":200,\"model\":\"claude-x\",\
             \"note\":\"a \\\"b\\\"\\nc=d \\\\\",\"empty\":\"\"}}\n"
        );
    }

    #[test]
    fn json_without_request_and_fields_leaves_them_out() {
        let bare = Record { request_id: None, fields: vec![], ..record() };
        let value: serde_json::Value = serde_json::from_str(&render(&bare, Shape::Json, None)).unwrap();
        assert_eq!(value.as_object().unwrap().len(), 4);
    }

    #[test]
    fn the_limit_cuts_message_and_values_in_both_shapes() {
        let long = Record {
            message: "m".repeat(600),
            fields: vec![("body", Value::Text("b".repeat(700)))],
            ..record()
        };
        for shape in [PLAIN, Shape::Json] {
            let line = render(&long, shape, Some(500));
            assert!(line.contains(&format!("{}… (100 bytes more)", "m".repeat(500))), "{line}");
            assert!(line.contains(&format!("{}… (200 bytes more)", "b".repeat(500))), "{line}");
            assert!(render(&long, shape, None).contains(&"b".repeat(700)));
        }
    }

    #[test]
    fn hostile_text_cannot_forge_a_line_or_reach_the_terminal() {
        let hostile = Record {
            message: "\x1b[2Jx\n2026 INFO forged".into(),
            fields: vec![("h", Value::Text("\u{9b}31m\r\n\u{202e}".into()))],
            ..record()
        };
        for shape in [PLAIN, Shape::Json] {
            let line = render(&hostile, shape, None);
            let body = line.strip_suffix('\n').unwrap();
            assert!(!body.contains(super::super::escape::is_unsafe), "{body:?}");
        }
    }

    #[test]
    fn colour_wraps_only_what_is_ours() {
        let line = render(&record(), Shape::Text { colour: true }, None);
        assert!(
            line.starts_with("\x1b[2m2026-02-03T04:05:06.789+01:00\x1b[0m \x1b[32m INFO\x1b[0m"),
            "{line:?}"
        );
    }
}
