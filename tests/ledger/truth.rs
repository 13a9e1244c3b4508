//! A thousand requests of every kind through the program, stopped once in the middle: what the ledger says, in every way
//! it can be asked, is what the endpoints say they told, to the token and the pico-dollar.

use crate::checks;
use crate::expected::{PRICES, Prices};
use crate::lines::{self, Line, Page, Stats};
use crate::play::{ADMIN, Stage};
use crate::sums::{self, Part, Sum};
use crate::support::program::Program;
use crate::support::{Answer, Client};
use cc_forwarder::store::row::Row;
use http::Request;
use http_body_util::Full;

/// What was told and what the file holds of it.
fn everything_agrees(stage: &Stage, prices: &Prices) -> (Vec<Row>, Sum) {
    let told = stage.told();
    checks::read(&stage.path().join("usage.redb"), |reader| {
        let rows = checks::rows(reader);
        let parts: Vec<Part<'_>> = checks::parts(&rows, &stage.seen, &told);
        checks::attempts(&parts, prices);
        checks::statistics(reader, &rows, &parts, prices);
        checks::filters(reader, &rows, &parts, prices);
        let all = sums::all(parts.iter(), prices);
        (rows, all)
    })
}

async fn asked(program: &Program, question: &str) -> Answer {
    let client = Client::new(format!("http://{}/api/v1/", program.admin.unwrap()));
    let request = Request::get(client.url(question)).header("authorization", format!("Bearer {ADMIN}"));
    let answer = client.send(request.body(Full::default()).unwrap()).await;
    assert_eq!(answer.status, 200, "{question}: {}", answer.text());
    answer
}

/// What the running program says on its admin port.
struct Said {
    pages: Vec<Line>,
    csv: Vec<Line>,
    json: Vec<Line>,
    ndjson: Vec<Line>,
    stats: Vec<Stats>,
}

const BYS: [&str; 8] = ["none", "model", "endpoint", "group", "session", "hour", "day", "month"];

async fn said(program: &Program) -> Said {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = asked(program, &format!("usage/requests?limit=211{cursor}")).await;
        let page: Page = serde_json::from_slice(&page.body).unwrap();
        pages.extend(page.requests);
        match page.next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => {
                assert_eq!(page.total, pages.len() as u64);
                break;
            }
        }
    }
    let mut stats = Vec::new();
    for by in BYS {
        let answer = asked(program, &format!("usage/stats?period=all&by={by}")).await;
        stats.push(serde_json::from_slice(&answer.body).unwrap());
    }
    let file = async |format: &str| asked(program, &format!("usage/export?format={format}")).await.text();
    Said {
        pages,
        csv: lines::csv(&file("csv").await),
        json: lines::json(&file("json").await),
        ndjson: lines::ndjson(&file("ndjson").await),
        stats,
    }
}

impl Said {
    fn agrees(&self, rows: &[Row], all: &Sum) {
        for lines in [&self.pages, &self.csv, &self.json, &self.ndjson] {
            checks::lines(lines, rows, all);
        }
        for (stats, by) in self.stats.iter().zip(BYS) {
            is_all(&stats.totals, rows, all);
            let groups: u64 = stats.groups.iter().map(|group| group.totals.requests).sum();
            assert_eq!(groups, if by == "none" { 0 } else { rows.len() as u64 }, "{by}");
        }
    }
}

fn is_all(totals: &lines::Totals, rows: &[Row], all: &Sum) {
    assert_eq!(totals.requests, rows.len() as u64);
    let tokens = [
        totals.input_tokens,
        totals.output_tokens,
        totals.cache_creation_5m_tokens,
        totals.cache_creation_1h_tokens,
        totals.cache_read_tokens,
    ];
    assert_eq!(tokens, all.tokens[..5]);
    assert_eq!((totals.total_cost_usd.pico(), totals.tool_cost_usd.pico()), (all.total_cost(), all.cost[5]));
    assert_eq!((totals.unpriced_attempts, totals.estimated_attempts), (all.unpriced, all.estimated));
}

/// What the commands say of the file.
fn commands_agree(stage: &Stage, rows: &[Row], all: &Sum) {
    for by in ["model", "endpoint", "group", "session", "day"] {
        let text = stage.said(&["usage", "--json", "--period", "all", "--by", by]);
        is_all(&serde_json::from_str::<Stats>(&text).unwrap().totals, rows, all);
    }
    checks::lines(&lines::csv(&stage.said(&["export"])), rows, all);
    checks::lines(&lines::json(&stage.said(&["export", "--format", "json"])), rows, all);
}

/// Waits until everything that ended is on the disk: the admin port says so many.
async fn recorded(program: &Program, count: usize) {
    let end = tokio::time::Instant::now() + crate::support::PATIENCE;
    loop {
        let page: Page =
            serde_json::from_slice(&asked(program, "usage/requests?limit=1").await.body).unwrap();
        if page.total == count as u64 {
            return;
        }
        assert!(tokio::time::Instant::now() < end, "{} of {count} requests recorded in time", page.total);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_says_what_the_endpoints_told() {
    let mut stage = Stage::new().await;
    stage.configure(&PRICES);
    let program = stage.start();
    stage.play(&program, 0..500).await;
    stage.stop_under(program, 1000..1006).await;
    let (rows, _) = everything_agrees(&stage, &PRICES);
    assert_eq!(rows.len(), 506, "nothing is missing after the stop");

    let program = stage.start();
    stage.play(&program, 500..1000).await;
    recorded(&program, 1006).await;
    let said = said(&program).await;
    stage.stop_under(program, 1006..1008).await;
    let (rows, all) = everything_agrees(&stage, &PRICES);
    assert_eq!(rows.len(), 1008);
    commands_agree(&stage, &rows, &all);
    let before: Vec<Row> = rows
        .into_iter()
        .filter(|row| !matches!(row.user_agent.as_deref(), Some("probe/1006" | "probe/1007")))
        .collect();
    let told = stage.told();
    let parts: Vec<_> = stage_parts(&before, &stage, &told);
    said.agrees(&before, &sums::all(parts.iter(), &PRICES));

    // Other prices: history follows once it is told to, and not before.
    let other = Prices { probe_one: [7, 11, 13, 17, 19], probe_two: [4_000_000, 1, 999_999, 123_456_789, 5] };
    stage.configure(&other);
    everything_agrees(&stage, &PRICES);
    stage.said(&["usage", "recost"]);
    let (rows, all) = everything_agrees(&stage, &other);
    commands_agree(&stage, &rows, &all);
    let again = stage.said(&["usage", "recost"]);
    assert!(again.contains(" 0 changed"), "{again}");
}

fn stage_parts<'a>(
    rows: &'a [Row],
    stage: &Stage,
    told: &'a std::collections::HashMap<usize, Vec<crate::expected::Told>>,
) -> Vec<Part<'a>> {
    let mut seen = stage.seen.clone();
    seen.retain(|number, _| ![1006, 1007].contains(number));
    checks::parts(rows, &seen, told)
}
