//! Clients and endpoints that want to break the ledger: names, numbers, and many of everything.

use cc_forwarder::simulator::Behaviour;
use cc_forwarder::store::export::{Format, export};
use cc_forwarder::store::filter::Filter;
use cc_forwarder::store::query::{By, Key, Reader};
use cc_forwarder::store::row::Row;
use serde_json::json;

use crate::checks;
use crate::support::World;

/// The rows that a forwarder has left, newest first, once it has ended; and what `look` makes of them.
async fn left<T>(world: World, path: &std::path::Path, look: impl FnOnce(&Reader, Vec<Row>) -> T) -> T {
    world.stop().await;
    checks::read(path, |reader| look(reader, checks::rows(reader)))
}

fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "=HYPERLINK(\"http://127.0.0.1/\",\"x\")",
        "+1",
        "-1",
        "@SUM(A1:A9)",
        "\t=1",
        "bell\u{7} and \u{1b}[31mcolour",
        "line\r\nbreak,\"quoted\"",
        "\u{202e}backwards",
        "\u{0}",
        " ",
    ]
    .map(str::to_owned)
    .into();
    names.push("é".repeat(500_000));
    names
}

#[tokio::test]
async fn no_name_is_too_odd_to_be_kept_listed_and_exported() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usage.redb");
    let mut world = crate::world(&path).await;
    for name in names() {
        let body =
            json!({ "model": name, "max_tokens": 9, "messages": [{ "role": "user", "content": "x" }] });
        let mut request = world.client.post("/v1/messages", &body.to_string());
        let printable: String = name.chars().filter(|c| c.is_ascii_graphic()).take(200).collect();
        request.headers_mut().insert("user-agent", printable.parse().unwrap());
        request.headers_mut().insert("x-claude-code-session-id", printable.parse().unwrap());
        assert_eq!(world.client.send(request).await.status, 200);
        world.record().await;
    }
    left(world, &path, |reader, rows| {
        assert_eq!(rows.len(), names().len());
        for (row, name) in rows.iter().rev().zip(names()) {
            let kept = row.model.clone().unwrap();
            assert!(name.starts_with(&kept) && kept.len() <= 512 && !kept.is_empty(), "{kept:?}");
            assert!(row.unpriced() && row.tokens().input > 0, "{row:?}");
            let filter = Filter { model: Some(kept.clone()), ..Filter::default() };
            assert_eq!(reader.page(&filter, None, 9).unwrap().rows, std::slice::from_ref(row), "{kept:?}");
            let groups = reader.stats(&filter, By::Model).unwrap().groups;
            assert_eq!(groups.len(), 1, "{kept:?}");
            assert_eq!((&groups[0].0, groups[0].1.requests), (&Key::Name(kept), 1));
        }
        let mut csv = Vec::new();
        export(reader, &Filter::default(), Format::Csv, &mut csv, |_, _| {}).unwrap();
        let mut read = csv::Reader::from_reader(&*csv);
        let fields: Vec<String> =
            read.records().flat_map(|r| r.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()).collect();
        assert_eq!(fields.len() % rows.len(), 0);
        for field in fields {
            assert!(!field.starts_with(['=', '+', '-', '@', '\t', '\r']), "a formula: {field:?}");
        }
    })
    .await;
}

/// Numbers that are no count of tokens.
const ABSURD: [&str; 12] = [
    "18446744073709551615",
    "18446744073709551616",
    "1000000001",
    "-1",
    "1.5",
    "1e3",
    "1e999",
    "\"12\"",
    "null",
    "true",
    "[1]",
    "{\"input_tokens\":7}",
];

#[tokio::test]
async fn absurd_numbers_count_nothing_and_take_nothing_with_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usage.redb");
    let mut world = crate::world(&path).await;
    for number in ABSURD {
        let body = format!(
            r#"{{"type":"message","role":"assistant","model":"claude-opus-4-8","content":[{{"type":"text","text":"x"}}],
            "stop_reason":"end_turn","usage":{{"input_tokens":{number},"output_tokens":5,"cache_read_input_tokens":{number},
            "cache_creation_input_tokens":{number},"cache_creation":{{"ephemeral_1h_input_tokens":{number}}},
            "server_tool_use":{{"web_search_requests":{number}}},"service_tier":{number}}}}}"#
        );
        world.sims[0].set(Behaviour::fixed(200, "application/json", body));
        assert_eq!(world.client.messages(false).await.status, 200, "{number}");
        world.record().await;
    }
    left(world, &path, |reader, rows| {
        assert_eq!(rows.len(), ABSURD.len());
        for (row, number) in rows.iter().rev().zip(ABSURD) {
            let tokens = row.tokens();
            assert_eq!((tokens.output, tokens.prompt(), tokens.web_search), (5, 0, 0), "{number}");
            assert_eq!(row.cost().total().pico(), 5 * 25_000_000, "{number}");
        }
        let totals = reader.stats(&Filter::default(), By::Nothing).unwrap().totals;
        assert_eq!(totals.tokens.output, 5 * ABSURD.len() as u64);
    })
    .await;
}

#[tokio::test]
async fn the_largest_plausible_numbers_add_up() {
    let most = 1_000_000_000_u64;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usage.redb");
    let mut world = crate::world(&path).await;
    let usage = cc_forwarder::simulator::Usage {
        input: most,
        output: most,
        cache_read: most,
        cache_write_5m: 0,
        cache_write_1h: most,
        web_searches: most,
        ..Default::default()
    };
    world.sims[0].set(
        Behaviour::healthy().usage(usage).content(|content| content.model = Some("claude-opus-4-8".into())),
    );
    for stream in [true, false, true] {
        assert_eq!(world.client.messages(stream).await.status, 200);
        world.record().await;
    }
    left(world, &path, |reader, rows| {
        // 5 + 25 + 0.5 + 10 dollars per million, a cent per search.
        let each = u128::from(most) * (40_500_000 + 10_000_000_000);
        assert!(rows.iter().all(|row| row.cost().total().pico() == each));
        let totals = reader.stats(&Filter::default(), By::Nothing).unwrap().totals;
        assert_eq!((totals.tokens.prompt(), totals.cost.total().pico()), (9 * most, 3 * each));
    })
    .await;
}
