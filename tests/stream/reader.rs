//! A strict reader of server-sent events.

use std::collections::VecDeque;

use bytes::Bytes;
use cc_forwarder::events::feed::{Fact, Kind};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::timeout;

use crate::support::{Client, PATIENCE, World};

/// One event.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Seen {
    pub(crate) id: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) data: Value,
}

impl Seen {
    /// The part of the id that counts.
    pub(crate) fn number(&self) -> u64 {
        self.id.as_deref().and_then(|id| id.split_once('-')?.1.parse().ok()).expect("an id with a number")
    }

    /// The request it is about.
    pub(crate) fn request(&self) -> Option<&str> {
        self.data["id"].as_str()
    }

    pub(crate) fn parse(block: &str) -> Self {
        let (mut id, mut kind, mut data) = (None, None, None);
        for line in block.lines() {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no field: {line:?}"));
            let slot = match name {
                "id" => &mut id,
                "event" => &mut kind,
                "data" => &mut data,
                _ => panic!("unknown field: {line:?}"),
            };
            assert!(slot.replace(value.to_owned()).is_none(), "twice: {line:?}");
        }
        let kind = Kind::named(&kind.expect("a type")).expect("a known type");
        let data = data.expect("data");
        let read = Fact::read(kind, &data).unwrap_or_else(|error| panic!("{kind}: {error}: {data}"));
        assert_eq!(read.map(|fact| fact.kind()), (!is_picture(kind)).then_some(kind));
        Self { id, kind, data: serde_json::from_str(&data).expect("JSON") }
    }
}

pub(crate) fn is_picture(kind: Kind) -> bool {
    matches!(kind, Kind::Snapshot | Kind::State)
}

/// A client of the admin port.
pub(crate) fn admin(world: &World) -> Client {
    Client::new(format!("http://{}", world.forwarder.admin_address().expect("an admin port")))
}

/// An open stream.
pub(crate) struct Stream {
    body: Incoming,
    unread: String,
    ready: VecDeque<Seen>,
    last: u64,
}

impl Stream {
    /// Opens it with this query, behind this id.
    pub(crate) async fn open(world: &World, query: &str, last: Option<&str>) -> Self {
        let response = ask(world, query, last).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self { body: response.into_body(), unread: String::new(), ready: VecDeque::new(), last: 0 }
    }

    /// The next event; none at the end. Numbers only grow.
    pub(crate) async fn next(&mut self) -> Option<Seen> {
        while self.ready.is_empty() {
            let frame = timeout(PATIENCE, self.body.frame()).await.expect("an event in time")?;
            let frame = frame.expect("a clean end").into_data().unwrap_or_default();
            self.unread.push_str(std::str::from_utf8(&frame).expect("UTF-8"));
            while let Some(end) = self.unread.find("\n\n") {
                let block: String = self.unread.drain(..end + 2).collect();
                if !block.starts_with(':') {
                    self.ready.push_back(Seen::parse(block.trim_end()));
                }
            }
        }
        let seen = self.ready.pop_front()?;
        if seen.kind != Kind::Lagged {
            assert!(seen.number() > self.last, "{} after {}", seen.number(), self.last);
            self.last = seen.number();
        }
        Some(seen)
    }

    /// Reads until one is what is looked for; returns all of them.
    pub(crate) async fn until(&mut self, mut found: impl FnMut(&Seen) -> bool) -> Vec<Seen> {
        let mut all = Vec::new();
        loop {
            let seen = self.next().await.expect("the stream goes on");
            all.push(seen.clone());
            if found(&seen) {
                return all;
            }
        }
    }

    /// Reads until so many requests have ended.
    pub(crate) async fn until_settled(&mut self, mut requests: usize) -> Vec<Seen> {
        self.until(|seen| {
            requests -= usize::from(seen.kind == Kind::Settled);
            requests == 0
        })
        .await
    }
}

/// Asks for a stream.
pub(crate) async fn ask(world: &World, query: &str, last: Option<&str>) -> Response<Incoming> {
    let admin = admin(world);
    let mut request = Request::get(admin.url(&format!("/api/v1/stream{query}")));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    admin.open(request.body(Full::<Bytes>::default()).unwrap()).await
}
