//! How many tokens of which kind an answer reported: [`Usage`], read by a [`UsageMeter`].
//!
//! Rules:
//! - counts in a stream are cumulative: of each field the last present value that is not zero wins. `message_delta`
//!   overrides `message_start`, and a zero there (some relays send zeros) overrides nothing;
//! - cache writes are kept by lifetime (5 minutes, 1 hour), because they cost differently; see [`meter`] for the cases
//!   where the total and the split disagree;
//! - a count that is negative, fractional, not a number or beyond a billion is absent, and its neighbours stay;
//! - a stream that ends before its `message_delta` has an output count that is only an estimate, and says so.

use std::borrow::Cow;
use std::iter::Sum;
use std::ops::AddAssign;

pub mod meter;
#[cfg(test)]
mod tests;

pub use meter::UsageMeter;

/// Tokens and billed server tool calls of one answer, or of several added up.
#[derive(Clone, PartialEq, Eq, Default, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = TokenUsage)]
#[serde(default)]
pub struct Usage {
    /// Input tokens that were neither read from nor written to the prompt cache.
    pub input: u64,
    /// Output tokens, thinking included.
    pub output: u64,
    /// Input tokens read from the prompt cache.
    pub cache_read: u64,
    /// Input tokens written to the prompt cache for five minutes; also those whose lifetime nobody stated.
    pub cache_write_5m: u64,
    /// Input tokens written to the prompt cache for one hour.
    pub cache_write_1h: u64,
    /// Web searches made by the server tool.
    pub web_search: u64,
    /// Web fetches made by the server tool.
    pub web_fetch: u64,
    /// Code executions made by the server tool.
    pub code_execution: u64,
    /// The service tier as reported (`standard`, `priority`, `batch`, …).
    pub service_tier: Option<Cow<'static, str>>,
    /// The inference region as reported.
    pub inference_geo: Option<Cow<'static, str>>,
    /// The output count is an estimate: the stream ended before it stated one.
    pub estimated: bool,
}

impl Usage {
    /// True when nothing was counted, so that there is nothing to bill.
    pub fn is_empty(&self) -> bool {
        self.prompt_tokens() == 0
            && [self.output, self.web_search, self.web_fetch, self.code_execution].iter().all(|n| *n == 0)
    }

    /// The size of the prompt in tokens: uncached, read from and written to the cache.
    pub fn prompt_tokens(&self) -> u64 {
        [self.input, self.cache_read, self.cache_write_5m, self.cache_write_1h]
            .iter()
            .fold(0, |sum, n| sum.saturating_add(*n))
    }
}

/// Adds the usage of another answer, such as another attempt of the same request. Sums saturate; the tier and region
/// are those of the last answer that had any; one estimate makes the sum an estimate.
impl AddAssign<&Usage> for Usage {
    fn add_assign(&mut self, other: &Usage) {
        let sums = [
            (&mut self.input, other.input),
            (&mut self.output, other.output),
            (&mut self.cache_read, other.cache_read),
            (&mut self.cache_write_5m, other.cache_write_5m),
            (&mut self.cache_write_1h, other.cache_write_1h),
            (&mut self.web_search, other.web_search),
            (&mut self.web_fetch, other.web_fetch),
            (&mut self.code_execution, other.code_execution),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
        self.service_tier = other.service_tier.clone().or(self.service_tier.take());
        self.inference_geo = other.inference_geo.clone().or(self.inference_geo.take());
        self.estimated = self.estimated || other.estimated;
    }
}

impl<'a> Sum<&'a Usage> for Usage {
    fn sum<I: Iterator<Item = &'a Usage>>(usages: I) -> Self {
        usages.fold(Self::default(), |mut sum, usage| {
            sum += usage;
            sum
        })
    }
}
