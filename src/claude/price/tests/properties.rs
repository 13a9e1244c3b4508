//! What holds for every usage, rate and factor.

use proptest::prelude::*;

use super::*;

/// As many tokens as the usage meter lets through.
const MOST: u64 = 1_000_000_000;
/// A thousand dollars per token.
const DEAREST: u64 = 1_000_000_000_000_000;

prop_compose! {
    fn usages()(counts in prop::array::uniform6(prop_oneof![Just(0), 0..1000_u64, 0..=MOST])) -> Usage {
        let [input, output, cache_read, cache_write_5m, cache_write_1h, web_search] = counts;
        Usage { input, output, cache_read, cache_write_5m, cache_write_1h, web_search, ..Usage::default() }
    }
}

prop_compose! {
    fn modified()(
        usage in usages(),
        tier in prop_oneof![Just(None), Just(Some("batch")), Just(Some("priority"))],
        geo in prop_oneof![Just(None), Just(Some("us")), Just(Some("eu"))],
    ) -> Usage {
        Usage { service_tier: tier.map(Into::into), inference_geo: geo.map(Into::into), ..usage }
    }
}

prop_compose! {
    fn any_rates()(r in prop::array::uniform5(prop_oneof![0..100_u64, 0..=DEAREST])) -> Rates {
        rates(r[0], r[1], r[2], r[3], r[4])
    }
}

fn priced(rates: Rates, usage: &Usage, ppm: u64) -> Bill {
    let own = [("claude-opus-4-5".to_owned(), rates)];
    PriceTable::new(&tariff(), &own, None).bill("claude-opus-4-5", now(), usage, ppm).unwrap()
}

/// What tokens cost at their own rate, in plain integers.
fn expected(rates: &Rates, usage: &Usage) -> [u128; 5] {
    [
        (usage.input, rates.input),
        (usage.output, rates.output),
        (usage.cache_write_5m, rates.cache_write_5m),
        (usage.cache_write_1h, rates.cache_write_1h),
        (usage.cache_read, rates.cache_read),
    ]
    .map(|(tokens, rate)| u128::from(tokens) * u128::from(rate))
}

fn token_lines(lines: &CostLines) -> [u128; 5] {
    [lines.input, lines.output, lines.cache_write_5m, lines.cache_write_1h, lines.cache_read]
        .map(PicoUsd::pico)
}

proptest! {
    #[test]
    fn without_factors_nothing_is_rounded(usage in usages(), rates in any_rates()) {
        let bill = priced(rates, &usage, UNCHANGED_PPM);
        prop_assert_eq!(token_lines(&bill.lines), expected(&rates, &usage));
        prop_assert_eq!(bill.lines.tools.pico(), u128::from(usage.web_search) * 10_000_000_000);
    }

    #[test]
    fn the_lines_sum_up_to_the_total(usage in modified(), rates in any_rates(), ppm in 0..5_000_000_u64) {
        let lines = priced(rates, &usage, ppm).lines;
        let sum: u128 = token_lines(&lines).iter().sum();
        prop_assert_eq!(lines.total().pico(), sum + lines.tools.pico());
    }

    #[test]
    fn bills_add_up_like_the_usage(a in usages(), b in usages(), rates in any_rates()) {
        let (one, other) = (priced(rates, &a, UNCHANGED_PPM), priced(rates, &b, UNCHANGED_PPM));
        let both = priced(rates, &[a, b].iter().sum(), UNCHANGED_PPM);
        prop_assert_eq!(one.lines + other.lines, both.lines);
        prop_assert_eq!([one.lines, other.lines].iter().sum::<CostLines>(), both.lines);
        prop_assert_eq!(one.cache_saved + other.cache_saved, both.cache_saved);
        prop_assert_eq!(one.cache_premium + other.cache_premium, both.cache_premium);
        prop_assert_eq!(one.cache_missed + other.cache_missed, both.cache_missed);
    }

    /// In millionths of a millionth of a millionth, where every factor is a whole number.
    #[test]
    fn a_line_is_off_by_half_a_picodollar_at_most(usage in modified(), ppm in 0..5_000_000_u64) {
        let lines = priced(opus(), &usage, ppm).lines;
        let batch = if usage.service_tier.as_deref() == Some("batch") { 500_000 } else { 1_000_000 };
        let us = if usage.inference_geo.as_deref() == Some("us") { 1_100_000 } else { 1_000_000 };
        for (line, exact) in token_lines(&lines).into_iter().zip(expected(&opus(), &usage)) {
            // At most 10^9 x 25 x 10^6 x 5 x 10^18, so this fits.
            let exact = exact * u128::from(ppm) * batch * us;
            prop_assert!((line * 10_u128.pow(18)).abs_diff(exact) * 2 <= 10_u128.pow(18));
        }
    }

    #[test]
    fn what_the_cache_saved_and_cost_explains_the_bill(usage in usages()) {
        let bill = priced(opus(), &usage, UNCHANGED_PPM);
        let uncached = priced(opus(), &Usage {
            input: usage.prompt_tokens(), output: usage.output, web_search: usage.web_search, ..Usage::default()
        }, UNCHANGED_PPM);
        prop_assert_eq!(bill.lines.total() + bill.cache_saved, uncached.lines.total() + bill.cache_premium);
        let all_read = priced(opus(), &Usage {
            cache_read: usage.prompt_tokens(), output: usage.output, web_search: usage.web_search, ..Usage::default()
        }, UNCHANGED_PPM);
        prop_assert_eq!(bill.lines.total(), all_read.lines.total() + bill.cache_missed);
    }

    #[test]
    fn bills_survive_json(usage in modified(), rates in any_rates(), ppm in 0..5_000_000_u64) {
        let bill = priced(rates, &usage, ppm);
        let json = serde_json::to_string(&bill).unwrap();
        prop_assert_eq!(serde_json::from_str::<Bill>(&json).unwrap(), bill);
    }

    #[test]
    fn no_name_breaks_the_lookup(model in "\\PC{0,40}", start in "(us\\.anthropic\\.|a/)?claude-(opus|haiku)-?") {
        for name in [model.clone(), format!("{start}{model}")] {
            let bill = table().bill(&name, now(), &usage(), UNCHANGED_PPM);
            prop_assert_eq!(bill.is_some(), table().knows(&name));
        }
    }
}
