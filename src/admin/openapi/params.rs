//! Parameters that several routes take, as the document has them.

use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Object, Required};

use crate::admin::usage::ask::BYS;

/// Parameters of a query string, none of them required. There are no values of it.
pub(in crate::admin) enum Times {}
/// Likewise: what is asked of a request besides its time and state.
pub(in crate::admin) enum Columns {}
/// Likewise: the state a request ended in.
pub(in crate::admin) enum EndStates {}
/// Likewise: where a request is, or how it ended.
pub(in crate::admin) enum AnyStates {}
/// Likewise: what sums are told apart by.
pub(in crate::admin) enum Groupings {}
/// Likewise: the kind of a file.
pub(in crate::admin) enum Formats {}
/// Likewise: the page of a list.
pub(in crate::admin) enum Page {}

/// Days and times as [`crate::store::period`] reads them.
const TIME: &str = "An instant (RFC 3339), a day (`2026-11-23`), or so long ago (`12h`, `7d`).";

impl IntoParams for Times {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            query(
                "period",
                "A stretch people ask for: `today`, `yesterday`, `week`, `month`, `7d`, … Not beside `since` or `until`.",
                text(),
            ),
            query("since", &format!("Accepted then or later. {TIME}"), text()),
            query("until", &format!("Accepted before then; of a day: until its end. {TIME}"), text()),
        ]
    }
}

impl IntoParams for Columns {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let status = number(0, 65_535);
        vec![
            query("model", "The model that counts; a trailing `*` matches any ending.", text()),
            query("endpoint", "The endpoint it ended at.", text()),
            query("group", "That endpoint's group.", text()),
            query("session", "Claude Code's session.", text()),
            query("status", "The status the client got.", status),
            query(
                "search",
                "Appears in its id, user agent, path, model, endpoint, session or failure, whatever the case.",
                text(),
            ),
        ]
    }
}

impl IntoParams for EndStates {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![query("state", "How it ended.", one_of(&["completed", "failed", "cancelled", "interrupted"]))]
    }
}

impl IntoParams for AnyStates {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let states = [
            "live",
            "pending",
            "forwarding",
            "retrying",
            "suspended",
            "streaming",
            "completed",
            "failed",
            "cancelled",
            "interrupted",
        ];
        vec![query("state", "Where it is, or how it ended; `live` for all that run.", one_of(&states))]
    }
}

impl IntoParams for Groupings {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let names = BYS.map(|(name, _)| name);
        vec![query("by", "What sums are told apart by; `none` without.", one_of(&names))]
    }
}

impl IntoParams for Formats {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![query("format", "The kind of the file; `csv` without.", one_of(&["csv", "json", "ndjson"]))]
    }
}

impl IntoParams for Page {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            query("limit", "Most requests of the page; 100 without.", number(1, 1_000)),
            query("cursor", "The `next` of the page before.", text()),
        ]
    }
}

fn query(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(Object::from(schema)))
        .build()
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn number(least: u32, most: u32) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most))
}

fn one_of(words: &[&str]) -> ObjectBuilder {
    text().enum_values(Some(words.iter().copied()))
}
