//! `usage` and `export`: the ledger on the command line.
//!
//! | the store's file | then |
//! |---|---|
//! | nobody has it open | it is read here; nothing is created, and what a crash left open stays for the next start |
//! | a forwarder has it open | that forwarder is asked over its admin port |
//! | is not there | a forwarder at the configured admin port is asked, if one answers; else nothing is recorded yet |
//! | `--url` is given | that forwarder is asked, whatever the configuration says |
//!
//! `requests` and `explain` find their answers in the same way; where nothing is recorded at all, they ask the forwarder.
//!
//! Both ways end in the same answers ([`crate::admin::usage::ask`]) as JSON text, from which everything here is printed.
//! Data goes to the standard output, everything said about it to stderr. Text from outside is escaped.

mod budget;
mod export;
mod ledger;
mod local;
mod shown;
mod table;
mod upkeep;

pub(super) use self::ledger::Ledger;
use super::{json, run};
use crate::cli::{EXIT_OK, ExportArgs, Span, UsageArgs, UsageCommand, Which};

/// `usage` and what is below it.
///
/// # Errors
/// When the ledger cannot be reached, the question makes no sense, or the output cannot be written.
pub(super) fn usage(args: &UsageArgs) -> anyhow::Result<u8> {
    match &args.command {
        None if args.check_budget => budget::check(args),
        None => show(args),
        Some(UsageCommand::Recost(args)) => upkeep::recost(args),
        Some(UsageCommand::Backup(args)) => upkeep::backup(args),
    }
}

/// `export`
///
/// # Errors
/// As [`usage`].
pub(super) fn export(args: &ExportArgs) -> anyhow::Result<u8> {
    export::run(args)
}

fn show(args: &UsageArgs) -> anyhow::Result<u8> {
    let ledger = Ledger::open(&args.reach)?;
    let mut asked = Question::default();
    asked.add("by", Some(args.by.name()));
    let period = args.period.as_deref();
    let unbounded = args.span.since.is_none() && args.span.until.is_none();
    asked.add("period", period.or(unbounded.then_some("today")));
    asked.span(&args.span);
    asked.which(&args.which);
    let answer = ledger.stats(&asked.query())?;
    match args.json {
        true => json::print(&answer)?,
        false => {
            run::print(&table::render(&json::read(&answer)?, args.by))?;
        }
    }
    Ok(EXIT_OK)
}

/// A question as a query string.
#[derive(Default)]
pub(super) struct Question(Vec<(&'static str, String)>);

impl Question {
    /// Adds a parameter that was given.
    pub(super) fn add(&mut self, name: &'static str, value: Option<&str>) {
        self.0.extend(value.map(|value| (name, value.to_owned())));
    }

    /// Adds a stretch of time.
    pub(super) fn span(&mut self, span: &Span) {
        self.add("since", span.since.as_deref());
        self.add("until", span.until.as_deref());
    }

    /// Adds a filter.
    pub(super) fn which(&mut self, which: &Which) {
        self.add("model", which.model.as_deref());
        self.add("endpoint", which.endpoint.as_deref());
        self.add("group", which.group.as_deref());
        self.add("session", which.session.as_deref());
        self.add("state", which.state.as_deref());
    }

    /// All of it.
    pub(super) fn query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}
