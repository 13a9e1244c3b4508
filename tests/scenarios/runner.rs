//! Plays a scenario and compares what happened with what its steps expect.
//!
//! At one instant comes first what happens by itself (ends of pauses, cooldowns and rests, then requests in order of
//! their arrival, then the queue), until nothing is due any more; only then the step of that instant.

use std::fmt::Display;
use std::time::Instant;

use cc_forwarder::domain::endpoint::{EndpointId, GroupId};
use cc_forwarder::domain::order::Order;

use super::file::{Expect, Scenario, Span, Step};
use super::request::Request;
use super::scene::{Scene, lower};

/// More rounds at one instant than this mean that something goes in circles.
const MAX_ROUNDS: usize = 10_000;

/// Plays one scenario file. `Err` says for every expectation that failed: file, step, expected, got.
pub(crate) fn run(name: &str, text: &str) -> Result<(), String> {
    let scenario: Scenario = serde_yaml::from_str(text).map_err(|e| format!("{name}: {e}"))?;
    let scene = Scene::new(&scenario.fleet).map_err(|e| format!("{name}: fleet: {e}"))?;
    let mut runner = Runner { scene, requests: Vec::new(), wrong: Vec::new() };
    runner.play(&scenario.timeline);
    if runner.wrong.is_empty() { Ok(()) } else { Err(format!("{name}:\n{}", runner.wrong.join("\n"))) }
}

struct Runner {
    scene: Scene,
    requests: Vec<Request>,
    /// What was not as expected.
    wrong: Vec<String>,
}

/// What a step has led to.
struct Played<'a> {
    title: String,
    step: &'a Step,
    /// Its request.
    request: Option<usize>,
    /// Its first change among all.
    changes_from: usize,
}

impl Runner {
    fn play(&mut self, timeline: &[Step]) {
        let mut played: Vec<Played<'_>> = Vec::new();
        for (number, step) in (1..).zip(timeline) {
            let (title, at) = (format!("  step {number} at {}", step.at), self.scene.at(step.at));
            if at < self.scene.now {
                return self.note(&title, "order", "a time after the step before", step.at);
            }
            self.run_until(at);
            // What changes before the first step is that step's to expect.
            let changes_from = if played.is_empty() { 0 } else { self.scene.changes.len() };
            let request = self.act(&title, step);
            self.settle();
            self.compare_now(&title, &step.expect);
            played.push(Played { title, step, request, changes_from });
        }
        self.run_out();
        let ends = played.iter().skip(1).map(|p| p.changes_from).chain([self.scene.changes.len()]);
        let ends: Vec<usize> = ends.collect();
        for (played, end) in played.iter().zip(ends) {
            self.compare_later(played, end);
        }
    }

    /// Lets time pass, and everything happen on the way.
    fn run_until(&mut self, end: Instant) {
        self.settle();
        while let Some(next) = self.next().filter(|at| *at <= end) {
            self.scene.now = next;
            self.settle();
        }
        self.scene.now = end;
        self.settle();
    }

    /// Lets time pass until every request has ended.
    fn run_out(&mut self) {
        while self.requests.iter().any(|r| r.wakes().is_some()) {
            let Some(next) = self.next() else { return };
            self.scene.now = next;
            self.settle();
        }
    }

    fn next(&self) -> Option<Instant> {
        self.requests.iter().filter_map(Request::wakes).chain(self.scene.next_change()).min()
    }

    fn settle(&mut self) {
        for _ in 0..MAX_ROUNDS {
            let mut busy = self.scene.tick();
            for request in &mut self.requests {
                busy |= request.poll(&mut self.scene);
            }
            busy |= self.let_go();
            if !busy {
                return;
            }
        }
        panic!("at {} things go on and on", self.scene.elapsed());
    }

    fn let_go(&mut self) -> bool {
        let scene = &mut self.scene;
        let next = scene.line.next(&scene.view, scene.config.strategy.kind, scene.now);
        let Some((number, turn)) = next else { return false };
        self.requests[number].release(turn, scene);
        true
    }

    /// Does what the step says; the number of its request, if it has one.
    fn act(&mut self, title: &str, step: &Step) -> Option<usize> {
        self.check(title, step);
        let answers = step.answers.iter().map(|(id, answer)| (EndpointId::new(id.as_str()), answer.clone()));
        self.scene.answers.extend(answers);
        let done = order(step).map_or(Ok(()), |order| self.scene.obey(order));
        self.compare_refusal(title, step.expect.refused.as_deref(), done);
        for id in &step.probe {
            let known = self.scene.view.endpoint(&EndpointId::new(id.as_str())).map(|e| e.spec.clone());
            known.iter().for_each(|spec| self.scene.probe(spec));
        }
        if let Some(Err(problem)) = step.reload.as_ref().map(|file| self.scene.reload(file)) {
            self.note(title, "reload", "a configuration that can be used", problem);
        }
        let file = step.request.as_ref()?;
        let number = self.requests.len();
        let request = Request::send(file, number, &mut self.scene);
        self.requests.push(request);
        Some(number)
    }

    /// What a step says has to make sense.
    fn check(&mut self, title: &str, step: &Step) {
        let scripted = step.request.iter().flat_map(|request| request.answers.keys());
        for id in step.answers.keys().chain(scripted).chain(&step.probe) {
            if step.reload.is_none() && self.scene.view.endpoint(&EndpointId::new(id.as_str())).is_none() {
                self.note(title, "answers or probe", "an endpoint of the fleet", id);
            }
        }
        let actions = actions(step);
        if actions > 1 {
            self.note(title, "what happens", "at most one thing", actions);
        }
    }

    fn compare_refusal(&mut self, title: &str, expected: Option<&str>, done: Result<(), String>) {
        match (expected, done) {
            (None, Ok(())) => {}
            (Some(words), Err(got)) if got.contains(words) => {}
            (expected, done) => {
                let expected = expected.unwrap_or("accepted");
                self.note(title, "order", expected, done.err().unwrap_or("accepted".to_owned()));
            }
        }
    }

    fn compare_now(&mut self, title: &str, expect: &Expect) {
        let (view, now) = (self.scene.view.clone(), self.scene.now);
        let name = view.active.as_ref().map_or("none".to_owned(), ToString::to_string);
        self.same(title, "active", expect.active.as_ref(), &name);
        self.same(title, "waiting", expect.waiting.as_ref(), &self.scene.line.len());
        for (id, state) in &expect.groups {
            let got = view.group(&GroupId::new(id.as_str())).map(|g| lower(g.state));
            self.same(title, &format!("group {id}"), Some(state), &got.unwrap_or("no such group".to_owned()));
        }
        for (id, condition) in &expect.endpoints {
            let got = view.endpoint(&EndpointId::new(id.as_str())).map(|e| e.condition(now).word());
            let got = got.unwrap_or("no such endpoint").to_owned();
            self.same(title, &format!("endpoint {id}"), Some(condition), &got);
        }
    }

    fn compare_later(&mut self, played: &Played<'_>, end: usize) {
        let (title, expect) = (played.title.as_str(), &played.step.expect);
        let changes = self.scene.changes[played.changes_from..end].to_vec();
        let expected: Vec<String> = expect.changes.iter().map(|line| with_plain_time(line)).collect();
        self.same(title, "changes", Some(&Lines(expected)), &Lines(changes));
        let Some(number) = played.request else {
            if expect.is_about_a_request() {
                self.note(title, "request", "one, as there are expectations of it", "none");
            }
            return;
        };
        let asked = Lines(self.requests[number].asked.clone());
        let (got, at) =
            self.requests[number].got.clone().unwrap_or(("nothing yet".to_owned(), Span::default()));
        match &expect.asked {
            Some(expected) => self.same(title, "asked", Some(&Lines(expected.clone())), &asked),
            None => self.note(title, "asked", "said, as for every request", asked),
        }
        match &expect.gets {
            Some(expected) => self.same(title, "gets", Some(expected), &got),
            None => self.note(title, "gets", "said, as for every request", got),
        }
        let said = self.requests[number].said.clone().unwrap_or("nothing of ours".to_owned());
        if let Some(expected) = expect.says.as_ref().filter(|part| !said.contains(part.as_str())) {
            self.note(title, "says", expected, said);
        }
        self.same(title, "answered", expect.answered.as_ref(), &at);
        if let Some(id) = self.requests[number].unasked() {
            self.note(
                title,
                "answers",
                "all of the request's own to be given",
                format!("one of {id} is left"),
            );
        }
    }

    fn same<T: PartialEq + Display>(&mut self, title: &str, what: &str, expected: Option<&T>, got: &T) {
        if let Some(expected) = expected.filter(|e| *e != got) {
            self.note(title, what, expected, got);
        }
    }

    fn note(&mut self, title: &str, what: &str, expected: impl Display, got: impl Display) {
        self.wrong.push(format!("{title}: {what}\n    expected: {expected}\n    got:      {got}"));
    }
}

/// Lines below each other.
#[derive(PartialEq)]
struct Lines(Vec<String>);

impl Display for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        self.0.iter().try_for_each(|line| write!(f, "\n      - {line}"))
    }
}

/// `90s group …` as `1m30s group …`.
fn with_plain_time(line: &str) -> String {
    let time = line.split_once(' ').and_then(|(time, rest)| Some((Span::parse(time)?, rest)));
    time.map_or(line.to_owned(), |(time, rest)| format!("{time} {rest}"))
}

fn actions(step: &Step) -> usize {
    let orders = [&step.activate, &step.force, &step.resume, &step.clear];
    let others = [
        step.release,
        step.pause.is_some(),
        !step.probe.is_empty(),
        step.reload.is_some(),
        step.request.is_some(),
    ];
    orders.iter().filter(|o| o.is_some()).count() + others.iter().filter(|o| **o).count()
}

fn order(step: &Step) -> Option<Order> {
    let group = |id: &String| GroupId::new(id.as_str());
    if let Some(id) = &step.activate {
        return Some(Order::Activate { group: group(id), force: false });
    }
    if let Some(id) = &step.force {
        return Some(Order::Activate { group: group(id), force: true });
    }
    if let Some(pause) = &step.pause {
        return Some(Order::Pause { group: group(&pause.group), duration: pause.duration.map(|s| s.0) });
    }
    if let Some(id) = &step.resume {
        return Some(Order::Resume { group: group(id) });
    }
    if let Some(id) = &step.clear {
        return Some(Order::Clear { endpoint: EndpointId::new(id.as_str()) });
    }
    step.release.then_some(Order::Release)
}
