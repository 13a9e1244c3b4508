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

#[test]
fn the_shipped_prices_have_the_usual_proportions() {
    for prices in &shipped().models {
        for row in &prices.rows {
            let (name, r) = (&prices.name, row.rates);
            assert!(r.cache_read < r.input && r.input < r.cache_write_5m, "{name}");
            assert_eq!((r.cache_write_5m * 4, r.cache_write_1h), (r.input * 5, r.input * 2), "{name}");
            assert_eq!(r.output, r.input * 5, "{name}");
            assert!(
                [10, 20, 40].contains(&(r.input / r.cache_read)) && r.input % r.cache_read == 0,
                "{name}"
            );
            assert!(row.source.len() > 20, "{name}");
            assert!(row.from.is_none_or(|from| from <= shipped().revision), "{name}: no price of the future");
        }
    }
}

#[test]
fn the_shipped_modifiers_are_those_of_the_reference() {
    let tariff = shipped();
    assert_eq!((tariff.batch_ppm, tariff.us_ppm), (500_000, 1_100_000));
    assert_eq!(tariff.web_search.times(1000).exact(), "10");
    let plain = tariff.models.iter().filter(|prices| !prices.us_surcharge).map(|prices| prices.name.as_str());
    let before_4_6 = [
        "claude-opus-4-5",
        "claude-opus-4-1",
        "claude-opus-4",
        "claude-opus-4-0",
        "claude-sonnet-4-5",
        "claude-sonnet-4",
        "claude-sonnet-4-0",
        "claude-haiku-4-5",
        "claude-3-5-haiku",
    ];
    assert_eq!(plain.collect::<Vec<_>>(), before_4_6);
}

#[test]
fn an_unknown_model_costs_what_the_newest_of_its_family_does() {
    let rule = |model: &str| {
        let bill = plain().bill(model, at(NOW), &Usage { input: 1, ..Usage::default() }, 1_000_000);
        bill.map(|bill| bill.rule.to_string())
    };
    for (model, like) in [
        ("claude-fable-6", "claude-fable-* as claude-fable-5-2"),
        ("claude-mythos-6", "claude-mythos-* as claude-mythos-5-1"),
        ("claude-opus-4-9", "claude-opus-4-* as claude-opus-4-8"),
        ("claude-opus-6-20270101", "claude-opus-* as claude-opus-5-5"),
        ("claude-sonnet-4-7", "claude-sonnet-4-* as claude-sonnet-4-6"),
        ("claude-sonnet-6", "claude-sonnet-* as claude-sonnet-5-5 from 2026-10-07"),
        ("claude-haiku-4-6", "claude-haiku-4-* as claude-haiku-4-5"),
        ("claude-haiku-6", "claude-haiku-* as claude-haiku-5-5, prompts up to 100000 tokens"),
        ("claude-opus-4-1-thinking", "claude-opus-4-1"),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku"),
    ] {
        assert_eq!(rule(model).as_deref(), Some(like), "{model}");
    }
    for model in ["claude-3-opus-20240229", "claude-2.1", "claude-instant", "kimi-k3", "unknown"] {
        assert_eq!(rule(model), None, "{model}");
    }
}

#[test]
fn the_operators_prices_lie_over_the_shipped_ones() {
    let table = with(
        "{ model_pricing: { claude-opus-5-5: { input: 1, output: 2.000001 }, 'relay-*': { input: 3, output: 4, \
         cache_creation: 5, cache_creation_1h: 6, cache_read: 0.7 } } }",
    );
    assert_eq!(per_million(&table, "claude-opus-5-5", NOW, 10), ["1", "2.000001", "1.25", "2", "0.1"]);
    assert_eq!(per_million(&table, "relay-x", NOW, 10), ["3", "4", "5", "6", "0.7"]);
    assert_eq!(per_million(&table, "claude-opus-5", NOW, 10), ["5", "25", "6.25", "10", "0.5"]);
    assert!(!table.knows("unknown"));
    let with_default = with("{ default_pricing: { input: 3, output: 15 } }");
    assert_eq!(per_million(&with_default, "unknown", NOW, 10), ["3", "15", "3.75", "6", "0.3"]);
    assert_ne!(table.revision(), with_default.revision());
}

#[test]
fn without_prices_of_the_operator_the_table_is_the_shipped_one() {
    assert_eq!(with("{ enabled: true }").revision(), plain().revision());
    assert!(plain().revision().starts_with("2026-11-23."), "{}", plain().revision());
}

const ROW: &str =
    "input: 3, output: 15, cache_write_5m: 3.75, cache_write_1h: 6, cache_read: 0.123456, source: S1";

/// A list of one model with these rows, given as `[..]`.
fn list(rows: &str) -> String {
    format!(
        "revision: 2026-01-02\nsources: {{ S1: page }}\ntools: {{ web_search: 0.01 }}\n\
         modifiers: {{ batch: 0.5, us_inference: 1.1 }}\nmodels:\n- {{ names: [m], prices: {rows} }}\n\
         families: [{{ pattern: 'm-*', like: m }}]\n"
    )
}

#[test]
fn a_list_is_read_exactly() {
    let tariff = parse(&list(&format!("[{{ {ROW} }}]"))).unwrap();
    let expected = PriceRow {
        from: None,
        prompt_up_to: None,
        rates: Rates {
            input: 3_000_000,
            output: 15_000_000,
            cache_write_5m: 3_750_000,
            cache_write_1h: 6_000_000,
            cache_read: 123_456,
        },
        source: "page".into(),
    };
    assert_eq!(tariff.models, [ModelPrices { name: "m".into(), us_surcharge: false, rows: vec![expected] }]);
    assert_eq!(tariff.families, [("m-*".to_owned(), "m".to_owned())]);
}

#[test]
fn rows_must_leave_no_day_and_no_prompt_open_or_doubled() {
    let list_of = |heads: &[&str]| {
        let rows: Vec<_> = heads.iter().map(|head| format!("{{ {head}{ROW} }}")).collect();
        list(&format!("[{}]", rows.join(", ")))
    };
    let (day, later) = ("from: 2026-05-01, ", "from: 2026-06-01, ");
    let (small, large) = ("prompt_up_to: 100, ", "prompt_up_to: 200, ");
    let (day_small, later_small) = (format!("{day}{small}"), format!("{later}{small}"));
    let fine: [&[&str]; 5] = [
        &[""],
        &[day],
        &["", day, later],
        &[small, large, ""],
        &[small, "", &day_small, day, &later_small, later],
    ];
    for heads in fine {
        assert!(parse(&list_of(heads)).is_ok(), "{heads:?}");
    }
    let wrong: [&[&str]; 8] = [
        &[],
        &[small],
        &["", ""],
        &[day, ""],
        &[later, day],
        &[large, small, ""],
        &["", small, ""],
        &[small, day],
    ];
    for heads in wrong {
        let problem = parse(&list_of(heads)).unwrap_err();
        assert!(problem.starts_with("m: ") && problem.contains("prompt_up_to"), "{heads:?}: {problem}");
    }
}

#[test]
fn a_slip_in_the_list_is_named() {
    let good = list(&format!("[{{ {ROW} }}]"));
    assert!(parse(&good).is_ok());
    for (from, to, problem) in [
        ("output: 15", "output: 15, ouptut: 1", "unknown field `ouptut`"),
        ("output: 15, ", "", "missing field `output`"),
        ("output: 15", "output: -1", "m: output must be a plain decimal"),
        ("output: 15", "output: 0.0000001", "m: output must have at most six decimals"),
        ("source: S1", "source: S9", "m: source `S9` is not explained"),
        ("names: [m]", "names: []", "no names"),
        ("names: [m]", "names: [m, m]", "`m` stands in the list twice"),
        ("like: m", "like: n", "family `m-*` is like `n`, which is not in the list"),
        ("'m-*'", "m", "family `m` must end with `*`"),
        ("batch: 0.5", "batch: 5000", "modifiers.batch must be at most 4000"),
        ("web_search: 0.01", "web_search: free", "tools.web_search must be a plain decimal"),
        ("revision: 2026-01-02", "revision: soon", "revision"),
    ] {
        assert!(good.contains(from), "{from}");
        let error = parse(&good.replace(from, to)).unwrap_err();
        assert!(error.contains(problem), "{to}: {error}");
    }
}
