//! Commands over the admin port: how a forwarder that runs is looked at, and what can be done to it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};

use super::{Reach, Span, Which};
use crate::config::positive_duration;

/// What all of them take.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct Ask {
    /// How the forwarder is reached.
    #[command(flatten)]
    pub reach: Reach,
    /// Print the admin API's JSON instead
    #[arg(long)]
    pub json: bool,
}

/// Options of `status`.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct StatusArgs {
    /// How.
    #[command(flatten)]
    pub ask: Ask,
    /// Exit code 1 also when it runs, but nothing could serve a request now
    #[arg(long)]
    pub check: bool,
    /// Wait until it answers (with --check: until it can serve), for so many seconds at most
    #[arg(long, value_name = "SECONDS")]
    pub wait: Option<u32>,
}

/// Options of `groups`.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct GroupsArgs {
    /// Something else than listing them.
    #[command(subcommand)]
    pub command: Option<GroupsCommand>,
    /// How.
    #[command(flatten)]
    pub ask: Ask,
}

/// What can be done to a group.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum GroupsCommand {
    /// Make it the active group; it holds until it fails completely or is released
    Activate(ActivateArgs),
    /// Stop using it, for ever or for a time
    Pause(PauseArgs),
    /// Use it again: ends its pause, and the rest after a failure
    Resume(NameArgs),
    /// Let ranks decide again which group is active
    Release(NameArgs),
}

/// Options of `groups activate`.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct ActivateArgs {
    /// The group
    pub name: String,
    /// Also while it rests after a failure, or none of its endpoints is usable
    #[arg(long)]
    pub force: bool,
    /// How.
    #[command(flatten)]
    pub ask: Ask,
}

/// Options of `groups pause`.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct PauseArgs {
    /// The group
    pub name: String,
    /// For how long, such as 30m or 1h30m; without it until it is resumed
    #[arg(value_parser = positive_duration)]
    pub duration: Option<Duration>,
    /// How.
    #[command(flatten)]
    pub ask: Ask,
}

/// Options of commands about one thing with a name.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct NameArgs {
    /// Which
    pub name: String,
    /// How.
    #[command(flatten)]
    pub ask: Ask,
}

/// Options of `endpoints`.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct EndpointsArgs {
    /// Something else than listing them.
    #[command(subcommand)]
    pub command: Option<EndpointsCommand>,
    /// Of this group only
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// How.
    #[command(flatten)]
    pub ask: Ask,
}

/// What can be done to an endpoint.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum EndpointsCommand {
    /// Change its place in its group; lower numbers are asked first
    ///
    /// Until the next reload; with --save the number is written into the configuration file as well.
    Priority(PriorityArgs),
    /// Ask it now whether it is well; exit code 1 when it is not
    Probe(NameArgs),
    /// Use it, until the next reload
    Enable(NameArgs),
    /// Stop using it, until the next reload
    Disable(NameArgs),
    /// End its rest, so that it is asked again at once
    Clear(NameArgs),
}

/// Options of `endpoints priority`.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct PriorityArgs {
    /// The endpoint
    pub name: String,
    /// Its priority
    #[arg(value_name = "N")]
    pub priority: u32,
    /// Write it into the configuration file too; everything else in the file stays as it is
    #[arg(long)]
    pub save: bool,
    /// How.
    #[command(flatten)]
    pub ask: Ask,
}

/// Options of `requests`.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct RequestsArgs {
    /// How.
    #[command(flatten)]
    pub ask: Ask,
    /// Print requests as they end, a line each (with --json an object each), until Ctrl-C
    #[arg(short, long, conflicts_with_all = ["period", "since", "until"])]
    pub follow: bool,
    /// How many at most, 1000 at most; 20 without it. With --follow, how many that have ended come first
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: Option<u32>,
    /// A stretch with a name: today, yesterday, 7d, 30d, month, all, …
    #[arg(long, value_name = "NAME", conflicts_with_all = ["since", "until"])]
    pub period: Option<String>,
    /// When.
    #[command(flatten)]
    pub span: Span,
    /// Which.
    #[command(flatten)]
    pub which: Which,
    /// That their clients got this HTTP status for
    #[arg(long, value_name = "CODE")]
    pub status: Option<u16>,
    /// With this text in their id, path, model, endpoint, session, user agent or error
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
}

/// Options of `explain`.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct ExplainArgs {
    /// The request: req- and eight hex digits, as in lists, logs and the header x-cc-forwarder-request-id
    pub id: String,
    /// How.
    #[command(flatten)]
    pub ask: Ask,
}

/// Options of `suspended`.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct SuspendedArgs {
    /// Something else than listing them.
    #[command(subcommand)]
    pub command: Option<SuspendedCommand>,
    /// How.
    #[command(flatten)]
    pub ask: Ask,
}

/// What can be done to a request that waits.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum SuspendedCommand {
    /// Let one go on now, or all of them
    Resume(ResumeArgs),
    /// End one; its client gets an error
    Cancel(CancelArgs),
}

/// Options of `suspended resume`.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
#[command(group = ArgGroup::new("which").args(["id", "all"]).required(true))]
pub struct ResumeArgs {
    /// The request
    pub id: Option<String>,
    /// All that wait
    #[arg(long)]
    pub all: bool,
    /// How.
    #[command(flatten)]
    pub ask: Ask,
}

/// Options of `suspended cancel`.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct CancelArgs {
    /// The request
    pub id: String,
    /// How.
    #[command(flatten)]
    pub ask: Ask,
}

/// Options of `init`.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct InitArgs {
    /// Where the file goes; without it, your configuration directory. There must be no such file yet
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
}

/// Options of `completions`.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct CompletionsArgs {
    /// For this shell
    pub shell: clap_complete::Shell,
}
