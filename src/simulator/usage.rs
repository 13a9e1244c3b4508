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
            web_searches: 0,
        }
    }

    /// All tokens of the prompt.
    pub fn prompt(&self) -> u64 {
        self.input + self.cache_write_5m + self.cache_write_1h + self.cache_read
    }

    /// The fields of a `usage` object with the 5 m / 1 h split, in the order the API writes them.
    pub(super) fn full_json(&self) -> String {
        let mut json = self.totals_json();
        json.truncate(json.len() - 1);
        let (short, long) = (self.cache_write_5m, self.cache_write_1h);
        json.push_str(&format!(
            r#","cache_creation":{{"ephemeral_5m_input_tokens":{short},"ephemeral_1h_input_tokens":{long}}},"service_tier":"standard"}}"#
        ));
        json
    }

    /// The `usage` object as `message_delta` has it: no split of the cache writes.
    pub(super) fn totals_json(&self) -> String {
        let Self { input, cache_read, output, .. } = self;
        let written = self.cache_write_5m + self.cache_write_1h;
        let searches = match self.web_searches {
            0 => String::new(),
            count => format!(r#","server_tool_use":{{"web_search_requests":{count}}}"#),
        };
        format!(
            r#"{{"input_tokens":{input},"cache_creation_input_tokens":{written},"cache_read_input_tokens":{cache_read},"output_tokens":{output}{searches}}}"#
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
