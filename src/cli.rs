//! The command line: what can be asked for, and what old scripts write.
//!
//! | written | meaning |
//! |---|---|
//! | `cc-forwarder [options]` | run the forwarder |
//! | `cc-forwarder demo` | see it work without any account |
//! | `cc-forwarder check` | validate the configuration, probe the endpoints |
//! | `cc-forwarder attach` | the terminal interface on one that runs already |
//! | `cc-forwarder usage`, `export` | what requests used and cost |
//! | `cc-forwarder status`, `groups`, `endpoints`, `requests`, `explain`, `suspended` | look at one that runs, and steer it |
//! | `cc-forwarder init`, `completions` | a configuration to begin with; the shell's help |
//! | `-config PATH`, `-no-tui`, `-tui`, `-version`, `-web`, `-web-port N` | as with two dashes: the predecessor's spelling |
//!
//! Nothing here acts. [`parse`] fails with clap's error, which knows its text and its exit code (0 for help and version,
//! [`EXIT_USAGE`] for bad usage).

mod attach;
mod remote;
mod usage;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::attach::AttachArgs;
pub use self::remote::{
    ActivateArgs, Ask, CancelArgs, CompletionsArgs, EndpointsArgs, EndpointsCommand, ExplainArgs, GroupsArgs,
    GroupsCommand, InitArgs, NameArgs, PauseArgs, PriorityArgs, RequestsArgs, ResumeArgs, StatusArgs,
    SuspendedArgs, SuspendedCommand,
};
pub use self::usage::{
    BackupArgs, By, ExportArgs, ExportFormat, Reach, RecostArgs, Span, UsageArgs, UsageCommand, Which,
};
use crate::config::{Level, LogFormat};

/// Exit code: everything went as asked.
pub const EXIT_OK: u8 = 0;
/// Exit code: it was understood, and failed.
pub const EXIT_FAILED: u8 = 1;
/// Exit code: the command line makes no sense.
pub const EXIT_USAGE: u8 = 2;

/// Version and, where the build was told (`CC_FORWARDER_COMMIT` in its environment), the commit.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let version = env!("CARGO_PKG_VERSION");
        option_env!("CC_FORWARDER_COMMIT")
            .map_or(version.to_owned(), |commit| format!("{version} ({commit})"))
    });
    &VERSION
}

const AFTER_HELP: &str = "\
Examples:
  cc-forwarder                              use the config found, or pass your own login through
  ANTHROPIC_BASE_URL=http://localhost:8088 claude
                                            use Claude Code through it, in a second terminal
  cc-forwarder --config my.yaml -p backup   prefer the endpoint 'backup' for this run
  cc-forwarder check                        is the configuration right, do the endpoints answer?
  cc-forwarder demo                         watch failovers with simulated endpoints
  cc-forwarder usage --period 7d --by day   what the last seven days cost
  cc-forwarder export -o usage.csv          every request, for a spreadsheet
  cc-forwarder status                       is the forwarder well, what serves?
  cc-forwarder requests --follow            each request as it ends
  cc-forwarder groups pause main 30m        use another group for half an hour

Configuration, first found: --config, $CC_FORWARDER_CONFIG, ./config/config.yaml, the user's config
directory; without any: one endpoint, https://api.anthropic.com, with the client's own credential.

Environment:
  CC_FORWARDER_CONFIG        configuration file, unless --config is given
  CC_FORWARDER_ADMIN_TOKEN   web.token of the forwarder that is asked, unless --token is given
  NO_COLOR                   no colours, if not empty

Exit codes: 0 fine, 1 failed, 2 bad usage";

/// The whole command line.
#[derive(Parser, Clone, PartialEq, Eq, Debug)]
#[command(
    name = "cc-forwarder",
    version = version(),
    about = "Stands between Claude Code (or any Anthropic SDK) and your Claude API endpoints",
    after_help = AFTER_HELP,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// Something else than running the forwarder.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to run, without a command.
    #[command(flatten)]
    pub run: RunArgs,
}

/// What can be asked for besides running.
#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Run against simulated endpoints and clients: no account, no configuration
    ///
    /// The real forwarder on a free loopback port, four simulated endpoints that fail on schedule, and simulated
    /// clients that compare every answer byte for byte with what an untroubled endpoint says. Exit code 0 when every
    /// client got every answer whole.
    Demo(DemoArgs),
    /// Validate the configuration, then probe every endpoint
    ///
    /// Every enabled endpoint is asked for `health.health_path`, with the credential and headers of real requests;
    /// one with `credential: pass` is asked without any. Exit code 0 when all of them are up and take their
    /// credential; 1 when one does not, or when the configuration has problems, which are all listed at once.
    Check(CheckArgs),
    /// Open the terminal interface on a forwarder that runs already, here or elsewhere
    ///
    /// Over its admin port. It reconnects by itself; leaving it stops nothing. With --readonly no key changes
    /// anything.
    Attach(AttachArgs),
    /// Show what requests used and cost: today's totals, model by model
    ///
    /// Reads the store of the configuration; while a forwarder has it open, that forwarder is asked over its admin
    /// port.
    Usage(Box<UsageArgs>),
    /// Write every request of a period as CSV or JSON, oldest first
    ///
    /// Without a period, all there are. Reads the store as `usage` does.
    Export(Box<ExportArgs>),
    /// Show a forwarder that runs: is it well, where does it listen, what serves
    ///
    /// Exit code 0 when it answers; with --check only when it can serve as well.
    Status(StatusArgs),
    /// List the groups of a forwarder that runs; activate, pause, resume or release one
    Groups(GroupsArgs),
    /// List the endpoints of a forwarder that runs; probe, rank, enable or disable one
    Endpoints(EndpointsArgs),
    /// List requests, those that run first; or follow them as they end
    ///
    /// Asks the forwarder that runs; without one, the store is read as `usage` does. Of those that run, --state names the
    /// phase: pending, forwarding, retrying, suspended or streaming; live means all of these.
    Requests(Box<RequestsArgs>),
    /// Tell why a request went where it went: every choice, attempt and wait
    ///
    /// Also of one that still runs. Without a forwarder, the store is read as `usage` does.
    Explain(ExplainArgs),
    /// List requests that wait for an endpoint; let them go on, or end one
    Suspended(SuspendedArgs),
    /// Write a configuration to begin with, and say how to use it; overwrites nothing
    Init(InitArgs),
    /// Print a script that completes commands and options in your shell
    ///
    /// For bash: cc-forwarder completions bash > ~/.local/share/bash-completion/completions/cc-forwarder
    Completions(CompletionsArgs),
}

/// Options of running the forwarder.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct RunArgs {
    /// Configuration file (YAML)
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Put this endpoint first for this run; the others stay as failover
    #[arg(short, long, value_name = "ENDPOINT")]
    pub pin: Option<String>,
    /// Log lines from this level up: trace, debug, info, warn or error
    #[arg(long, value_name = "LEVEL", hide_possible_values = true)]
    pub log_level: Option<Level>,
    /// Form of log lines: text, or json with one object a line
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    pub log_format: Option<LogFormat>,
    /// Run without the terminal interface
    #[arg(long)]
    pub no_tui: bool,
    /// Open the terminal interface even if tui.enabled is false
    #[arg(long, conflicts_with = "no_tui")]
    pub tui: bool,
    /// Theme of the terminal interface, instead of tui.theme
    #[arg(long, value_name = "NAME", conflicts_with = "no_tui")]
    pub theme: Option<String>,
    /// Open the admin port, also where web.enabled is false
    #[arg(long)]
    pub web: bool,
    /// Port of the admin port, instead of web.port
    #[arg(long, value_name = "N")]
    pub web_port: Option<u16>,
}

/// Options of `demo`.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct DemoArgs {
    /// Begin no request after this many seconds; without it, 20 when printing, and until you quit on the screen
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub seconds: Option<u32>,
    /// Print what happens instead of opening the terminal interface
    #[arg(long)]
    pub no_tui: bool,
    /// Theme of the terminal interface
    #[arg(long, value_name = "NAME", conflicts_with = "no_tui")]
    pub theme: Option<String>,
}

/// A command line that reads well and still makes no sense here: exit code [`EXIT_USAGE`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misuse(pub String);

/// Options of `check`.
#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct CheckArgs {
    /// Configuration file (YAML)
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Print JSON instead of a table: `ok`, `valid`, `probed`, `config`, `problems` and `warnings` (`line`, `key`,
    /// `message`), `endpoints` (`name`, `group`, `url`, `enabled`, `result`, `status`, `latency_ms`, `note`, …)
    #[arg(long)]
    pub json: bool,
    /// Validate only; send nothing
    #[arg(long)]
    pub no_probe: bool,
}

impl ValueEnum for Level {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }))
    }
}

impl ValueEnum for LogFormat {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Text, Self::Json]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Text => "text",
            Self::Json => "json",
        }))
    }
}

/// Reads a command line, program name first.
///
/// # Errors
/// Bad usage; also help and version, which are text to print and exit code 0.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(normalise(args))
}

/// Long options that may be written with one dash: the predecessor's, and those of running beside them.
/// `-pin x` in particular would otherwise be understood as `-p in x`.
const LEGACY: [&str; 11] = [
    "config",
    "no-tui",
    "tui",
    "theme",
    "version",
    "web",
    "web-port",
    "help",
    "pin",
    "log-level",
    "log-format",
];

/// The arguments with the predecessor's `-config PATH` and `-config=PATH` as `--config …`. Everything else, and
/// everything behind `--`, stays as it is.
pub fn normalise(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut options_end = false;
    args.into_iter()
        .map(|arg| {
            options_end |= arg == "--";
            if options_end || !is_legacy(&arg) {
                return arg;
            }
            let mut modern = OsString::from("-");
            modern.push(arg);
            modern
        })
        .collect()
}

fn is_legacy(arg: &OsStr) -> bool {
    // Looked at as lossy text, which keeps the ASCII in front of a `=`; the argument itself stays as it is.
    let text = arg.to_string_lossy();
    let Some(name) = text.strip_prefix('-') else { return false };
    LEGACY.contains(&name.split_once('=').map_or(name, |(name, _)| name))
}

#[cfg(test)]
mod tests;
