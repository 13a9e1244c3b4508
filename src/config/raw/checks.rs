//! What concerns more than one section: two listeners on one port, and listeners that others can reach.

use std::net::IpAddr;

use crate::config::problem::Problem;
use crate::config::section::Context;
use crate::config::{Config, is_loopback_host};

/// Reports every conflict between sections.
pub(super) fn across_sections(config: &Config, cx: &Context<'_>) {
    let (server, web) = (&config.server, &config.web);
    let same_port = server.port != 0 && server.port == web.port;
    if web.enabled && same_port && may_overlap(&server.host, &web.host) {
        cx.problem("web.port", "must differ from `server.port`: both ports are opened on the same address");
    }
    config.exposure_problems().into_iter().for_each(|problem| cx.place(problem));
}

/// False only for two different concrete addresses.
fn may_overlap(a: &str, b: &str) -> bool {
    match (a.parse::<IpAddr>(), b.parse::<IpAddr>()) {
        (Ok(a), Ok(b)) => a == b || a.is_unspecified() || b.is_unspecified(),
        _ => true,
    }
}

impl Config {
    /// Listeners that other machines can reach without a credential and without the explicit consent to that.
    ///
    /// The loader refuses such a file; whoever changes a listener later (a command-line flag) asks again.
    pub fn exposure_problems(&self) -> Vec<Problem> {
        let (server, web) = (&self.server, &self.web);
        let open = |host: &str, guarded: bool| !guarded && !is_loopback_host(host);
        let mut problems = Vec::new();
        if open(&server.host, self.auth.is_some() || server.allow_unauthenticated) {
            problems.push(Problem::new(
                "server.host",
                "other machines can reach this address and nothing keeps them out: set `auth.enabled: true` and \
                 `auth.token`, or accept it with `server.allow_unauthenticated: true`",
            ));
        }
        if web.enabled && open(&web.host, web.token.is_some() || web.allow_unauthenticated) {
            problems.push(Problem::new(
                "web.host",
                "other machines can reach this address and nothing keeps them out: set `web.token`, or accept it with \
                 `web.allow_unauthenticated: true`",
            ));
        }
        problems
    }
}
