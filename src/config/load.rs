//! Finds the configuration and turns it into a [`Config`], with every problem at once or with warnings.
//!
//! Search order: `--config`, `$CC_FORWARDER_CONFIG`, `./config/config.yaml`, the user's configuration directory, and
//! the built-in default. A file that was named must exist; a file that exists must be whole.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::env::{Env, read_text};
use super::problem::{Problem, Problems};
use super::section::{Context, Found, Section};
use super::yaml::{self, Entry, Item, Node};
use super::{Config, Source, raw};
use crate::domain::endpoint::EndpointId;
use crate::domain::secret::Redactor;

/// The variable that names a configuration file.
pub const CONFIG_VARIABLE: &str = "CC_FORWARDER_CONFIG";

/// The folder below the user's configuration directory.
const FOLDER: &str = "cc-forwarder";
const FILE: &str = "config.yaml";

/// A larger file is no configuration.
pub(super) const LONGEST_FILE: u64 = 4 * 1024 * 1024;

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What to run with.
    pub config: Config,
    /// What the person should know about the file.
    pub warnings: Problems,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file has problems.
    #[error(transparent)]
    Invalid(#[from] Problems),
}

/// `-p` names an endpoint that is not there or not enabled.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no enabled endpoint is named \"{}\"; there is: {}", name.escape_debug(), known.join(", "))]
pub struct UnknownEndpoint {
    /// What was asked for.
    pub name: String,
    /// What there is, in file order.
    pub known: Vec<String>,
}

/// The operating systems with their own idea of a configuration directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Platform {
    Windows,
    MacOs,
    /// Everything that follows the XDG base directory specification.
    Xdg,
}

const PLATFORM: Platform = if cfg!(windows) {
    Platform::Windows
} else if cfg!(target_os = "macos") {
    Platform::MacOs
} else {
    Platform::Xdg
};

/// Where the configuration is: the file to load, or the built-in default. `cwd` is the working directory.
pub fn locate(explicit: Option<&Path>, env: &dyn Env, cwd: &Path) -> Source {
    if let Some(path) = explicit {
        return Source::File(path.to_owned());
    }
    if let Some(path) = env.var(CONFIG_VARIABLE).filter(|v| !v.is_empty()) {
        return Source::File(path.into());
    }
    let mut found = std::iter::once(PathBuf::from("config").join(FILE)).chain(user_files(PLATFORM, env));
    found.find(|path| env.is_file(&cwd.join(path))).map_or(Source::BuiltIn, Source::File)
}

/// The user's own directories of this program, best first; they need not exist.
pub fn user_directories(env: &dyn Env) -> Vec<PathBuf> {
    directories(PLATFORM, env)
}

/// Where a new configuration of the user's own goes; nothing without a home.
pub fn user_file(env: &dyn Env) -> Option<PathBuf> {
    user_files(PLATFORM, env).into_iter().next()
}

/// The places of a configuration in the user's own directories, best first.
pub(super) fn user_files(platform: Platform, env: &dyn Env) -> Vec<PathBuf> {
    directories(platform, env).into_iter().map(|directory| directory.join(FILE)).collect()
}

fn directories(platform: Platform, env: &dyn Env) -> Vec<PathBuf> {
    let var = |name: &str| {
        env.var(name).map(PathBuf::from).filter(|dir| dir.is_absolute() || platform == Platform::Windows)
    };
    let home = var("HOME");
    let xdg = var("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
    let library = || home.as_ref().map(|home| home.join("Library").join("Application Support"));
    let directories = match platform {
        Platform::Windows => vec![var("APPDATA")],
        Platform::MacOs => vec![xdg, library()],
        Platform::Xdg => vec![xdg],
    };
    directories.into_iter().flatten().map(|dir| dir.join(FOLDER)).collect()
}

/// Loads what [`locate`] found.
///
/// # Errors
/// When the file cannot be read or has problems; all of them are listed.
pub fn load(source: Source, env: &dyn Env) -> Result<Loaded, ConfigError> {
    let Source::File(path) = &source else {
        return Ok(Loaded {
            config: Config::built_in(),
            warnings: Problems::new(shown(&source), Vec::new()),
        });
    };
    let text = text_of(path, env)?;
    Ok(parse(&text, source, env)?)
}

fn text_of(path: &Path, env: &dyn Env) -> Result<String, ConfigError> {
    let unreadable = |error| ConfigError::Unreadable { path: path.to_owned(), error };
    read_text(env, path, LONGEST_FILE).map_err(unreadable)
}

/// Where credentials stand, often as `${...}`, and nothing about the ledger does.
const APART_FROM_THE_LEDGER: [&str; 6] = ["endpoints[", "auth.", "proxy.", "server.", "tls.", "web.token"];

/// Loads what [`locate`] found for those who only look at the ledger: in another shell the variables of the forwarder may
/// be unset. What the ledger needs is right; credentials and endpoints may not be, so nothing may be started with it.
///
/// # Errors
/// As [`load`], unless all problems are apart from the ledger.
pub fn load_ledger(source: Source, env: &dyn Env) -> Result<Config, ConfigError> {
    let Source::File(path) = &source else { return Ok(Config::built_in()) };
    let text = text_of(path, env)?;
    let (config, found) = read(&text, source, env)?;
    let apart = |problem: &Problem| APART_FROM_THE_LEDGER.iter().any(|part| problem.path.starts_with(part));
    match found.problems.iter().all(apart) {
        true => Ok(config),
        false => Err(Problems::new(shown(&config.source), found.problems).into()),
    }
}

/// Turns the text of a file into a configuration. `env` is asked for references and for the files the text names.
///
/// # Errors
/// Every problem of the text, sorted by line.
pub fn parse(text: &str, source: Source, env: &dyn Env) -> Result<Loaded, Problems> {
    let (config, found) = read(text, source, env)?;
    let file = shown(&config.source);
    if !found.problems.is_empty() {
        return Err(Problems::new(file, found.problems));
    }
    Ok(Loaded { config, warnings: Problems::new(file, found.warnings) })
}

/// The configuration, usable or not, and everything found on the way.
fn read(text: &str, source: Source, env: &dyn Env) -> Result<(Config, Found), Problems> {
    let (tree, problems) =
        yaml::read(text).map_err(|problem| Problems::new(shown(&source), vec![problem]))?;
    let cx = Context::new(env);
    problems.into_iter().for_each(|problem| cx.place(problem));
    let mut config = Section::root(&cx, &tree, |s| raw::root(s, source));
    let mut found = cx.finish();
    config.redactor = Redactor::new(&found.secrets);
    config.stamp = Some(super::edit::Stamp::of(text));
    config.origins.lines = Arc::new(std::mem::take(&mut found.given));
    config.origins.references = Arc::new(std::mem::take(&mut found.references));
    Ok((config, found))
}

fn shown(source: &Source) -> String {
    match source {
        Source::BuiltIn => "built-in default".to_owned(),
        Source::File(path) => path.display().to_string(),
    }
}

/// A world without variables and files.
struct Nowhere;

impl Env for Nowhere {
    fn var(&self, _: &str) -> Option<String> {
        None
    }
    fn read(&self, _: &Path, _: u64) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }
    fn is_file(&self, _: &Path) -> bool {
        false
    }
}

impl Config {
    /// What runs without any file: one endpoint that passes the client's own credential to Anthropic's API.
    pub fn built_in() -> Self {
        let scalar = |key: &str, text: &str| Entry {
            key: key.to_owned(),
            line: None,
            node: Node::Scalar(text.to_owned()),
        };
        let endpoint = Node::Map(vec![
            scalar("name", "anthropic"),
            scalar("url", "https://api.anthropic.com"),
            scalar("credential", "pass"),
        ]);
        let endpoints = Node::List(vec![Item { line: None, node: endpoint }]);
        let tree = Node::Map(vec![Entry { key: "endpoints".to_owned(), line: None, node: endpoints }]);
        Section::root(&Context::new(&Nowhere), &tree, |s| raw::root(s, Source::BuiltIn))
    }

    /// Pins the endpoint of `-p` for this run.
    ///
    /// # Errors
    /// When no enabled endpoint has that name; the error lists those that exist.
    pub fn pin(&mut self, name: &str) -> Result<(), UnknownEndpoint> {
        let mut enabled = self.endpoints.iter().filter(|e| e.enabled);
        if enabled.clone().any(|e| *e.id.0 == *name) {
            self.pinned = Some(EndpointId::new(name));
            return Ok(());
        }
        let known = enabled.by_ref().map(|e| e.id.to_string()).collect();
        Err(UnknownEndpoint { name: name.to_owned(), known })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(self))
    }
}

#[cfg(test)]
mod tests;
