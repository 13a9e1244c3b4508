//! What a check found, as values; and the JSON of it, which scripts rely on.
//!
//! ```json
//! {
//!   "config": "config/config.yaml", "ok": false, "valid": true, "probed": true,
//!   "problems": [{ "line": 3, "key": "endpoints[0].url", "message": "…" }], "warnings": [],
//!   "endpoints": [{
//!     "name": "main", "group": "main", "group_priority": 1, "priority": 1, "url": "https://api.example.com",
//!     "enabled": true, "result": "up", "status": 200, "latency_ms": 41.2, "note": null
//!   }]
//! }
//! ```
//!
//! `result` is one of `up`, `credential_refused`, `down`, `disabled` and `not_probed`. Keys may be added, those here
//! keep their meaning. Endpoints stand in routing order.

use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::config::{Config, Problem, Problems};
use crate::control::probe;
use crate::domain::endpoint::{Credential, EndpointSpec};
use crate::domain::secret::Redactor;
use crate::domain::standing::Probed;

/// How an endpoint did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Up,
    CredentialRefused,
    Down,
    Disabled,
    NotProbed,
}

impl Verdict {
    /// The word for people.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::CredentialRefused => "credential refused",
            Self::Down => "down",
            Self::Disabled => "disabled",
            Self::NotProbed => "not probed",
        }
    }

    fn is_failure(self) -> bool {
        matches!(self, Self::CredentialRefused | Self::Down)
    }
}

/// One endpoint.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Finding {
    pub(super) name: String,
    pub(super) group: String,
    pub(super) group_priority: u32,
    pub(super) priority: u32,
    pub(super) url: String,
    pub(super) enabled: bool,
    pub(super) result: Verdict,
    pub(super) status: Option<u16>,
    #[serde(rename = "latency_ms", serialize_with = "milliseconds")]
    pub(super) latency: Option<Duration>,
    /// What a person should know: why it is down, what to do.
    pub(super) note: Option<String>,
}

fn milliseconds<S: Serializer>(latency: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    latency.map(|took| (took.as_secs_f64() * 1e4).round() / 10.0).serialize(serializer)
}

impl Finding {
    /// An endpoint that was not asked.
    pub(super) fn unasked(spec: &EndpointSpec) -> Self {
        Self {
            name: spec.id.to_string(),
            group: spec.group.to_string(),
            group_priority: spec.group_priority,
            priority: spec.priority,
            url: spec.url.to_string(),
            enabled: spec.enabled,
            result: if spec.enabled { Verdict::NotProbed } else { Verdict::Disabled },
            status: None,
            latency: None,
            note: None,
        }
    }

    /// An endpoint and what its probe brought.
    pub(super) fn of(spec: &EndpointSpec, probe: &probe::Report) -> Self {
        let result = match probe.result {
            Probed::Up { .. } => Verdict::Up,
            Probed::CredentialRefused { .. } => Verdict::CredentialRefused,
            Probed::Down(_) => Verdict::Down,
        };
        let latency = probe.status.map(|_| probe.took);
        Self { result, status: probe.status, latency, note: note(spec, probe), ..Self::unasked(spec) }
    }

    /// The same without any known secret.
    pub(super) fn scrubbed(self, redactor: &Redactor) -> Self {
        let clean = |text: String| redactor.scrub(&text).into_owned();
        Self {
            name: clean(self.name),
            group: clean(self.group),
            url: clean(self.url),
            note: self.note.map(clean),
            ..self
        }
    }
}

fn note(spec: &EndpointSpec, probe: &probe::Report) -> Option<String> {
    let text = match (&probe.result, &spec.credential) {
        (Probed::Down(kind), _) => probe.error.clone().unwrap_or_else(|| kind.words().to_owned()),
        (Probed::CredentialRefused { .. }, Credential::None) => {
            "it asks for a credential: set its token, api-key or headers".to_owned()
        }
        (Probed::CredentialRefused { .. }, _) => "correct its token, api-key or headers".to_owned(),
        (Probed::Up { .. }, Credential::Pass) => {
            "asked without a credential, because clients bring their own".to_owned()
        }
        (Probed::Up { .. }, _) => return None,
    };
    Some(text)
}

/// All of it.
#[derive(Clone, Debug)]
pub(super) struct Report {
    /// The file, or that there was none.
    pub(super) config: String,
    pub(super) valid: bool,
    pub(super) probed: bool,
    pub(super) problems: Problems,
    pub(super) warnings: Problems,
    pub(super) findings: Vec<Finding>,
}

impl Report {
    /// A configuration that cannot be used.
    pub(super) fn invalid(problems: Problems) -> Self {
        let warnings = Problems { list: Vec::new(), ..problems.clone() };
        let config = problems.file.clone();
        Self { config, valid: false, probed: false, problems, warnings, findings: Vec::new() }
    }

    /// A configuration that can.
    pub(super) fn valid(config: &Config, warnings: Problems, probed: bool, findings: Vec<Finding>) -> Self {
        let problems = Problems { list: Vec::new(), ..warnings.clone() };
        Self { config: config.source.to_string(), valid: true, probed, problems, warnings, findings }
    }

    /// Nothing has to be done.
    pub(super) fn ok(&self) -> bool {
        self.valid && !self.findings.iter().any(|finding| finding.result.is_failure())
    }

    /// For scripts.
    pub(super) fn json(&self) -> Value {
        json!({
            "config": self.config,
            "ok": self.ok(),
            "valid": self.valid,
            "probed": self.probed,
            "problems": self.problems.list.iter().map(problem).collect::<Vec<_>>(),
            "warnings": self.warnings.list.iter().map(problem).collect::<Vec<_>>(),
            "endpoints": self.findings,
        })
    }
}

fn problem(problem: &Problem) -> Value {
    let key = Some(&problem.path).filter(|path| !path.is_empty());
    json!({ "line": problem.line, "key": key, "message": problem.message })
}
