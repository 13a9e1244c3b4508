use http::header::{HeaderName, HeaderValue};

use super::*;
use crate::domain::endpoint::Scheme;

/// A draft that says nothing but its name.
fn draft(name: &str) -> Draft {
    Draft {
        path: format!("endpoints[{name}]"),
        name: name.to_owned(),
        url: BaseUrl {
            scheme: Scheme::Https,
            host: "x.example".into(),
            port: 443,
            authority: "x.example".into(),
            base_path: String::new(),
            secret: false,
        },
        priority: 0,
        group: None,
        group_priority: None,
        timeout: None,
        own: Own::default(),
        headers: Vec::new(),
        supports_count_tokens: None,
        models: Vec::new(),
        price_multiplier_ppm: 1_000_000,
        retry_statuses: Vec::new(),
        http2: false,
        enabled: true,
    }
}

impl Draft {
    fn group(self, name: &str, rank: Option<u32>) -> Self {
        Self { group: Some(GroupId::new(name)), group_priority: rank, ..self }
    }
    fn token(mut self, token: &str) -> Self {
        self.own.token = Some(Secret::new(token));
        self
    }
    fn api_key(mut self, key: &str) -> Self {
        self.own.api_key = Some(Secret::new(key));
        self
    }
    fn pass(mut self) -> Self {
        self.own.pass = true;
        self
    }
    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((HeaderName::from_static(name), HeaderValue::from_static(value)));
        self
    }
}

fn resolved(drafts: Vec<Draft>) -> Vec<EndpointSpec> {
    resolve(drafts, Duration::from_secs(280)).0
}

/// `token/api-key`, `pass` or `none`.
fn shown(spec: &EndpointSpec) -> String {
    let text = |s: &Option<Secret>| s.as_ref().map_or("-".to_owned(), |s| s.expose().to_owned());
    match &spec.credential {
        Credential::Pass => "pass".into(),
        Credential::None => "none".into(),
        Credential::Own { token, api_key } => format!("{}/{}", text(token), text(api_key)),
    }
}

#[test]
fn groups_follow_the_file() {
    let specs = resolved(vec![
        draft("a"),
        draft("b").group("g", None),
        draft("c").group("h", Some(5)),
        draft("d"),
        draft("e").group("i", None),
        draft("f").group("g", Some(1)),
    ]);
    let shown: Vec<_> = specs.iter().map(|s| format!("{}:{}:{}", s.id, s.group, s.group_priority)).collect();
    assert_eq!(shown, ["a:Default:1", "b:g:1", "c:h:5", "d:h:5", "e:i:5", "f:g:1"]);
}

#[test]
fn a_first_endpoint_may_rank_the_default_group() {
    let first = Draft { group_priority: Some(7), ..draft("a") };
    assert_eq!(resolved(vec![first, draft("b")])[1].group_priority, 7);
}

#[test]
fn a_later_group_priority_is_warned_about() {
    let (_, warnings) =
        resolve(vec![draft("a").group("g", Some(1)), draft("b").group("g", Some(2))], Duration::ZERO);
    let message = "has no effect: the group's first endpoint says 1".to_owned();
    assert_eq!(warnings, [("endpoints[b].group-priority".to_owned(), message)]);
}

#[test]
fn the_first_endpoints_timeout_counts_for_all() {
    let timed = |name, secs| Draft { timeout: Some(Duration::from_secs(secs)), ..draft(name) };
    let specs = resolved(vec![timed("a", 5), draft("b").group("g", None), timed("c", 9)]);
    assert_eq!(specs.iter().map(|s| s.timeout.as_secs()).collect::<Vec<_>>(), [5, 5, 9]);
    let specs = resolved(vec![draft("a"), timed("b", 5)]);
    assert_eq!(specs.iter().map(|s| s.timeout.as_secs()).collect::<Vec<_>>(), [280, 5]);
}

#[test]
fn credentials_stay_in_their_group() {
    let specs = resolved(vec![
        draft("a").group("g", None),
        draft("b").token("t-b"),
        draft("c").api_key("k-c"),
        draft("d").token("t-d"),
        draft("e").pass(),
        draft("f").group("h", None),
        draft("g").group("h", None).pass(),
        draft("h").group("g", None),
    ]);
    let all: Vec<_> = specs.iter().map(shown).collect();
    assert_eq!(all, ["t-b/k-c", "t-b/-", "-/k-c", "t-d/-", "pass", "none", "pass", "t-b/k-c"]);
}

#[test]
fn headers_stay_in_their_group_and_own_ones_win() {
    let specs = resolved(vec![
        draft("a").group("g", None).header("x-tenant", "1").header("authorization", "Bearer a"),
        draft("b").header("x-tenant", "2").header("x-more", "3"),
        draft("c").pass(),
        draft("d").token("t"),
        draft("e").group("h", None),
        draft("f").header("x-late", "4"),
        draft("g"),
    ]);
    let names = |n: usize| {
        let shown = |(name, value): &(HeaderName, HeaderValue)| format!("{name}={}", value.to_str().unwrap());
        specs[n].headers.iter().map(shown).collect::<Vec<_>>()
    };
    assert_eq!(names(0), ["x-tenant=1", "authorization=Bearer a"]);
    assert_eq!(names(1), ["x-tenant=2", "x-more=3", "authorization=Bearer a"]);
    assert_eq!(names(2), ["x-tenant=1"], "no foreign credential over the client's");
    assert_eq!(names(3), ["x-tenant=1"], "no foreign credential over its own");
    assert_eq!(names(4), Vec::<String>::new());
    assert_eq!(names(6), Vec::<String>::new(), "only the group's first endpoint gives headers");
}
