//! What is printed once the screen has closed: that answers are still running, and what the session did. Pure.
//!
//! ```text
//! cc-forwarder ran for 2h05m
//!   requests   132: 130 completed, 1 failed, 1 cancelled
//!   rescued    12 by a failover or retry; 14 failovers to another endpoint
//!   tokens     2.1M in (91% from the cache), 188k out
//!   cost       $4.81
//! ```

use std::fmt::Write;
use std::time::Duration;

use crate::domain::words::counted;
use crate::events::board::Totals;
use crate::tui::format::{money, percent, span, sum};

/// What a stop waits for; nothing when it waits for nothing.
pub(super) fn draining(requests: usize, grace: Duration) -> Option<String> {
    let noun = if requests == 1 { "request gets" } else { "requests get" };
    let text = format!("stopping: {requests} running {noun} {} to finish; Ctrl-C ends it\n", span(grace));
    (requests > 0).then_some(text)
}

/// The session in five lines at most.
pub(super) fn summary(totals: &Totals, ran: Duration) -> String {
    let mut text = format!("cc-forwarder ran for {}\n", span(ran));
    let Totals { accepted, completed, failed, cancelled, rescued, failovers, usage, .. } = totals;
    if *accepted == 0 {
        text.push_str("  no request came in\n");
        return text;
    }
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "  requests   {accepted}: {completed} completed, {failed} failed, {cancelled} cancelled"
    );
    let _ = writeln!(
        text,
        "  rescued    {rescued} by a failover or retry; {} to another endpoint",
        counted(*failovers, "failover")
    );
    let prompt = usage.prompt_tokens();
    let cached = if prompt == 0 { 0.0 } else { usage.cache_read as f64 / prompt as f64 };
    let (input, output) = (sum(prompt), sum(usage.output));
    let _ = writeln!(text, "  tokens     {input} in ({} from the cache), {output} out", percent(cached));
    let unpriced = match totals.unpriced {
        0 => String::new(),
        1 => "; 1 answer without a known price is not in it".to_owned(),
        n => format!("; {n} answers without a known price are not in it"),
    };
    let _ = writeln!(text, "  cost       {}{unpriced}", money(totals.cost.total()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claude::usage::Usage;

    #[test]
    fn a_session_in_a_few_lines() {
        let usage = Usage { input: 90_000, cache_read: 910_000, output: 1_234, ..Usage::default() };
        let totals = Totals {
            accepted: 132,
            completed: 130,
            failed: 1,
            cancelled: 1,
            rescued: 12,
            failovers: 14,
            unpriced: 3,
            usage,
            ..Totals::default()
        };
        let text = summary(&totals, Duration::from_secs(7_500));
        assert_eq!(
            text,
            "cc-forwarder ran for 2h05m\n  requests   132: 130 completed, 1 failed, 1 cancelled\n  rescued    12 by a \
             failover or retry; 14 failovers to another endpoint\n  tokens     1.0M in (91% from the cache), 1.2k out\n  \
             cost       $0; 3 answers without a known price are not in it\n"
        );
        assert!(summary(&Totals::default(), Duration::ZERO).contains("no request came in"));
        let text = summary(&Totals { failovers: 1, unpriced: 1, ..totals }, Duration::ZERO);
        assert!(text.contains("; 1 failover to another endpoint\n"), "{text}");
        assert!(text.contains("; 1 answer without a known price is not in it\n"), "{text}");
    }

    #[test]
    fn nothing_is_said_about_nothing_to_wait_for() {
        assert_eq!(draining(0, Duration::from_secs(30)), None);
        let text = draining(1, Duration::from_secs(30)).unwrap();
        assert_eq!(text, "stopping: 1 running request gets 30s to finish; Ctrl-C ends it\n");
    }
}
