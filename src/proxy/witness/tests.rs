use std::io::Write;

use http::{HeaderName, Response, StatusCode};
use proptest::prelude::*;

use super::*;
use crate::domain::secret::MASK;
use crate::events::evidence::{Head, MAX_BODY};

type Pairs<'a> = &'a [(&'static str, &'a str)];

fn headers(pairs: Pairs<'_>) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(HeaderName::from_static(name), value.parse().unwrap());
    }
    map
}

fn told(head: &Head) -> Vec<String> {
    head.headers.iter().map(|header| format!("{}: {}", header.name, header.value)).collect()
}

fn request(pairs: Pairs<'_>, secrets: &[&str]) -> Vec<String> {
    told(&shown::lines(&headers(pairs), &Redactor::new(secrets)).head())
}

/// What is told of an answer with this body in these pieces.
fn refusal(answer: Pairs<'_>, client: Pairs<'_>, pieces: &[Bytes], ended: bool, secrets: &[&str]) -> Refusal {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(529).unwrap();
    *response.headers_mut() = headers(answer);
    let mut sighting =
        Sighting::new(1, &response.into_parts().0, (&headers(client), Some("beta=true&key=query-canary")));
    pieces.iter().for_each(|piece| sighting.take(piece));
    sighting.ended = ended;
    sighting.refusal(&Redactor::new(secrets))
}

fn body(pieces: &[Bytes], ended: bool, secrets: &[&str]) -> (String, Extent) {
    let refusal = refusal(&[], &[], pieces, ended, secrets);
    (refusal.body, refusal.extent)
}

fn gzip(plain: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap().into()
}

#[test]
fn secrets_are_masked_by_name_by_value_and_where_they_are_repeated() {
    let pairs: Pairs<'_> = &[
        ("accept", "*/*"),
        ("authorization", "Bearer sk-canary-1"),
        ("x-api-key", "sk-canary-2"),
        ("cookie", "theme=light; session=canary-session-3"),
        ("proxy-authorization", "Basic Y2FuYXJ5"),
        ("x-own", "before sk-configured after"),
        ("x-echo", "got sk-canary-2 and canary-session-3"),
        ("set-cookie", "sid=canary-session-4; Path=/; HttpOnly"),
        ("x-sid", "canary-session-4"),
        ("x-jwt", "ey-canary"),
        ("x-auth-tokens", "a-canary,b-canary"),
        ("anthropic-ratelimit-output-tokens", "80000"),
        ("accept", "light"),
    ];
    assert_eq!(
        request(pairs, &["sk-configured"]),
        [
            "accept: */*",
            "accept: light",
            "authorization: ***",
            "x-api-key: ***",
            "cookie: ***",
            "proxy-authorization: ***",
            "x-own: before *** after",
            "x-echo: got *** and ***",
            "set-cookie: ***",
            "x-sid: ***",
            "x-jwt: ***",
            "x-auth-tokens: ***",
            "anthropic-ratelimit-output-tokens: 80000",
        ]
    );
}

#[test]
fn values_that_are_no_text_are_escaped() {
    let mut map = HeaderMap::new();
    map.append("x-raw", http::HeaderValue::from_bytes(b"a\xff\xc3\xa4\xc2\x9b").unwrap());
    assert_eq!(told(&shown::lines(&map, &Redactor::default()).head()), ["x-raw: a\\xffä\\u{9b}"]);
}

#[test]
fn a_credential_is_masked_however_it_is_written() {
    let client: Pairs<'_> = &[
        ("authorization", "Basic YWJjOj9jYW5hcnk+"),
        ("x-api-key", "a/canary+b"),
        ("x-own-token", "schl\u{fc}ssel-canary"),
    ];
    let text = "abc:?canary> ?canary> a\\/canary+b a/canary\\u002Bb a/canary\\u002bb schl\u{fc}ssel-canary query-canary";
    let seen = refusal(&[], client, &[Bytes::from(text)], true, &[]);
    assert_eq!(seen.body, "*** *** *** *** *** *** ***");
}

#[test]
fn what_an_endpoint_repeats_of_a_credential_is_masked() {
    let client: Pairs<'_> =
        &[("authorization", "Bearer sk-ant-canary"), ("cookie", "a=1; session=canary-session-3")];
    let answer: Pairs<'_> = &[
        ("content-type", "application/json"),
        ("nel", "{}"),
        ("access-control-allow-origin", "*"),
        ("set-cookie", "x=fresh-canary"),
        ("x-reason", "key sk-own-canary"),
        ("retry-after", "2"),
    ];
    let text = r#"{"error":"no sk-ant-canary, sk-own-canary, canary-session-3 or Bearer sk-ant-canary"}"#;
    let seen = refusal(answer, client, &[Bytes::from(text)], true, &["sk-own-canary"]);
    assert_eq!(seen.body, r#"{"error":"no ***, ***, *** or ***"}"#);
    assert_eq!((seen.status, seen.extent, seen.bytes), (529, Extent::Whole, text.len() as u64));
    assert_eq!(
        told(&seen.head),
        ["content-type: application/json", "set-cookie: ***", "x-reason: key ***", "retry-after: 2"]
    );
}

#[test]
fn bodies_are_decoded_and_what_cannot_be_is_said() {
    let plain = r#"{"type":"error"}"#;
    let coded = gzip(plain.as_bytes());
    let gzipped: Pairs<'_> = &[("content-encoding", "gzip")];
    let of = |answer, pieces: &[Bytes]| {
        let seen = refusal(answer, &[], pieces, true, &[]);
        (seen.body, seen.extent)
    };
    assert_eq!(of(gzipped, std::slice::from_ref(&coded)), (plain.to_owned(), Extent::Whole));
    assert_eq!(of(&[], &[coded]), (plain.to_owned(), Extent::Whole), "also where nobody says so");
    let snappy: Pairs<'_> = &[("content-encoding", "snappy")];
    assert_eq!(of(snappy, &[Bytes::from_static(b"abc")]), (String::new(), Extent::Unreadable));
    assert_eq!(of(&[], &[Bytes::from_static(b"a\xff\x1b[2J\r\n\tb")]).0, "a\\xff\\u{1b}[2J\r\n\tb");
}

#[test]
fn how_much_of_a_body_there_is_is_said() {
    let short = [Bytes::from_static(b"ab"), Bytes::from_static(b"cd")];
    assert_eq!(body(&short, true, &[]), ("abcd".to_owned(), Extent::Whole));
    assert_eq!(body(&short, false, &[]), ("abcd".to_owned(), Extent::Unfinished));
    assert_eq!(body(&[], true, &[]), (String::new(), Extent::Whole));
    assert_eq!(body(&[], false, &[]), (String::new(), Extent::Unread));
    for size in [MAX_BODY + 1, MAX_RAW, MAX_RAW + 1, 10 * MAX_RAW] {
        let (text, extent) = body(&[Bytes::from(vec![b'x'; size])], true, &[]);
        assert_eq!((text.len(), extent), (MAX_BODY, Extent::Beginning), "{size}");
    }
    assert_eq!(body(&[Bytes::from(vec![b'x'; MAX_BODY])], true, &[]).1, Extent::Whole);
}

#[test]
fn a_bomb_unpacks_to_no_more_than_is_kept() {
    let bomb = gzip(&vec![b' '; 64 * 1024 * 1024]);
    let seen = refusal(&[("content-encoding", "gzip")], &[], &[bomb], true, &[]);
    assert_eq!((seen.body.len(), seen.extent), (MAX_BODY, Extent::Beginning));
}

#[test]
fn a_cut_takes_no_half_of_a_secret_or_character_with_it() {
    let secret = "sk-canary-0123456789";
    for before in MAX_BODY - secret.len()..=MAX_BODY {
        let text = "x".repeat(before) + secret + "tail".repeat(9).as_str();
        let (shown, extent) = body(&[Bytes::from(text)], true, &[secret]);
        assert!(!shown.contains("sk-ca"), "{before}: {}", &shown[before - 9..]);
        assert_eq!(extent, Extent::Beginning);
    }
    let (shown, _) = body(&[Bytes::from("ä".repeat(MAX_BODY))], true, &[]);
    assert_eq!(shown, "ä".repeat(MAX_BODY / 2));
    let (shown, _) = body(&[Bytes::from("x".to_owned() + &"ä".repeat(MAX_BODY))], true, &[]);
    assert_eq!(shown, "x".to_owned() + &"ä".repeat(MAX_BODY / 2 - 1));
    assert_eq!(body(&[Bytes::from("x sk-cana")], false, &[secret]).0, format!("x {MASK}"));
}

#[test]
fn nothing_is_noted_until_somebody_may_look() {
    let ring = Ring::default();
    let witness = Witness { ring: ring.clone(), config: None };
    let id = RequestId::from_number(1);
    witness.accepted(id, &headers(&[("a", "b")]), &Redactor::default());
    assert!(!witness.watches() && ring.find(id).is_none());
    let ring = ring.open();
    witness.accepted(id, &headers(&[("a", "b")]), &Redactor::default());
    assert!(witness.watches());
    assert_eq!(told(&ring.find(id).unwrap().request), ["a: b"]);
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange_and_none_act_on_a_terminal(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3_000), 0..8),
        ended: bool,
    ) {
        let pieces: Vec<Bytes> = pieces.into_iter().map(Bytes::from).collect();
        let (text, _) = body(&pieces, ended, &[]);
        prop_assert!(text.len() <= 8 * MAX_BODY);
        prop_assert!(!text.contains(|c: char| c.is_control() && !"\r\n\t".contains(c)));
    }
}
