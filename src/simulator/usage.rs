//! Token usage as the simulator reports it: numbers, their JSON, and where in a stream they appear.
//!
//! These numbers are the tests' ground truth for accounting, so they are kept apart from the program's own meter.
//!
//! | style | `message_start` | `message_delta` |
//! |---|---|---|
//! | `Standard` | everything with the 5 m / 1 h split, `output_tokens: 1` | cumulative totals, no split |
//! | `DeltaOnly` | zeros | everything with the split, as relays do |
//! | `TwoDeltas` | as `Standard` | twice: an interim value, then the total |

use std::ops::{Add, AddAssign, Sub};

use super::render::quoted;

/// Tokens of one answer, or a sum over answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Uncached input tokens.
    pub input: u64,
    /// Tokens written to the cache for 5 minutes.
    pub cache_write_5m: u64,
    /// Tokens written to the cache for 1 hour.
    pub cache_write_1h: u64,
    /// Tokens read from the cache.
    pub cache_read: u64,
    /// Output tokens.
    pub output: u64,
    /// Server-side web searches.
    pub web_searches: u64,
    /// Server-side web fetches.
    pub web_fetches: u64,
    /// Server-side code executions.
    pub code_executions: u64,
}

/// Usage as an answer has stated it so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// The numbers; they replace those told before, because usage is cumulative.
    pub(super) usage: Usage,
    /// The output is what the answer says it is. What `message_start` says of it is only a beginning.
    pub(super) output_stated: bool,
}

/// What a `usage` object says besides numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) service_tier: String,
    /// `None`: not mentioned.
    pub(super) inference_geo: Option<String>,
}

/// Which events of a stream carry usage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UsageStyle {
    /// As the API does.
    #[default]
    Standard,
    /// Only in `message_delta`.
    DeltaOnly,
    /// Two cumulative `message_delta` events.
    TwoDeltas,
}

impl Usage {
    /// Numbers that follow from the size of a request body, all kinds of tokens included; the output is the caller's.
    pub(super) fn of_request(body_bytes: usize, output: u64) -> Self {
        let prompt = body_bytes as u64 / 4 + 3;
        let (cache_read, write) = (prompt / 2, prompt / 4);
        let cache_write_5m = write / 3;
        Self {
            input: prompt - cache_read - write,
            cache_write_5m,
            cache_write_1h: write - cache_write_5m,
            cache_read,
            output,
            ..Self::default()
        }
    }

    /// All tokens of the prompt.
    pub fn prompt(&self) -> u64 {
        self.input + self.cache_write_5m + self.cache_write_1h + self.cache_read
    }

    /// The fields of a `usage` object with the 5 m / 1 h split, in the order the API writes them.
    pub(super) fn full_json(&self, terms: &Terms) -> String {
        let mut json = self.totals_json();
        json.truncate(json.len() - 1);
        let (short, long) = (self.cache_write_5m, self.cache_write_1h);
        let tier = quoted(&terms.service_tier);
        json.push_str(&format!(
            r#","cache_creation":{{"ephemeral_5m_input_tokens":{short},"ephemeral_1h_input_tokens":{long}}},"service_tier":{tier}"#
        ));
        if let Some(geo) = &terms.inference_geo {
            json.push_str(&format!(r#","inference_geo":{}"#, quoted(geo)));
        }
        json.push('}');
        json
    }

    /// The `usage` object as `message_delta` has it: no split of the cache writes.
    pub(super) fn totals_json(&self) -> String {
        let Self { input, cache_read, output, .. } = self;
        let written = self.cache_write_5m + self.cache_write_1h;
        let tools = self.tools_json();
        format!(
            r#"{{"input_tokens":{input},"cache_creation_input_tokens":{written},"cache_read_input_tokens":{cache_read},"output_tokens":{output}{tools}}}"#
        )
    }

    /// The member for server tools, if any was used.
    fn tools_json(&self) -> String {
        let Self { web_searches, web_fetches, code_executions, .. } = self;
        if web_searches + web_fetches + code_executions == 0 {
            return String::new();
        }
        format!(
            r#","server_tool_use":{{"web_search_requests":{web_searches},"web_fetch_requests":{web_fetches},"code_execution_requests":{code_executions}}}"#
        )
    }
}

fn each(a: Usage, b: Usage, op: fn(u64, u64) -> u64) -> Usage {
    Usage {
        input: op(a.input, b.input),
        cache_write_5m: op(a.cache_write_5m, b.cache_write_5m),
        cache_write_1h: op(a.cache_write_1h, b.cache_write_1h),
        cache_read: op(a.cache_read, b.cache_read),
        output: op(a.output, b.output),
        web_searches: op(a.web_searches, b.web_searches),
        web_fetches: op(a.web_fetches, b.web_fetches),
        code_executions: op(a.code_executions, b.code_executions),
    }
}

impl Add for Usage {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        each(self, other, u64::saturating_add)
    }
}

impl Sub for Usage {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        each(self, other, u64::saturating_sub)
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::default(), Self::add)
    }
}
