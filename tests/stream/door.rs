//! Who may read, how many, and when it ends.

use bytes::Bytes;
use cc_forwarder::events::feed::{Kind, MAX_READERS};
use http_body_util::{BodyExt, Full};

use crate::reader::{Stream, admin, ask};
use crate::support::{PATIENCE, QUICK, World, read};
use crate::world;

#[tokio::test]
async fn a_wrong_question_is_refused_with_the_right_ones() {
    let world = world().await;
    for (query, says) in [
        ("?events=requests", "there is no event type \\\"requests\\\"; there are snapshot, state, accepted,"),
        ("?events=settled,,fleet", "there is no event type"),
        ("?event=settled", "unknown parameter `event`"),
        ("?events=log&events=fleet", "`events` is given more than once"),
    ] {
        let answer = read(ask(&world, query, None).await).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert_eq!(answer.json()["error"]["code"], "bad_request");
        assert!(answer.text().contains(says), "{}", answer.text());
    }
    world.stop().await;
}

#[tokio::test]
async fn without_the_token_there_is_no_stream() {
    let web = QUICK.replace("web: { enabled: false }", "web: { port: 0, token: canary-admin }");
    let world = World::with(&web, &[("a", "main")]).await;
    assert_eq!(read(ask(&world, "", None).await).await.status, 401);
    let admin = admin(&world);
    let request =
        http::Request::get(admin.url("/api/v1/stream")).header("authorization", "Bearer canary-admin");
    let mut response = admin.open(request.body(Full::<Bytes>::default()).unwrap()).await;
    assert_eq!(response.status(), 200);
    let first = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(!String::from_utf8_lossy(&first).contains("canary-admin"));
    drop(response);
    world.stop().await;
}

#[tokio::test]
async fn only_so_many_read_and_who_leaves_makes_room() {
    let world = world().await;
    let mut readers = Vec::new();
    for _ in 0..MAX_READERS {
        readers.push(Stream::open(&world, "?events=fleet", None).await);
    }
    let refused = read(ask(&world, "?events=fleet", None).await).await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert_eq!(refused.json()["error"]["code"], "busy");
    readers.pop();
    let room = async {
        while ask(&world, "?events=fleet", None).await.status() != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, room).await.expect("room in time");
    drop(readers);
    world.stop().await;
}

#[tokio::test]
async fn streams_end_with_the_port_and_do_not_hold_it_up() {
    let world = world().await;
    let mut streams =
        [Stream::open(&world, "", None).await, Stream::open(&world, "?events=fleet", None).await];
    assert_eq!(streams[0].next().await.unwrap().kind, Kind::Snapshot);
    let stopping = tokio::spawn(world.stop());
    for stream in &mut streams {
        // Cut off after the port's patience they would end with an error.
        while stream.next().await.is_some() {}
    }
    tokio::time::timeout(PATIENCE, stopping).await.expect("a stop in time").unwrap();
}
