//! `status`: a forwarder in ten lines, and an exit code for scripts and monitors.
//!
//! | | exit code |
//! |---|---|
//! | it answers | 0 |
//! | it answers, nothing could serve, `--check` | 1 |
//! | it does not answer (within `--wait`) | 1 |

use std::time::Duration;

use tokio::time::Instant;

use super::{endpoints, fact, show};
use crate::admin::connections::ConnectionsView;
use crate::admin::endpoints::EndpointsView;
use crate::admin::groups::GroupsView;
use crate::admin::status::{Status, StoreStatus};
use crate::app::figures::{counted, exact, length};
use crate::app::json;
use crate::app::paint::{Line, Tone, span};
use crate::app::reach::{Forwarder, Silent};
use crate::app::table::plain;
use crate::cli::{EXIT_FAILED, EXIT_OK, StatusArgs};
use crate::domain::fleet::Condition;
use crate::logging::escape::escape;

/// Between two tries of `--wait`.
const PAUSE: Duration = Duration::from_millis(100);

/// Shows how it is.
///
/// # Errors
/// When it does not answer.
pub(in crate::app) fn run(args: &StatusArgs) -> anyhow::Result<u8> {
    let forwarder = Forwarder::find(&args.ask.reach)?;
    let healthy = health(&forwarder, args)?;
    let answer = forwarder.get("status", "")?;
    match args.ask.json {
        true => json::print(&answer)?,
        false => {
            let groups: GroupsView = forwarder.read("groups")?;
            let endpoints: EndpointsView = forwarder.read("endpoints")?;
            let connections: ConnectionsView = forwarder.read("connections")?;
            show(&render(&json::read(&answer)?, healthy, &groups, &endpoints, &connections))?;
        }
    }
    Ok(if args.check && !healthy { EXIT_FAILED } else { EXIT_OK })
}

/// Whether it can serve; once it answers, or can, if that is to be waited for.
fn health(forwarder: &Forwarder, args: &StatusArgs) -> anyhow::Result<bool> {
    let patience = Duration::from_secs(args.wait.unwrap_or(0).into());
    let begun = Instant::now();
    loop {
        let healthy = forwarder.is_healthy();
        let settled = match &healthy {
            Ok(healthy) => *healthy || !args.check,
            Err(error) => !error.is::<Silent>(),
        };
        if settled || begun.elapsed() >= patience {
            return healthy;
        }
        std::thread::sleep(PAUSE);
    }
}

/// What people want to know first.
pub(super) fn render(
    status: &Status,
    healthy: bool,
    groups: &GroupsView,
    endpoints: &EndpointsView,
    connections: &ConnectionsView,
) -> Vec<Line> {
    let uptime = length(status.uptime_seconds as f64);
    let head =
        format!("cc-forwarder {}, running for {uptime} (process {})", escape(&status.version), status.pid);
    let mut lines = vec![vec![span(Tone::Strong, head)], vec![]];
    let config = status.config.path.as_deref().unwrap_or("built-in default");
    lines.push(health_line(healthy));
    lines.extend(fact("Clients", &format!("http://{}", status.listen.proxy)));
    lines.extend(fact("Admin port", &format!("http://{}", status.listen.admin)));
    lines.extend(fact("Configuration", config));
    lines.extend(fact("Active group", &active(groups)));
    lines.extend(fact("Endpoints", &up(endpoints)));
    lines.extend(fact("Requests", &requests(connections)));
    lines.extend(fact("Store", &store(status.store.as_ref())));
    if endpoints.endpoints.iter().any(|endpoint| endpoint.condition != Condition::Up) {
        lines.push(vec![]);
        lines.extend(endpoints::render(endpoints));
    }
    lines
}

fn health_line(healthy: bool) -> Line {
    let word = match healthy {
        true => span(Tone::Good, "can serve"),
        false => span(Tone::Bad, "nothing can serve a request now"),
    };
    vec![plain(format!("{:<width$}  ", "Health", width = super::COLUMN)), word]
}

fn active(groups: &GroupsView) -> String {
    let active = groups.groups.iter().find(|group| Some(&group.name) == groups.active_group.as_ref());
    active.map_or_else(
        || "none: all are paused".to_owned(),
        |group| format!("{} ({})", group.name, group.why.words()),
    )
}

fn up(endpoints: &EndpointsView) -> String {
    let up = endpoints.endpoints.iter().filter(|endpoint| endpoint.condition == Condition::Up).count();
    let pinned = endpoints.pinned.as_ref().map(|name| format!("; {name} first (-p)")).unwrap_or_default();
    format!("{up} of {} up{pinned}", endpoints.endpoints.len())
}

fn requests(connections: &ConnectionsView) -> String {
    let totals = &connections.totals;
    let running = connections.active - connections.suspended.min(connections.active);
    let mut text = format!("{} running", exact(running));
    if connections.suspended > 0 {
        text += &format!(", {} suspended", exact(connections.suspended));
    }
    let [accepted, completed, rescued, failed, cancelled] =
        [totals.accepted, totals.completed, totals.rescued, totals.failed, totals.cancelled].map(exact);
    text + &format!(
        "; since the start {accepted}: completed {completed} ({rescued} after a failover or retry), failed {failed}, \
         cancelled {cancelled}"
    )
}

fn store(store: Option<&StoreStatus>) -> String {
    let Some(store) = store else { return "none: nothing is recorded".to_owned() };
    match (&store.load.failing, store.load.unsaved) {
        (Some(why), unsaved) => {
            format!("{}: {} cannot be written: {why}", store.path, counted(unsaved, "record"))
        }
        (None, 0) => format!("{}: all is saved", store.path),
        (None, 1) => format!("{}: 1 record waits for the disk", store.path),
        (None, unsaved) => format!("{}: {} records wait for the disk", store.path, exact(unsaved)),
    }
}
