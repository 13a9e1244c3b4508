//! On the way to the endpoint: bodies, targets, methods, headers.

use cc_forwarder::simulator::{Behaviour, Class, Received, Simulator};
use sha2::{Digest, Sha256};

use crate::raw::{chunked, exchange, request, sized};
use crate::support::{QUICK, World, endpoint};

async fn lone(change: impl Fn(&str) -> String) -> World {
    World::with(&change(QUICK), &[("a", "main")]).await.settled().await
}

fn hash(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// The newest request.
fn last(sim: &Simulator) -> Received {
    sim.requests().pop().expect("a request")
}

/// Every byte value, over and over, never the same twice in a row.
fn binary(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i ^ (i >> 8) ^ (i >> 16)) as u8).collect()
}

fn large_json(length: usize) -> Vec<u8> {
    let mut body = br#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":""#.to_vec();
    body.extend(br"words \u00e9\ud83e\udd80\\ \/ ".iter().cycle().take(length / 30 * 30));
    body.extend_from_slice(br#""}], "stream" : false}"#);
    body
}

fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", Vec::new()),
        ("no JSON", b"not JSON at all".to_vec()),
        ("binary", binary(70_000)),
        ("white space", b"\r\n\t {\n\"model\" :\t\"m\" ,\r\n\"messages\":[ ]\n}\n\n \t".to_vec()),
        ("byte order mark", b"\xef\xbb\xbf{\"model\":\"m\"}".to_vec()),
        (
            "escapes",
            br#"{"mod\u0065l":"\u0000\/\ud83e\udd80\b","model":"m","model":"twice","x":1.0e-07}"#.to_vec(),
        ),
        ("not UTF-8", b"{\"model\":\"\xff\xfe\xc3\x28\",\"messages\":[]}".to_vec()),
        ("NUL and CR", b"{\"a\":\"\0\r\n\r\n0\r\n\r\n\"}".to_vec()),
        ("1 MB", large_json(1_000_000)),
    ]
}

#[tokio::test]
async fn ten_megabytes_arrive_as_they_were_sent() {
    let world = lone(str::to_owned).await;
    let body = large_json(10_000_000);
    for bytes in [sized("POST /v1/messages", &body), chunked("POST /v1/messages", &body, 1_234_567)] {
        assert_eq!(exchange(world.forwarder.address(), &bytes).await, 200);
        assert_eq!(hash(&last(&world.sims[0]).body), hash(&body));
    }
}

#[tokio::test]
async fn bodies_arrive_as_they_were_sent() {
    let world = lone(str::to_owned).await;
    let (address, sim) = (world.forwarder.address(), &world.sims[0]);
    for line in ["POST /v1/messages?beta=true", "POST /v1/messages/count_tokens", "PUT /v1/files/x"] {
        for (label, body) in bodies() {
            let size = (body.len() / 7).max(1);
            for (framing, bytes) in [("sized", sized(line, &body)), ("chunked", chunked(line, &body, size))] {
                exchange(address, &bytes).await;
                let got = last(sim);
                assert_eq!(format!("{} {}", got.method, got.target), line, "{label}, {framing}");
                assert_eq!(got.body_bytes, body.len(), "{line}, {label}, {framing}");
                assert_eq!(hash(&got.body), hash(&body), "{line}, {label}, {framing}");
                assert_eq!(
                    got.headers.get("content-length"),
                    Some(&*body.len().to_string()),
                    "{label}, {framing}"
                );
                assert_eq!(got.headers.get("transfer-encoding"), None, "{line}, {label}, {framing}");
            }
        }
    }
}

#[tokio::test]
async fn bodies_too_large_for_memory_stream_through() {
    let world = lone(|base| base.replace("port: 0", "port: 0, max_body_bytes: 1MB")).await;
    let body = binary(5_000_000);
    for bytes in [sized("POST /v1/files", &body), chunked("POST /v1/files", &body, 300_001)] {
        exchange(world.forwarder.address(), &bytes).await;
        let got = last(&world.sims[0]);
        assert_eq!((got.body_bytes, hash(&got.body)), (body.len(), hash(&body)));
    }
}

#[tokio::test]
async fn every_attempt_sends_the_same_bytes() {
    let world = World::pair().await.settled().await;
    world.sims[0].set(Behaviour::status(500, "api_error"));
    let body = large_json(1_000_000);
    let status = exchange(world.forwarder.address(), &chunked("POST /v1/messages", &body, 99_999)).await;
    assert_eq!(status, 200);
    let seen: Vec<String> = world.sims.iter().flat_map(Simulator::messages).map(|r| hash(&r.body)).collect();
    assert_eq!(seen, vec![hash(&body); 3]);
}

#[tokio::test]
async fn targets_arrive_as_they_were_sent() {
    let targets = [
        "/v1/messages?beta=true",
        "/v1/messages?",
        "/v1/messages?a=1&a=2&&b&=c",
        "/v1/messages?x=%2F%2f+%20?y=/../z",
        "//v1//messages///",
        "/v1/%6Dessages",
        "/v1/./a/../messages",
        "/v1/models/claude%2Fx%00y",
        "/v1/messages;v=1",
        "/~!$&'()*+,;=:@/-._",
        "/V1/MESSAGES",
        "/",
    ];
    let world = lone(str::to_owned).await;
    for target in targets {
        exchange(world.forwarder.address(), &sized(&format!("POST {target}"), b"{}")).await;
        assert_eq!(last(&world.sims[0]).target, target);
    }
}

#[tokio::test]
async fn a_base_path_goes_in_front_of_the_target_as_sent() {
    for (base, prefix) in [("/base", "/base"), ("/base/", "/base"), ("/a//b%2F", "/a//b%2F"), ("/", "")] {
        let sim = Simulator::start("a").await.unwrap();
        let url = format!("{}{base}", sim.url());
        let yaml = format!("{QUICK}\nendpoints:\n{}", endpoint("a", "main", 1, &url));
        let world = World::over(&yaml, vec![sim]).await.settled().await;
        for target in ["/v1/messages?beta=true", "//x//?a=/b/"] {
            exchange(world.forwarder.address(), &sized(&format!("POST {target}"), b"{}")).await;
            assert_eq!(last(&world.sims[0]).target, format!("{prefix}{target}"), "{base}");
        }
    }
}

#[tokio::test]
async fn methods_pass() {
    let world = lone(str::to_owned).await;
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"] {
        exchange(world.forwarder.address(), &request(&format!("{method} /v1/things"), &[], b"")).await;
        let got = last(&world.sims[0]);
        assert_eq!((&*got.method, got.body_bytes), (method, 0));
        assert_eq!(got.headers.get("transfer-encoding"), None, "{method}");
    }
    assert_eq!(world.sims[0].log(|log| log.of(Class::Head).count()), 1);
}

/// Headers of the newest request, in lower case and sorted, without those that are the connection's.
fn received(sim: &Simulator) -> Vec<(String, String)> {
    let got = last(sim);
    let mut all: Vec<_> = got.headers.iter().map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned())).collect();
    all.sort();
    all
}

#[tokio::test]
async fn end_to_end_headers_pass_and_no_others() {
    let passing = [
        "Accept: application/json",
        "Accept-Encoding: gzip;q=0.5, zstd, br",
        "Anthropic-Beta: one,two",
        "anthropic-beta: three",
        "anthropic-dangerous-direct-browser-access: true",
        "anthropic-version: 2023-06-01",
        "Content-Type: application/json; charset=\"utf-8\"",
        "Cookie: a=b; c=d",
        "Traceparent: 00-1-2-03",
        "User-Agent: claude-cli/9.9.9 (external, cli)",
        "X-App: cli",
        "X-Empty:",
        "X-Latin: caf\u{e9} \u{ff}",
        "x-claude-code-session-id: 11111111-2222-3333-4444-555555555555",
        "X-Stainless-Retry-Count: 0",
        "X-Forwarded-For: 10.0.0.1",
    ];
    let stopping = [
        "Connection: X-Hop, , x-other-hop",
        "X-Hop: 1",
        "X-Other-Hop: 2",
        "Keep-Alive: timeout=5",
        "TE: trailers",
        "Trailer: Expires",
        "Proxy-Authorization: Basic eDp5",
        "Proxy-Connection: keep-alive",
        "Authorization: Bearer the-clients-own",
        "x-api-key: the-clients-own",
        "x-cc-forwarder-token: ours",
        "Content-Length: 2",
    ];
    let world = lone(str::to_owned).await;
    let headers = [&passing[..], &stopping[..]].concat();
    exchange(world.forwarder.address(), &request("POST /v1/messages", &headers, b"{}")).await;
    let mut wanted: Vec<(String, String)> = passing
        .iter()
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim_start().to_owned()))
        .chain([
            ("authorization".to_owned(), "Bearer tok-a".to_owned()),
            ("content-length".to_owned(), "2".to_owned()),
            ("host".to_owned(), world.sims[0].address().to_string()),
        ])
        .collect();
    wanted.sort();
    assert_eq!(received(&world.sims[0]), wanted);
}

#[tokio::test]
async fn nothing_is_added_to_a_bare_request() {
    let world = lone(str::to_owned).await;
    exchange(world.forwarder.address(), &request("GET /v1/models", &[], b"")).await;
    let names: Vec<String> = received(&world.sims[0]).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["authorization", "host"]);
}
