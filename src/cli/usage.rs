//! `usage` and `export`: what can be asked of the ledger.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// How the ledger is reached.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct Reach {
    /// Configuration file (YAML): names the store, and the admin port of a forwarder that has it open
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Ask the forwarder whose admin port is here, whatever the configuration says: http://127.0.0.1:8010
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Its web.token, if it has one
    #[arg(long, value_name = "TOKEN", env = "CC_FORWARDER_ADMIN_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

/// A stretch of time.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct Span {
    /// From here on: a date, a date with a time, RFC 3339, or so long ago (24h, 7d)
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Up to here; a date includes its day
    #[arg(long, value_name = "WHEN")]
    pub until: Option<String>,
}

/// Which requests.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct Which {
    /// Of this model; `claude-opus-*` for every model that begins so
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// At this endpoint
    #[arg(long, value_name = "NAME")]
    pub endpoint: Option<String>,
    /// In this group
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// Of this session
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// That ended so: completed, failed, cancelled or interrupted
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
}

/// Options of `usage`.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct UsageArgs {
    /// Something else than showing it.
    #[command(subcommand)]
    pub command: Option<UsageCommand>,
    /// How the ledger is reached.
    #[command(flatten)]
    pub reach: Reach,
    /// A stretch with a name: today, yesterday, 7d, 30d, month, all, …; today without any
    #[arg(long, value_name = "NAME", conflicts_with_all = ["since", "until"])]
    pub period: Option<String>,
    /// When.
    #[command(flatten)]
    pub span: Span,
    /// Which.
    #[command(flatten)]
    pub which: Which,
    /// A line for each
    #[arg(long, value_name = "WHAT", default_value = "model")]
    pub by: By,
    /// Print JSON instead of a table: `period`, `by`, `totals`, `groups` (`key`, `totals`); exact amounts in USD
    #[arg(long)]
    pub json: bool,
}

/// What the lines of `usage` tell apart.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum By {
    /// Models.
    #[default]
    Model,
    /// Endpoints.
    Endpoint,
    /// Groups of endpoints.
    Group,
    /// Claude Code's sessions.
    Session,
    /// Days of the configured time zone.
    Day,
    /// Hours of the configured time zone.
    Hour,
}

impl By {
    /// As the admin API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Endpoint => "endpoint",
            Self::Group => "group",
            Self::Session => "session",
            Self::Day => "day",
            Self::Hour => "hour",
        }
    }
}

/// What can be done to the ledger.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum UsageCommand {
    /// Price history again, with the prices of the configuration as it is now
    Recost(RecostArgs),
    /// Write a consistent copy of the store, also while the forwarder runs
    Backup(BackupArgs),
}

/// Options of `usage recost`.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct RecostArgs {
    /// How the ledger is reached.
    #[command(flatten)]
    pub reach: Reach,
    /// Only requests accepted from here on
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `usage backup`.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct BackupArgs {
    /// How the ledger is reached.
    #[command(flatten)]
    pub reach: Reach,
    /// The copy; there must be no such file yet. A forwarder that has the store open writes into the store's folder
    /// only
    pub file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `export`.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct ExportArgs {
    /// How the ledger is reached.
    #[command(flatten)]
    pub reach: Reach,
    /// When.
    #[command(flatten)]
    pub span: Span,
    /// Which.
    #[command(flatten)]
    pub which: Which,
    /// What to write
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    pub format: ExportFormat,
    /// Into this file, replacing it, instead of the standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Formats of `export`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum ExportFormat {
    /// A table that spreadsheets open (RFC 4180).
    #[default]
    Csv,
    /// One JSON array.
    Json,
    /// One JSON object a line.
    Ndjson,
}

impl ExportFormat {
    /// As the admin API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }
}
