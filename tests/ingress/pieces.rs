//! The same requests in other pieces: what a client sends in one write or in many, with reads that end in the middle of
//! anything, is the same to the endpoint.

use cc_forwarder::simulator::{Behaviour, Received};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::support::raw::{Raw, Seen, messages_request, post};
use crate::support::{PATIENCE, QUICK, World, messages_body};

const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// One endpoint, patient enough for a busy machine.
async fn lone() -> World {
    let patient = QUICK.replace("700ms", "20s");
    World::with(&patient, &[("a", "main")]).await.settled().await
}

/// A body of exactly this length, different at every place, and to be told from others of its length.
fn body(length: usize, mark: char) -> String {
    let start =
        format!("{{\"model\":\"m\",\"max_tokens\":9,\"messages\":[],\"mark\":\"{mark}\",\"filling\":\"");
    let filling: String =
        (0..).flat_map(|i: u32| i.to_string().into_bytes()).map(char::from).take(length).collect();
    let room = length - start.len() - 2;
    format!("{start}{}\"}}", &filling[..room])
}

/// A request whose head has exactly this length.
fn with_head_of(length: usize, body: &str) -> String {
    let bare = post("/v1/messages", body, "X-Long: \r\n");
    let missing = length - (bare.len() - body.len());
    post("/v1/messages", body, &format!("X-Long: {}\r\n", "l".repeat(missing)))
}

/// A request in chunks of this size.
fn in_chunks(body: &str, size: usize) -> String {
    let mut request =
        "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
    for chunk in body.as_bytes().chunks(size) {
        request += &format!("{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap());
    }
    request + "0\r\n\r\n"
}

/// Bodies in the order they came.
fn bodies(world: &World) -> Vec<String> {
    let text = |r: Received| String::from_utf8(r.body.to_vec()).unwrap();
    world.sims[0].messages().into_iter().map(text).collect()
}

/// Sends in pieces of this size, then reads the answers, which are small: they wait in the system's buffers until all is
/// said.
async fn talk(raw: &mut Raw, sent: &str, size: usize, methods: &[&str]) -> Vec<Seen> {
    for piece in sent.as_bytes().chunks(size) {
        raw.send(piece).await;
        // So that the other side can read this piece for itself.
        tokio::task::yield_now().await;
    }
    let mut answers = Vec::new();
    for method in methods {
        answers.push(raw.answer(method).await);
    }
    answers
}

#[tokio::test]
async fn heads_up_to_the_limit_pass_in_pieces_of_any_size() {
    let world = lone().await;
    let mut sent = Vec::new();
    for (length, size) in [
        (8_191, 8_192),
        (16_382, 100_000),
        (16_383, 100_000),
        (16_384, 100_000),
        (16_385, 16_383),
        (20_000, 7),
        (32_766, 100_000),
        (32_767, 1_000),
        (32_767, 16_383),
    ] {
        let mut raw = world.raw().await;
        let body = body(40_000, 'h');
        let request = with_head_of(length, &body);
        assert_eq!(request.find("\r\n\r\n").unwrap() + 4, length);
        // The next request comes on the heels of the first, and uses the same connection.
        let answers = talk(&mut raw, &[&request, HEALTH].concat(), size, &["POST", "GET"]).await;
        assert_eq!([answers[0].status, answers[1].status], [200, 200], "{length} by {size}: {answers:?}");
        sent.push(body);
    }
    assert!(bodies(&world) == sent);
}

#[tokio::test]
async fn single_bytes_are_a_request_too() {
    let world = lone().await;
    let body = body(3_000, 's');
    let requests = [post("/v1/messages", &body, ""), in_chunks(&body, 700), HEALTH.to_owned()].concat();
    let answers = talk(&mut world.raw().await, &requests, 1, &["POST", "POST", "GET"]).await;
    assert!(answers.iter().all(|a| a.status == 200 && a.whole), "{answers:?}");
    assert!(bodies(&world) == [body.clone(), body]);
}

#[tokio::test]
async fn large_requests_in_a_pipeline_are_told_apart() {
    let world = lone().await;
    let (a, b, c) = (body(300_000, 'a'), body(16_384, 'b'), body(1_500_000, 'c'));
    let requests = [
        post("/v1/messages", &a, ""),
        HEALTH.to_owned(),
        in_chunks(&b, 5_000),
        in_chunks(&c, 99_999),
        messages_request(true),
        post("/v1/messages", &c, ""),
        HEALTH.to_owned(),
    ];
    let methods = ["POST", "GET", "POST", "POST", "POST", "POST", "GET"];
    for size in [usize::MAX, 16_383, 16_384, 16_385, 4_099] {
        let answers = talk(&mut world.raw().await, &requests.concat(), size, &methods).await;
        assert!(answers.iter().all(|a| a.status == 200 && a.whole), "by {size}: {answers:?}");
        assert!(answers[4].text().contains("message_stop"), "by {size}");
        let mut came = bodies(&world);
        let newest = came.split_off(came.len() - 5);
        assert!(newest == [a.clone(), b.clone(), c.clone(), messages_body(true), c.clone()], "by {size}");
    }
}

/// All on one thread: whoever sends without end must leave the others their turn.
#[tokio::test]
async fn uploads_leave_others_their_turn() {
    let world = lone().await;
    let request = post("/v1/messages", &body(3_000_000, 'u'), "");
    let mut uploads = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (mut raw, request) = (world.raw().await, request.clone());
        uploads.spawn(async move {
            let answers = talk(&mut raw, &request, usize::MAX, &["POST"]).await;
            answers[0].status
        });
    }
    let mut raw = world.raw().await;
    for _ in 0..20 {
        assert_eq!(raw.ask(HEALTH).await.status, 200);
    }
    assert_eq!(uploads.join_all().await, [200; 12]);
}

/// Who has sent its request and half a second one, and then leaves, has left: the endpoint is told.
#[tokio::test]
async fn who_leaves_in_the_middle_of_an_upload_is_let_go() {
    let world = lone().await;
    let mut raw = world.raw().await;
    let request = post("/v1/messages", &body(200_000, 'l'), "");
    raw.send(&request[..150_000]).await;
    raw.socket.shutdown().await.unwrap();
    let mut rest = Vec::new();
    // It may be told, or not: there is nobody left to care.
    let _ = timeout(PATIENCE, raw.socket.read_to_end(&mut rest)).await.expect("the connection ends");
    assert!(world.sims[0].messages().is_empty());
    let seen = world.raw().await.ask(messages_request(false)).await;
    assert_eq!(seen.status, 200);
}

/// A head of many lines, some of one name: all of them reach the client, in their order.
#[tokio::test]
async fn lines_of_one_name_keep_their_order() {
    let world = lone().await;
    let hops = [("connection", "X-Hop"), ("x-hop", "1"), ("keep-alive", "timeout=5")];
    for with_hops in [false, true] {
        let mut behaviour = Behaviour::healthy();
        let hops = hops.iter().filter(|_| with_hops).map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let lines = (0..60).map(|i| (format!("x-line-{}", i % 7), format!("value {i}")));
        for (name, value) in lines.chain(hops) {
            behaviour = behaviour.header(name, value);
        }
        world.sims[0].set(behaviour);
        let seen = world.raw().await.ask(messages_request(false)).await;
        assert_eq!(seen.status, 200, "{seen:?}");
        for name in 0..7 {
            let start = format!("x-line-{name}: value ");
            let lines = seen.head.lines().filter_map(|l| l.strip_prefix(&start));
            let got: Vec<usize> = lines.map(|n| n.parse().unwrap()).collect();
            assert_eq!(got, (name..60).step_by(7).collect::<Vec<_>>(), "{}", seen.head);
        }
        assert!(!seen.head.contains("x-hop") && !seen.head.contains("timeout=5"), "{}", seen.head);
    }
}

/// The client's side has a small buffer; answers' heads need not fit into it.
#[tokio::test]
async fn large_heads_of_answers_pass() {
    let world = lone().await;
    let long = |i: usize| format!("{i}-").repeat(4_000);
    let behaviour = (0..15).fold(Behaviour::healthy(), |b, i| b.header(format!("x-long-{i}"), long(i)));
    world.sims[0].set(behaviour);
    let mut raw = world.raw().await;
    for stream in [false, true, false] {
        let seen = raw.ask(messages_request(stream)).await;
        assert!(seen.status == 200 && seen.whole && seen.head.len() > 100_000, "{}", seen.head.len());
        assert!((0..15).all(|i| seen.header(&format!("x-long-{i}")) == Some(&*long(i))));
    }
}

/// With several threads a connection is woken by others while it wakes itself: none may be left asleep.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_connections_on_many_threads_all_come_to_their_end() {
    let world = lone().await;
    let request = [post("/v1/messages", &body(600_000, 'x'), ""), messages_request(true), HEALTH.to_owned()];
    let request = std::sync::Arc::new(request.concat());
    let mut clients = tokio::task::JoinSet::new();
    for size in [usize::MAX, 16_383, 16_384, 30_001, 65_536, 100_003, 5_003, 262_144] {
        let (mut raw, request) = (world.raw().await, std::sync::Arc::clone(&request));
        clients.spawn(async move {
            for _ in 0..5 {
                let answers = talk(&mut raw, &request, size, &["POST", "POST", "GET"]).await;
                assert!(answers.iter().all(|a| a.status == 200 && a.whole), "by {size}: {answers:?}");
                assert!(answers[1].text().contains("message_stop"), "by {size}");
            }
        });
    }
    clients.join_all().await;
    let lengths: Vec<usize> = world.sims[0].messages().iter().map(|r| r.body_bytes).collect();
    let short = messages_body(true).len();
    assert_eq!(lengths.iter().filter(|l| **l == 600_000).count(), 40);
    assert_eq!(lengths.iter().filter(|l| **l == short).count(), 40);
}
