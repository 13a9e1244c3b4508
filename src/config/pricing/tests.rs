use jiff::Timestamp;

use super::*;
use crate::claude::price::Bill;
use crate::claude::usage::Usage;
use crate::config::{Source, System, load};

const NOW: &str = "2026-11-23T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The table of a configuration with this `usage_tracking`.
fn with(usage_tracking: &str) -> PriceTable {
    let text = format!(
        "endpoints: [{{ name: a, url: 'https://a.invalid', token: t }}]\nusage_tracking: {usage_tracking}"
    );
    let loaded = load::parse(&text, Source::File("c.yaml".into()), &System).unwrap_or_else(|p| panic!("{p}"));
    table(&loaded.config.usage)
}

fn plain() -> PriceTable {
    PriceTable::new(&shipped(), &[], None)
}

/// USD per million tokens of input, output, 5-minute writes, 1-hour writes and reads, at a prompt of about `size`
/// tokens. Each is taken from a bill of its own.
fn per_million(table: &PriceTable, model: &str, day: &str, size: u64) -> [String; 5] {
    let bill = |usage: Usage| table.bill(model, at(day), &usage, 1_000_000).unwrap();
    let line = |usage: Usage, pick: fn(&Bill) -> PicoUsd| {
        let per_token = pick(&bill(usage)).pico() / u128::from(size);
        PicoUsd::from_pico(per_token).times(1_000_000).exact()
    };
    let input = Usage { input: size, ..Usage::default() };
    // Output does not count to the prompt, so input has to carry it over the limit of a tier.
    let output = Usage { output: size, ..input.clone() };
    [
        line(input, |b| b.lines.input),
        line(output, |b| b.lines.output),
        line(Usage { cache_write_5m: size, ..Usage::default() }, |b| b.lines.cache_write_5m),
        line(Usage { cache_write_1h: size, ..Usage::default() }, |b| b.lines.cache_write_1h),
        line(Usage { cache_read: size, ..Usage::default() }, |b| b.lines.cache_read),
    ]
}

/// Every row of the reference's price table: model, day, prompt size, prices.
#[test]
fn the_shipped_prices_are_those_of_the_reference() {
    let fable_5_1 = ["10", "50", "12.5", "20", "0.25"];
    let fable_5 = ["10", "50", "12.5", "20", "1"];
    let opus = ["5", "25", "6.25", "10", "0.5"];
    let old_opus = ["15", "75", "18.75", "30", "1.5"];
    let sonnet_4 = ["3", "15", "3.75", "6", "0.3"];
    let rows: &[(&str, &str, u64, [&str; 5])] = &[
        ("claude-fable-5-2", NOW, 10, ["8", "40", "10", "16", "0.2"]),
        ("claude-fable-5-1", NOW, 10, fable_5_1),
        ("claude-mythos-5-1", NOW, 10, fable_5_1),
        ("claude-fable-5", NOW, 10, fable_5),
        ("claude-mythos-5", NOW, 10, fable_5),
        ("claude-opus-5-5", NOW, 10, ["4", "20", "5", "8", "0.2"]),
        ("claude-opus-5", NOW, 10, opus),
        ("claude-opus-4-8", NOW, 10, opus),
        ("claude-opus-4-7", NOW, 10, opus),
        ("claude-opus-4-6", NOW, 10, opus),
        ("claude-opus-4-5", NOW, 10, opus),
        ("claude-opus-4-1", NOW, 10, old_opus),
        ("claude-opus-4", NOW, 10, old_opus),
        ("claude-sonnet-5-5", "2026-10-07T00:00:00Z", 10, ["2", "10", "2.5", "4", "0.1"]),
        ("claude-sonnet-5-5", "2026-10-06T23:59:59.999Z", 10, ["2", "10", "2.5", "4", "0.2"]),
        ("claude-sonnet-5", NOW, 10, ["2", "10", "2.5", "4", "0.2"]),
        ("claude-sonnet-4-6", NOW, 10, sonnet_4),
        ("claude-sonnet-4-5", NOW, 10, sonnet_4),
        ("claude-sonnet-4", NOW, 10, sonnet_4),
        ("claude-haiku-5-5", NOW, 100_000, ["0.1", "0.5", "0.125", "0.2", "0.01"]),
        ("claude-haiku-5-5", NOW, 100_001, ["0.5", "2.5", "0.625", "1", "0.05"]),
        ("claude-haiku-4-5", NOW, 10, ["1", "5", "1.25", "2", "0.1"]),
        ("claude-3-5-haiku", NOW, 10, ["0.8", "4", "1", "1.6", "0.08"]),
    ];
    let table = plain();
    for (model, day, size, prices) in rows {
        assert_eq!(per_million(&table, model, day, *size), *prices, "{model} on {day}");
    }
    let named: Vec<&str> = rows.iter().map(|(model, ..)| *model).collect();
    let more: Vec<&str> = table.recognised_models().filter(|model| !named.contains(model)).collect();
    assert_eq!(more, ["claude-opus-4-0", "claude-sonnet-4-0"], "models the reference does not have");
}
