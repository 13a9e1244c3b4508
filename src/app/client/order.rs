//! Every [`Command`] as a call of the admin API.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::admin::endpoints::PrioritiesOrder;
use crate::admin::groups::PauseOrder;
use crate::config::show_duration;
use crate::control::command::Command;
use crate::domain::endpoint::{EndpointId, GroupId};
use crate::domain::order::Order;

/// Below the admin port's address.
const API: &str = "/api/v1";

/// A `POST`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// Where to.
    pub path: String,
    /// Its parameters.
    pub query: &'static str,
    /// Its JSON document.
    pub body: Option<String>,
}

impl Call {
    /// The call that carries out `command`. `activated` is the group a person made the active one: to release is to say
    /// which.
    ///
    /// # Errors
    /// When there is nothing to release.
    pub fn of(command: &Command, activated: Option<&GroupId>) -> Result<Self, String> {
        Ok(match command {
            Command::Order(order) => return Self::of_order(order, activated),
            Command::ResumeRequest(id) => Self::to(format!("suspended/{id}/resume")),
            Command::CancelRequest(id) => Self::to(format!("suspended/{id}/cancel")),
            Command::ResumeAll => Self::to("suspended/resume-all"),
            Command::SetPriorities(edits) => {
                let priorities: BTreeMap<EndpointId, u32> = edits.iter().cloned().collect();
                Self::to("endpoints/priorities").with(&PrioritiesOrder { priorities })
            }
            Command::SetEnabled(endpoint, true) => Self::endpoint(endpoint, "enable"),
            Command::SetEnabled(endpoint, false) => Self::endpoint(endpoint, "disable"),
            Command::Probe(endpoint) => Self::endpoint(endpoint, "health-check"),
            Command::Reload => Self::to("config/reload"),
        })
    }

    fn of_order(order: &Order, activated: Option<&GroupId>) -> Result<Self, String> {
        Ok(match order {
            Order::Activate { group, force: false } => Self::group(group, "activate"),
            Order::Activate { group, force: true } => {
                Self { query: "force=true", ..Self::group(group, "activate") }
            }
            Order::Release => {
                let group =
                    activated.ok_or("no group was activated by a person; there is nothing to release")?;
                Self::group(group, "release")
            }
            Order::Pause { group, duration } => {
                let duration = duration.map(show_duration);
                Self::group(group, "pause").with(&PauseOrder { duration })
            }
            Order::Resume { group } => Self::group(group, "resume"),
            Order::Clear { endpoint } => Self::endpoint(endpoint, "clear"),
        })
    }

    /// A call of what stands below the API's address.
    pub fn to(path: impl AsRef<str>) -> Self {
        Self { path: format!("{API}/{}", path.as_ref()), query: "", body: None }
    }

    /// With this as its document.
    #[must_use]
    pub fn with(self, body: &impl Serialize) -> Self {
        // Names, numbers and texts: nothing that JSON cannot say.
        Self { body: serde_json::to_string(body).ok(), ..self }
    }

    fn endpoint(name: &EndpointId, what: &str) -> Self {
        Self::to(format!("endpoints/{}/{what}", segment(&name.0)))
    }

    fn group(name: &GroupId, what: &str) -> Self {
        Self::to(format!("groups/{}/{what}", segment(&name.0)))
    }
}

/// A name as one segment of a path: all but unreserved characters percent-encoded (RFC 3986, 2.3). Segments of nothing
/// but dots would be taken for directories, so their dots are encoded as well.
pub fn segment(name: &str) -> String {
    let dots_only = name.bytes().all(|byte| byte == b'.');
    let plain = |byte: u8| match byte {
        b'.' => !dots_only,
        byte => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~'),
    };
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match plain(byte) {
            true => out.push(char::from(byte)),
            // Writing to a string cannot fail.
            false => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn call(command: Command) -> String {
        let call = Call::of(&command, Some(&GroupId::new("backup"))).unwrap();
        let path = call.path.strip_prefix("/api/v1/").unwrap().to_owned();
        format!("{path}?{} {}", call.query, call.body.unwrap_or_default())
    }

    #[test]
    fn every_command_has_its_route() {
        let (a, main) = (EndpointId::new("a"), GroupId::new("main"));
        let id = "req-00000001".parse().unwrap();
        let order = |order| call(Command::Order(order));
        let calls = [
            call(Command::ResumeRequest(id)),
            call(Command::CancelRequest(id)),
            call(Command::ResumeAll),
            call(Command::SetPriorities(vec![(EndpointId::new("b"), 2), (a.clone(), 7)])),
            call(Command::SetEnabled(a.clone(), true)),
            call(Command::SetEnabled(a.clone(), false)),
            call(Command::Probe(a.clone())),
            call(Command::Reload),
            order(Order::Activate { group: main.clone(), force: false }),
            order(Order::Activate { group: main.clone(), force: true }),
            order(Order::Release),
            order(Order::Pause { group: main.clone(), duration: None }),
            order(Order::Pause { group: main.clone(), duration: Some(Duration::from_secs(5_400)) }),
            order(Order::Resume { group: main }),
            order(Order::Clear { endpoint: a }),
        ];
        let expected = [
            "suspended/req-00000001/resume? ",
            "suspended/req-00000001/cancel? ",
            "suspended/resume-all? ",
            r#"endpoints/priorities? {"priorities":{"a":7,"b":2}}"#,
            "endpoints/a/enable? ",
            "endpoints/a/disable? ",
            "endpoints/a/health-check? ",
            "config/reload? ",
            "groups/main/activate? ",
            "groups/main/activate?force=true ",
            "groups/backup/release? ",
            r#"groups/main/pause? {"duration":null}"#,
            r#"groups/main/pause? {"duration":"1h30m"}"#,
            "groups/main/resume? ",
            "endpoints/a/clear? ",
        ];
        assert_eq!(calls, expected);
    }

    #[test]
    fn nothing_to_release_is_told_without_asking() {
        let refused = Call::of(&Command::Order(Order::Release), None).unwrap_err();
        assert!(refused.contains("nothing to release"), "{refused}");
    }

    #[test]
    fn names_stay_one_segment() {
        for (name, expected) in
            [("main-a", "main-a"), ("a/b c?d", "a%2Fb%20c%3Fd"), ("..", "%2E%2E"), ("v1.5", "v1.5")]
        {
            assert_eq!(segment(name), expected);
        }
        assert_eq!(segment("丙%"), "%E4%B8%99%25");
    }
}
