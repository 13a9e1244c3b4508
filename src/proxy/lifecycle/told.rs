//! What an answer told that nobody got, or that told it late.
//!
//! | answer | its usage |
//! |---|---|
//! | held back and found to be none | is handed over when its attempt is closed |
//! | being held when the client leaves | is kept here by whoever held it, for the end of the request |
//! | a refusal, passed on when its attempt is closed already | is added to that attempt at its end |
//!
//! Never is anything added twice: a late word is taken once, and only for the attempt that it belongs to.

use super::Lifecycle;
use crate::claude::usage::Usage;

impl Lifecycle {
    /// As [`Self::served_by`], of an answer that is not passed on: only the attempt is of that model.
    pub fn answer_names(&mut self, model: Option<&str>) {
        if let (Some(open), Some(model)) = (&mut self.open, model) {
            open.model_served = Some(model.into());
        }
    }

    /// What the attempt has told so far, should nobody be there to end it.
    pub fn told(&mut self, usage: Usage) {
        self.told = usage;
    }

    /// The answer that this attempt ended with is passed on: what it tells from now on still counts for the attempt.
    pub fn relays(&mut self, number: u32) {
        self.relayed = Some(number);
        self.refusal_passes(number);
    }

    /// Usage of an attempt that is over.
    pub(super) fn late(&mut self, usage: &Usage) {
        let relayed = self.relayed.take();
        self.note(|r| {
            if let Some(attempt) = r.attempts.iter_mut().find(|a| Some(a.number) == relayed) {
                attempt.usage += usage;
                r.usage += usage;
            }
        });
    }

    /// The client got this many bytes more.
    pub fn sent(&mut self, bytes: u64) {
        self.note(|r| r.bytes_out += bytes);
    }
}
