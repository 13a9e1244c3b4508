//! The copy of an answer that is kept for the case that its usage cannot be read.

use bytes::Bytes;
use http::{HeaderMap, response};

use super::Lifecycle;
use crate::claude::request::Class;
use crate::claude::usage::Usage;
use crate::proxy::unread::{Sample, Samples};

/// Where such answers go, and the one at hand.
#[derive(Default)]
pub(super) struct Sampling {
    samples: Samples,
    open: Option<Box<Sample>>,
}

impl Sampling {
    pub(super) fn new(samples: Samples) -> Self {
        Self { samples, open: None }
    }

    pub(super) fn judge(&mut self, usage: &Usage) {
        self.samples.judge(self.open.take(), usage);
    }
}

impl Lifecycle {
    /// An answer with this head is about to be passed on, `held` first. `client` are the headers of the request.
    pub fn sample(&mut self, head: &response::Parts, client: &HeaderMap, held: &[Bytes]) {
        let (Some(open), Some(draft)) = (&self.open, &self.draft) else { return };
        if !self.sampling.samples.is_on() || draft.class != Class::Messages || !head.status.is_success() {
            return;
        }
        let model = open.model_sent.clone().unwrap_or_default();
        let asked = [open.spec.id.to_string(), open.spec.group.to_string(), model.to_string()];
        let mut sample = Sample::begin(draft.id, asked, head, client);
        held.iter().for_each(|bytes| sample.take(bytes));
        self.sampling.open = Some(sample);
    }

    /// The next bytes of that answer.
    pub fn sampled(&mut self, bytes: &Bytes) {
        self.refusal_goes_on(bytes);
        if let Some(sample) = &mut self.sampling.open {
            sample.take(bytes);
        }
    }
}
