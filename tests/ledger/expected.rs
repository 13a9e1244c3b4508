//! What the endpoints told, priced by hand: the other side of every sum in the ledger.
//!
//! Nothing here uses the program's meter, price table or money. Rates are micro-dollars per million tokens, which is
//! pico-dollars per token; every line is rounded once, half to even.

use cc_forwarder::simulator::{Content, Received, Usage};

/// Prices by hand: input, output, cache writes for 5 minutes and 1 hour, cache reads.
pub(crate) type Rates = [u128; 5];

/// Prices of the test's own configuration, and of the shipped models it asks for.
#[derive(Clone, Copy)]
pub(crate) struct Prices {
    pub probe_one: Rates,
    pub probe_two: Rates,
}

pub(crate) const PRICES: Prices = Prices {
    probe_one: [3_000_001, 15_000_003, 3_750_000, 6_000_007, 300_009],
    probe_two: [1_234_567, 7_654_321, 1_543_209, 2_469_134, 123_457],
};

const HAIKU_SMALL: Rates = [100_000, 500_000, 125_000, 200_000, 10_000];
const HAIKU_LARGE: Rates = [500_000, 2_500_000, 625_000, 1_000_000, 50_000];
const OPUS: Rates = [5_000_000, 25_000_000, 6_250_000, 10_000_000, 500_000];
const OLD_HAIKU: Rates = [1_000_000, 5_000_000, 1_250_000, 2_000_000, 100_000];

/// A web search, in pico-dollars.
const SEARCH: u128 = 10_000_000_000;

/// Endpoints with their factor on the list price, in parts per million.
pub(crate) const FACTORS: [(&str, u128); 5] =
    [("a", 1_000_000), ("b", 850_001), ("c", 1_370_000), ("d", 0), ("e", 2_000_000)];

/// What an attempt told and what that costs.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub endpoint: String,
    pub model: String,
    pub usage: Usage,
    /// The output in `usage` is the answer's own; else it is only a beginning.
    pub exact: bool,
    batch: bool,
    us: bool,
}

impl Told {
    /// What this attempt at `endpoint` told, having met an answer with this content.
    pub(crate) fn of(endpoint: &str, received: &Received, content: &Content) -> Self {
        let asked = serde_json::from_slice::<serde_json::Value>(&received.body).unwrap_or_default();
        let asked = asked["model"].as_str().unwrap_or_default().to_owned();
        Self {
            endpoint: endpoint.to_owned(),
            model: content.model.as_deref().map_or(asked, str::to_owned),
            usage: received.told,
            exact: received.output_told,
            batch: content.service_tier.as_deref() == Some("batch"),
            us: content.inference_geo.as_deref() == Some("us"),
        }
    }

    /// Input, output, cache writes (5 m, 1 h), cache reads, tools; nothing when no price is known. `output` is what
    /// stands for the output.
    pub(crate) fn cost(&self, prices: &Prices, output: u64) -> Option<[u128; 6]> {
        let usage = Usage { output, ..self.usage };
        let (rates, has_region) = rates(&self.model, &usage, prices)?;
        let factor = FACTORS.iter().find(|(name, _)| *name == self.endpoint)?.1;
        let batch = if self.batch { 500_000 } else { 1_000_000 };
        let us = if self.us && has_region { 1_100_000 } else { 1_000_000 };
        let line = |tokens: u64, rate: u128| {
            half_even(u128::from(tokens) * rate * factor * batch * us, 10_u128.pow(18))
        };
        Some([
            line(usage.input, rates[0]),
            line(usage.output, rates[1]),
            line(usage.cache_write_5m, rates[2]),
            line(usage.cache_write_1h, rates[3]),
            line(usage.cache_read, rates[4]),
            half_even(u128::from(usage.web_searches) * SEARCH * factor, 1_000_000),
        ])
    }
}

/// The rates of a model, and whether inference in the US costs more.
fn rates(model: &str, usage: &Usage, prices: &Prices) -> Option<(Rates, bool)> {
    match model {
        "probe-one" | "mapped-one" => Some((prices.probe_one, false)),
        "probe-two" | "probe-two-20260101" => Some((prices.probe_two, false)),
        "claude-haiku-5-5" if usage.prompt() <= 100_000 => Some((HAIKU_SMALL, true)),
        "claude-haiku-5-5" => Some((HAIKU_LARGE, true)),
        "claude-opus-4-8" => Some((OPUS, true)),
        "claude-haiku-4-5" => Some((OLD_HAIKU, false)),
        _ => None,
    }
}

fn half_even(amount: u128, unit: u128) -> u128 {
    let (whole, rest) = (amount / unit, amount % unit);
    let up = rest * 2 > unit || (rest * 2 == unit && whole % 2 == 1);
    whole + u128::from(up)
}

/// The price lines of the configuration.
pub(crate) fn pricing_yaml(prices: &Prices) -> String {
    let micro = |rate: u128| format!("{}.{:06}", rate / 1_000_000, rate % 1_000_000);
    let rates = |[input, output, five, hour, read]: Rates| {
        format!(
            "{{ input: {}, output: {}, cache_creation: {}, cache_creation_1h: {}, cache_read: {} }}",
            micro(input),
            micro(output),
            micro(five),
            micro(hour),
            micro(read)
        )
    };
    let (one, two) = (rates(prices.probe_one), rates(prices.probe_two));
    format!("{{ probe-one: {one}, \"mapped-*\": {one}, probe-two: {two} }}")
}
