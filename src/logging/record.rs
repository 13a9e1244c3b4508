//! One event as data, between `tracing` and the shapes a line can have.
//!
//! Rules:
//! * every string passes the redactor here, whole and before anything is cut or escaped: half a secret, or a secret
//!   with an escaped quote in it, would no longer be recognised;
//! * names of fields and targets come from the source code and are not masked.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use tracing::field::{Field, Visit};

use crate::domain::request_id::RequestId;
use crate::domain::secret::Redactor;

/// The name of the span that stands around one client request, and the field in it that is the number of its id.
pub(super) const REQUEST_SPAN: &str = "request";
/// See [`REQUEST_SPAN`].
pub(super) const REQUEST_ID: &str = "id";

/// A field's value; numbers and booleans stay what they are in JSON.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    /// Text, already masked.
    Text(String),
    /// A number or boolean.
    Plain(serde_json::Value),
}

/// One line to be.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Record {
    /// RFC 3339 with milliseconds and offset.
    pub(super) timestamp: String,
    /// Severity.
    pub(super) level: tracing::Level,
    /// Module the event comes from.
    pub(super) target: Cow<'static, str>,
    /// What happened.
    pub(super) message: String,
    /// Id of the client request this belongs to.
    pub(super) request_id: Option<RequestId>,
    /// Everything else, in source order.
    pub(super) fields: Vec<(&'static str, Value)>,
}

/// Collects an event's fields, masking as it goes.
pub(super) struct Collector<'a> {
    redactor: &'a Redactor,
    pub(super) message: String,
    pub(super) fields: Vec<(&'static str, Value)>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(redactor: &'a Redactor) -> Self {
        Self { redactor, message: String::new(), fields: Vec::new() }
    }

    fn text(&mut self, field: &Field, text: Cow<'_, str>) {
        let masked = masked(self.redactor, text);
        match field.name() {
            "message" => self.message = masked,
            name => self.fields.push((name, Value::Text(masked))),
        }
    }

    fn plain(&mut self, field: &Field, value: impl Into<serde_json::Value>) {
        self.fields.push((field.name(), Value::Plain(value.into())));
    }
}

/// The text without what must not be seen.
pub(super) fn masked(redactor: &Redactor, text: Cow<'_, str>) -> String {
    match redactor.scrub(&text) {
        Cow::Owned(masked) => masked,
        Cow::Borrowed(_) => text.into_owned(),
    }
}

impl Visit for Collector<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.text(field, chain(value).into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON knows no NaN and no infinity: those are shown as text.
        match serde_json::Number::from_f64(value) {
            Some(number) => self.plain(field, number),
            None => self.text(field, value.to_string().into()),
        }
    }
}

/// An error with its causes, outermost first, a cause that the outer text already ends with left out.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

/// Finds the request among a new span's fields.
#[derive(Default)]
pub(super) struct RequestFinder(pub(super) Option<RequestId>);

impl Visit for RequestFinder {
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == REQUEST_ID {
            self.0 = u32::try_from(value).ok().map(RequestId::from_number);
        }
    }
}
