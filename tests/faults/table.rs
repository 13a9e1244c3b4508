//! What each fault has to come to, written down from the design's failure table alone: this file must not ask the
//! program what it thinks of a status.
//!
//! | word | same endpoint again | another endpoint | with nothing left the client gets |
//! |---|---|---|---|
//! | `answer` | - | - | it, byte for byte |
//! | `clients` | no | no | it, byte for byte, at once |
//! | `credential` | no | yes | alone: it; several: our 503 |
//! | `limited` | no | yes | it |
//! | `throttled` | once | yes | it |
//! | `overloaded` | once | yes | alone: it; several: our 503 |
//! | `server` | up to the limit | yes | it, or its status in our words |
//! | `given_up` | no | yes | as `server` |
//! | `silent` | only when nobody else is left | yes | our 504 |
//! | `broken` | up to the limit | yes | our 502 |

/// `retry.max_attempts` in these tests; more than two, so that "once" and "up to the limit" differ.
pub(crate) const MAX_ATTEMPTS: usize = 3;

/// What the client gets when every endpoint was tried in vain.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Last {
    /// The endpoint's answer, byte for byte.
    Unchanged,
    /// The endpoint's error, out of a 200, under the status that its type stands for.
    Restated(u16, &'static str),
    /// An error of the forwarder's own.
    Ours(u16, &'static str),
}

/// What becomes of a request that meets a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expect {
    /// It is an answer after all; so is the next one.
    Answer,
    /// It is the client's to know.
    Clients,
    /// It is a failure.
    Failure {
        /// Requests to the first endpoint while another one is left.
        beside: usize,
        /// Requests to the only one left.
        alone: usize,
        /// With a single endpoint.
        single: Last,
        /// With two, both of which fail.
        several: Last,
    },
    /// The endpoint answers this try.
    Recovers(usize),
    /// Tried once more, elsewhere if there is somebody else; the second one is believed.
    BelievedTwice,
    /// It goes on until the client leaves; it is passed on as it comes.
    Endless,
    /// It breaks after content; nobody else is asked and the client sees that it is not whole.
    Breaks,
}

const fn failure(tries: usize, single: Last, several: Last) -> Expect {
    Expect::Failure { beside: tries, alone: tries, single, several }
}

const OUR_503: Last = Last::Ours(503, "api_error");

pub(crate) const fn answer() -> Expect {
    Expect::Answer
}

pub(crate) const fn clients() -> Expect {
    Expect::Clients
}

pub(crate) const fn credential() -> Expect {
    failure(1, Last::Unchanged, OUR_503)
}

pub(crate) const fn limited() -> Expect {
    failure(1, Last::Unchanged, Last::Unchanged)
}

pub(crate) const fn throttled() -> Expect {
    failure(2, Last::Unchanged, Last::Unchanged)
}

pub(crate) const fn overloaded(single: Last) -> Expect {
    failure(2, single, OUR_503)
}

pub(crate) const fn server(last: Last) -> Expect {
    failure(MAX_ATTEMPTS, last, last)
}

pub(crate) const fn given_up(last: Last) -> Expect {
    failure(1, last, last)
}

pub(crate) const fn silent() -> Expect {
    let last = Last::Ours(504, "timeout_error");
    Expect::Failure { beside: 1, alone: MAX_ATTEMPTS, single: last, several: last }
}

pub(crate) const fn broken() -> Expect {
    server(Last::Ours(502, "api_error"))
}
