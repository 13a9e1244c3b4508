//! What the picture means for a person: trouble that they can do something about, with what to press or to change.
//!
//! | when | then |
//! |---|---|
//! | requests are suspended, and the active group can serve again | they go on one by one |
//! | requests are suspended, and another group could serve them | activate it |
//! | requests are suspended, and none could | when the next endpoint may be asked |
//! | nothing is suspended, and no endpoint can serve | so, and when the next one may be asked, else why not |
//! | an endpoint refuses its credential | change it |
//! | tokens were used that no price is known for | give a price |

use crate::domain::endpoint::GroupId;
use crate::domain::fleet::Condition;
use crate::domain::group::GroupState;
use crate::events::board::{EndpointStatus, GroupStatus, Phase, Snapshot};
use crate::tui::format;

/// One line.
#[derive(Clone, PartialEq, Debug)]
pub struct Advice {
    /// What to say; names are as they are.
    pub text: String,
    /// Clients feel it now.
    pub urgent: bool,
    /// The group that the key for it activates.
    pub activate: Option<GroupId>,
}

impl Advice {
    fn urgent(text: String) -> Self {
        Self { text, urgent: true, activate: None }
    }

    fn note(text: String) -> Self {
        Self { text, urgent: false, activate: None }
    }
}

/// The advice for this picture, the most urgent first.
pub(super) fn give(snapshot: &Snapshot) -> Vec<Advice> {
    outage(snapshot).into_iter().chain(credentials(snapshot)).chain(prices(snapshot)).collect()
}

fn outage(snapshot: &Snapshot) -> Option<Advice> {
    let suspended = snapshot.live.iter().filter(|l| l.phase == Phase::Suspended).count();
    if suspended > 0 {
        return Some(waiting(snapshot, suspended));
    }
    let counted = || snapshot.endpoints.iter().filter(|e| e.condition != Condition::Disabled);
    let none = counted().next().is_some() && !counted().any(can_serve);
    none.then(|| Advice::urgent(format!("no endpoint can serve now{}", next(snapshot))))
}

fn can_serve(endpoint: &EndpointStatus) -> bool {
    matches!(endpoint.condition, Condition::Up | Condition::Unknown | Condition::HalfOpen)
}

fn waiting(snapshot: &Snapshot, suspended: usize) -> Advice {
    let subject = match &snapshot.active_group {
        Some(active) if snapshot.endpoints.iter().any(|e| e.group == *active && can_serve(e)) => {
            return Advice::urgent(format!(
                "{suspended} suspended; {active} can serve: they go on one by one"
            ));
        }
        Some(active) => format!("all of {active} is resting, {suspended} suspended"),
        None => format!("every group is paused, {suspended} suspended"),
    };
    let other = |group: &&GroupStatus| group.state != GroupState::Active && group.allowed.activate.is_none();
    match snapshot.groups.iter().find(other) {
        Some(group) => {
            let paused = if group.state == GroupState::Paused { " (paused)" } else { "" };
            let text = format!("{subject}: press a to activate {}{paused}", group.name);
            Advice { activate: Some(group.name.clone()), ..Advice::urgent(text) }
        }
        None => Advice::urgent(format!("{subject}{}", next(snapshot))),
    }
}

/// `; main-a may be asked again in 12s`, as of the picture; else what is wrong with the first that says so.
fn next(snapshot: &Snapshot) -> String {
    let timed = snapshot.endpoints.iter().filter_map(|e| Some((e, e.changes_in?)));
    match timed.min_by(|(_, a), (_, b)| a.total_cmp(b)) {
        Some((endpoint, left)) => {
            format!("; {} may be asked again in {}", endpoint.name, format::seconds(Some(left.ceil())))
        }
        None => snapshot.endpoints.iter().find_map(trouble).unwrap_or_default(),
    }
}

/// `; main-a: connect failed`
fn trouble(endpoint: &EndpointStatus) -> Option<String> {
    Some(format!("; {}: {}", endpoint.name, endpoint.last_error.as_ref()?))
}

fn credentials(snapshot: &Snapshot) -> Option<Advice> {
    let refused = |e: &&EndpointStatus| e.credential_problem || e.condition == Condition::Credential;
    let names: Vec<String> = snapshot.endpoints.iter().filter(refused).map(|e| e.name.to_string()).collect();
    let text = || format!("credential refused: check token or api-key of {}", names.join(", "));
    (!names.is_empty()).then(|| Advice::note(text()))
}

fn prices(snapshot: &Snapshot) -> Option<Advice> {
    let unpriced = snapshot.totals.unpriced;
    let text = || match unpriced {
        1 => "1 answer has no known price: add its model to model_pricing".to_owned(),
        n => format!("{n} answers have no known price: add their models to model_pricing"),
    };
    (unpriced > 0).then(|| Advice::note(text()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::{busy, fresh};

    fn texts(snapshot: &Snapshot) -> Vec<String> {
        give(snapshot).into_iter().map(|advice| advice.text).collect()
    }

    fn all(snapshot: &mut Snapshot, condition: Condition) {
        snapshot.endpoints.iter_mut().for_each(|e| {
            e.condition = condition;
            e.changes_in = None;
        });
    }

    #[test]
    fn a_healthy_forwarder_needs_no_advice() {
        let mut snapshot = fresh();
        all(&mut snapshot, Condition::Up);
        assert_eq!(give(&snapshot), []);
    }

    #[test]
    fn an_outage_says_when_or_why() {
        let mut snapshot = fresh();
        all(&mut snapshot, Condition::Down);
        snapshot.endpoints[0].last_error = Some("connect failed".to_owned());
        assert_eq!(texts(&snapshot), ["no endpoint can serve now; main-a: connect failed"]);
        snapshot.endpoints[1].changes_in = Some(11.2);
        assert_eq!(texts(&snapshot), ["no endpoint can serve now; main-b may be asked again in 12s"]);
        assert!(give(&snapshot)[0].urgent);
    }

    #[test]
    fn who_waits_is_told_what_helps() {
        let mut snapshot = busy();
        let advice = give(&snapshot);
        assert_eq!(advice[0].activate, Some(GroupId::new("backup")));
        snapshot.endpoints[0].condition = Condition::Up;
        assert_eq!(texts(&snapshot), ["2 suspended; main can serve: they go on one by one"]);
        snapshot.active_group = None;
        snapshot.groups.truncate(1);
        let text = &texts(&snapshot)[0];
        assert!(
            text.starts_with("every group is paused, 2 suspended; main-a may be asked again in"),
            "{text}"
        );
    }

    #[test]
    fn credentials_and_prices_are_notes() {
        let mut snapshot = fresh();
        all(&mut snapshot, Condition::Up);
        snapshot.endpoints[3].credential_problem = true;
        snapshot.totals.unpriced = 3;
        let expected = [
            "credential refused: check token or api-key of spare",
            "3 answers have no known price: add their models to model_pricing",
        ];
        assert_eq!(texts(&snapshot), expected);
        snapshot.totals.unpriced = 1;
        assert_eq!(texts(&snapshot)[1], "1 answer has no known price: add its model to model_pricing");
        assert!(give(&snapshot).iter().all(|advice| !advice.urgent));
    }
}
