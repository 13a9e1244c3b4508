//! One attempt as it is stored.

use serde::{Deserialize, Serialize};

use super::{Row, Tokens, clipped, name_of, us};
use crate::claude::money::PicoUsd;
use crate::claude::price::{Bill, CostLines};
use crate::claude::usage::Usage;
use crate::events::AttemptRecord;

/// What an attempt cost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BillRow {
    /// Line by line.
    pub lines: CostLines,
    /// See [`crate::claude::price::Bill`].
    pub cache_saved: PicoUsd,
    /// Likewise.
    pub cache_premium: PicoUsd,
    /// Likewise.
    pub cache_missed: PicoUsd,
    /// The entry of the price table that was used.
    pub rule: String,
}

/// One attempt of a request.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AttemptRow {
    /// Where.
    pub endpoint: String,
    /// Its group.
    pub group: String,
    /// The model it was asked for, when that is not the one the client asked for.
    pub model_sent: Option<String>,
    /// The model its answer names, when that is not the one it was asked for.
    pub model_served: Option<String>,
    /// From the request's acceptance to its start, microseconds.
    pub start_us: u64,
    /// Time to connect; nothing on a reused connection.
    pub connect_us: Option<u64>,
    /// From its start to the response head.
    pub first_byte_us: Option<u64>,
    /// From its start to its end.
    pub duration_us: u64,
    /// The endpoint's status.
    pub status: Option<u16>,
    /// The name of its failure.
    pub failure: Option<String>,
    /// The client went away during it.
    pub cancelled: bool,
    /// What it used.
    pub tokens: Tokens,
    /// The output count is an estimate.
    pub estimated: bool,
    /// The service tier it reported.
    pub service_tier: Option<String>,
    /// The inference region it reported.
    pub inference_geo: Option<String>,
    /// What that cost; nothing when it used nothing, or when no price is known.
    pub bill: Option<BillRow>,
}

impl AttemptRow {
    pub(super) fn of_record(attempt: &AttemptRecord, asked: Option<&str>) -> Self {
        let sent = attempt.model_sent.as_deref();
        let served = attempt.model_served.as_deref();
        Self {
            endpoint: attempt.endpoint.to_string(),
            group: attempt.group.to_string(),
            model_sent: clipped(sent.filter(|m| Some(*m) != asked)),
            model_served: clipped(served.filter(|m| Some(*m) != sent.or(asked))),
            start_us: us(attempt.start_ms),
            connect_us: attempt.connect_ms.map(us),
            first_byte_us: attempt.first_byte_ms.map(us),
            duration_us: us(attempt.duration_ms),
            status: attempt.status,
            failure: attempt.failure.map(name_of),
            cancelled: attempt.cancelled,
            tokens: Tokens::from(&attempt.usage),
            estimated: attempt.usage.estimated,
            service_tier: clipped(attempt.usage.service_tier.as_deref()),
            inference_geo: clipped(attempt.usage.inference_geo.as_deref()),
            bill: attempt.bill.as_ref().map(BillRow::from),
        }
    }

    /// The model its tokens count for.
    pub fn billed_model<'a>(&'a self, row: &'a Row) -> &'a str {
        self.model_billed_for(row.model.as_deref())
    }

    pub(super) fn model_billed_for<'a>(&'a self, asked: Option<&'a str>) -> &'a str {
        self.model_served.as_deref().or(self.model_sent.as_deref()).or(asked).unwrap_or_default()
    }

    /// What it used, as it was reported.
    pub fn usage(&self) -> Usage {
        Usage {
            input: self.tokens.input,
            output: self.tokens.output,
            cache_read: self.tokens.cache_read,
            cache_write_5m: self.tokens.cache_write_5m,
            cache_write_1h: self.tokens.cache_write_1h,
            web_search: self.tokens.web_search,
            web_fetch: self.tokens.web_fetch,
            code_execution: self.tokens.code_execution,
            service_tier: self.service_tier.clone().map(Into::into),
            inference_geo: self.inference_geo.clone().map(Into::into),
            estimated: self.estimated,
        }
    }
}

impl From<&Bill> for BillRow {
    fn from(bill: &Bill) -> Self {
        Self {
            lines: bill.lines,
            cache_saved: bill.cache_saved,
            cache_premium: bill.cache_premium,
            cache_missed: bill.cache_missed,
            rule: bill.rule.to_string(),
        }
    }
}
