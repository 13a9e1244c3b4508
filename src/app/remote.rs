//! A forwarder that runs, on the command line: how it is, what it does, and orders to it.
//!
//! | command | asks |
//! |---|---|
//! | `status` | `/status`, `/groups`, `/endpoints`, `/connections`, `/health` |
//! | `groups`, `endpoints`, `suspended` | the route of that name; what is below them gives an order |
//! | `requests` | `/requests`; with `--follow` the stream of events |
//! | `explain` | `/requests/{id}` |
//!
//! `--json` prints the answer of the first of these as it came. Tables are for people: at most 80 columns, escaped,
//! coloured where the terminal wants it. Nothing here decides anything: what is refused is refused by the forwarder, in
//! its own words.

mod endpoints;
mod explain;
mod groups;
mod requests;
mod status;
mod suspended;

pub(super) use self::endpoints::run as endpoints;
pub(super) use self::explain::run as explain;
pub(super) use self::groups::run as groups;
pub(super) use self::requests::run as requests;
pub(super) use self::status::run as status;
pub(super) use self::suspended::run as suspended;
use super::client::Call;
use super::paint::{self, Line, span};
use super::reach::Forwarder;
use super::text::{WIDTH, wrap};
use super::{json, run};
use crate::admin::orders::Done;
use crate::cli::{Ask, EXIT_OK, Misuse};
use crate::control::command::Command;
use crate::domain::endpoint::GroupId;
use crate::events::RequestId;
use crate::logging::escape::escape;

/// Gives an order and says what became of it. `activated` is the group that a release is about.
fn carry_out(ask: &Ask, command: &Command, activated: Option<&GroupId>) -> anyhow::Result<u8> {
    order(ask, &Call::of(command, activated).map_err(Misuse)?)
}

/// Sends an order and prints its answer.
fn order(ask: &Ask, call: &Call) -> anyhow::Result<u8> {
    let answer = Forwarder::find(&ask.reach)?.order(call)?;
    match ask.json {
        true => json::print(&answer)?,
        false => {
            let Done { message } = json::read(&answer)?;
            run::print(&format!("{}\n", escape(&message)))?;
        }
    }
    Ok(EXIT_OK)
}

/// Prints lines, with colour where it is wanted.
fn show(lines: &[Line]) -> anyhow::Result<()> {
    run::print(&paint::rendered(lines, paint::colour()))
}

/// `Name   text`, the name in a column of its own; the text is escaped and wrapped.
fn fact(name: &str, text: &str) -> Vec<Line> {
    let lines = wrap(&format!("{name:<COLUMN$}  {}", escape(text)), COLUMN + 2, WIDTH);
    lines.into_iter().map(|line| vec![span(paint::Tone::Plain, line)]).collect()
}

/// Columns of the names in [`fact`].
const COLUMN: usize = 13;

/// A model in a table: what nearly all names begin with says nothing.
fn model(name: Option<&str>) -> &str {
    let name = name.filter(|name| !name.is_empty()).unwrap_or("-");
    name.strip_prefix("claude-").unwrap_or(name)
}

/// The id of a request; the `req-` in front may be missing.
///
/// # Errors
/// When it is none.
fn request_id(text: &str) -> Result<RequestId, Misuse> {
    let wrong = |error| Misuse(format!("\"{}\" is {error}", escape(text)));
    text.parse().or_else(|_| format!("req-{text}").parse()).map_err(wrong)
}

#[cfg(test)]
mod tests;
