//! `usage recost` and `usage backup`.
//!
//! A forwarder that has the store open does it itself. A copy it makes stands in the store's folder, and is moved from
//! there to where it was wanted; with `--url` it stays there, for that folder may be on another machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use serde::Serialize;
use serde_json::json;

use super::ledger::{API, holder, recorded, remote};
use super::local::{Local, OpenError};
use crate::admin::usage::upkeep::{BackupView, RecostView, copy, reprice};
use crate::app::client::blocking::Client;
use crate::app::figures::{counted, exact};
use crate::app::reach::say;
use crate::app::{json, prices, run};
use crate::cli::{BackupArgs, EXIT_FAILED, EXIT_OK, Reach, RecostArgs};
use crate::config::Config;
use crate::files;
use crate::logging::escape::escape;
use crate::store::{Options, Store};

/// A store that something is done to.
enum Ledger {
    Here(Store, Box<Config>),
    /// The forwarder that has it open; with the store's file, when that is on this machine.
    There(Box<Client>, Option<PathBuf>),
    Missing(OpenError),
}

fn open(reach: &Reach) -> anyhow::Result<Ledger> {
    if let Some(client) = remote(reach)? {
        return Ok(Ledger::There(Box::new(client), None));
    }
    let config = recorded(reach)?;
    let options = Options::of(&config);
    // Looked at first: opening for good moves aside what it cannot read.
    match Local::open(&options) {
        Err(missing @ OpenError::Missing(_)) => return Ok(Ledger::Missing(missing)),
        Err(OpenError::InUse(path)) => {
            return Ok(Ledger::There(Box::new(holder(&config, reach)?), Some(path)));
        }
        looked => drop(looked?),
    }
    let (store, _) = Store::open(options)?;
    Ok(Ledger::Here(store, Box::new(config)))
}

/// Prices history again.
///
/// # Errors
/// When the ledger cannot be reached, read or written.
pub(super) fn recost(args: &RecostArgs) -> anyhow::Result<u8> {
    let made = match open(&args.reach)? {
        Ledger::Here(store, config) => {
            let made = reprice(&store, Arc::new(prices::of(&config)), args.since.as_deref());
            store.close();
            made?
        }
        Ledger::There(client, _) => {
            let mut asked = super::Question::default();
            asked.add("since", args.since.as_deref());
            json::read(&client.post(&format!("{API}/recost"), &asked.query(), None)?)?
        }
        Ledger::Missing(missing) => {
            say(&format!("nothing recorded yet: {missing}"))?;
            return Ok(EXIT_OK);
        }
    };
    show(args.json, &made, &priced(&made))
}

fn priced(made: &RecostView) -> String {
    let unpriced = match made.unpriced {
        0 => String::new(),
        n => format!(", {} without a price", exact(n)),
    };
    let (records, changed) = (counted(made.records, "request"), exact(made.changed));
    format!("Priced {records}: {changed} changed{unpriced}. Prices: {}", escape(&made.price_revision))
}

/// Copies the store.
///
/// # Errors
/// When the ledger cannot be reached or read, the copy is there already or cannot be written.
pub(super) fn backup(args: &BackupArgs) -> anyhow::Result<u8> {
    if fs::symlink_metadata(&args.file).is_ok() && args.reach.url.is_none() {
        bail!("{} is there already: choose another name, or move it away", args.file.display());
    }
    let made = match open(&args.reach)? {
        Ledger::Here(store, _) => {
            let made = copy(&store, &args.file);
            store.close();
            made?
        }
        Ledger::There(client, Some(_)) => {
            let made = order(&client, &passing_name())?;
            move_to(Path::new(&made.path), &args.file)
                .with_context(|| format!("the copy is {}, and cannot be moved", made.path))?;
            let path = std::path::absolute(&args.file)?.display().to_string();
            BackupView { path, ..made }
        }
        Ledger::There(client, None) => {
            let name = args.file.to_str().context("the name of the copy is no UTF-8")?;
            order(&client, name)?
        }
        Ledger::Missing(missing) => {
            say(&format!("nothing to copy: {missing}"))?;
            return Ok(EXIT_FAILED);
        }
    };
    let (path, records) = (escape(&made.path).into_owned(), counted(made.records, "request"));
    show(args.json, &made, &format!("Wrote {path}: {records}, {}", counted(made.bytes, "byte")))
}

fn order(client: &Client, name: &str) -> anyhow::Result<BackupView> {
    let body = json!({ "path": name }).to_string();
    json::read(&client.post(&format!("{API}/backup"), "", Some(&body))?)
}

/// A name that nobody has.
fn passing_name() -> String {
    let now = jiff::Timestamp::now().as_nanosecond();
    format!("backup-{now}-{}.redb", std::process::id())
}

/// Moves a file to a place where nothing is; across file systems if need be.
fn move_to(from: &Path, to: &Path) -> io::Result<()> {
    // A link fails where something is, a renaming would overwrite it.
    if let Err(error) = fs::hard_link(from, to) {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return Err(error);
        }
        let mut target = files::create(to)?;
        let copied = io::copy(&mut fs::File::open(from)?, &mut target).and_then(|_| target.sync_all());
        if copied.is_err() {
            let _ = fs::remove_file(to);
        }
        copied?;
    }
    fs::remove_file(from)
}

fn show(as_json: bool, made: &impl Serialize, line: &str) -> anyhow::Result<u8> {
    match as_json {
        true => json::print(&serde_json::to_string(made)?)?,
        false => run::print(&format!("{line}\n"))?,
    }
    Ok(EXIT_OK)
}
