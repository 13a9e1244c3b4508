//! What is refused, what outranks a file, and that no secret of an earlier version is shown later.

use tokio::time::Instant;

use super::*;
use crate::app::hangup::Hangups;
use crate::config::watch::Pace;
use crate::config::{Source, System, load};
use crate::domain::endpoint::EndpointId;
use crate::domain::fleet::Fleet;
use crate::logging::{self, Console};

const ENDPOINT: &str = "endpoints: [{ name: a, url: \"http://127.0.0.1:9\", token: canary-one }]";

fn config(text: &str) -> Config {
    let text = format!("usage_tracking: {{ enabled: false }}\n{text}");
    load::parse(&text, Source::BuiltIn, &System).unwrap_or_else(|problems| panic!("{problems}")).config
}

/// A running program without sockets.
struct Scene {
    reloads: Reloads,
    config: watch::Receiver<Arc<Config>>,
    control: Control,
    quit: CancellationToken,
}

impl Scene {
    fn new(running: Config, log: Option<LogTap>) -> Self {
        let quit = CancellationToken::new();
        let fleet = Fleet::new(running.fleet_settings(), &running.endpoints, Instant::now().into_std());
        let (control, task) = crate::control::new(fleet, crate::events::channel().0);
        let (tx, config) = watch::channel(Arc::new(running));
        let (reloader, reloads) = Reloader::new(
            tx,
            control.clone(),
            Transport::new(Dialer::new(None, None)),
            log,
            WebFlags::default(),
        );
        let tasks = tokio_util::task::TaskTracker::new();
        tasks.spawn(crate::control::run(task, quit.clone()));
        tasks.spawn(reloader.run(quit.clone()));
        Self { reloads, config, control, quit }
    }
}

#[tokio::test]
async fn an_open_listener_never_loses_its_lock() {
    let open =
        format!("server: {{ host: 0.0.0.0 }}\nauth: {{ enabled: true, token: canary-auth }}\n{ENDPOINT}");
    let scene = Scene::new(config(&open), None);
    // The file alone would be fine: it is the running listener that is not.
    let refused = scene.reloads.apply(config(ENDPOINT)).await.unwrap_err();
    let said = refused.to_string();
    assert!(said.starts_with("0.0.0.0 stays open until a restart: server.host: "), "{said}");
    assert!(scene.config.borrow().auth.is_some());
    let last = scene.reloads.last().borrow().clone().unwrap();
    assert_eq!((last.number, &last.outcome), (1, &Err(refused)));

    let consented = format!("server: {{ allow_unauthenticated: true }}\n{ENDPOINT}");
    let report = scene.reloads.apply(config(&consented)).await.unwrap().to_string();
    assert!(report.contains("auth.token") && report.ends_with("needs a restart: server.host"), "{report}");
}

#[tokio::test]
async fn the_fleet_has_the_new_endpoints_when_it_returns() {
    let scene = Scene::new(config(ENDPOINT), None);
    let next = ENDPOINT.replace("name: a", "name: b");
    let report = scene.reloads.apply(config(&next)).await.unwrap();
    assert_eq!(report.applied, ["endpoints[a] (removed)", "endpoints[b] (new)"]);
    let names: Vec<_> = scene.control.view().endpoints.iter().map(|e| e.spec.id.to_string()).collect();
    assert_eq!(names, ["b"]);
    let unchanged = Arc::clone(&scene.config.borrow());
    assert!(scene.reloads.apply(config(&next)).await.unwrap().is_empty());
    assert!(Arc::ptr_eq(&unchanged, &scene.config.borrow()), "nothing changed, so nothing is replaced");
}

#[tokio::test]
async fn the_pin_and_the_log_flags_of_the_command_line_outrank_every_version() {
    let mut running = config(ENDPOINT);
    running.logging.format = LogFormat::Json;
    running.pin("a").unwrap();
    let (_, guard) = logging::build(&running.logging, Console::None, running.redactor.clone()).unwrap();
    let flags = LogFlags { level: Some(Level::Info), format: Some(LogFormat::Json) };
    let log = LogTap { handle: guard.clone(), flags };
    let scene = Scene::new(running, Some(log));
    let next = format!("logging: {{ level: trace, format: text }}\nretry: {{ max_attempts: 9 }}\n{ENDPOINT}");
    assert_eq!(scene.reloads.apply(config(&next)).await.unwrap().to_string(), "applied: retry.max_attempts");
    assert_eq!(scene.config.borrow().logging.level, Level::Info);
    assert!(scene.control.view().pinned.is_some());
    let refused = scene.reloads.apply(config(&ENDPOINT.replace("name: a", "name: b"))).await.unwrap_err();
    assert_eq!(refused.to_string(), "-p a: no enabled endpoint is named \"a\"; there is: b");
}

#[tokio::test]
async fn secrets_of_earlier_versions_stay_masked() {
    let scene = Scene::new(config(ENDPOINT), None);
    for token in ["canary-two", "canary-three"] {
        scene.reloads.apply(config(&ENDPOINT.replace("canary-one", token))).await.unwrap();
    }
    let shown = scene.config.borrow().redactor.scrub("canary-one canary-two canary-three").into_owned();
    assert_eq!(shown, "*** *** ***");
}

#[tokio::test]
async fn after_the_end_reloads_are_refused() {
    let scene = Scene::new(config(ENDPOINT), None);
    scene.quit.cancel();
    let refused = scene.reloads.apply(config(ENDPOINT)).await;
    // Whatever it was doing when it was told to stop, it answers.
    assert!(refused.is_err_and(|refused| refused.to_string() == "the program stops"));
}

/// Waits until it holds; a test that waits in vain ends with its runner's patience.
async fn until(holds: impl Fn() -> bool) {
    let end = Instant::now() + std::time::Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "in time");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_version_written_here_undoes_nothing_and_the_next_one_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.yaml");
    let text = "usage_tracking: { enabled: false }\nendpoints:\n  - { name: a, url: \"http://127.0.0.1:9\", priority: 1 }\n\
                \x20 - { name: b, url: \"http://127.0.0.1:9\", priority: 2 }\n";
    std::fs::write(&path, text).unwrap();
    let source = Source::File(path.clone());
    let scene = Scene::new(load::load(source.clone(), &System).unwrap().config, None);
    let ms = std::time::Duration::from_millis;
    let pace = Pace { poll: ms(20), settle: ms(5), doubt: ms(50) };
    let hangups = Hangups::new().unwrap();
    let tasks = tokio_util::task::TaskTracker::new();
    let following = tasks.spawn(follow(source, pace, hangups, scene.reloads.clone(), scene.quit.clone()));
    let number = || scene.reloads.last().borrow().as_ref().map_or(0, |last| last.number);
    until(|| number() == 1).await;

    let edits = [(EndpointId::new("a"), 5)];
    let change = |config: &mut Config| {
        Arc::make_mut(&mut config.endpoints[0]).priority = 5;
        Arc::make_mut(&mut config.endpoints[1]).enabled = false;
        Ok(())
    };
    scene.reloads.change(change).await.unwrap();
    let (saver, running) = (scene.reloads.saver(), scene.config.borrow().clone());
    let review = saver.review(&running, &edits, &System).unwrap();
    saver.save(&review, &edits, &System).unwrap();
    until(|| saver.is_noticed()).await;
    assert!(!scene.config.borrow().endpoints[1].enabled, "what was changed until the next reload holds");

    std::fs::write(&path, text.replace("priority: 1", "priority: 6")).unwrap();
    until(|| scene.config.borrow().endpoints[0].priority == 6).await;
    assert!(scene.config.borrow().endpoints[1].enabled);
    assert_eq!(number(), 2, "the start, and what somebody else wrote");
    scene.quit.cancel();
    following.await.unwrap();
}
