//! Which row prices which model, day and prompt.

use super::*;

/// The row that prices `model`, and its input price as a multiple of [`opus`].
fn found(table: &PriceTable, model: &str) -> Option<(u64, String)> {
    let bill = table.bill(model, now(), &Usage { input: 1, ..Usage::default() }, UNCHANGED_PPM)?;
    assert!(table.knows(model), "{model}");
    Some((u64::try_from(bill.lines.input.pico()).unwrap() / opus().input, bill.rule.to_string()))
}

fn with(own: &[(&str, u64)], default: Option<u64>) -> PriceTable {
    let own: Vec<_> = own.iter().map(|(name, n)| ((*name).to_owned(), opus_times(*n))).collect();
    PriceTable::new(&tariff(), &own, default.map(opus_times))
}

fn assert_found(table: &PriceTable, rows: &[(&str, u64, &str)]) {
    for (model, times, rule) in rows {
        assert_eq!(found(table, model), Some((*times, (*rule).to_owned())), "{model}");
    }
}

#[test]
fn shipped_prices_are_found_by_name_then_variant_then_family() {
    assert_found(
        &table(),
        &[
            ("claude-opus-4", 4, "claude-opus-4"),
            ("claude-opus-4-20250514", 4, "claude-opus-4"),
            ("us.anthropic.claude-opus-4-20250514-v1:0", 4, "claude-opus-4"),
            ("claude-opus-4-5@20251101", 1, "claude-opus-4-5"),
            ("claude-opus-4-5[1m]", 1, "claude-opus-4-5"),
            ("claude-opus-4-thinking", 4, "claude-opus-4"),
            ("claude-opus-4-5-20251101-thinking", 1, "claude-opus-4-5"),
            ("claude-opus-4-9", 1, "claude-opus-4-* as claude-opus-4-5"),
            ("anthropic/claude-opus-4.9", 1, "claude-opus-4-* as claude-opus-4-5"),
            ("claude-opus-10-1-20270101", 9, "claude-opus-* as claude-opus-9"),
        ],
    );
}

#[test]
fn a_model_nobody_knows_has_no_bill() {
    let table = table();
    for model in [
        "",
        "unknown",
        "gpt-6",
        "claude",
        "claude-opus",
        "claude-epic-5",
        "claude-gone-1",
        "my-claude-opus-4",
    ] {
        assert_eq!(found(&table, model), None, "{model}");
        assert!(!table.knows(model), "{model}");
    }
}

#[test]
fn the_operators_prices_win() {
    let own = [
        ("claude-opus-4-5", 20),
        ("claude-opus-4-20250514", 21),
        ("claude-*", 22),
        ("claude-opus-9*", 23),
        ("relay/big", 24),
    ];
    assert_found(
        &with(&own, Some(30)),
        &[
            ("claude-opus-4-5", 20, "claude-opus-4-5 of model_pricing"),
            ("claude-opus-4-5-20251101", 20, "claude-opus-4-5 of model_pricing"),
            ("claude-opus-4-20250514", 21, "claude-opus-4-20250514 of model_pricing"),
            ("claude-opus-4-20250514[1m]", 21, "claude-opus-4-20250514 of model_pricing"),
            // The price of one snapshot is not that of another, nor of the alias.
            ("claude-opus-4-20250101", 22, "claude-* of model_pricing"),
            ("claude-opus-4", 22, "claude-* of model_pricing"),
            ("claude-opus-4-5-thinking", 20, "claude-opus-4-5 of model_pricing"),
            ("claude-opus-9-1", 23, "claude-opus-9* of model_pricing"),
            ("relay/big", 24, "relay/big of model_pricing"),
            ("gpt-6", 30, "default_pricing"),
        ],
    );
    assert_found(&with(&[("*", 5)], Some(30)), &[("gpt-6", 5, "* of model_pricing")]);
}

#[test]
fn the_default_comes_after_every_guess() {
    let table = with(&[], Some(30));
    assert_found(
        &table,
        &[("claude-opus-11", 9, "claude-opus-* as claude-opus-9"), ("", 30, "default_pricing")],
    );
}

#[test]
fn the_operators_prices_take_the_surcharge_of_the_model() {
    let us = Usage { input: 1, inference_geo: Some("us".into()), ..Usage::default() };
    let table = with(&[("claude-opus-4-5", 10), ("claude-haiku-5", 10), ("relay", 10)], None);
    for (model, times) in [("claude-opus-4-5", 11), ("claude-haiku-5", 10), ("relay", 10)] {
        let bill = table.bill(model, now(), &us, UNCHANGED_PPM).unwrap();
        assert_eq!(bill.lines.input.pico(), u128::from(opus().input) * times, "{model}");
    }
}

#[test]
fn the_newest_price_that_has_begun_counts() {
    let one = Usage { input: 1, ..Usage::default() };
    for (at, times, rule) in [
        ("2020-01-01T00:00:00Z", 3, "claude-sonnet-5 from 2026-03-01"),
        ("2026-03-01T00:00:00Z", 3, "claude-sonnet-5 from 2026-03-01"),
        ("2026-05-31T23:59:59.999999999Z", 3, "claude-sonnet-5 from 2026-03-01"),
        ("2026-06-01T00:00:00Z", 6, "claude-sonnet-5 from 2026-06-01"),
        ("2026-05-31T20:00:00-04:00", 6, "claude-sonnet-5 from 2026-06-01"),
        ("2030-01-01T00:00:00Z", 6, "claude-sonnet-5 from 2026-06-01"),
    ] {
        let bill = table().bill("claude-sonnet-5", at.parse().unwrap(), &one, UNCHANGED_PPM).unwrap();
        assert_eq!(bill.lines.input.pico(), u128::from(opus().input) * times, "{at}");
        assert_eq!(*bill.rule, *rule, "{at}");
    }
}

#[test]
fn the_whole_answer_is_priced_by_the_tier_of_its_prompt() {
    let prompt = |input, read, write| Usage {
        input,
        output: 1,
        cache_read: read,
        cache_write_1h: write,
        ..Usage::default()
    };
    let old = "2026-05-01T00:00:00Z";
    let new = "2026-06-01T00:00:00Z";
    for (at, usage, times, rule) in [
        (old, prompt(0, 0, 0), 1, "claude-haiku-5, prompts up to 100 tokens"),
        (old, prompt(100, 0, 0), 1, "claude-haiku-5, prompts up to 100 tokens"),
        (old, prompt(1, 50, 49), 1, "claude-haiku-5, prompts up to 100 tokens"),
        (old, prompt(1, 50, 50), 2, "claude-haiku-5"),
        (new, prompt(50, 0, 0), 10, "claude-haiku-5 from 2026-06-01, prompts up to 50 tokens"),
        (new, prompt(51, 0, 0), 11, "claude-haiku-5 from 2026-06-01, prompts up to 100 tokens"),
        (new, prompt(0, 101, 0), 12, "claude-haiku-5 from 2026-06-01"),
    ] {
        let bill = table().bill("claude-haiku-5", at.parse().unwrap(), &usage, UNCHANGED_PPM).unwrap();
        assert_eq!(*bill.rule, *rule);
        let expected = CostLines {
            input: PicoUsd::from_pico(u128::from(opus().input)).times(usage.input * times),
            output: PicoUsd::from_pico(u128::from(opus().output)).times(times),
            cache_write_1h: PicoUsd::from_pico(u128::from(opus().cache_write_1h))
                .times(usage.cache_write_1h * times),
            cache_read: PicoUsd::from_pico(u128::from(opus().cache_read)).times(usage.cache_read * times),
            ..CostLines::default()
        };
        assert_eq!(bill.lines, expected, "{rule}");
    }
}

#[test]
fn models_with_a_price_are_listed_once() {
    let models = |table: &PriceTable| table.recognised_models().map(str::to_owned).collect::<Vec<_>>();
    let shipped = ["claude-opus-4", "claude-opus-4-5", "claude-opus-9", "claude-sonnet-5", "claude-haiku-5"];
    assert_eq!(models(&table()), shipped);
    let own = with(&[("relay", 1), ("claude-opus-9", 2), ("claude-*", 3)], Some(4));
    let expected =
        ["relay", "claude-opus-9", "claude-opus-4", "claude-opus-4-5", "claude-sonnet-5", "claude-haiku-5"];
    assert_eq!(models(&own), expected);
}

#[test]
fn another_price_is_another_revision() {
    let revision = |table: &PriceTable| table.revision().to_string();
    let changed = |change: fn(&mut Tariff)| {
        let mut tariff = tariff();
        change(&mut tariff);
        revision(&PriceTable::new(&tariff, &[], None))
    };
    let revisions = [
        revision(&table()),
        revision(&with(&[("a", 1)], None)),
        revision(&with(&[("a", 2)], None)),
        revision(&with(&[("a*", 1)], None)),
        revision(&with(&[], Some(1))),
        changed(|t| t.models[0].rows[0].rates.cache_read += 1),
        changed(|t| t.models[0].us_surcharge = false),
        changed(|t| t.models[4].rows[0].prompt_up_to = Some(101)),
        changed(|t| t.web_search = PicoUsd::ZERO),
        changed(|t| t.batch_ppm += 1),
        changed(|t| t.families.truncate(1)),
        changed(|t| t.revision = date(2026, 11, 24)),
    ];
    let distinct: std::collections::BTreeSet<_> = revisions.iter().collect();
    assert_eq!(distinct.len(), revisions.len(), "{revisions:?}");
    assert_eq!(revision(&table()), revisions[0], "the same prices have the same revision");
    assert!(revisions[0].starts_with("2026-11-23."), "{}", revisions[0]);
    assert_eq!(*bill_of("claude-opus-9", &usage()).revision, *revisions[0]);
}

#[test]
fn a_model_without_rows_has_no_bill() {
    let mut tariff = tariff();
    tariff.models[0].rows.clear();
    assert_eq!(found(&PriceTable::new(&tariff, &[], None), "claude-opus-4"), None);
}
