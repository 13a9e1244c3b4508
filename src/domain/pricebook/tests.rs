use jiff::civil::date;

use super::*;
use crate::claude::price::{Rates, Tariff};
use crate::domain::testing::{id, spec, wall};

fn table() -> PriceTable {
    let tariff = Tariff {
        revision: date(2026, 11, 23),
        web_search: "0.01".parse().unwrap(),
        batch_ppm: 500_000,
        us_ppm: 1_100_000,
        models: Vec::new(),
        families: Vec::new(),
    };
    let rates = Rates { input: 1_000_000, output: 5_000_000, ..Rates::default() };
    PriceTable::new(&tariff, &[("known".to_owned(), rates)], None)
}

fn book() -> PriceBook {
    let mut relay = spec("relay", "main", 1, 1);
    relay.price_multiplier_ppm = 250_000;
    PriceBook::new(table(), [&relay, &spec("direct", "main", 2, 1)])
}

#[test]
fn every_endpoint_bills_with_its_own_factor() {
    let usage = Usage { input: 100, output: 10, web_search: 1, ..Usage::default() };
    for (endpoint, cost) in [("relay", "0.0025375"), ("direct", "0.01015"), ("gone", "0.01015")] {
        let bill = book().bill(&id(endpoint), "known", wall(), &usage).unwrap();
        assert_eq!(bill.lines.total().exact(), cost, "{endpoint}");
        assert_eq!(bill.revision, *book().table().revision(), "{endpoint}");
    }
}

#[test]
fn what_nothing_prices_has_no_bill_at_any_endpoint() {
    let usage = Usage { input: 1, ..Usage::default() };
    for endpoint in ["relay", "direct", "gone"] {
        assert_eq!(book().bill(&id(endpoint), "unknown", wall(), &usage), None);
    }
}
