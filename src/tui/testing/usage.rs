//! What the ledger and the configuration of the frozen forwarder say.

use std::sync::Arc;

use crate::claude::money::PicoUsd;
use crate::claude::price::CostLines;
use crate::config::{Source, System, load};
use crate::store::query::{By, Key, Stats};
use crate::store::row::Tokens;
use crate::store::totals::Totals;
use crate::tui::model::{Model, Screen};
use crate::tui::msg::{Effect, Msg};
use crate::tui::source::{Answer, Ask, ConfigView, NoUsage, ReloadView, Usage, UsageQuery};

use super::{ago, press, tell};

/// So many requests with so many thousand tokens each, for so many cents each.
fn totals(requests: u64, thousands: u64, cents: u64) -> Totals {
    let pico = |cents: u64| PicoUsd::from_micro_usd(cents * 10_000);
    Totals {
        requests,
        completed: requests.saturating_sub(1),
        failed: 1.min(requests),
        tokens: Tokens {
            input: requests * thousands * 80,
            cache_read: requests * thousands * 900,
            cache_write_5m: requests * thousands * 20,
            output: requests * thousands * 45,
            ..Tokens::default()
        },
        cost: CostLines { input: pico(requests * cents), ..CostLines::default() },
        cache_saved: pico(requests * cents * 3),
        cache_missed: pico(requests * cents / 5),
        ..Totals::default()
    }
}

fn sum(groups: &[(Key, Totals)]) -> Totals {
    let mut all = Totals::default();
    groups.iter().for_each(|(_, totals)| all += totals);
    all
}

fn stats(groups: Vec<(Key, Totals)>) -> Stats {
    Stats { totals: sum(&groups), groups }
}

/// The sums of a busy morning.
pub(crate) fn sums(query: &UsageQuery) -> Box<Usage> {
    if query.by == By::Nothing {
        let all = Stats { totals: totals(412, 6, 1), groups: Vec::new() };
        return Box::new(Usage { table: all.clone(), bars: all });
    }
    let names: &[&str] = match query.by {
        By::Model => &["claude-opus-5-5", "claude-sonnet-5-5-20260929", "claude-模型-测试", ""],
        By::Endpoint => &["main-a", "主线-丙", "main-b"],
        By::Group => &["main", "backup"],
        _ => &["0f8c3a2e-5b1d-4c77-9a10-2f6e8d4b7c35", "c0ffee12-5b1d-4c77-9a10-2f6e8d4b7c35", ""],
    };
    let row = |(at, name): (usize, &&str)| {
        let n = 301 / (at as u64 * 3 + 1);
        (Key::Name((*name).to_owned()), totals(n, 6, 4_u64.saturating_sub(at as u64)))
    };
    let mut groups: Vec<_> = names.iter().enumerate().map(row).collect();
    if let Some((_, last)) = groups.last_mut().filter(|_| query.by == By::Model) {
        *last = Totals {
            cost: CostLines::default(),
            unpriced: 2,
            cache_saved: PicoUsd::default(),
            ..last.clone()
        };
    }
    let step = if query.bars == By::Hour { 3_600 } else { 86_400 };
    let heights: [u64; 6] = [2, 0, 9, 31, 60, 17];
    let bar = |(at, n): (usize, &u64)| {
        // Back to the full hour, or to midnight.
        let begun = if step == 3_600 { 2 * 60 + 11 } else { 14 * 3_600 + 2 * 60 + 11 };
        let start = ago(begun + step * (5 - at as i64));
        (Key::Start(start), totals(*n, 6, 4))
    };
    let bars = heights.iter().enumerate().filter(|(_, n)| **n > 0).map(bar).collect();
    Box::new(Usage { table: stats(groups), bars: stats(bars) })
}

/// The configuration of the tests.
pub(crate) const CONFIG: &str = "\
server:
  host: 127.0.0.1
  port: 8088
auth: { enabled: true, token: canary-auth }
retry:
  max_attempts: 4
endpoints:
  - name: main-a
    url: https://canary-host.example/anthropic
    token: canary-token
    group: main
    headers: { X-Tenant: canary-header }
  - name: 主线-丙
    url: https://other.example
";

/// What the source says about [`CONFIG`].
pub(crate) fn config() -> ConfigView {
    let source = Source::File("/home/canary/config.yaml".into());
    let loaded = load::parse(CONFIG, source, &System).unwrap_or_else(|problems| panic!("{problems}"));
    ConfigView { entries: loaded.config.entries().into(), reload: None }
}

/// A reload that was refused.
pub(crate) fn refused() -> ReloadView {
    let problems = [
        "/home/canary/config.yaml:6: retry.max_attempts: must be at least 1 (got 0)",
        "/home/canary/config.yaml:9: endpoints[0].url: must be a URL that begins with http:// or https:// \
         (got ftp://canary-host.example)",
    ];
    let problems = problems.map(str::to_owned).to_vec();
    ReloadView { number: 3, at: ago(60), outcome: Err(problems), pending: vec!["server.port".to_owned()] }
}

/// Goes to the screen of usage; the ledger answers at once.
pub(crate) fn open_usage(model: &mut Model) {
    let effects = press(model, &["5"]);
    answer_usage(model, effects);
}

/// The ledger answers what was asked of it.
pub(crate) fn answer_usage(model: &mut Model, effects: Vec<Effect>) {
    for effect in effects {
        if let Effect::Ask(Ask::Usage(query)) = effect {
            let sums = sums(&query);
            tell(model, Msg::Answer(Box::new(Answer::Usage(query, Ok(sums)))));
        }
    }
}

/// The ledger refuses what was asked of it.
pub(crate) fn refuse_usage(model: &mut Model, effects: Vec<Effect>, why: &NoUsage) {
    for effect in effects {
        if let Effect::Ask(Ask::Usage(query)) = effect {
            tell(model, Msg::Answer(Box::new(Answer::Usage(query, Err(why.clone())))));
        }
    }
}

/// Goes to the screen of the configuration; the source answers this.
pub(crate) fn open_config(model: &mut Model, view: ConfigView) {
    press(model, &["7"]);
    assert_eq!(model.screen, Screen::Config);
    tell(model, Msg::Answer(Box::new(Answer::Config(Ok(view)))));
}

/// [`config`] after [`refused`].
pub(crate) fn config_refused() -> ConfigView {
    ConfigView { reload: Some(Arc::new(refused())), ..config() }
}
