//! What a scenario file may say. A key that is not listed here is an error.
//!
//! | part | key | meaning |
//! |---|---|---|
//! | `fleet` | `groups` | the groups, best first, each with its endpoints, best first |
//! | | `endpoints` | more about single endpoints, in the words of the configuration file |
//! | | `config` | other sections of the configuration file; what is not said has its default there |
//! | | `pin` | the endpoint of `-p` |
//! | | `probing` | `true`: health probes run as in the program; else only when a step says so |
//! | `timeline` | | steps in order of time, see [`Step`] |
//!
//! The clock starts at 2026-11-23T00:00:00Z, for headers that name a date. At that instant every endpoint answers `ok`
//! and has been probed once, so that all of them are up.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_yaml::{Mapping, Value};

use super::answer::Answer;

/// A whole file.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) fleet: FleetFile,
    pub(crate) timeline: Vec<Step>,
}

/// What a configuration file would say, in short.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct FleetFile {
    pub(crate) groups: Mapping,
    #[serde(default)]
    pub(crate) endpoints: BTreeMap<String, Mapping>,
    #[serde(default)]
    pub(crate) config: Mapping,
    pub(crate) pin: Option<String>,
    #[serde(default)]
    pub(crate) probing: bool,
}

/// One step: a moment, at most one thing that happens, and what is expected of it. `answers` may come along with
/// anything and counts from then on.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// Since the start.
    pub(crate) at: Span,
    /// How endpoints answer from now on, probes too.
    #[serde(default)]
    pub(crate) answers: BTreeMap<String, Answer>,
    /// A client sends this.
    pub(crate) request: Option<RequestFile>,
    /// A person makes this group the active one.
    pub(crate) activate: Option<String>,
    /// The same, whatever its state.
    pub(crate) force: Option<String>,
    /// A person ends that.
    #[serde(default)]
    pub(crate) release: bool,
    /// A person pauses a group.
    pub(crate) pause: Option<PauseFile>,
    /// A person ends a pause.
    pub(crate) resume: Option<String>,
    /// A person ends all rests of this endpoint.
    pub(crate) clear: Option<String>,
    /// These endpoints are probed; they answer as `answers` says.
    #[serde(default)]
    pub(crate) probe: Vec<String>,
    /// The configuration is now this.
    pub(crate) reload: Option<FleetFile>,
    /// Without it nothing may change until the next step.
    #[serde(default)]
    pub(crate) expect: Expect,
}

/// A request.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestFile {
    pub(crate) session: Option<String>,
    pub(crate) model: Option<String>,
    /// It asks for one token only, as clients do to see whether they may go on.
    #[serde(default)]
    pub(crate) one_token: bool,
    /// It is a `count_tokens` request.
    #[serde(default)]
    pub(crate) count_tokens: bool,
    /// For this request only: how an endpoint answers its first, second, … attempt there.
    #[serde(default)]
    pub(crate) answers: BTreeMap<String, Vec<Answer>>,
    /// The client leaves after this time.
    pub(crate) leaves: Option<Span>,
}

/// A person's pause.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct PauseFile {
    pub(crate) group: String,
    /// Without it, until resumed.
    #[serde(rename = "for")]
    pub(crate) duration: Option<Span>,
}

/// What is expected of a step. `asked` and `gets` are about its request, which may end long after; `changes` are all
/// those between this step and the next; the rest is how things are right after the step.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// The request's attempts in order: `ENDPOINT, REASON` when it turns to an endpoint, `ENDPOINT again` when it stays
    /// there, `waits TIME` when it is suspended. Required for a request.
    pub(crate) asked: Option<Vec<String>>,
    /// How the request ends: `answer of ENDPOINT`, `broken answer of ENDPOINT`, `STATUS of ENDPOINT` (passed on
    /// unchanged), `STATUS from us`, `nothing, the client left`. Required for a request.
    pub(crate) gets: Option<String>,
    /// A part of the message of an error of ours.
    pub(crate) says: Option<String>,
    /// When its client had that, since the start of the scenario.
    pub(crate) answered: Option<Span>,
    /// `TIME WHAT`, every single one, in order.
    #[serde(default)]
    pub(crate) changes: Vec<String>,
    /// The active group, or `none`.
    pub(crate) active: Option<String>,
    /// `active`, `standby`, `cooling` or `paused`.
    #[serde(default)]
    pub(crate) groups: BTreeMap<String, String>,
    /// The words of the screens: `up`, `resting`, `breaker open`, `half-open`, `rate limited`, ….
    #[serde(default)]
    pub(crate) endpoints: BTreeMap<String, String>,
    /// Requests in the queue.
    pub(crate) waiting: Option<usize>,
    /// A part of the words in which the order is refused; without it the order has to be accepted.
    pub(crate) refused: Option<String>,
}

/// A length of time: `300ms`, `2s`, `1m30s`, `1h`, `7d`.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub(crate) struct Span(pub(crate) Duration);

const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 24 * 3_600_000)];

impl Span {
    /// `None` when it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut sum = 0;
        while !rest.is_empty() {
            let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
            let (unit, after) =
                after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
            let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
            sum += number.parse::<u64>().ok()? * millis;
            rest = after;
        }
        (!text.is_empty()).then_some(Self(Duration::from_millis(sum)))
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut left = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if left == 0 {
            return f.write_str("0s");
        }
        for (unit, millis) in [UNITS[4], UNITS[3], UNITS[2], UNITS[1], UNITS[0]] {
            if left >= millis {
                write!(f, "{}{unit}", left / millis)?;
                left %= millis;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is no time such as `2s` or `1m30s`")))
    }
}

impl Expect {
    /// True when it makes sense only for a step with a request.
    pub(crate) fn is_about_a_request(&self) -> bool {
        let texts = [&self.gets, &self.says];
        self.asked.is_some() || self.answered.is_some() || texts.iter().any(|text| text.is_some())
    }
}

impl FleetFile {
    /// The configuration file this stands for.
    pub(crate) fn config_text(&self) -> Result<String, String> {
        let mut root = self.config.clone();
        let mut list = Vec::new();
        for (rank, (group, names)) in self.groups.iter().enumerate() {
            for (priority, name) in names.as_sequence().into_iter().flatten().enumerate() {
                list.push(Value::Mapping(self.endpoint(group, rank, name, priority)?));
            }
        }
        let known = |name: &str| list.iter().any(|e| e.get("name").and_then(Value::as_str) == Some(name));
        if let Some(name) = self.endpoints.keys().find(|name| !known(name)) {
            return Err(format!("fleet.endpoints: `{name}` is in no group"));
        }
        root.insert("endpoints".into(), Value::Sequence(list));
        serde_yaml::to_string(&root).map_err(|e| e.to_string())
    }

    fn endpoint(&self, group: &Value, rank: usize, name: &Value, priority: usize) -> Result<Mapping, String> {
        let text = name.as_str().ok_or("fleet.groups: an endpoint is a name")?;
        let mut endpoint = Mapping::new();
        endpoint.insert("name".into(), name.clone());
        endpoint.insert("url".into(), format!("https://{text}.invalid").into());
        endpoint.insert("group".into(), group.clone());
        endpoint.insert("group-priority".into(), rank.into());
        endpoint.insert("priority".into(), priority.into());
        let more = self.endpoints.get(text);
        if more.is_none_or(|m| !m.contains_key("credential")) {
            endpoint.insert("token".into(), format!("token-of-{text}").into());
        }
        endpoint.extend(more.into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())));
        Ok(endpoint)
    }
}

#[test]
fn spans_are_written_as_they_are_read() {
    for text in ["0s", "300ms", "2s", "1m30s", "1h", "7d", "1d2h3m4s5ms"] {
        assert_eq!(Span::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(Span::parse("90s").unwrap().to_string(), "1m30s");
    for bad in ["", "2", "s", "2 s", "two seconds", "1.5s"] {
        assert!(Span::parse(bad).is_none(), "{bad}");
    }
}
