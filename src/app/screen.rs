//! The terminal interface: whether it opens, what it shows of the forwarder in this process, how it closes.
//! [`super::attach`] opens it over one elsewhere.
//!
//! | asked for | `tui.enabled` | on a terminal | then |
//! |---|---|---|---|
//! | `--no-tui` | any | any | headless |
//! | `--tui` | any | yes | the screen opens |
//! | `--tui` | any | no | an error: it cannot |
//! | nothing | true | yes | the screen opens |
//! | nothing | otherwise | | headless, and says why |
//!
//! The screen has a thread of its own. A terminal that stands still (Ctrl-S, a frozen window) blocks that thread alone:
//! closing waits [`CLOSING`] for it and then goes on without it. A screen that fails is reported; the forwarder goes on.

mod file;
mod history;
mod ledger;
mod local;
#[cfg(test)]
mod testing;

use std::any::Any;
use std::io::{self, IsTerminal};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

pub(super) use self::file::NewFile;
pub(super) use self::ledger::wanted;
use self::local::Local;
use super::{Running, reload, themes};
use crate::cli::Misuse;
use crate::config::diff::Report;
use crate::config::{Config, Source};
use crate::logging::ring::Ring;
use crate::tui::model::Facts;
use crate::tui::theme::{Depth, Theme};
use crate::tui::{self, Remote, Tui, terminal};

/// How long a stop waits for the screen to close.
const CLOSING: Duration = Duration::from_secs(1);

/// What the command line says about the screen.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Wish<'a> {
    /// `--tui`
    pub(super) tui: bool,
    /// `--no-tui`
    pub(super) no_tui: bool,
    /// `--theme`
    pub(super) theme: Option<&'a str>,
}

/// How a run shows itself.
pub(super) enum Face {
    /// On a screen.
    Screen(Plan),
    /// By log lines alone; why, when nobody asked for that.
    Headless(Option<String>),
}

/// What the screen will look like.
pub(super) struct Plan {
    themes: Vec<Theme>,
    theme: usize,
    /// The program's own log lines, for the screen that shows them.
    pub(super) logs: Option<Ring>,
    /// To be said when it opens.
    pub(super) notices: Vec<String>,
}

impl Plan {
    /// The same with what the screen stands on: facts, the pace of its clock, and who runs what it waits for.
    pub(super) fn options(self, facts: Facts, tick: Duration, spawn: tui::Spawn) -> tui::Options {
        let Self { themes, theme, notices, .. } = self;
        tui::Options { facts, themes, theme, notices, tick, spawn }
    }
}

/// How this run shows itself.
///
/// # Errors
/// `--tui` without a terminal; `--theme` with a name that no theme has, or whose file cannot be used.
pub(super) fn face(wish: Wish<'_>, config: &Config) -> Result<Face, Misuse> {
    let plan = plan(wish.theme, config)?;
    Ok(match why_headless(wish, config.tui.enabled, no_terminal())? {
        None => Face::Screen(plan),
        Some(why) => Face::Headless(why),
    })
}

/// What a screen looks like; `theme` is that of the command line.
///
/// # Errors
/// When no theme has that name, or its file cannot be used.
pub(super) fn plan(theme: Option<&str>, config: &Config) -> Result<Plan, Misuse> {
    let themes = themes::gather(&config.source);
    let mut notices: Vec<String> = themes.problems.iter().map(ToString::to_string).collect();
    let theme = match (theme, &config.tui.theme) {
        (Some(name), _) => themes.find(name).map_err(|error| Misuse(format!("--theme: {error}")))?,
        (None, Some(name)) => themes.find(name).unwrap_or_else(|error| {
            // Its file may be what is wrong: that need not be said twice.
            notices.retain(|notice| !error.contains(notice.as_str()));
            notices.push(format!("tui.theme: {error}"));
            0
        }),
        (None, None) => 0,
    };
    Ok(Plan { themes: themes.all, theme, logs: None, notices })
}

/// Why there is no screen: nothing when there is one, an inner nothing when that was asked for. `missing` says what a
/// terminal lacks.
fn why_headless(
    wish: Wish<'_>,
    enabled: bool,
    missing: Option<&'static str>,
) -> Result<Option<Option<String>>, Misuse> {
    match missing {
        _ if wish.no_tui => Ok(Some(None)),
        Some(missing) if wish.tui => {
            Err(Misuse(format!("--tui: {missing}; start it in a terminal, or leave --tui out")))
        }
        _ if !wish.tui && !enabled => Ok(Some(Some("tui.enabled is false".to_owned()))),
        Some(missing) => Ok(Some(Some(missing.to_owned()))),
        None => Ok(None),
    }
}

/// What is missing for a screen.
pub(super) fn no_terminal() -> Option<&'static str> {
    if !io::stdin().is_terminal() {
        Some("standard input is no terminal")
    } else if !io::stdout().is_terminal() {
        Some("standard output is no terminal")
    } else if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        Some("the terminal cannot move its cursor (TERM=dumb)")
    } else {
        None
    }
}

/// How the screen ended.
#[derive(Debug)]
pub(super) enum Closed {
    /// As asked.
    Well,
    /// Not as asked, for this reason.
    Failed(String),
}

/// An open screen.
pub(super) struct Window {
    remote: Remote,
    /// Nothing once it has said so.
    closed: Option<oneshot::Receiver<Closed>>,
}

impl Window {
    /// Opens it over a running forwarder. To be called inside a runtime.
    ///
    /// # Errors
    /// When the system refuses a thread. That the terminal does not do as told is found out later, see
    /// [`Window::closed`].
    pub(super) fn open(running: &Running, plan: Plan) -> io::Result<Self> {
        let config = running.config();
        let source = Local {
            snapshot: running.snapshot(),
            deck: running.deck(),
            store: running.store().cloned(),
            recent: running.recent(),
            evidence: running.evidence(),
            logs: plan.logs.clone(),
        };
        let options = plan.options(facts(running, &config), config.tui.update_interval, spawner(running));
        let window = Self::over(Arc::new(source), options)?;
        (spawner(running))(Box::pin(tell_of_reloads(running.reloads().last(), window.remote())));
        Ok(window)
    }

    /// Opens it over this source. To be called inside a runtime.
    ///
    /// # Errors
    /// As [`Window::open`].
    pub(super) fn over(source: Arc<dyn tui::source::Source>, options: tui::Options) -> io::Result<Self> {
        let tui = Tui::new(source, options);
        let remote = tui.remote();
        let (tx, closed) = oneshot::channel();
        terminal::leave_on_panic();
        let show = move || {
            // Nobody listens only once the program ends.
            let _ = tx.send(shown(tui));
        };
        std::thread::Builder::new().name(tui::THREAD.to_owned()).spawn(show)?;
        Ok(Self { remote, closed: Some(closed) })
    }

    /// A way in.
    pub(super) fn remote(&self) -> Remote {
        self.remote.clone()
    }

    /// Resolves when it has closed by itself.
    pub(super) async fn closed(&mut self) -> Closed {
        let Some(closed) = &mut self.closed else { return Closed::Well };
        let how = closed.await.unwrap_or(Closed::Well);
        self.closed = None;
        how
    }

    /// Closes it; true once the terminal is an ordinary one again. False when it stands still: then nothing may be
    /// written to it.
    pub(super) async fn close(mut self) -> bool {
        self.remote.stop();
        let closed = tokio::time::timeout(CLOSING, self.closed()).await.is_ok();
        if !closed {
            terminal::abandon();
        }
        closed
    }
}

/// A changed file that is not used must not go unseen, nor one that is.
async fn tell_of_reloads(mut last: watch::Receiver<Option<Arc<reload::Last>>>, remote: Remote) {
    // The first look at the file follows the start at once and finds nothing new.
    while last.changed().await.is_ok() {
        let Some(reload) = last.borrow_and_update().clone() else { continue };
        tell_of_reload(&remote, reload.outcome.as_ref().map_err(|refused| refused.problems.as_slice()));
    }
}

/// Says what became of a version of the file.
pub(super) fn tell_of_reload(remote: &Remote, outcome: Result<&Report, &[String]>) {
    match outcome {
        Ok(report) if report.is_empty() => {}
        Ok(report) => remote.say(format!("configuration reloaded: {report}")),
        Err(problems) => {
            let problem = problems.first().map_or("", String::as_str);
            remote.complain(format!("configuration not reloaded, the running one stays: {problem}"));
        }
    }
}

fn shown(tui: Tui) -> Closed {
    match catch_unwind(AssertUnwindSafe(|| tui.run())) {
        Ok(Ok(())) => Closed::Well,
        Ok(Err(error)) => Closed::Failed(error.to_string()),
        Err(payload) => Closed::Failed(format!("internal error ({})", panic_text(&*payload))),
    }
}

/// What a panic said.
pub(super) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let literal = payload.downcast_ref::<&str>().copied();
    literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("panic")
}

fn facts(running: &Running, config: &Config) -> Facts {
    let (unicode, depth) = abilities();
    Facts {
        version: crate::cli::version().to_owned(),
        base_url: base_url(running.address()),
        config_source: config.source.to_string(),
        config_file: match &config.source {
            Source::File(path) => Some(path.clone()),
            Source::BuiltIn => None,
        },
        auth: config.auth.is_some(),
        readonly: false,
        save_edits: config.tui.save_priority_edits,
        unicode,
        depth,
        zone: config.zone(),
    }
}

/// What the terminal can show: characters beyond ASCII, and its colours.
pub(super) fn abilities() -> (bool, Depth) {
    let var = |name: &str| std::env::var(name).ok();
    (unicode(var), Depth::detect(var))
}

/// What clients on this machine set as `ANTHROPIC_BASE_URL`.
fn base_url(address: std::net::SocketAddr) -> String {
    match address.ip().is_unspecified() {
        true => format!("http://localhost:{}", address.port()),
        false => format!("http://{address}"),
    }
}

/// True when the locale's encoding has more than ASCII: the first of these variables that is set decides.
fn unicode(var: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| var(name).filter(|v| !v.is_empty()));
    let utf8 = |locale: String| locale.to_ascii_lowercase().replace('-', "").contains("utf8");
    locale.map_or(cfg!(any(windows, target_os = "macos")), utf8)
}

fn spawner(running: &Running) -> tui::Spawn {
    let (tasks, quit) = (running.background.clone(), running.quit.clone());
    let runtime = tokio::runtime::Handle::current();
    Box::new(move |future| {
        let quit = quit.clone();
        let task = async move { quit.run_until_cancelled(future).await };
        drop(tasks.spawn_on(task, &runtime));
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_outrank_the_configuration_and_no_terminal_outranks_both() {
        let wish = |tui, no_tui| Wish { tui, no_tui, theme: None };
        let why = |wish, enabled, missing| why_headless(wish, enabled, missing);
        assert_eq!(why(wish(false, false), true, None), Ok(None));
        assert_eq!(why(wish(false, true), true, None), Ok(Some(None)));
        assert_eq!(why(wish(true, false), false, None), Ok(None));
        assert_eq!(why(wish(false, false), false, None), Ok(Some(Some("tui.enabled is false".to_owned()))));
        assert_eq!(why(wish(false, false), true, Some("none")), Ok(Some(Some("none".to_owned()))));
        let refused = why(wish(true, false), true, Some("standard input is no terminal")).unwrap_err();
        assert!(refused.to_string().starts_with("--tui: standard input is no terminal"), "{refused}");
    }

    #[test]
    fn the_locale_decides_about_characters() {
        let with = |pairs: &'static [(&str, &str)]| {
            unicode(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
        };
        assert!(with(&[("LANG", "de_DE.UTF-8")]));
        assert!(with(&[("LANG", "C"), ("LC_ALL", "C.utf8")]));
        assert!(!with(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")]));
    }

    #[test]
    fn an_address_for_everybody_is_reached_as_localhost() {
        assert_eq!(base_url("0.0.0.0:8088".parse().unwrap()), "http://localhost:8088");
        assert_eq!(base_url("127.0.0.1:1".parse().unwrap()), "http://127.0.0.1:1");
    }
}
