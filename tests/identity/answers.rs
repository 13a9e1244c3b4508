//! On the way to the client: bodies in every shape, and headers.

use bytes::Bytes;
use cc_forwarder::simulator::{Behaviour, Class, Coding, Encoding, Framing, Simulator, SseStyle, Writes};
use http::{Method, Request};
use http_body_util::Full;
use sha2::{Digest, Sha256};

use crate::support::{Answer, Client, QUICK, World, comparable, messages_body};

/// What is asked, and what is answered.
struct Case {
    label: String,
    method: Method,
    path: &'static str,
    body: String,
    behaviour: Behaviour,
}

impl Case {
    fn message(label: impl Into<String>, stream: bool, behaviour: Behaviour) -> Self {
        let label = format!("{} ({})", label.into(), if stream { "stream" } else { "document" });
        Self { label, method: Method::POST, path: "/v1/messages", body: messages_body(stream), behaviour }
    }

    fn other(method: Method, path: &'static str, behaviour: Behaviour) -> Self {
        let label = format!("{method} {path}, {:?}", behaviour.reply);
        let label = label.chars().take(120).collect();
        Self { label, method, path, body: String::new(), behaviour }
    }

    fn set(&self, sim: &Simulator) {
        for class in [Class::Messages, Class::CountTokens, Class::Models, Class::Head, Class::Other] {
            sim.set_for(class, self.behaviour.clone());
        }
    }

    async fn ask(&self, client: &Client) -> Answer {
        let request = Request::builder()
            .method(self.method.clone())
            .uri(client.url(self.path))
            .header("accept-encoding", "gzip, deflate, br, zstd")
            .body(Full::new(Bytes::from(self.body.clone())))
            .unwrap();
        client.send(request).await
    }

    async fn assert_identical(&self, world: &World) {
        let twin = Simulator::start("a").await.unwrap();
        self.set(&twin);
        self.set(&world.sims[0]);
        let wanted = self.ask(&Client::new(twin.url())).await;
        let got = self.ask(&world.client).await;
        let label = &self.label;
        assert_eq!((got.status, got.broken), (wanted.status, wanted.broken), "{label}: {}", got.text());
        assert_eq!(comparable(&got.headers), comparable(&wanted.headers), "{label}");
        assert_eq!(got.body.len(), wanted.body.len(), "{label}");
        assert_eq!(Sha256::digest(&got.body), Sha256::digest(&wanted.body), "{label}");
        let ids = got.headers.get_all("x-cc-forwarder-request-id").iter().count();
        assert_eq!(ids, 1, "{label}");
    }
}

async fn assert_all_identical(cases: Vec<Case>) {
    let patient = QUICK.replace("700ms", "20s");
    let world = World::with(&patient, &[("a", "main")]).await.settled().await;
    for case in cases {
        case.assert_identical(&world).await;
    }
}

const CODINGS: [Coding; 4] = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];
const FRAMINGS: [Framing; 3] = [Framing::Chunked, Framing::ContentLength, Framing::UntilClose];

fn style(crlf: bool, event_lines: bool, space: bool, final_blank_line: bool) -> SseStyle {
    SseStyle { crlf, event_lines, space, final_blank_line }
}

#[tokio::test]
async fn every_coding_in_every_framing() {
    let mut cases = Vec::new();
    for stream in [true, false] {
        for framing in FRAMINGS {
            for coding in CODINGS {
                let behaviour = Behaviour::healthy().encoding(Encoding::Forced(coding)).framing(framing);
                cases.push(Case::message(format!("{coding:?}, {framing:?}"), stream, behaviour.clone()));
                let bytewise = behaviour.writes(Writes::Bytes(1));
                cases.push(Case::message(format!("{coding:?}, {framing:?}, bytewise"), stream, bytewise));
            }
            let plain = Behaviour::healthy().framing(framing);
            cases.push(Case::message(format!("plain, {framing:?}"), stream, plain.clone()));
            cases.push(Case::message(
                format!("bytewise, {framing:?}"),
                stream,
                plain.writes(Writes::Bytes(1)),
            ));
        }
    }
    assert_all_identical(cases).await;
}

#[tokio::test]
async fn every_spelling_of_a_stream_in_every_cut() {
    let mut cases = Vec::new();
    for bits in 0..16 {
        let spelling = style(bits & 1 == 0, bits & 2 == 0, bits & 4 == 0, bits & 8 == 0);
        for writes in
            [Writes::PerEvent, Writes::Bytes(1), Writes::Bytes(7), Writes::Bursts(16 * 1024), Writes::Blocks]
        {
            let behaviour = Behaviour::spelled(spelling).writes(writes);
            cases.push(Case::message(format!("{spelling:?}, {writes:?}"), true, behaviour));
        }
    }
    assert_all_identical(cases).await;
}

#[tokio::test]
async fn large_answers() {
    let large = |megabytes: usize| Behaviour::large(megabytes << 20);
    let coded = large(4).encoding(Encoding::Forced(Coding::Gzip));
    // As long as is held at most, and next to it.
    let exactly = |bytes: usize| {
        let message = r#"{"type":"message","model":"m","content":[{"type":"text","text":"TEXT"}],"usage":{"output_tokens":1}}"#;
        let body = message.replace("TEXT", &"x".repeat(bytes + 4 - message.len()));
        let case = Behaviour::fixed(200, "application/json", body).writes(Writes::Blocks);
        Case::message("about 1 MiB", false, case)
    };
    assert_all_identical(vec![
        exactly((1 << 20) - 1),
        exactly(1 << 20),
        exactly((1 << 20) + 1),
        Case::message("20 MB", false, large(20).writes(Writes::Blocks)),
        Case::message("4 MB", true, large(4).writes(Writes::Blocks)),
        Case::message("4 MB until close", false, large(4).framing(Framing::UntilClose)),
        Case::message("4 MB in gzip", true, coded.clone()),
        Case::message("4 MB in gzip", false, coded),
    ])
    .await;
}

#[tokio::test]
async fn errors_and_other_statuses() {
    let odd: &'static [u8] =
        b"\r\n{\"type\":\"error\", \"error\":{\"type\":\"x\",\"message\":\"\\u00e9\xff\0\"}}\n";
    let fixed = |status, kind, body: &'static [u8]| Behaviour::fixed(status, kind, body);
    let mut cases = Vec::new();
    for status in [300, 301, 302, 303, 307, 308, 400, 404, 405, 409, 410, 413, 415, 418, 422, 451] {
        let behaviour =
            fixed(status, "application/json", odd).header("location", "https://elsewhere.example/v1?a=b");
        cases.push(Case::message(format!("{status}"), true, behaviour.clone()));
        cases.push(Case::message(format!("{status}"), false, behaviour.clone()));
        cases.push(Case::other(Method::GET, "/v1/models", behaviour));
    }
    for (status, kind, body) in
        [(400, "text/html", &b"<html>"[..]), (404, "", b""), (400, "text/plain", b"\xff")]
    {
        cases.push(Case::message(format!("{status} {kind}"), true, fixed(status, kind, body)));
        let gzip = fixed(status, kind, body).encoding(Encoding::Forced(Coding::Gzip));
        cases.push(Case::message(format!("{status} {kind} in gzip"), false, gzip));
    }
    assert_all_identical(cases).await;
}

#[tokio::test]
async fn answers_of_other_classes() {
    static BINARY: [u8; 3000] = {
        let mut bytes = [0; 3000];
        let mut at = 0;
        while at < bytes.len() {
            bytes[at] = (at % 251) as u8;
            at += 1;
        }
        bytes
    };
    let healthy = Behaviour::healthy;
    let binary = || Behaviour::fixed(200, "application/octet-stream", &BINARY[..]);
    let html = || Behaviour::html(200);
    // Neither 204 nor 304 may state a length of nothing.
    let bodiless = |status| Behaviour::fixed(status, "", "").framing(Framing::UntilClose);
    assert_all_identical(vec![
        Case::other(Method::GET, "/v1/models", healthy()),
        Case::other(Method::HEAD, "/v1/models", healthy()),
        Case::other(Method::HEAD, "/v1/models", Behaviour::fixed(200, "application/json", "{\"a\":1}")),
        Case::other(Method::HEAD, "/v1/models", healthy().framing(Framing::Chunked)),
        Case::other(Method::HEAD, "/v1/messages", Behaviour::fixed(404, "text/plain", "no")),
        Case::other(Method::GET, "/v1/files/x/content", binary()),
        Case::other(Method::GET, "/v1/files/x/content", binary().framing(Framing::Chunked)),
        Case::other(Method::GET, "/v1/files/x/content", binary().framing(Framing::UntilClose)),
        Case::other(Method::GET, "/v1/files/x/content", binary().encoding(Encoding::Forced(Coding::Zstd))),
        Case::other(Method::GET, "/page", html()),
        Case::other(Method::GET, "/empty", Behaviour::fixed(200, "", "")),
        Case::other(Method::GET, "/empty", Behaviour::fixed(200, "", "").framing(Framing::Chunked)),
        Case::other(
            Method::DELETE,
            "/v1/files/x",
            Behaviour::fixed(204, "", "").framing(Framing::UntilClose),
        ),
        Case::other(Method::GET, "/unchanged", bodiless(304).header("etag", "\"1\"")),
        Case::other(Method::GET, "/part", binary().header("content-range", "bytes 0-2999/9999")),
    ])
    .await;
}

#[tokio::test]
async fn codings_that_nobody_knows() {
    let coded = |name: &str| {
        Behaviour::fixed(200, "application/json", &b"\x01\x02opaque"[..]).header("content-encoding", name)
    };
    let mut cases = Vec::new();
    for name in ["aws-chunked", "compress", "gzip, br", "dcb"] {
        cases.push(Case::message(name, true, coded(name)));
        cases.push(Case::message(name, false, coded(name)));
    }
    assert_all_identical(cases).await;
}

#[tokio::test]
async fn end_to_end_headers_pass_and_hop_by_hop_ones_do_not() {
    let passing = [
        ("anthropic-organization-id", "org-1"),
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-unified-5h-utilization", "0.31"),
        ("cf-ray", "9-FRA"),
        ("retry-after", "7"),
        ("set-cookie", "a=b; Path=/"),
        ("set-cookie", "c=d; Path=/"),
        ("strict-transport-security", "max-age=1"),
        ("via", "1.1 somebody"),
        ("x-empty", ""),
        ("x-should-retry", "true"),
    ];
    let stopping = [
        ("connection", "X-Hop, x-other-hop"),
        ("x-hop", "1"),
        ("x-other-hop", "2"),
        ("keep-alive", "timeout=5"),
        ("proxy-authenticate", "Basic"),
        ("proxy-connection", "close"),
        ("trailer", "expires"),
    ];
    let world = World::with(QUICK, &[("a", "main")]).await.settled().await;
    for status in [200, 400] {
        let base = if status == 200 {
            Behaviour::healthy()
        } else {
            Behaviour::status(400, "invalid_request_error")
        };
        let behaviour =
            passing.iter().chain(&stopping).fold(base, |b, (name, value)| b.header(*name, *value));
        for stream in [true, false] {
            let case = Case::message("headers", stream, behaviour.clone());
            case.set(&world.sims[0]);
            let answer = case.ask(&world.client).await;
            assert_eq!(answer.status, status);
            for (name, _) in &passing {
                let wanted: Vec<&str> = passing.iter().filter(|(n, _)| n == name).map(|(_, v)| *v).collect();
                let got: Vec<_> = answer.headers.get_all(*name).iter().map(|v| v.to_str().unwrap()).collect();
                assert_eq!(got, wanted, "{name}");
            }
            for (name, value) in &stopping {
                let got = answer.headers.get_all(*name).iter().any(|v| v == value);
                assert!(!got, "{name}: {value} in {status}");
            }
            assert!(answer.headers.contains_key("request-id"));
        }
    }
}
