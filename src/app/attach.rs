//! `attach`: the terminal interface on a forwarder that runs elsewhere, over its admin port.
//!
//! ```text
//! stream of states --> mirror --> snapshots --+
//! stream of log lines --> ring of lines ------+--> the same screens as in the forwarder's own terminal
//! questions, orders <-- admin API <-----------+
//! ```
//!
//! | the connection | then |
//! |---|---|
//! | cannot be made at the start, or the other side is no forwarder of this version | an error before the screen opens |
//! | is lost later | the screen says so and since when, and it is tried again until a person leaves |
//! | is there again | the screen says what the forwarder is now: it may be another one |
//! | is to a forwarder of another version, from the start or again | the screen names both versions |
//!
//! Leaving stops nothing. Times are those of the forwarder's clock, ages are right whatever the clock here shows.

mod answers;
mod clock;
mod export;
mod facts;
mod link;
mod logs;
mod mirror;
mod open;
mod query;
mod remote;
#[cfg(test)]
mod testing;
mod wire;

use std::io;
use std::sync::Arc;

use anyhow::{Context, bail};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::facts::{Here, facts, other_version};
use self::open::Opened;
use super::client::Client;
use super::hangup::Hangups;
use super::screen::{self, Closed, Plan, Window};
use super::{reach, run, threads};
use crate::cli::{AttachArgs, EXIT_OK, Misuse};
use crate::config::{Config, System, load};
use crate::domain::secret::Secret;
use crate::logging::escape::escape;
use crate::tui;
use crate::tui::model::Facts;

/// Opens the screen and returns when a person has left it.
///
/// # Errors
/// Without a terminal, when the forwarder cannot be reached or understood, or when the screen fails.
pub(super) fn run(args: &AttachArgs) -> anyhow::Result<u8> {
    if let Some(missing) = screen::no_terminal() {
        let text = format!("attach is a screen, and {missing}; `cc-forwarder status` prints what there is");
        return Err(Misuse(text).into());
    }
    let config = settings(args)?;
    let plan = screen::plan(args.theme.as_deref(), &config)?;
    let client = client(args, &config)?;
    threads::runtime()?.block_on(attach(client, plan, &config, args.readonly))
}

/// The configuration here. With a URL it only says what the screen looks like, and may be missing or wrong.
fn settings(args: &AttachArgs) -> anyhow::Result<Config> {
    let found = || anyhow::Ok(load::load_ledger(run::locate(args.config.as_deref())?, &System)?);
    match args.url().is_some() && args.config.is_none() {
        true => Ok(found().unwrap_or_else(|_| Config::built_in())),
        false => found(),
    }
}

/// The token to show. That of a configuration goes to a URL of the command line only when the configuration was named
/// beside it: the URL may be anybody's.
fn token(args: &AttachArgs, config: &Config) -> Option<Secret> {
    let trusted = args.url().is_none() || args.config.is_some();
    args.token.as_deref().map(Secret::new).or_else(|| config.web.token.clone().filter(|_| trusted))
}

/// The admin port that is meant.
fn client(args: &AttachArgs, config: &Config) -> anyhow::Result<Client> {
    let token = token(args, config);
    match args.url() {
        Some(url) => Client::new(url, token),
        None => reach::of(config, token),
    }
}

async fn attach(client: Client, mut plan: Plan, config: &Config, readonly: bool) -> anyhow::Result<u8> {
    let base = client.base().to_owned();
    let mut hangups = Hangups::new()?;
    let opened = open::open(client).await.with_context(|| format!("cannot attach to {}", escape(&base)))?;
    plan.notices.extend(other_version(&opened.status.version));
    let (unicode, depth) = screen::abilities();
    let facts = facts(&opened.status, &base, Here { readonly, unicode, depth });
    let background = Background::default();
    let window = show(opened, plan, facts, config, &background);
    let ended = ended(window.context("cannot start the terminal interface")?, &mut hangups).await;
    background.end().await;
    let (how, tells) = ended?;
    if let Closed::Failed(why) = how {
        bail!("the terminal interface failed: {why}");
    }
    if tells {
        run::print(&format!("left {}; the forwarder there goes on\n", escape(&base)))?;
    }
    Ok(EXIT_OK)
}

fn show(
    opened: Opened,
    plan: Plan,
    facts: Facts,
    config: &Config,
    background: &Background,
) -> io::Result<Window> {
    let options = plan.options(facts.clone(), config.tui.update_interval, background.spawner());
    let (source, tasks) = opened.start(facts);
    let window = Window::over(Arc::new(source), options)?;
    let follow = tasks.run(window.remote());
    (background.spawner())(Box::pin(async move { match follow.await {} }));
    Ok(window)
}

/// What runs while the screen is open.
#[derive(Default)]
struct Background {
    tasks: TaskTracker,
    quit: CancellationToken,
}

impl Background {
    fn spawner(&self) -> tui::Spawn {
        let (tasks, quit) = (self.tasks.clone(), self.quit.clone());
        let runtime = tokio::runtime::Handle::current();
        Box::new(move |future| {
            let quit = quit.clone();
            drop(tasks.spawn_on(async move { quit.run_until_cancelled(future).await }, &runtime));
        })
    }

    /// Ends all of it: an export that is half written takes its file away.
    async fn end(self) {
        self.quit.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Waits until a person leaves, a signal comes, or the terminal goes. Says how, and whether the terminal can be written to.
async fn ended(mut window: Window, hangups: &mut Hangups) -> anyhow::Result<(Closed, bool)> {
    let how = tokio::select! {
        how = window.closed() => how,
        interrupted = run::interrupted() => interrupted.map(|()| Closed::Well)?,
        () = hangups.terminal_gone() => Closed::Well,
    };
    Ok((how, window.close().await))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_token_of_a_configuration_is_not_for_any_url() {
        let mut config = Config::built_in();
        config.web.token = Some(Secret::new("from-the-file"));
        let args = |url: Option<&str>, config: Option<&str>, token: Option<&str>| AttachArgs {
            url: url.map(str::to_owned),
            config: config.map(PathBuf::from),
            token: token.map(str::to_owned),
            ..AttachArgs::default()
        };
        let token = |args| token(&args, &config).map(|token| token.expose().to_owned());
        let url = Some("http://127.0.0.1:1");
        assert_eq!(token(args(url, None, None)), None);
        assert_eq!(token(args(url, Some("c.yaml"), None)).as_deref(), Some("from-the-file"));
        assert_eq!(token(args(None, None, None)).as_deref(), Some("from-the-file"));
        assert_eq!(token(args(None, None, Some("mine"))).as_deref(), Some("mine"));
    }

    #[test]
    fn without_a_url_the_configuration_says_where_it_is() {
        let mut config = Config::built_in();
        config.web.port = 8_011;
        let found = client(&AttachArgs::default(), &config).unwrap();
        assert_eq!(found.base(), "http://127.0.0.1:8011");
        let url = Some("http://10.0.0.7:1".to_owned());
        let named = AttachArgs { named_url: url, ..AttachArgs::default() };
        assert_eq!(client(&named, &config).unwrap().base(), "http://10.0.0.7:1");
        config.web.port = 0;
        let refused = client(&AttachArgs::default(), &config).map(drop).unwrap_err();
        assert!(refused.to_string().contains("web.port: 0"), "{refused}");
    }
}
