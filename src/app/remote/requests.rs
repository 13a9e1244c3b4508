//! `requests`: those that run and those that ended, in a table; or, followed, each as it ends.

mod follow;
pub(super) mod table;

use super::show;
use crate::admin::usage::ask::RequestsView;
use crate::app::json;
use crate::app::usage::{Ledger, Question};
use crate::cli::{EXIT_OK, RequestsArgs};

/// Requests of a table when nobody says how many.
const SHOWN: u32 = 20;

/// Lists or follows requests.
///
/// # Errors
/// When neither a forwarder nor the store can be asked, or the question makes no sense.
pub(in crate::app) fn run(args: &RequestsArgs) -> anyhow::Result<u8> {
    if args.follow {
        return follow::run(args);
    }
    let mut asked = question(args);
    asked.add("period", args.period.as_deref());
    asked.span(&args.span);
    asked.add("limit", Some(&args.limit.unwrap_or(SHOWN).to_string()));
    let answer = Ledger::open_or_ask(&args.ask.reach)?.requests(&asked.query())?;
    match args.ask.json {
        true => json::print(&answer)?,
        false => {
            let view: RequestsView = json::read(&answer)?;
            show(&table::render(&view, &jiff::Zoned::now()))?;
        }
    }
    Ok(EXIT_OK)
}

/// Which requests, whenever they were.
fn question(args: &RequestsArgs) -> Question {
    let mut asked = Question::default();
    asked.which(&args.which);
    asked.add("status", args.status.map(|status| status.to_string()).as_deref());
    asked.add("search", args.search.as_deref());
    asked
}
