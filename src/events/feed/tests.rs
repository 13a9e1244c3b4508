//! Readers of a hub that runs: what they are told adds up to what a picture shows, and silence is filled.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::config::Config;
use crate::domain::budget::{Bounds, Sums};
use crate::domain::civil::Clock;
use crate::domain::endpoint::{EndpointId, GroupId};
use crate::domain::fleet::Fleet;
use crate::domain::pricebook::PriceBook;
use crate::domain::testing::{settings, specs};
use crate::events::board::Board;
use crate::events::pictures::{self, Pictures};
use crate::events::spend::Spend;
use crate::events::{self, Event, Events, RequestId, State, hub, record};

/// A hub in this runtime.
struct Scene {
    events: Events,
    pictures: Pictures,
    hub: JoinHandle<Board>,
}

impl Scene {
    fn new() -> Self {
        let (events, stream) = events::channel();
        let fleet = Fleet::new(settings(), &specs(&[1, 1]), Instant::now().into_std());
        let view = Arc::new(fleet.view(Instant::now().into_std()));
        let now = jiff::Timestamp::now();
        let board = Board::new(now);
        let (pictures, maker) = pictures::channel(board.snapshot(&view, Instant::now().into_std(), now));
        let config = Arc::new(Config::built_in());
        let clock = Clock::new(jiff::tz::TimeZone::UTC);
        let sums = Sums::new(Bounds::at(&clock, now));
        let outputs = hub::Outputs {
            prices: watch::channel(Arc::new(PriceBook::new(
                crate::config::pricing::table(&config.usage),
                [],
            )))
            .1,
            spend: Spend::new(watch::channel(config).1, clock, sums, now),
            ledger: None,
            pictures: maker,
            records: None,
            changes: None,
            lines_dropped: None,
        };
        let running = hub::run(stream, watch::channel(view).1, outputs, board);
        #[allow(clippy::disallowed_methods, reason = "a test may spawn")]
        let hub = tokio::spawn(running);
        Self { events, pictures, hub }
    }

    fn reader(&self, last: Option<&str>) -> Reader {
        self.pictures.read(Kinds::default(), last).expect("room")
    }

    fn accept(&self, request: u32) {
        self.events.send(Event::Accepted(record::testing::accepted(request, jiff::Timestamp::now())));
    }

    fn attempt(&self, request: u32) {
        let (endpoint, group) = (EndpointId::new("a-1"), GroupId::new("a"));
        let id = RequestId::from_number(request);
        self.events.send(Event::AttemptStarted { id, number: 1, endpoint, group });
    }

    fn settle(&self, request: u32) {
        let mut record = record::testing::record(&[None]);
        record.id = RequestId::from_number(request);
        record.state = [State::Completed, State::Failed, State::Cancelled][request as usize % 3];
        self.events.send(Event::Settled(Arc::new(record)));
    }

    async fn stop(self) {
        drop((self.events, self.pictures));
        self.hub.await.unwrap();
    }
}

/// What a program that reads the stream knows.
#[derive(Clone, PartialEq, Default, Debug)]
struct Known {
    accepted: u64,
    ended: [u64; 3],
    live: BTreeSet<String>,
    recent: Vec<String>,
}

impl Known {
    fn of(picture: &Value) -> Self {
        let totals = |name: &str| picture["totals"][name].as_u64().unwrap();
        let ids = |name: &str| -> Vec<String> {
            let all = picture[name].as_array().unwrap().iter();
            all.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
        };
        Self {
            accepted: totals("accepted"),
            ended: ["completed", "failed", "cancelled"].map(totals),
            live: ids("live").into_iter().collect(),
            recent: ids("recent"),
        }
    }

    /// Takes one event; a picture in between must show what is known already.
    fn learn(&mut self, kind: Kind, data: &Value) {
        let id = data["id"].as_str().unwrap_or_default().to_owned();
        match kind {
            Kind::Snapshot => *self = Self::of(data),
            Kind::State => {
                assert_eq!(
                    Self { recent: self.recent.clone(), ..Self::of(data) },
                    *self,
                    "a state at its place"
                );
            }
            Kind::Accepted => {
                self.accepted += 1;
                assert!(self.live.insert(id), "accepted once");
            }
            Kind::Settled => {
                let state =
                    ["completed", "failed", "cancelled"].iter().position(|s| data["state"] == *s).unwrap();
                self.ended[state] += 1;
                assert!(self.live.remove(&id), "settled once, after it was accepted");
                self.recent.insert(0, id);
                self.recent.truncate(200);
            }
            _ => {}
        }
    }
}

/// A program that reads, goes away and comes back.
struct Program {
    reader: Option<Reader>,
    last: Option<String>,
    known: Known,
    snapshots: usize,
}

impl Program {
    /// Reads until nothing comes any more, or so many chunks.
    async fn read(&mut self, chunks: usize) {
        let Some(reader) = &mut self.reader else { return };
        for _ in 0..chunks {
            let Ok(text) = timeout(Duration::from_secs(5), reader.next()).await else { return };
            let text = text.expect("the hub runs");
            for block in std::str::from_utf8(&text)
                .unwrap()
                .split_terminator("\n\n")
                .filter(|block| !block.starts_with(':'))
            {
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
                if let Some(id) = field("id: ") {
                    self.last = Some(id.to_owned());
                }
                let kind = field("event: ").and_then(Kind::named).unwrap();
                self.snapshots += usize::from(kind == Kind::Snapshot);
                self.known.learn(kind, &serde_json::from_str(field("data: ").unwrap()).unwrap());
            }
        }
    }
}

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Accept,
    Settle(usize),
    Attempt(usize),
    Pass(u64),
    Read(usize),
    Leave,
    Flood,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => Just(Step::Accept),
        6 => (0..8_usize).prop_map(Step::Settle),
        3 => (0..8_usize).prop_map(Step::Attempt),
        4 => (0..400_u64).prop_map(Step::Pass),
        3 => (1..4_usize).prop_map(Step::Read),
        2 => Just(Step::Leave),
        1 => Just(Step::Flood),
    ];
    prop::collection::vec(step, 1..60)
}

async fn play(steps: Vec<Step>) {
    let scene = Scene::new();
    let mut program =
        Program { reader: Some(scene.reader(None)), last: None, known: Known::default(), snapshots: 0 };
    let (mut next, mut live) = (0, Vec::new());
    for step in steps {
        match step {
            Step::Accept => {
                scene.accept(next);
                live.push(next);
                next += 1;
            }
            Step::Settle(which) if !live.is_empty() => scene.settle(live.remove(which % live.len())),
            Step::Attempt(which) if !live.is_empty() => scene.attempt(live[which % live.len()]),
            Step::Settle(_) | Step::Attempt(_) => {}
            Step::Pass(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Step::Read(chunks) => program.read(chunks).await,
            Step::Leave => {
                program.reader = None;
                program.reader = Some(scene.reader(program.last.as_deref()));
            }
            // More than the ring holds.
            Step::Flood => (0..ring::MAX_EVENTS as u32).for_each(|_| scene.attempt(0)),
        }
    }
    // While requests run pictures never end.
    live.into_iter().for_each(|request| scene.settle(request));
    program.read(usize::MAX).await;
    let picture = serde_json::to_value(&*scene.pictures.fresh().await).unwrap();
    assert_eq!(program.known, Known::of(&picture));
    assert!(program.snapshots > 0);
    drop(program);
    scene.stop().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_picture_and_what_follows_add_up_to_a_later_picture(steps in steps()) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true).build().unwrap().block_on(play(steps));
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_filled_and_costs_no_picture() {
    let scene = Scene::new();
    let mut reader = scene.reader(None);
    let first = reader.next().await.unwrap();
    assert!(first.starts_with(b"id: "), "{first:?}");
    for _ in 0..3 {
        let begun = Instant::now();
        assert_eq!(&reader.next().await.unwrap()[..], b": ping\n\n");
        assert_eq!(begun.elapsed().as_secs(), HEARTBEAT.as_secs());
    }
    scene.accept(1);
    assert!(reader.next().await.unwrap().starts_with(b"id: "), "after silence as before");
    drop(reader);
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_collected_for_nobody() {
    let scene = Scene::new();
    scene.accept(1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let feed = scene.pictures.feed();
    assert!(!feed.is_open() && feed.kept().ring.end() == 0);
    let reader = scene.reader(None);
    scene.accept(2);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(feed.kept().ring.end(), 1);
    drop(reader);
    scene.accept(3);
    tokio::time::sleep(LINGER / 2).await;
    assert_eq!(feed.kept().ring.end(), 2, "for whoever comes back");
    tokio::time::sleep(LINGER).await;
    scene.accept(4);
    tokio::time::sleep(Duration::from_secs(1)).await;
    scene.accept(5);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!feed.is_open() && feed.kept().newest.is_none());
    scene.stop().await;
}

#[tokio::test(start_paused = true)]
async fn pictures_are_made_once_for_all_and_only_for_somebody() {
    let scene = Scene::new();
    scene.accept(1);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(scene.pictures.last().totals.accepted, 0, "nobody looked");
    let (first, second) = tokio::join!(scene.pictures.fresh(), scene.pictures.fresh());
    assert!(Arc::ptr_eq(&first, &second) && first.totals.accepted == 1);
    let mut follower = scene.pictures.follow();
    follower.changed().await.unwrap();
    assert_eq!(follower.borrow_and_update().totals.accepted, 1);
    for round in 2..20 {
        scene.accept(round);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (one, other) = (scene.reader(None), scene.reader(None));
    let texts = [one, other].map(|mut reader| async move { reader.next().await.unwrap() });
    let texts = futures_util::future::join_all(texts).await;
    assert_eq!(texts[0].as_ptr(), texts[1].as_ptr(), "one text for both");
    scene.stop().await;
}
