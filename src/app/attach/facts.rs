//! What a forwarder says of itself, as facts for the screen. Pure.
//!
//! A forwarder may be another one after it was away: another version, other ports, another configuration. So the facts
//! are told anew with every answer; what this terminal can show stays as it was found.

use std::path::PathBuf;

use jiff::tz::TimeZone;

use crate::admin::status::Status;
use crate::config::Config;
use crate::logging::escape::escape;
use crate::tui::model::Facts;
use crate::tui::theme::Depth;

/// What does not come from the forwarder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Here {
    /// Orders are not taken.
    pub(super) readonly: bool,
    /// Characters beyond ASCII can be shown.
    pub(super) unicode: bool,
    /// The terminal's colours.
    pub(super) depth: Depth,
}

/// The facts by what the forwarder at `base` says.
pub(super) fn facts(status: &Status, base: &str, here: Here) -> Facts {
    Facts {
        version: status.version.clone(),
        base_url: base_url(&status.listen.proxy, base),
        config_source: status.config.path.clone().unwrap_or_else(|| Config::built_in().source.to_string()),
        config_file: status.config.path.as_ref().map(PathBuf::from),
        auth: status.auth_enabled,
        readonly: here.readonly,
        save_edits: status.save_priority_edits,
        unicode: here.unicode,
        depth: here.depth,
        zone: TimeZone::get(&status.timezone).unwrap_or_else(|_| TimeZone::system()),
    }
}

/// Brings the facts up to what is said now; true when that changes anything.
pub(super) fn renew(known: &mut Facts, status: &Status, base: &str) -> bool {
    let Facts { readonly, unicode, depth, .. } = *known;
    let fresh = facts(status, base, Here { readonly, unicode, depth });
    let changed = differ(known, &fresh);
    *known = fresh;
    changed
}

/// That the forwarder is of another version than this program: it can be understood as far as it says the same things.
pub(super) fn other_version(theirs: &str) -> Option<String> {
    let ours = env!("CARGO_PKG_VERSION");
    let other = || format!("the forwarder is version {}, this screen is version {ours}", escape(theirs));
    (theirs != ours).then(other)
}

/// In anything that comes from the forwarder.
fn differ(one: &Facts, other: &Facts) -> bool {
    one.version != other.version
        || one.base_url != other.base_url
        || one.config_source != other.config_source
        || one.config_file != other.config_file
        || one.auth != other.auth
        || one.save_edits != other.save_edits
        || one.zone != other.zone
}

/// What clients set as `ANTHROPIC_BASE_URL`: a proxy port that is open to everybody is reached as the admin port was.
fn base_url(proxy: &str, base: &str) -> String {
    let everybody = ["0.0.0.0:", "[::]:"].iter().find_map(|any| proxy.strip_prefix(any));
    let host = base.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    match (everybody, host) {
        (Some(port), Some((host, _))) => format!("{host}:{port}"),
        (Some(port), None) => format!("{base}:{port}"),
        (None, _) => format!("http://{proxy}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::attach::testing;

    #[test]
    fn a_proxy_port_for_everybody_is_reached_as_the_admin_port_was() {
        let url = |proxy, base| base_url(proxy, base);
        assert_eq!(url("127.0.0.1:8088", "http://127.0.0.1:8010"), "http://127.0.0.1:8088");
        assert_eq!(url("0.0.0.0:8088", "http://build.example:8010"), "http://build.example:8088");
        assert_eq!(url("[::]:8088", "http://[fd00::1]:8010"), "http://[fd00::1]:8088");
        assert_eq!(url("0.0.0.0:8088", "http://forwarder.example"), "http://forwarder.example:8088");
    }

    #[test]
    fn another_forwarder_has_other_facts_and_the_terminal_stays() {
        let mut status: Status = serde_json::from_str(&testing::status("1.0.0")).unwrap();
        let here = Here { readonly: true, unicode: false, depth: Depth::True };
        let mut known = facts(&status, "http://x:1", here);
        assert!(!renew(&mut known, &status, "http://x:1"), "nothing is new");
        status.listen.proxy = "127.0.0.1:9".to_owned();
        status.config.path = Some("/etc/other.yaml".to_owned());
        assert!(renew(&mut known, &status, "http://x:1"));
        assert_eq!(known.base_url, "http://127.0.0.1:9");
        assert_eq!(known.config_file, Some(PathBuf::from("/etc/other.yaml")));
        assert_eq!((known.readonly, known.unicode, known.depth), (true, false, Depth::True));
        status.timezone = "Asia/Tokyo".to_owned();
        assert!(renew(&mut known, &status, "http://x:1"));
    }
}
