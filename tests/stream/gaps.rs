//! Readers that come back, and readers that stop.

use cc_forwarder::events::feed::{Fact, Kind};
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::reader::{Seen, Stream};
use crate::support::{PATIENCE, World};
use crate::world;

/// Both types are told once a request, and do not depend on when they are looked at.
const FACTS: &str = "?events=snapshot,accepted,settled";

#[tokio::test]
async fn who_comes_back_goes_on_without_a_gap_and_without_a_repetition() {
    let world = world().await;
    let mut all = Stream::open(&world, FACTS, None).await;
    assert_eq!(all.next().await.unwrap().kind, Kind::Snapshot);
    let mut first = Stream::open(&world, FACTS, None).await;
    assert_eq!(first.next().await.unwrap().kind, Kind::Snapshot);
    let mut seen = Vec::new();
    for _ in 0..3 {
        assert_eq!(world.client.messages(false).await.status, 200);
    }
    seen.extend(first.until_settled(2).await);
    drop(first);
    for _ in 0..3 {
        assert_eq!(world.client.messages(false).await.status, 200);
    }
    let last = seen.last().unwrap().id.clone();
    let mut again = Stream::open(&world, FACTS, last.as_deref()).await;
    assert_eq!(world.client.messages(false).await.status, 200);
    seen.extend(again.until_settled(5).await);
    let everything = all.until_settled(7).await;
    assert_eq!(seen, everything, "the same as who never left");
    drop((all, again));
    world.stop().await;
}

#[tokio::test]
async fn an_id_that_nobody_knows_is_told_and_all_begins_anew() {
    let world = world().await;
    let mut stream = Stream::open(&world, FACTS, None).await;
    let known = stream.next().await.unwrap().id.unwrap();
    let (start, number) = known.split_once('-').unwrap();
    let later = format!("{start}-{}", number.parse::<u64>().unwrap() + 1_000);
    let other = format!("{}-{number}", start.parse::<u64>().unwrap() - 1);
    for unknown in [later.as_str(), &other, "", "12", "-", "x-1", "99999999999999999999999-1"] {
        let mut anew = Stream::open(&world, FACTS, Some(unknown)).await;
        let first = anew.next().await.unwrap();
        assert_eq!(
            (first.kind, &first.id, &first.data["missed"]),
            (Kind::Lagged, &None, &().into()),
            "{unknown}"
        );
        assert_eq!(anew.next().await.unwrap().kind, Kind::Snapshot);
    }
    drop(stream);
    world.stop().await;
}

/// A reader with little room, so that what it does not read stays with the forwarder.
struct Narrow(TcpStream, String);

impl Narrow {
    async fn open(world: &World) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        let mut socket = socket.connect(world.forwarder.admin_address().unwrap()).await.unwrap();
        let head = "GET /api/v1/stream?events=snapshot,config HTTP/1.0\r\nHost: localhost\r\n\r\n";
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut reader = Self(socket, String::new());
        let head = reader.block("\r\n\r\n").await;
        assert!(head.contains(" 200 "), "{head}");
        reader
    }

    async fn block(&mut self, end: &str) -> String {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            if let Some(at) = self.1.find(end) {
                return self.1.drain(..at + end.len()).collect();
            }
            let read = timeout(PATIENCE, self.0.read(&mut buffer)).await.expect("more in time").unwrap();
            assert!(read > 0, "the stream goes on");
            self.1.push_str(std::str::from_utf8(&buffer[..read]).expect("ASCII"));
        }
    }

    async fn next(&mut self) -> Seen {
        loop {
            let block = self.block("\n\n").await;
            if !block.starts_with(':') {
                return Seen::parse(block.trim_end());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_reading_is_told_what_it_missed_and_begins_anew() {
    const TOLD: u64 = 4_000;
    let world = world().await;
    let mut slow = Narrow::open(&world).await;
    let first = slow.next().await;
    assert_eq!(first.kind, Kind::Snapshot);
    let long = serde_json::to_string(&"x".repeat(8 * 1024)).unwrap();
    let feed = world.forwarder.pictures().feed();
    for n in 0..TOLD {
        feed.tell(Fact::Config(RawValue::from_string(long.clone()).unwrap()));
        if n % 100 == 0 {
            // The reader has its turn.
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
    let (mut got, mut missed, mut last) = (0, 0, first.number());
    let end = loop {
        let seen = slow.next().await;
        match seen.kind {
            Kind::Lagged => {
                let more = seen.data["missed"].as_u64().unwrap();
                let anew = slow.next().await;
                assert!(more > 0 && anew.kind == Kind::Snapshot && anew.number() > last + more, "{anew:?}");
                (missed, last) = (missed + more, anew.number());
                // This one is behind the picture.
                feed.tell(Fact::Config(RawValue::from_string("1".to_owned()).unwrap()));
            }
            _ => {
                assert_eq!(seen.number(), last + 1, "none is left out before it is told");
                (got, last) = (got + 1, seen.number());
                if seen.data == 1 {
                    break seen;
                }
            }
        }
    };
    assert_eq!(end.kind, Kind::Config);
    assert!(missed > 0 && got + missed <= 2 * TOLD, "{got} + {missed}");
    drop(slow);
    world.stop().await;
}
