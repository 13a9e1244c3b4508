//! Reading from response headers when an endpoint can be asked again.
//!
//! Sources, strongest first: `retry-after` (seconds or an HTTP date), then every bucket that says it is used up
//! together with its reset: `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{remaining,reset}`
//! (resets as RFC 3339) and, for subscriptions, `anthropic-ratelimit-unified[-5h|-7d|…]-{status,reset}`
//! (resets as Unix seconds). Nothing is invented: what no header says stays unknown.
//!
//! What it means depends on the answer it came with:
//!
//! | an empty budget and its reset | then |
//! |---|---|
//! | in a 429 ([`stated_wait`]) | the endpoint rests until the reset and is not asked: it has refused |
//! | in an answer ([`used_up_for`]) | until the reset others are asked first; where it is the only one left it still is |
//!
//! The second is no rest because it is a guess: these budgets fill continuously, so that the next request may well be
//! served long before the reset, and an endpoint that does refuse says so in a 429 that costs nothing. To make a person
//! with one endpoint wait for a limit that nobody has hit yet would be worse than to ask.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

/// A wait that the endpoint itself asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stated {
    /// From now.
    pub wait: Duration,
    /// What has to wait.
    pub scope: Scope,
}

/// What a rest applies to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = RateLimitScope)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Requests for the same model.
    Model,
    /// Every request (a rejected 5 h or 7 d account window).
    Endpoint,
}

const PREFIX: &str = "anthropic-ratelimit-";
const BUCKETS: [&str; 4] = ["requests", "tokens", "input-tokens", "output-tokens"];
/// Subscription windows of the whole account.
const ACCOUNT_WINDOWS: [&str; 2] = ["5h", "7d"];
/// A reset further away than this is a clock error, not a limit.
const LONGEST: Duration = Duration::from_secs(35 * 24 * 3600);

/// One budget of an endpoint as its last answer stated it. What it did not state stays unknown.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = RateLimitBucket)]
pub struct Bucket {
    /// `requests`, `tokens`, `input-tokens`, `output-tokens`, `unified-5h`, `unified-7d`, …
    pub name: String,
    /// Its size.
    pub limit: Option<u64>,
    /// What is left of it.
    pub remaining: Option<u64>,
    /// The used share, 0 to 1, where only that is stated.
    pub utilization: Option<f64>,
    /// `allowed`, `rejected`, …, where that is stated.
    pub status: Option<String>,
    /// When it is full again.
    pub reset: Option<Timestamp>,
}

/// An answer states a handful of budgets; more are noise.
const MAX_BUCKETS: usize = 16;

impl Bucket {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            limit: None,
            remaining: None,
            utilization: None,
            status: None,
            reset: None,
        }
    }

    /// True when nothing is left until its reset.
    pub fn is_used_up(&self) -> bool {
        self.remaining == Some(0) || self.status.as_deref() == Some("rejected")
    }

    /// True for windows such as `unified-7d_opus`.
    fn is_of_some_models(&self) -> bool {
        self.name.strip_prefix("unified-").is_some_and(|window| !ACCOUNT_WINDOWS.contains(&window))
    }

    fn take(&mut self, what: &str, value: &str) {
        match what {
            "limit" => self.limit = value.parse().ok(),
            "remaining" => self.remaining = value.parse().ok(),
            "utilization" => self.utilization = value.parse().ok().filter(|u: &f64| u.is_finite()),
            "status" => self.status = Some(value.chars().take(32).collect()),
            "reset" => self.reset = instant(value),
            _ => {}
        }
    }
}

/// The budgets that an answer states, by name.
pub fn budgets(headers: &HeaderMap) -> Vec<Bucket> {
    let mut found: Vec<Bucket> = Vec::new();
    for (name, value) in headers {
        let stated = name.as_str().strip_prefix(PREFIX).and_then(|rest| rest.rsplit_once('-'));
        let (Some((bucket, what)), Ok(value)) = (stated, value.to_str()) else { continue };
        if !matches!(what, "limit" | "remaining" | "utilization" | "status" | "reset") {
            continue;
        }
        let place = found.iter().position(|b| b.name == bucket).unwrap_or(found.len());
        if place == found.len() && place < MAX_BUCKETS {
            found.push(Bucket::named(bucket));
        }
        if let Some(known) = found.get_mut(place) {
            known.take(what, value.trim());
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// How long an answer of this status lowers the rank of its endpoint: until the last of the budgets that are used up is
/// full again, if any is and says until when. Two things say nothing about other requests: a 429, which states a rest
/// for those it is meant for, and a window that covers one class of models.
pub fn used_up_for(status: u16, budgets: &[Bucket], wall: Timestamp) -> Option<Duration> {
    let used_up = budgets.iter().filter(|b| status != 429 && b.is_used_up() && !b.is_of_some_models());
    used_up.filter_map(|b| until(b.reset?, wall)).max()
}

/// The wait a 429 states, if it states one.
pub fn stated_wait(headers: &HeaderMap, wall: Timestamp) -> Option<Stated> {
    let scope = if account_rejected(headers) { Scope::Endpoint } else { Scope::Model };
    retry_after(headers, wall)
        .or_else(|| unified_wait(headers, wall))
        .or_else(|| used_up_wait(headers, wall))
        .map(|wait| Stated { wait, scope })
}

/// True when a window of the whole account is used up. Other unified windows cover one class of models.
fn account_rejected(headers: &HeaderMap) -> bool {
    ACCOUNT_WINDOWS.iter().any(|w| text(headers, &format!("{PREFIX}unified-{w}-status")) == Some("rejected"))
}

/// `retry-after` in either of its forms.
pub fn retry_after(headers: &HeaderMap, wall: Timestamp) -> Option<Duration> {
    let value = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0)
            .then(|| Duration::try_from_secs_f64(seconds).ok().map(|d| d.min(LONGEST)))
            .flatten();
    }
    let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    until(at, wall)
}

/// The latest reset among the buckets that have nothing left.
fn used_up_wait(headers: &HeaderMap, wall: Timestamp) -> Option<Duration> {
    BUCKETS
        .iter()
        .filter(|b| text(headers, &format!("{PREFIX}{b}-remaining")) == Some("0"))
        .filter_map(|b| until(instant(text(headers, &format!("{PREFIX}{b}-reset"))?)?, wall))
        .max()
}

/// The latest reset among the unified windows that say `rejected`.
fn unified_wait(headers: &HeaderMap, wall: Timestamp) -> Option<Duration> {
    headers
        .iter()
        .filter(|(_, value)| value.as_bytes() == b"rejected")
        .filter_map(|(name, _)| name.as_str().strip_suffix("-status"))
        .filter(|stem| stem.starts_with("anthropic-ratelimit-unified"))
        .filter_map(|stem| until(instant(text(headers, &format!("{stem}-reset"))?)?, wall))
        .max()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// RFC 3339 or Unix seconds.
fn instant(value: &str) -> Option<Timestamp> {
    match value.parse::<i64>() {
        Ok(seconds) => Timestamp::from_second(seconds).ok(),
        Err(_) => value.parse().ok(),
    }
}

/// Time left until `at`; zero when it has passed, nothing when it is absurdly far.
fn until(at: Timestamp, wall: Timestamp) -> Option<Duration> {
    let left = at.duration_since(wall);
    if left.is_negative() {
        return Some(Duration::ZERO);
    }
    Some(left.unsigned_abs()).filter(|d| *d <= LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn wall() -> Timestamp {
        "2026-11-23T00:00:00Z".parse().unwrap()
    }

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(n, v)| (n.parse::<HeaderName>().unwrap(), v.parse::<HeaderValue>().unwrap()))
            .collect()
    }

    fn secs(pairs: &[(&str, &str)]) -> Option<(u64, Scope)> {
        stated_wait(&headers(pairs), wall()).map(|s| (s.wait.as_secs(), s.scope))
    }

    #[test]
    fn waits_are_read_from_every_known_header() {
        assert_eq!(secs(&[]), None);
        assert_eq!(secs(&[("retry-after", "30")]), Some((30, Scope::Model)));
        assert_eq!(secs(&[("retry-after", "Mon, 23 Nov 2026 00:01:00 GMT")]), Some((60, Scope::Model)));
        let bucket = [
            ("anthropic-ratelimit-tokens-remaining", "0"),
            ("anthropic-ratelimit-tokens-reset", "2026-11-23T00:00:40Z"),
            ("anthropic-ratelimit-requests-remaining", "3"),
            ("anthropic-ratelimit-requests-reset", "2026-11-23T05:00:00Z"),
        ];
        assert_eq!(secs(&bucket), Some((40, Scope::Model)));
        let unified = [
            ("anthropic-ratelimit-unified-5h-status", "rejected"),
            ("anthropic-ratelimit-unified-5h-reset", "1795399200"),
            ("anthropic-ratelimit-unified-7d-status", "allowed"),
        ];
        let left = 1_795_399_200 - wall().as_second();
        assert_eq!(secs(&unified), Some((u64::try_from(left).unwrap(), Scope::Endpoint)));
    }

    #[test]
    fn budgets_hold_what_is_stated_and_nothing_else() {
        let found = budgets(&headers(&[
            ("anthropic-ratelimit-input-tokens-limit", "400000"),
            ("anthropic-ratelimit-input-tokens-remaining", "0"),
            ("anthropic-ratelimit-input-tokens-reset", "2026-11-23T00:00:40Z"),
            ("anthropic-ratelimit-requests-remaining", "many"),
            ("anthropic-ratelimit-unified-5h-utilization", "0.42"),
            ("anthropic-ratelimit-unified-5h-status", "allowed"),
            ("anthropic-ratelimit-unified-representative-claim", "five_hour"),
        ]));
        let names: Vec<&str> = found.iter().map(|b| b.name.as_str()).collect();
        assert_eq!(names, ["input-tokens", "requests", "unified-5h"]);
        assert_eq!((found[0].limit, found[0].remaining), (Some(400_000), Some(0)));
        assert_eq!(found[1], Bucket::named("requests"), "unknown stays unknown");
        assert_eq!((found[2].utilization, found[2].is_used_up()), (Some(0.42), false));
        assert_eq!(used_up_for(200, &found, wall()), Some(Duration::from_secs(40)));
        assert_eq!(used_up_for(200, &found[1..], wall()), None);
    }

    #[test]
    fn what_lowers_the_rank_concerns_every_request() {
        let low = |status, bucket: &str, what: &str| {
            let (name, reset) = (format!("{PREFIX}{bucket}-{what}"), format!("{PREFIX}{bucket}-reset"));
            let value = if what == "status" { "rejected" } else { "0" };
            let found = budgets(&headers(&[(&name, value), (&reset, "2026-11-23T00:00:40Z")]));
            used_up_for(status, &found, wall()).map(|d| d.as_secs())
        };
        assert_eq!(low(200, "tokens", "remaining"), Some(40));
        assert_eq!(low(200, "unified-7d", "status"), Some(40));
        assert_eq!(low(200, "unified-7d_opus", "status"), None, "other models are served");
        assert_eq!(low(429, "tokens", "remaining"), None, "it states a rest instead");
        assert_eq!(low(429, "unified", "status"), None);
    }

    #[test]
    fn nonsense_is_unknown_not_zero() {
        for bad in ["soon", "-1", "NaN", "inf", ""] {
            assert_eq!(secs(&[("retry-after", bad)]), None, "{bad}");
        }
        assert_eq!(
            secs(&[
                ("anthropic-ratelimit-tokens-remaining", "0"),
                ("anthropic-ratelimit-tokens-reset", "9999-01-01T00:00:00Z"),
            ]),
            None
        );
    }

    #[test]
    fn a_reset_that_has_passed_is_no_wait() {
        assert_eq!(secs(&[("retry-after", "Sun, 22 Nov 2026 23:59:00 GMT")]), Some((0, Scope::Model)));
    }
}
