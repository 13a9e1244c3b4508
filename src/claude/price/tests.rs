use jiff::Timestamp;
use jiff::civil::{Date, date};

use super::tariff::{ModelPrices, PriceRow};
use super::*;
use crate::claude::money::{PicoUsd, UNCHANGED_PPM};
use crate::claude::usage::Usage;

mod lookup;
mod properties;

fn rates(input: u64, output: u64, cache_write_5m: u64, cache_write_1h: u64, cache_read: u64) -> Rates {
    Rates { input, output, cache_write_5m, cache_write_1h, cache_read }
}

/// 5 / 25 / 6.25 / 10 / 0.50 dollars per million tokens.
fn opus() -> Rates {
    rates(5_000_000, 25_000_000, 6_250_000, 10_000_000, 500_000)
}

/// As [`opus`], times `n`: to tell rows apart by what they cost.
fn opus_times(n: u64) -> Rates {
    let r = opus();
    rates(r.input * n, r.output * n, r.cache_write_5m * n, r.cache_write_1h * n, r.cache_read * n)
}

fn row(from: Option<Date>, prompt_up_to: Option<u64>, rates: Rates) -> PriceRow {
    PriceRow { from, prompt_up_to, rates, source: "a test".into() }
}

fn model(name: &str, rows: Vec<PriceRow>) -> ModelPrices {
    ModelPrices { name: name.into(), us_surcharge: !name.contains("haiku"), rows }
}

fn tariff() -> Tariff {
    let one = |n| vec![row(None, None, opus_times(n))];
    let day = |n| Some(date(2026, n, 1));
    let dated = vec![row(day(3), None, opus_times(3)), row(day(6), None, opus_times(6))];
    let tiered = vec![
        row(None, Some(100), opus_times(1)),
        row(None, None, opus_times(2)),
        row(day(6), Some(50), opus_times(10)),
        row(day(6), Some(100), opus_times(11)),
        row(day(6), None, opus_times(12)),
    ];
    Tariff {
        revision: date(2026, 11, 23),
        web_search: "0.01".parse().unwrap(),
        batch_ppm: 500_000,
        us_ppm: 1_100_000,
        models: vec![
            model("claude-opus-4", one(4)),
            model("claude-opus-4-5", one(1)),
            model("claude-opus-9", one(9)),
            model("claude-sonnet-5", dated),
            model("claude-haiku-5", tiered),
        ],
        families: vec![
            ("claude-opus-*".into(), "claude-opus-9".into()),
            ("claude-opus-4-*".into(), "claude-opus-4-5".into()),
            ("claude-gone-*".into(), "claude-that-is-not-there".into()),
        ],
    }
}

fn table() -> PriceTable {
    PriceTable::new(&tariff(), &[], None)
}

fn now() -> Timestamp {
    "2026-11-23T00:00:00Z".parse().unwrap()
}

fn usd(text: &str) -> PicoUsd {
    text.parse().unwrap()
}

/// 1000 uncached, 200 out, 400 and 300 written, 2000 read.
fn usage() -> Usage {
    Usage {
        input: 1000,
        output: 200,
        cache_write_5m: 400,
        cache_write_1h: 300,
        cache_read: 2000,
        ..Usage::default()
    }
}

fn bill_of(model: &str, usage: &Usage) -> Bill {
    table().bill(model, now(), usage, UNCHANGED_PPM).unwrap()
}

fn lines(texts: [&str; 6]) -> CostLines {
    let [input, output, cache_write_5m, cache_write_1h, cache_read, tools] = texts.map(usd);
    CostLines { input, output, cache_write_5m, cache_write_1h, cache_read, tools }
}

#[test]
fn every_kind_of_token_has_its_line() {
    let bill = bill_of("claude-opus-4-5", &usage());
    assert_eq!(bill.lines, lines(["0.005", "0.005", "0.0025", "0.003", "0.001", "0"]));
    assert_eq!(bill.lines.total(), usd("0.0165"));
    assert_eq!(bill.lines.cache_write(), usd("0.0055"));
}

#[test]
fn a_bill_says_what_the_cache_did() {
    let bill = bill_of("claude-opus-4-5", &usage());
    assert_eq!(bill.cache_saved, usd("0.009"), "2000 x (5 - 0.5)");
    assert_eq!(bill.cache_premium, usd("0.002"), "400 x (6.25 - 5) + 300 x (10 - 5)");
    assert_eq!(bill.cache_missed, usd("0.00965"), "1000 x 4.5 + 400 x 5.75 + 300 x 9.5");
}

#[test]
fn a_cache_that_costs_nothing_extra_has_no_premium_and_no_loss() {
    let flat = [("flat".to_owned(), rates(100, 100, 80, 100, 120))];
    let bill = PriceTable::new(&tariff(), &flat, None).bill("flat", now(), &usage(), UNCHANGED_PPM).unwrap();
    assert_eq!([bill.cache_saved, bill.cache_premium, bill.cache_missed], [PicoUsd::ZERO; 3]);
}

#[test]
fn searches_cost_per_call_and_other_tools_nothing() {
    let tools = Usage { web_search: 3, web_fetch: 5, code_execution: 7, ..Usage::default() };
    assert_eq!(bill_of("claude-opus-4-5", &tools).lines, lines(["0", "0", "0", "0", "0", "0.03"]));
}

#[test]
fn batches_cost_half_and_their_tools_the_same() {
    let batch = Usage { service_tier: Some("batch".into()), web_search: 1, ..usage() };
    let bill = bill_of("claude-opus-4-5", &batch);
    assert_eq!(bill.lines, lines(["0.0025", "0.0025", "0.00125", "0.0015", "0.0005", "0.01"]));
    assert_eq!(bill.cache_saved, usd("0.0045"));
}

#[test]
fn inference_in_the_us_costs_more_where_the_list_says_so() {
    let us = Usage { inference_geo: Some("us".into()), web_search: 1, ..usage() };
    let expected = lines(["0.0055", "0.0055", "0.00275", "0.0033", "0.0011", "0.01"]);
    assert_eq!(bill_of("claude-opus-4-5", &us).lines, expected);
    let elsewhere = Usage { inference_geo: None, ..us.clone() };
    assert_eq!(bill_of("claude-haiku-5", &us).lines, bill_of("claude-haiku-5", &elsewhere).lines);
}

#[test]
fn tiers_and_regions_nobody_knows_cost_what_the_list_says() {
    for (tier, geo) in
        [("standard", "global"), ("priority", "not_available"), ("express", "mars"), ("", "US ")]
    {
        let odd = Usage { service_tier: Some(tier.into()), inference_geo: Some(geo.into()), ..usage() };
        assert_eq!(bill_of("claude-opus-4-5", &odd), bill_of("claude-opus-4-5", &usage()), "{tier} {geo}");
    }
}

#[test]
fn all_factors_of_a_line_are_rounded_once() {
    let own = [("claude-opus-4-5".to_owned(), rates(5, 0, 0, 0, 0))];
    let table = PriceTable::new(&tariff(), &own, None);
    let usage = Usage {
        input: 1,
        service_tier: Some("batch".into()),
        inference_geo: Some("us".into()),
        ..Usage::default()
    };
    let input = |ppm| table.bill("claude-opus-4-5", now(), &usage, ppm).unwrap().lines.input.pico();
    assert_eq!(input(900_000), 2, "2.475");
    assert_eq!(input(1_000_000), 3, "2.75; rounded in turn it would be 2.5 -> 2, 2.2 -> 2");
    assert_eq!(input(909_091), 3, "2.50000025");
}

#[test]
fn the_endpoints_factor_is_on_every_line() {
    let usage = Usage { web_search: 1, ..usage() };
    let bill = |ppm| table().bill("claude-opus-4-5", now(), &usage, ppm).unwrap();
    assert_eq!(bill(1_500_000).lines, lines(["0.0075", "0.0075", "0.00375", "0.0045", "0.0015", "0.015"]));
    assert_eq!(bill(1_500_000).cache_saved, usd("0.0135"));
    assert_eq!(bill(0).lines, CostLines::default());
    assert_eq!(bill(0).rule, bill(1).rule, "free is not unpriced");
}

#[test]
fn nothing_used_costs_nothing_whatever_the_model() {
    for model in ["claude-opus-4-5", "gpt", ""] {
        let bill = bill_of(model, &Usage::default());
        assert_eq!(bill.lines.total(), PicoUsd::ZERO, "{model}");
        assert_eq!(bill.lines, CostLines::default(), "{model}");
    }
}

#[test]
fn a_bill_in_json_has_exact_numbers_and_comes_back() {
    let bill = bill_of("claude-opus-4-5", &Usage { cache_read: 7, web_search: 1, ..Usage::default() });
    let json = serde_json::to_string(&bill).unwrap();
    let start =
        r#"{"lines":{"input":0,"output":0,"cache_write_5m":0,"cache_write_1h":0,"cache_read":0.0000035,"#;
    assert!(json.starts_with(start), "{json}");
    assert!(json.contains(r#""tools":0.01},"cache_saved":0.0000315,"#), "{json}");
    assert_eq!(serde_json::from_str::<Bill>(&json).unwrap(), bill);
    assert_eq!(serde_json::from_str::<CostLines>("{}").unwrap(), CostLines::default());
}
