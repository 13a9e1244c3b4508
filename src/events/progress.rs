//! How far an answer has come: counters that the data path writes and the board reads, without an event per chunk.
//!
//! They belong to the attempt that is being passed on; what earlier attempts of the request used is in its record.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::claude::usage::Usage;

/// See the module. Every count only grows towards the truth; counts of one instant need not fit together.
#[derive(Default, Debug)]
pub struct Progress {
    input: AtomicU64,
    cache_read: AtomicU64,
    cache_write_5m: AtomicU64,
    cache_write_1h: AtomicU64,
    output: AtomicU64,
    model: OnceLock<Arc<str>>,
}

impl Progress {
    /// Takes over what a meter has counted. `output` includes what is not stated yet.
    pub fn report(&self, usage: &Usage, output: u64, model: Option<&str>) {
        let counts = [
            (&self.input, usage.input),
            (&self.cache_read, usage.cache_read),
            (&self.cache_write_5m, usage.cache_write_5m),
            (&self.cache_write_1h, usage.cache_write_1h),
            (&self.output, output),
        ];
        counts.iter().for_each(|(slot, count)| slot.store(*count, Ordering::Relaxed));
        if let Some(model) = model.filter(|_| self.model.get().is_none()) {
            self.model.get_or_init(|| model.into());
        }
    }

    /// The tokens so far; the output is an estimate while the answer runs.
    pub fn usage(&self) -> Usage {
        let read = |slot: &AtomicU64| slot.load(Ordering::Relaxed);
        Usage {
            input: read(&self.input),
            cache_read: read(&self.cache_read),
            cache_write_5m: read(&self.cache_write_5m),
            cache_write_1h: read(&self.cache_write_1h),
            output: read(&self.output),
            estimated: true,
            ..Usage::default()
        }
    }

    /// The model that answers, once the answer has named it.
    pub fn model(&self) -> Option<&Arc<str>> {
        self.model.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_reported_last_counts_and_the_first_model_stays() {
        let progress = Progress::default();
        let usage = Usage { input: 3, cache_read: 40, output: 1, ..Usage::default() };
        progress.report(&usage, 7, None);
        progress.report(&usage, 9, Some("m-1"));
        progress.report(&usage, 9, Some("m-2"));
        let seen = progress.usage();
        assert_eq!((seen.prompt_tokens(), seen.output, seen.estimated), (43, 9, true));
        assert_eq!(progress.model().map(|name| &**name), Some("m-1"));
    }
}
