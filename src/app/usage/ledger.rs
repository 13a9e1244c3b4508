//! The way to the ledger: the file, or the forwarder that has it open. See the table in [`super`].

use std::io::Write;

use anyhow::{Context, bail};

use super::local::{Local, OpenError};
use crate::admin::params::Params;
use crate::admin::requests::RequestDetail;
use crate::admin::usage::ask;
use crate::app::client::blocking::Client;
use crate::app::reach::{self, advise, say, token};
use crate::app::run;
use crate::cli::Reach;
use crate::config::{Config, System, load};
use crate::domain::budget::Budget;
use crate::events::RequestId;
use crate::store::Options;
use crate::store::export::{self, ExportError, Format};

/// Below the admin port's address.
pub(super) const API: &str = "/api/v1/usage";

/// Where answers come from.
pub(in crate::app) enum Ledger {
    /// The file, read here; with the limits of the configuration.
    Here(Local, Vec<Budget>),
    /// The forwarder that has it open.
    There(Box<Client>),
}

/// How far an export is.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) enum Progress {
    /// Rows written, and rows there are.
    Rows(u64, u64),
    /// Bytes written; how many there will be nobody knows.
    Bytes(u64),
}

impl Ledger {
    /// Finds it.
    ///
    /// # Errors
    /// When the configuration cannot be used, or the ledger not be reached.
    pub(super) fn open(reach: &Reach) -> anyhow::Result<Self> {
        match remote(reach)? {
            Some(client) => Ok(Self::There(Box::new(client))),
            None => Self::of(looked_up(reach)?, reach),
        }
    }

    /// As [`Self::open`]; where nothing is recorded, the forwarder that runs is asked: it knows its last requests all
    /// the same.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(in crate::app) fn open_or_ask(reach: &Reach) -> anyhow::Result<Self> {
        let asked = || anyhow::Ok(Self::There(Box::new(Client::over(reach::client(reach)?)?)));
        if reach.url.is_some() {
            return asked();
        }
        let config = load::load_ledger(run::locate(reach.config.as_deref())?, &System)?;
        if config.usage.enabled { Self::of(config, reach) } else { asked() }
    }

    fn of(config: Config, reach: &Reach) -> anyhow::Result<Self> {
        let options = Options::of(&config);
        match Local::open(&options) {
            Ok(local) => Ok(Self::Here(local, config.usage.budgets)),
            Err(OpenError::InUse(_)) => Ok(Self::There(Box::new(holder(&config, reach)?))),
            Err(missing @ OpenError::Missing(_)) => match reachable(&config, reach)? {
                Some(client) => {
                    say(&format!("{missing}: asking the forwarder at {}", client.base()))?;
                    Ok(Self::There(Box::new(client)))
                }
                None => {
                    say(&format!("nothing recorded yet: {missing}"))?;
                    Ok(Self::Here(Local::empty(options.clock)?, config.usage.budgets))
                }
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Sums, as JSON.
    ///
    /// # Errors
    /// When the question makes no sense, or there is no answer.
    pub(super) fn stats(&self, query: &str) -> anyhow::Result<String> {
        match self {
            Self::Here(local, _) => Ok(ask::stats(&local.reader()?, Params::of(Some(query)))?),
            Self::There(client) => Ok(client.get(&format!("{API}/stats"), query)?),
        }
    }

    /// A page of requests, as JSON; a forwarder tells of those that run, too.
    ///
    /// # Errors
    /// When the question makes no sense, or there is no answer.
    pub(in crate::app) fn requests(&self, query: &str) -> anyhow::Result<String> {
        match self {
            Self::Here(local, _) => Ok(ask::requests(&local.reader()?, Params::of(Some(query)))?),
            Self::There(client) => client.get("/api/v1/requests", query).map_err(advise),
        }
    }

    /// A request and its story, as JSON.
    ///
    /// # Errors
    /// When nothing is known of it, or there is no answer.
    pub(in crate::app) fn request(&self, id: RequestId) -> anyhow::Result<String> {
        match self {
            Self::Here(local, _) => {
                let (row, story) = local.reader()?.row(id)?.with_context(|| {
                    format!("no request {id} is recorded: old ones go after usage_tracking.retention_days")
                })?;
                Ok(serde_json::to_string(&RequestDetail::stored(&row, story))?)
            }
            Self::There(client) => client.get(&format!("/api/v1/requests/{id}"), "").map_err(advise),
        }
    }

    /// What is spent of every limit, as JSON.
    ///
    /// # Errors
    /// When there is no answer.
    pub(super) fn budget(&self) -> anyhow::Result<String> {
        match self {
            Self::Here(local, budgets) => Ok(serde_json::to_string(&local.spent(budgets)?)?),
            Self::There(client) => Ok(client.get(&format!("{API}/budget"), "")?),
        }
    }

    /// Writes requests into `out`.
    ///
    /// # Errors
    /// When the question makes no sense, the ledger cannot be read, or `out` not be written: then, somewhere in the
    /// chain, there is the error of `out`.
    pub(super) fn export(
        &self,
        format: &str,
        query: &str,
        out: &mut dyn Write,
        mut progress: impl FnMut(Progress),
    ) -> anyhow::Result<()> {
        match self {
            Self::Here(local, _) => {
                let (reader, mut params) = (local.reader()?, Params::of(Some(query)));
                let filter = ask::filter(&reader, &mut params)?;
                params.finish()?;
                let format: Format = format.parse()?;
                let written = export::export(&reader, &filter, format, out, |done, total| {
                    progress(Progress::Rows(done, total));
                });
                match written {
                    Ok(_) => Ok(()),
                    Err(ExportError::Write(error)) => Err(error.into()),
                    Err(error) => Err(error.into()),
                }
            }
            Self::There(client) => {
                let query = format!("format={format}&{query}");
                client.download(&format!("{API}/export"), &query, out, |bytes| {
                    progress(Progress::Bytes(bytes));
                })
            }
        }
    }
}

/// The forwarder of `--url`. The token of the configuration is not shown to it: it may be anybody's.
///
/// # Errors
/// When the URL is none.
pub(super) fn remote(reach: &Reach) -> anyhow::Result<Option<Client>> {
    reach.url.as_deref().map(|url| Client::new(url, token(reach))).transpose()
}

/// The configuration, which must want a record.
///
/// # Errors
/// When it cannot be used, or wants none.
pub(super) fn recorded(reach: &Reach) -> anyhow::Result<Config> {
    enabled(run::find(reach.config.as_deref())?.config)
}

/// As [`recorded`], for those who only look: what is wrong with parts that the ledger has nothing to do with, such as an
/// unset variable in the token of an endpoint, does not matter to them.
///
/// # Errors
/// As [`recorded`].
pub(super) fn looked_up(reach: &Reach) -> anyhow::Result<Config> {
    enabled(load::load_ledger(run::locate(reach.config.as_deref())?, &System)?)
}

fn enabled(config: Config) -> anyhow::Result<Config> {
    if !config.usage.enabled {
        bail!("nothing is recorded: usage_tracking.enabled is false in {}", config.source);
    }
    Ok(config)
}

/// The forwarder that has the store open.
///
/// # Errors
/// When its admin port cannot be reached.
pub(super) fn holder(config: &Config, reach: &Reach) -> anyhow::Result<Client> {
    let file = config.usage.database_path.display();
    if !config.web.enabled {
        bail!(
            "the usage store {file} is in use by a forwarder that runs without an admin port: set web.enabled: true and \
             restart it, or stop it"
        );
    }
    let unknown = || {
        format!(
            "the usage store {file} is in use by a forwarder whose admin port the system chose (web.port: 0): its log \
             says where it is, give that as --url"
        )
    };
    let client = Client::of(&config.web, token(reach))?.with_context(unknown)?;
    client.get("/api/v1/status", "").with_context(|| {
        format!(
            "the usage store {file} is in use by a forwarder that runs, and it cannot be asked at {} (web.host, \
             web.port); if its admin port is elsewhere, give --url",
            client.base()
        )
    })?;
    Ok(client)
}

/// A forwarder at the configured admin port, if one answers.
fn reachable(config: &Config, reach: &Reach) -> anyhow::Result<Option<Client>> {
    let client = Client::of(&config.web, token(reach))?.filter(|_| config.web.enabled);
    Ok(client.filter(|client| client.get(&format!("{API}/summary"), "").is_ok()))
}
