//! The configuration as the program uses it: validated, immutable, shared as one `Arc`.
//!
//! This file holds what comes out of the loader: no `Option` that only means "default", no string that still has to
//! be parsed. How a file gets there:
//!
//! | step | where |
//! |---|---|
//! | find and read the file | [`load`], with [`Env`] as the outside world |
//! | YAML to a tree with lines | `yaml` |
//! | key by key: references, types, defaults, unknown keys | `section`, `expand`, `value` |
//! | the keys there are, and what endpoints inherit | `raw` |
//! | every problem with file, line, path and what to do | [`Problems`] |
//! | what the pure decisions need of it | `rules` |
//! | the way back, for display, without secrets | `view`, [`listing`] |
//! | where each value came from | [`origin`] |
//! | what a new version of the file changes | [`diff`] |
//! | noticing that there is one | [`watch`] |
//! | writing priorities back into it | [`edit`] |
//!
//! Beside it stands the price list that comes with the program: [`pricing`].

pub mod diff;
pub mod edit;
mod env;
mod expand;
pub mod listing;
pub mod load;
pub mod origin;
pub mod pricing;
mod problem;
mod raw;
mod rules;
mod section;
mod value;
mod view;
pub mod watch;
mod yaml;

pub use self::env::{Env, System};
pub use self::load::{ConfigError, Loaded, UnknownEndpoint};
pub use self::problem::{Problem, Problems};
pub(crate) use self::value::{positive_duration, show_duration};

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

pub use crate::domain::budget::{Budget, BudgetScope};
use crate::domain::endpoint::{EndpointId, EndpointSpec};
pub use crate::domain::route::StrategyKind;
use crate::domain::secret::{Redactor, Secret};
pub use crate::domain::session::FailBack;

/// Everything the program was told, with defaults filled in. `Debug` shows the redacted view.
#[derive(Clone)]
pub struct Config {
    /// Where it came from.
    pub source: Source,
    /// The version of the file; nothing when it came from none.
    pub stamp: Option<edit::Stamp>,
    /// Where its values came from.
    pub origins: origin::Origins,
    /// The proxy port.
    pub server: Server,
    /// The admin port.
    pub web: Web,
    /// The terminal interface.
    pub tui: Tui,
    /// Inbound credential of the proxy port; `None` when `auth.enabled` is false.
    pub auth: Option<Secret>,
    /// How endpoints inside a group are ordered.
    pub strategy: Strategy,
    /// Attempts and back-off.
    pub retry: Retry,
    /// Probes.
    pub health: HealthCheck,
    /// Timers of streams.
    pub streaming: Streaming,
    /// Group switching.
    pub group: GroupPolicy,
    /// Waiting while nothing is available.
    pub suspend: Suspend,
    /// Local count_tokens estimate.
    pub token_counting: TokenCounting,
    /// The usage store.
    pub usage: UsageTracking,
    /// Outbound proxy for all upstream traffic.
    pub outbound: Option<OutboundProxy>,
    /// PEM file with further roots for https.
    pub extra_ca: Option<PathBuf>,
    /// Log lines.
    pub logging: Logging,
    /// IANA name of the zone for days and displays; `None` is the system's.
    pub timezone: Option<String>,
    /// In file order.
    pub endpoints: Vec<Arc<EndpointSpec>>,
    /// The endpoint of `-p`, already checked to exist.
    pub pinned: Option<EndpointId>,
    /// Knows every secret value in here.
    pub redactor: Redactor,
}

impl Config {
    /// The zone of days and displays. Its name was checked when the configuration was read.
    pub fn zone(&self) -> TimeZone {
        let named = self.timezone.as_deref().and_then(|name| TimeZone::get(name).ok());
        named.unwrap_or_else(TimeZone::system)
    }
}

/// Where a configuration came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// No file was found: one pass-through endpoint.
    BuiltIn,
    /// This file.
    File(PathBuf),
}

/// `server.*`
#[derive(Clone, Debug)]
pub struct Server {
    /// Address or name to bind.
    pub host: String,
    /// Port; 0 lets the system choose.
    pub port: u16,
    /// Largest body of `messages` and `count_tokens`, bytes.
    pub max_body_bytes: u64,
    /// All buffered request bodies together, bytes.
    pub max_buffered_bytes: u64,
    /// How long streams may finish after SIGTERM.
    pub shutdown_grace: Duration,
    /// Host names accepted in `Host` beyond IP literals and `localhost`.
    pub allowed_hosts: Vec<String>,
    /// Values of `Origin` accepted from browsers.
    pub allowed_origins: Vec<String>,
    /// Accept a listener beyond loopback without a credential.
    pub allow_unauthenticated: bool,
}

/// `web.*`
#[derive(Clone, Debug)]
pub struct Web {
    /// Serve the admin port at all.
    pub enabled: bool,
    /// Address or name to bind.
    pub host: String,
    /// Port; 0 lets the system choose.
    pub port: u16,
    /// Bearer token of the admin port.
    pub token: Option<Secret>,
    /// As for the proxy port.
    pub allowed_hosts: Vec<String>,
    /// As for the proxy port.
    pub allowed_origins: Vec<String>,
    /// As for the proxy port.
    pub allow_unauthenticated: bool,
}

/// `tui.*`
#[derive(Clone, Debug)]
pub struct Tui {
    /// Open the terminal interface on a terminal.
    pub enabled: bool,
    /// Clock tick of the screen.
    pub update_interval: Duration,
    /// Default answer when priority edits are applied.
    pub save_priority_edits: bool,
    /// Theme name.
    pub theme: Option<String>,
}

/// `strategy.*`
#[derive(Clone, Debug)]
pub struct Strategy {
    /// The order.
    pub kind: StrategyKind,
    /// Measure endpoints before choosing (`fastest` only).
    pub fast_test_enabled: bool,
    /// How long a measurement counts.
    pub fast_test_cache_ttl: Duration,
    /// Longest measurement.
    pub fast_test_timeout: Duration,
    /// Path of the measurement.
    pub fast_test_path: String,
}

/// `retry.*`
#[derive(Clone, Debug)]
pub struct Retry {
    /// Tries per endpoint and round, at least 1.
    pub max_attempts: u32,
    /// Tries per round over all endpoints, at least 1.
    pub max_total_attempts: u32,
    /// First back-off.
    pub base_delay: Duration,
    /// Longest back-off.
    pub max_delay: Duration,
    /// Growth per try, at least 1.
    pub multiplier: f64,
}

/// `health.*`
#[derive(Clone, Debug)]
pub struct HealthCheck {
    /// Between two probes of one endpoint.
    pub check_interval: Duration,
    /// Longest probe.
    pub timeout: Duration,
    /// Probed path, behind the endpoint's base path.
    pub path: String,
}

/// `streaming.*`
#[derive(Clone, Debug)]
pub struct Streaming {
    /// Silence after which the client gets a ping of ours; zero never.
    pub heartbeat_interval: Duration,
    /// Silence of the upstream after which a response is given up; zero never.
    pub max_idle_time: Duration,
    /// Time to the response head of streams and of every class but `messages`.
    pub response_header_timeout: Duration,
    /// Longest time a stream is held back by the commit gate after its first byte.
    pub gate_hold: Duration,
}

/// `group.*`
#[derive(Clone, Debug)]
pub struct GroupPolicy {
    /// How long a group that failed rests.
    pub cooldown: Duration,
    /// Automatic failover between groups.
    pub auto_switch: bool,
    /// When sessions return to a better group.
    pub fail_back: FailBack,
    /// Idle time after which a session may move; `None` is the default rule (5 min, 1 h with 1 h cache).
    pub session_idle: Option<Duration>,
}

/// `request_suspend.*`
#[derive(Clone, Debug)]
pub struct Suspend {
    /// Requests may wait while nothing is available.
    pub enabled: bool,
    /// Longest wait from acceptance.
    pub timeout: Duration,
    /// How many may wait at once.
    pub max_suspended: u32,
    /// Send pings to streams that wait.
    pub keepalive: bool,
}

/// `token_counting.*`
#[derive(Clone, Debug)]
pub struct TokenCounting {
    /// Estimate locally when no endpoint can count.
    pub enabled: bool,
    /// Characters per token.
    pub estimation_ratio: f64,
}

/// `usage_tracking.*`
#[derive(Clone, Debug)]
pub struct UsageTracking {
    /// Keep a store.
    pub enabled: bool,
    /// The redb file.
    pub database_path: PathBuf,
    /// When more records wait for the disk, people are told.
    pub buffer_size: u64,
    /// A commit begins when so many records wait.
    pub batch_size: u64,
    /// Time between commits at most.
    pub flush_interval: Duration,
    /// Tries of a failing commit.
    pub max_retry: u32,
    /// Days to keep; 0 keeps for ever.
    pub retention_days: u32,
    /// Between two retention runs.
    pub cleanup_interval: Duration,
    /// Overrides of the price table, USD per million tokens as written: model, prices.
    pub model_pricing: Vec<(String, Prices)>,
    /// For models without any price; `None` leaves them unpriced.
    pub default_pricing: Option<Prices>,
    /// Spending limits.
    pub budgets: Vec<Budget>,
}

/// Prices in micro-dollars per million tokens, which is pico-dollars per token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prices {
    /// Uncached input.
    pub input: u64,
    /// Output.
    pub output: u64,
    /// 5-minute cache writes.
    pub cache_creation: u64,
    /// 1-hour cache writes; `None` is twice the input price.
    pub cache_creation_1h: Option<u64>,
    /// Cache reads.
    pub cache_read: u64,
}

/// `proxy.*`: the outbound proxy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutboundProxy {
    /// How it is spoken to.
    pub kind: OutboundKind,
    /// Its host name or IP.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User name and password.
    pub auth: Option<(Secret, Secret)>,
}

/// `proxy.type`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OutboundKind {
    /// HTTP CONNECT over plain TCP.
    Http,
    /// HTTP CONNECT over TLS.
    Https,
    /// SOCKS version 5, names resolved by the proxy.
    Socks5,
}

/// `logging.*`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Logging {
    /// Least severe level that is written.
    pub level: Level,
    /// Shape of a line.
    pub format: LogFormat,
    /// Rolling files; `None` when `file_enabled` is false.
    pub file: Option<LogFile>,
    /// Full lines in the file instead of the first 500 bytes of long values.
    pub disable_response_limit: bool,
    /// Keep responses whose usage could not be read.
    pub token_debug: Option<TokenDebug>,
}

/// `logging.level`
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = LogLevel)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Everything.
    Trace,
    /// Decisions.
    Debug,
    /// A line a request.
    Info,
    /// What a person should look at.
    Warn,
    /// What failed for good.
    Error,
}

/// `logging.format`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `logging.file_*`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogFile {
    /// The file written to; rotated ones stand beside it.
    pub path: PathBuf,
    /// Rotate at this size, bytes.
    pub max_size: u64,
    /// Rotated files kept; 0 keeps all.
    pub max_files: u32,
    /// Compress rotated files.
    pub compress: bool,
}

/// `logging.token_debug.*`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenDebug {
    /// Directory for the dumps.
    pub path: PathBuf,
    /// Dumps kept; 0 keeps all.
    pub max_files: u32,
    /// Days kept; 0 keeps for ever.
    pub cleanup_days: u32,
}

/// True for hosts that only this machine can reach.
pub fn is_loopback_host(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
