//! What the lifecycle has noted down for whoever looks into the request: its headers, and the answers that failed it.
//!
//! | answer of a failed attempt | noted |
//! |---|---|
//! | read, as far as it was | at once: [`Lifecycle::refused`] |
//! | kept unread, because it may be passed on | with the bytes that pass if it is, when the request ends: [`Lifecycle::refused_unread`] |

use bytes::Bytes;
use http::{HeaderMap, response};

use super::Lifecycle;
use crate::domain::secret::Redactor;
use crate::proxy::witness::Sighting;

/// Headers and query of the request.
type Client<'a> = (&'a HeaderMap, Option<&'a str>);

impl Lifecycle {
    /// The request came with these headers.
    pub fn came_with(&self, headers: &HeaderMap, redactor: &Redactor) {
        if let Some(draft) = &self.draft {
            self.to.witness.accepted(draft.id, headers, redactor);
        }
    }

    /// The attempt fails with this answer; `held` is what came of its body, and all of it when it has `ended`. `client`
    /// is what the request came with.
    pub fn refused(&mut self, client: Client<'_>, head: &response::Parts, held: &[Bytes], ended: bool) {
        let Some(mut sighting) = self.sighting(client, head) else { return };
        held.iter().for_each(|bytes| sighting.take(bytes));
        sighting.ended = ended;
        self.note_down(sighting);
    }

    /// The attempt fails with this answer, whose body may be passed on.
    pub fn refused_unread(&mut self, client: Client<'_>, head: &response::Parts) {
        let sighting = self.sighting(client, head);
        self.unread.extend(sighting);
    }

    fn sighting(&self, client: Client<'_>, head: &response::Parts) -> Option<Sighting> {
        let open = self.open.as_ref().filter(|_| self.to.witness.watches())?;
        Some(Sighting::new(open.number, head, client))
    }

    fn note_down(&self, sighting: Sighting) {
        if let Some(draft) = &self.draft {
            self.to.witness.refused(draft.id, sighting);
        }
    }

    /// The answer of this attempt is passed on.
    pub(super) fn refusal_passes(&mut self, number: u32) {
        match (self.unread.iter_mut().find(|unread| unread.attempt == number), &self.draft) {
            (Some(unread), _) => unread.passed_on = true,
            (None, Some(draft)) => self.to.witness.passed_on(draft.id, number),
            (None, None) => {}
        }
    }

    /// The next bytes of what is passed on.
    pub(super) fn refusal_goes_on(&mut self, bytes: &Bytes) {
        self.unread.iter_mut().filter(|unread| unread.passed_on).for_each(|unread| unread.take(bytes));
    }

    /// What was passed on came to its end.
    pub(super) fn refusal_ended(&mut self) {
        self.unread.iter_mut().filter(|unread| unread.passed_on).for_each(|unread| unread.ended = true);
    }

    /// Nothing more comes of them.
    pub(super) fn note_down_unread(&mut self) {
        for sighting in std::mem::take(&mut self.unread) {
            self.note_down(sighting);
        }
    }
}
