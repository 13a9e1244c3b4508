//! What happens on stage, as data: who is there, what goes wrong, and when.
//!
//! Whatever lasts is healed in the same round, so that every request finds an answer, if only after a wait. Nothing here
//! breaks an answer that has begun: no forwarder could repair that, and the demo promises whole answers.

use std::time::Duration;

use crate::simulator::{Behaviour, Mark, Pace};

/// A simulated endpoint.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) name: &'static str,
    pub(super) group: &'static str,
    /// Longest wait for the head of a non-streaming answer.
    pub(super) timeout: &'static str,
}

/// In routing order, best first. `main-a` has a short timeout because it is the one that falls silent; the others'
/// are out of reach of the slowest machine.
pub(super) const ROLES: [Role; 4] = [
    Role { name: "main-a", group: "main", timeout: "1500ms" },
    Role { name: "main-b", group: "main", timeout: "60s" },
    Role { name: "backup-a", group: "backup", timeout: "60s" },
    Role { name: "backup-b", group: "backup", timeout: "60s" },
];

/// One way to fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// 529
    Overloaded,
    /// 500
    ServerError,
    /// 429 with `retry-after`, seconds.
    RetryAfter(u64),
    /// The connection closes behind `message_start`.
    CutEarly,
    /// The first event of the stream is an error.
    ErrorEvent,
    /// A page of HTML with status 200.
    WebPage,
    /// The first word takes its time; nothing fails.
    SlowFirstToken,
    /// No answer at all.
    Silence,
}

impl Fault {
    /// Some ways to fail need a stream, and silence is for those requests whose timeout is short.
    pub(super) fn suits(self, stream: bool) -> bool {
        match self {
            Self::CutEarly | Self::ErrorEvent | Self::SlowFirstToken => stream,
            Self::Silence => !stream,
            Self::Overloaded | Self::ServerError | Self::RetryAfter(_) | Self::WebPage => true,
        }
    }

    /// What the simulator does.
    pub(super) fn behaviour(self) -> Behaviour {
        let pace = Pace { head: Duration::from_millis(120), ..Pace::default() };
        match self {
            Self::Overloaded => Behaviour::overloaded().pace(pace),
            Self::ServerError => Behaviour::status(500, "api_error").pace(pace),
            Self::RetryAfter(seconds) => Behaviour::retry_after(seconds).pace(pace),
            Self::CutEarly => Behaviour::close_at(Mark::Events(1)).pace(pace),
            Self::ErrorEvent => Behaviour::error_event(0, "overloaded_error").pace(pace),
            Self::WebPage => Behaviour::html(200).pace(pace),
            Self::SlowFirstToken => {
                healthy().pace(Pace { first_token: Duration::from_millis(1800), ..Pace::lifelike() })
            }
            Self::Silence => Behaviour::never_answers(),
        }
    }
}

/// An endpoint in good order, as fast as a real one.
pub(super) fn healthy() -> Behaviour {
    Behaviour::healthy().pace(Pace::lifelike())
}

/// What a cue does to an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Act {
    /// The next requests that suit meet these, one each.
    Next(&'static [Fault]),
    /// Every request meets this until [`Act::Heal`].
    Always(Fault),
    /// All is well again.
    Heal,
    /// It takes no more requests, ends what it has begun, and is gone.
    Down,
    /// It is back.
    Up,
}

/// One entry of the schedule.
#[derive(Debug)]
pub(super) struct Cue {
    /// From the beginning of a round, milliseconds.
    pub(super) at: u64,
    /// Which endpoint.
    pub(super) who: &'static str,
    /// What it does.
    pub(super) act: Act,
    /// The same in words, behind the endpoint's name.
    pub(super) says: &'static str,
}

const fn cue(at: u64, who: &'static str, act: Act, says: &'static str) -> Cue {
    Cue { at, who, act, says }
}

/// Length of a round; a longer demo plays it again.
pub(super) const ROUND: Duration = Duration::from_secs(20);

/// One round, in order of time.
pub(super) const SCHEDULE: [Cue; 15] = [
    cue(900, "main-a", Act::Next(&[Fault::Overloaded, Fault::Overloaded]), "answers two requests with 529"),
    cue(3000, "main-a", Act::Next(&[Fault::CutEarly]), "cuts a stream before its first word"),
    cue(4500, "main-a", Act::Next(&[Fault::RetryAfter(4)]), "is out of budget: 429, retry-after 4 s"),
    cue(5200, "main-b", Act::Next(&[Fault::WebPage]), "answers with a web page and status 200"),
    cue(6500, "main-a", Act::Next(&[Fault::ErrorEvent]), "begins a stream with an error event"),
    cue(9200, "main-a", Act::Next(&[Fault::Silence]), "leaves a request without any answer"),
    cue(12_000, "main-a", Act::Down, "goes down"),
    cue(12_400, "main-b", Act::Always(Fault::ServerError), "answers everything with 500"),
    cue(12_600, "backup-a", Act::Next(&[Fault::SlowFirstToken]), "takes its time for a first word"),
    cue(14_000, "backup-a", Act::Always(Fault::ServerError), "answers everything with 500, too"),
    cue(14_100, "backup-b", Act::Always(Fault::Overloaded), "answers 529: nothing is left, requests wait"),
    cue(16_000, "backup-b", Act::Heal, "is well again"),
    cue(16_100, "backup-a", Act::Heal, "is well again"),
    cue(16_800, "main-a", Act::Up, "is back"),
    cue(16_900, "main-b", Act::Heal, "is well again"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_in_order_and_names_who_is_there() {
        assert!(SCHEDULE.is_sorted_by_key(|cue| cue.at));
        assert!(SCHEDULE.iter().all(|cue| Duration::from_millis(cue.at) < ROUND));
        assert!(SCHEDULE.iter().all(|cue| ROLES.iter().any(|role| role.name == cue.who)));
    }

    #[test]
    fn a_round_ends_as_it_began() {
        let last = |name, wanted: fn(&Act) -> bool| {
            SCHEDULE.iter().filter(|cue| cue.who == name).map(|cue| cue.act).rfind(wanted)
        };
        for role in &ROLES {
            assert!(matches!(last(role.name, |a| matches!(a, Act::Down | Act::Up)), None | Some(Act::Up)));
            assert!(matches!(
                last(role.name, |a| matches!(a, Act::Always(_) | Act::Heal)),
                None | Some(Act::Heal)
            ));
        }
    }
}
