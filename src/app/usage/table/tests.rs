//! What `usage` prints: columns, words, and that nothing dangerous gets through.

use super::*;
use crate::app::text::width;

fn sums(requests: u64, tokens: u64, usd: &str) -> Sums {
    Sums {
        requests,
        completed: requests,
        attempts: requests,
        input_tokens: tokens,
        output_tokens: tokens / 2,
        cache_creation_tokens: tokens * 3,
        cache_read_tokens: tokens * 40,
        total_cost_usd: usd.parse().unwrap(),
        cache_hit_rate: Some(40.0 / 44.0),
        cache_saved_usd: "98.7".parse().unwrap(),
        cache_missed_usd: "1.234".parse().unwrap(),
        avg_first_byte_ms: Some(812.0),
        avg_duration_ms: Some(14_200.0),
        ..Sums::default()
    }
}

fn answer(keys: &[&str]) -> Shown {
    let group =
        |key: &&str| Group { key: (*key).to_owned(), totals: sums(1_234_567, 999_000_000_000, "123456.789") };
    Shown {
        period: Period {
            since: Some("2026-11-23T00:00:00+01:00".into()),
            until: None,
            timezone: "Europe/Berlin".into(),
        },
        totals: sums(1_234, 280_000, "12.345"),
        groups: keys.iter().map(group).collect(),
    }
}

#[test]
fn an_answer_reads_like_this() {
    let mut shown = answer(&[]);
    let small = |key: &str, requests, usd| Group { key: key.into(), totals: sums(requests, 12_340, usd) };
    shown.groups = vec![small("claude-opus-4-8", 123, "11.2"), small("claude-haiku-4-5", 1, "0.0123")];
    shown.totals.failed = 20;
    shown.totals.rescued = 7;
    assert_eq!(
        render(&shown, By::Model),
        "Since 2026-11-23 00:00 (Europe/Berlin)

Requests  1,234   completed 1,234, failed 20; 7 after a failover or retry
Tokens    12.3M in, 140k out   90.9% of the prompts read from the cache
Cost      $12.34   the cache saved $98.70, what it missed cost $1.23
Time      812 ms to the first byte, 14 s in all

MODEL             REQS  INPUT  OUTPUT  WRITTEN  READ    HIT     COST
claude-opus-4-8    123  12.3k    6.2k    37.0k  494k  90.9%   $11.20
claude-haiku-4-5     1  12.3k    6.2k    37.0k  494k  90.9%  $0.0123
"
    );
}

#[test]
fn eighty_columns_hold_the_widest_answer() {
    let long = "claude-3-5-sonnet-with-a-very-long-name-indeed-20250929-v1:0@somewhere";
    let text = render(&answer(&[long, "日本語のモデル名日本語のモデル名日本語のモデル名", ""]), By::Model);
    let widest = text.lines().map(width).max().unwrap();
    assert!(widest <= WIDTH, "{widest}:\n{text}");
    assert!(text.contains('…') && text.contains("(none)"), "{text}");
    let rows: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("MODEL")).collect();
    assert!(rows.iter().all(|row| width(row) == width(rows[0])), "aligned:\n{text}");
}

#[test]
fn names_cannot_act_on_the_terminal() {
    let text = render(&answer(&["a\u{1b}[2J\nb"]), By::Session);
    assert!(text.contains(r"a\u{1b}[2J\nb"), "{text}");
    assert!(text.lines().all(|line| !line.contains(crate::logging::escape::is_unsafe)));
}

#[test]
fn what_is_unknown_is_said() {
    let mut shown = answer(&["mystery", "half"]);
    let free = Sums { unpriced_attempts: 2, total_cost_usd: "0".parse().unwrap(), ..sums(2, 10, "0") };
    shown.groups[0].totals = free;
    shown.groups[1].totals = Sums { unpriced_attempts: 1, ..sums(2, 10, "1") };
    shown.totals =
        Sums { unpriced_attempts: 3, unpriced_tokens: 12_300, estimated_attempts: 1, ..sums(4, 10, "1") };
    let text = render(&shown, By::Model);
    assert!(text.contains("unpriced\n") && text.contains("$1.00+\n"), "{text}");
    assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("12.3k tokens of 3 attempts") && words.contains("usage recost"), "{text}");
    assert!(words.contains("output of 1 attempt is an estimate"), "{text}");
}

#[test]
fn nothing_is_said_in_one_line() {
    let empty = Shown { totals: Sums::default(), groups: Vec::new(), ..answer(&[]) };
    assert_eq!(render(&empty, By::Model), "Since 2026-11-23 00:00 (Europe/Berlin)\n\nNo requests.\n");
}
