//! Requests as files and the admin port show them, read back by somebody who knows nothing of the program.

use std::collections::HashMap;

use cc_forwarder::claude::money::PicoUsd;
use cc_forwarder::store::row::Row;
use serde::Deserialize;

/// What a reader of an export learns of a request.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(crate) struct Line {
    #[serde(rename = "request_id")]
    pub id: String,
    user_agent: String,
    status: String,
    model_name: Option<String>,
    endpoint_name: Option<String>,
    retry_count: u64,
    #[serde(rename = "input_tokens")]
    pub input: u64,
    #[serde(rename = "output_tokens")]
    pub output: u64,
    #[serde(rename = "cache_creation_tokens")]
    pub written: u64,
    #[serde(rename = "cache_read_tokens")]
    pub read: u64,
    web_searches: u64,
    is_estimated: bool,
    unpriced_attempts: u64,
    #[serde(rename = "total_cost_usd")]
    pub cost: Option<PicoUsd>,
}

impl Line {
    /// What it has to be.
    pub(crate) fn of(row: &Row) -> Self {
        let (tokens, unpriced) =
            (row.tokens(), row.attempts.iter().filter(|a| a.bill.is_none() && !a.tokens.is_empty()).count());
        let known = unpriced == 0 || row.attempts.iter().any(|a| a.bill.is_some());
        Self {
            id: row.request_id().to_string(),
            user_agent: row.user_agent.clone().unwrap(),
            status: row.state.as_str().to_owned(),
            model_name: Some(row.billed_model().to_owned()).filter(|model| !model.is_empty()),
            endpoint_name: row.endpoint.clone(),
            retry_count: row.attempts.len() as u64 - 1,
            input: tokens.input,
            output: tokens.output,
            written: tokens.cache_write(),
            read: tokens.cache_read,
            web_searches: tokens.web_search,
            is_estimated: row.estimated(),
            unpriced_attempts: unpriced as u64,
            cost: known.then(|| row.cost().total()),
        }
    }

    fn of_csv(fields: &HashMap<String, String>) -> Self {
        let text = |name: &str| Some(fields[name].clone()).filter(|text| !text.is_empty());
        let count = |name: &str| fields[name].parse::<u64>().unwrap();
        Self {
            id: fields["request_id"].clone(),
            user_agent: fields["user_agent"].clone(),
            status: fields["status"].clone(),
            model_name: text("model_name"),
            endpoint_name: text("endpoint_name"),
            retry_count: count("retry_count"),
            input: count("input_tokens"),
            output: count("output_tokens"),
            written: count("cache_creation_tokens"),
            read: count("cache_read_tokens"),
            web_searches: count("web_searches"),
            is_estimated: fields["is_estimated"].parse().unwrap(),
            unpriced_attempts: count("unpriced_attempts"),
            cost: text("total_cost_usd").map(|amount| amount.parse().unwrap()),
        }
    }
}

pub(crate) fn csv(text: &str) -> Vec<Line> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize::<HashMap<String, String>>().map(|fields| Line::of_csv(&fields.unwrap())).collect()
}

pub(crate) fn json(text: &str) -> Vec<Line> {
    serde_json::from_str(text).unwrap()
}

pub(crate) fn ndjson(text: &str) -> Vec<Line> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A page of the admin port.
#[derive(Deserialize)]
pub(crate) struct Page {
    pub requests: Vec<Line>,
    pub total: u64,
    pub next: Option<String>,
}

/// Sums of the admin port and of the command line.
#[derive(Deserialize)]
pub(crate) struct Stats {
    pub totals: Totals,
    pub groups: Vec<Group>,
}

#[derive(Deserialize)]
pub(crate) struct Group {
    pub totals: Totals,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(crate) struct Totals {
    pub requests: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_creation_5m_tokens: u64,
    pub cache_creation_1h_tokens: u64,
    pub cache_read_tokens: u64,
    pub total_cost_usd: PicoUsd,
    pub tool_cost_usd: PicoUsd,
    pub unpriced_attempts: u64,
    pub estimated_attempts: u64,
}
