//! `check`: is the configuration right, and does every endpoint answer?
//!
//! | step | when it fails |
//! |---|---|
//! | find and load the configuration | every problem goes to stderr, exit code 1, nothing is sent |
//! | probe every enabled endpoint, all at once, as the running forwarder would | its row says why, exit code 1 |
//! | print a table of 80 columns, or JSON | |
//!
//! A refused credential counts as a failure: every request with it would be refused too. An endpoint that passes the
//! client's credential on is asked without one, and any answer below 500 will do.
//!
//! Nothing secret is printed: known secrets are masked first, control characters escaped last.

mod report;
mod table;

use std::io::{self, Write};
use std::sync::Arc;

use self::report::{Finding, Report};
use super::{run, threads};
use crate::cli::{CheckArgs, EXIT_FAILED, EXIT_OK};
use crate::config::{Config, ConfigError, Loaded, Problems, System, load};
use crate::control::probe;
use crate::domain::endpoint::EndpointSpec;
use crate::logging::escape::{escape, escape_json};
use crate::proxy::dialer::Dialer;
use crate::proxy::transport::Transport;

/// Validates, probes, prints; the exit code is 0 when all of it went well.
///
/// # Errors
/// When the configuration cannot be read, or the output not be written.
pub(super) fn run(args: &CheckArgs) -> anyhow::Result<u8> {
    let source = run::locate(args.config.as_deref())?;
    let report = match load::load(source, &System) {
        Ok(loaded) => examine(loaded, !args.no_probe)?,
        Err(ConfigError::Invalid(problems)) => Report::invalid(problems),
        Err(error) => return Err(error.into()),
    };
    tell(&report.problems, "error")?;
    tell(&report.warnings, "warning")?;
    run::print(&shown(&report, args.json)?)?;
    Ok(if report.ok() { EXIT_OK } else { EXIT_FAILED })
}

fn shown(report: &Report, json: bool) -> anyhow::Result<String> {
    if !json {
        return Ok(table::render(report));
    }
    // Line by line, because the escape would take the line ends for dangerous text.
    let document = serde_json::to_string_pretty(&report.json())?;
    Ok(document.lines().map(|line| escape_json(line.to_owned()) + "\n").collect())
}

/// To stderr, one line each.
fn tell(findings: &Problems, label: &str) -> io::Result<()> {
    let mut err = io::stderr().lock();
    findings.to_string().lines().try_for_each(|line| writeln!(err, "{label}: {}", escape(line)))
}

fn examine(loaded: Loaded, probe: bool) -> anyhow::Result<Report> {
    let Loaded { config, warnings } = loaded;
    let specs = in_routing_order(&config);
    let findings = match probe {
        true => threads::runtime()?.block_on(probe_all(&config, &specs)),
        false => specs.iter().map(|spec| Finding::unasked(spec)).collect(),
    };
    let findings = findings.into_iter().map(|finding| finding.scrubbed(&config.redactor)).collect();
    Ok(Report::valid(&config, warnings, probe, findings))
}

/// By group, best group first, best endpoint first.
fn in_routing_order(config: &Config) -> Vec<Arc<EndpointSpec>> {
    let mut specs = config.endpoints.clone();
    let group_begins =
        |spec: &EndpointSpec| config.endpoints.iter().position(|other| other.group == spec.group);
    specs.sort_by_key(|spec| (spec.group_priority, group_begins(spec), spec.priority));
    specs
}

async fn probe_all(config: &Config, specs: &[Arc<EndpointSpec>]) -> Vec<Finding> {
    let transport = Transport::new(Dialer::new(config.outbound.clone(), config.extra_ca.clone()));
    let asked = specs.iter().map(|spec| Box::pin(probe_one(config, &transport, spec)));
    let findings = futures_util::future::join_all(asked).await;
    transport.shutdown().await;
    findings
}

async fn probe_one(config: &Config, transport: &Transport, spec: &Arc<EndpointSpec>) -> Finding {
    match spec.enabled {
        true => Finding::of(spec, &probe::ask(transport, spec, &config.health).await),
        false => Finding::unasked(spec),
    }
}

#[cfg(test)]
mod tests;
