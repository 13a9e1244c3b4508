//! The meter that reads [`Usage`] off one answer while it passes, or off a whole JSON body.
//!
//! Only `message_start`, `message_delta` and `error` events are parsed; content costs an addition per event.
//!
//! Cache writes come as a total (`cache_creation_input_tokens`) and as a split by lifetime (`cache_creation`), in one
//! event or in different ones:
//!
//! | reported                                     | counted                                                           |
//! |----------------------------------------------|-------------------------------------------------------------------|
//! | a total only                                 | all of it for 5 minutes                                           |
//! | a split that adds up to the total beside it  | the split, replacing an earlier one as a whole                    |
//! | another split                                | the split, field by field; a larger total beside it has a rest    |
//! | a total after the split, larger              | the rest goes to the lifetime the split used, to 5 m if to both   |
//! | a total after the split, smaller             | the total; what is missing is taken from 5 m first                |

use super::Usage;
use crate::claude::sse::EventKind;
use crate::claude::wire::{Counts, Facts, facts};

/// Reads one answer. Feed it either events or one JSON body, then call [`UsageMeter::finish`].
#[derive(Clone, Default, Debug)]
pub struct UsageMeter {
    usage: Usage,
    writes: CacheWrites,
    model: Option<String>,
    stop_reason: Option<String>,
    saw_start: bool,
    saw_delta: bool,
    /// Bytes of output in content deltas, without their JSON wrapping.
    output_bytes: u64,
}

impl UsageMeter {
    /// A meter that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the data of one event. Data that is not a whole JSON object counts nothing.
    pub fn on_event(&mut self, kind: EventKind, data: &[u8]) {
        match kind {
            EventKind::ContentBlockDelta => self.output_bytes += output_bytes(data),
            EventKind::MessageStart => self.saw_start |= self.read(data),
            EventKind::MessageDelta => self.saw_delta |= self.read(data),
            EventKind::Error => _ = self.read(data),
            _ => {}
        }
    }

    /// Takes a whole JSON body: a message, or an error with a `usage`. An answer to count_tokens has no `usage` and
    /// counts nothing.
    pub fn on_json(&mut self, body: &[u8]) {
        self.read(crate::claude::scan::trim(body));
    }

    /// Takes what a whole JSON body says, in place of the body.
    pub fn on_facts(&mut self, facts: Facts) {
        self.model = facts.model.or(self.model.take());
        self.stop_reason = facts.stop_reason.or(self.stop_reason.take());
        self.absorb(facts.usage);
    }

    /// The answer is over. `complete` says that it ended as it should. When a stream was cut before its first
    /// `message_delta`, its output is estimated from the bytes that came, but never below what it had stated.
    pub fn finish(&mut self, complete: bool) {
        let started = self.saw_start || self.output_bytes > 0;
        if complete || self.saw_delta || !started {
            return;
        }
        self.usage.output = self.output_so_far();
        self.usage.estimated = !self.usage.is_empty();
    }

    /// Output tokens so far: what the upstream stated, or what its content amounts to if that is more.
    pub fn output_so_far(&self) -> u64 {
        if self.saw_delta {
            return self.usage.output;
        }
        self.usage.output.max(self.output_bytes.div_ceil(BYTES_PER_TOKEN))
    }

    /// What has been counted so far.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// The model that the answer says served it.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Why the answer ended, as far as it has said so.
    pub fn stop_reason(&self) -> Option<&str> {
        self.stop_reason.as_deref()
    }

    /// True once a `message_start` was read.
    pub fn saw_start(&self) -> bool {
        self.saw_start
    }

    /// True once a `message_delta` was read: the output count is the upstream's own.
    pub fn saw_delta(&self) -> bool {
        self.saw_delta
    }

    fn read(&mut self, json: &[u8]) -> bool {
        let Some(facts) = facts(json) else {
            return false;
        };
        self.on_facts(facts);
        true
    }

    fn absorb(&mut self, counts: Counts) {
        self.writes.absorb(&counts);
        let usage = &mut self.usage;
        (usage.cache_write_5m, usage.cache_write_1h) = self.writes.by_lifetime();
        newest(&mut usage.input, counts.input);
        newest(&mut usage.output, counts.output);
        newest(&mut usage.cache_read, counts.cache_read);
        newest(&mut usage.web_search, counts.web_search);
        newest(&mut usage.web_fetch, counts.web_fetch);
        newest(&mut usage.code_execution, counts.code_execution);
        usage.service_tier = counts.service_tier.or(usage.service_tier.take());
        usage.inference_geo = counts.inference_geo.or(usage.inference_geo.take());
    }
}

/// Output bytes per token for estimates. English prose has about four, code and JSON escapes about two and a half.
const BYTES_PER_TOKEN: u64 = 3;

/// Length of `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""}}`.
const DELTA_WRAPPING: usize = 80;

/// A signature stands for thinking that is not shown, and is no measure of it. Short ones do not matter.
fn output_bytes(delta: &[u8]) -> u64 {
    let is_signature =
        delta.len() > 256 && memchr::memmem::find(&delta[..128], b"\"signature_delta\"").is_some();
    if is_signature { 0 } else { delta.len().saturating_sub(DELTA_WRAPPING) as u64 }
}

fn newest(slot: &mut u64, value: Option<u64>) {
    if let Some(value) = value.filter(|n| *n > 0) {
        *slot = value;
    }
}

/// Cache writes as reported so far; the rules are the table above.
#[derive(Clone, Copy, Default, Debug)]
struct CacheWrites {
    total: u64,
    five_minutes: u64,
    one_hour: u64,
}

impl CacheWrites {
    fn absorb(&mut self, counts: &Counts) {
        let total = counts.cache_write.unwrap_or(0);
        let (five, hour) = (counts.cache_write_5m.unwrap_or(0), counts.cache_write_1h.unwrap_or(0));
        if five + hour == 0 {
            newest(&mut self.total, counts.cache_write);
        } else if five + hour == total {
            *self = Self { total, five_minutes: five, one_hour: hour };
        } else {
            newest(&mut self.five_minutes, counts.cache_write_5m);
            newest(&mut self.one_hour, counts.cache_write_1h);
            self.total = total.max(self.five_minutes + self.one_hour);
        }
    }

    fn by_lifetime(self) -> (u64, u64) {
        let Self { total, five_minutes, one_hour } = self;
        let split = five_minutes + one_hour;
        if total < split {
            let one_hour = one_hour.min(total);
            return (total - one_hour, one_hour);
        }
        let rest = total - split;
        if five_minutes == 0 && one_hour > 0 { (0, one_hour + rest) } else { (five_minutes + rest, one_hour) }
    }
}
