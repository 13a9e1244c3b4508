//! The layer through real `tracing` events, and the file through a real directory.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use tracing::{Dispatch, debug, error, info, info_span, trace, warn};

use super::housekeeper::tidy;
use super::*;

fn capture(level: Level) -> Capture {
    Capture::start(level, Redactor::new(["sk-canary-1", "with \"quote\""]))
}

fn lines(capture: &Capture) -> Vec<String> {
    capture.text().lines().map(str::to_owned).collect()
}

#[test]
fn every_line_inside_a_request_carries_its_id_whatever_the_level() {
    let capture = capture(Level::Warn);
    let span = info_span!("request", id = 1_u32);
    span.in_scope(|| {
        info!("too fine");
        warn!("in the request");
        info_span!("attempt", id = 7).in_scope(|| error!("deeper"));
    });
    warn!("outside");
    let lines = lines(&capture);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].ends_with("in the request request_id=req-00000001"), "{}", lines[0]);
    assert!(lines[1].ends_with("deeper request_id=req-00000001"), "{}", lines[1]);
    assert!(lines[2].ends_with("outside"), "{}", lines[2]);
}

#[test]
fn secrets_are_masked_in_messages_fields_and_errors_even_at_the_cut() {
    let capture = capture(Level::Info);
    let error = io::Error::other("upstream said sk-canary-1");
    warn!(token = "sk-canary-1", debug = ?"sk-canary-1", quoted = "with \"quote\"", %error, "key sk-canary-1");
    warn!(error = &error as &dyn std::error::Error, "again");
    let text = capture.text();
    assert!(!text.contains("canary") && !text.contains("quote\\"), "{text}");
    assert!(text.contains("key *** token=*** debug=\"\\\"***\\\"\" quoted=***"), "{text}");
}

#[test]
fn a_secret_across_the_cut_leaves_no_half() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let body = format!("{}sk-canary-1", "x".repeat(495));
    log_to(&settings(&path), Redactor::new(["sk-canary-1"]), || warn!(target: "cc_forwarder", body, "cut"));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("body=xxx") && !text.contains("sk-"), "{text}");
}

#[test]
fn level_and_redactor_change_while_running() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let (dispatch, guard) = build(&settings(&path), Console::None, Redactor::default()).unwrap();
    tracing::dispatcher::with_default(&dispatch, || {
        let twice = |_| debug!("sk-canary-2");
        twice(1);
        guard.set_level(Level::Debug);
        guard.set_redactor(Redactor::new(["sk-canary-2"]));
        twice(2);
        guard.set_level(Level::Error);
        warn!("not any more");
    });
    drop(guard);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("DEBUG") && text.contains("***"), "{text}");
}

#[test]
fn libraries_are_heard_from_warnings_up() {
    let capture = capture(Level::Trace);
    trace!("ours");
    debug!(target: "h2::codec", "header frame");
    info!(target: "cc_forwarder_lookalike", "not ours");
    warn!(target: "rustls", "theirs");
    let lines = lines(&capture);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("TRACE") && lines[1].contains("rustls: theirs"), "{lines:?}");
}

#[test]
fn colours_are_a_wish_that_can_be_refused() {
    let wants = |set: &'static [(&str, &str)]| {
        wants_colour(move |name| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).into()))
    };
    assert!(wants(&[("TERM", "xterm")]));
    assert!(wants(&[("TERM", "xterm"), ("NO_COLOR", "")]));
    assert!(!wants(&[("TERM", "xterm"), ("NO_COLOR", "1")]));
    assert!(!wants(&[("TERM", "dumb")]));
}

fn settings(path: &Path) -> Logging {
    let file = LogFile { path: path.to_owned(), max_size: 1 << 20, max_files: 0, compress: false };
    Logging {
        level: Level::Info,
        format: LogFormat::Text,
        file: Some(file),
        disable_response_limit: false,
        token_debug: None,
    }
}

fn log_to(settings: &Logging, redactor: Redactor, work: impl FnOnce()) {
    let (dispatch, guard): (Dispatch, LogGuard) = build(settings, Console::None, redactor).unwrap();
    tracing::dispatcher::with_default(&dispatch, work);
    assert_eq!(guard.dropped_lines(), 0);
}

#[test]
fn the_file_is_created_privately_with_its_directory_and_appended_to() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b/app.log");
    for round in ["one", "two"] {
        log_to(&settings(&path), Redactor::default(), || info!("{round}"));
    }
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn dropping_the_guard_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    log_to(&settings(&path), Redactor::default(), || {
        for n in 0..2000 {
            info!(n, "line");
        }
    });
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2000);
}

#[test]
fn json_lines_parse_and_the_file_limit_can_be_lifted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let unlimited = Logging { format: LogFormat::Json, disable_response_limit: true, ..settings(&path) };
    log_to(&unlimited, Redactor::default(), || {
        info_span!("request", id = 1_u32)
            .in_scope(|| warn!(body = "b".repeat(2000), tokens = 5u64, share = 0.5, odd = f64::NAN, "long"));
    });
    let line: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let timestamp: jiff::Timestamp = line["timestamp"].as_str().unwrap().parse().unwrap();
    assert!(timestamp > "2025-01-01T00:00Z".parse().unwrap());
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["request_id"], "req-00000001");
    assert_eq!(line["fields"]["body"].as_str().unwrap().len(), 2000);
    assert_eq!(line["fields"]["tokens"], 5);
    assert_eq!(line["fields"]["odd"], "NaN");
}

#[test]
fn a_path_that_cannot_be_written_says_which_key_to_change() {
    let directory = tempfile::tempdir().unwrap();
    let blocked = directory.path().join("file");
    fs::write(&blocked, "").unwrap();
    for path in [directory.path().to_owned(), blocked.join("app.log")] {
        let error = build(&settings(&path), Console::None, Redactor::default()).map(|_| ()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("logging.file_path") && text.contains(&path.display().to_string()), "{text}");
    }
}

/// A log file of at most 30 bytes in a fresh directory.
fn small_file(directory: &Path) -> RollingFile {
    let settings = LogFile { path: directory.join("app.log"), max_size: 30, max_files: 0, compress: false };
    RollingFile::open(&settings, Waker::new().0).unwrap()
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn everything(directory: &Path) -> Vec<String> {
    let mut all = String::new();
    for name in names(directory) {
        let bytes = fs::read(directory.join(&name)).unwrap();
        if name.ends_with(".gz") {
            flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut all).unwrap();
        } else {
            all.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }
    let mut lines: Vec<_> = all.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn rotations_within_one_second_overwrite_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = small_file(directory.path());
    let expected: Vec<String> = (0..40).map(|n| format!("line number {n:04}")).collect();
    for line in &expected {
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
    assert_eq!(everything(directory.path()), expected);
    let names = names(directory.path());
    assert_eq!(names.len(), 40, "one line a file: {names:?}");

    let policy = |keep, compress| Policy { path: directory.path().join("app.log"), keep, compress };
    tidy(&policy(0, true), &AtomicBool::new(false));
    assert_eq!(everything(directory.path()), expected, "compressing lost lines");
    assert!(self::names(directory.path()).iter().skip(1).all(|name| name.ends_with(".gz")));

    tidy(&policy(3, true), &AtomicBool::new(false));
    assert_eq!(everything(directory.path()), expected[36..], "the newest three and the live file stay");
}

#[test]
fn a_stop_leaves_originals_whole() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = small_file(directory.path());
    file.write_all(b"a line that fills the file up\n").unwrap();
    file.write_all(b"next\n").unwrap();
    let before = names(directory.path());
    let policy = Policy { path: directory.path().join("app.log"), keep: 0, compress: true };
    tidy(&policy, &AtomicBool::new(true));
    assert_eq!(names(directory.path()), before);
}

#[test]
fn a_file_that_cannot_be_rotated_grows_on_and_says_so() {
    let capture = capture(Level::Info);
    let directory = tempfile::tempdir().unwrap();
    let logs = directory.path().join("logs");
    let mut file = small_file(&logs);
    // Without its directory no name can be reserved; on systems that refuse the removal there is nothing to test.
    if fs::remove_dir_all(&logs).is_err() {
        return;
    }
    for _ in 0..8 {
        file.write_all(b"ten bytes\n").unwrap();
    }
    let warnings = lines(&capture);
    assert_eq!(warnings.len(), 2, "one try per limit, not per line: {warnings:?}");
    assert!(warnings[0].contains("could not be rotated"), "{warnings:?}");
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_and_stays() {
    let directory = tempfile::tempdir().unwrap();
    let real = directory.path().join("real");
    fs::create_dir(&real).unwrap();
    fs::write(real.join("app.log"), "").unwrap();
    let link = directory.path().join("link.log");
    std::os::unix::fs::symlink(real.join("app.log"), &link).unwrap();
    let settings = LogFile { path: link.clone(), max_size: 10, max_files: 0, compress: false };
    let mut file = RollingFile::open(&settings, Waker::new().0).unwrap();
    file.write_all(b"first line\n").unwrap();
    file.write_all(b"second\n").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&link).unwrap(), "second\n");
    assert_eq!(names(&real).len(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_is_not_a_log_file() {
    let error =
        build(&settings(Path::new("/dev/full")), Console::None, Redactor::default()).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("not a regular file"), "{error}");
}

#[test]
fn the_ring_takes_masked_lines_with_their_request_once_somebody_asked() {
    let directory = tempfile::tempdir().unwrap();
    let redactor = Redactor::new(["sk-very-secret-0123"]);
    let (dispatch, guard) =
        build(&settings(&directory.path().join("app.log")), Console::None, redactor).unwrap();
    tracing::dispatcher::with_default(&dispatch, || {
        tracing::info!(target: "cc_forwarder::x", "before");
        let ring = guard.ring();
        let span = tracing::info_span!(target: "cc_forwarder::x", "request", id = 0x0a1b_2c3d_u32);
        span.in_scope(
            || tracing::warn!(target: "cc_forwarder::x", status = 529, key = "sk-very-secret-0123", "a\nb"),
        );
        let lines = ring.since(0);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!((lines[0].message.as_str(), lines[0].level), ("a\nb", Level::Warn));
        assert_eq!(lines[0].request.as_deref(), Some("req-0a1b2c3d"));
        assert_eq!(lines[0].fields[0], ("status".into(), "529".to_owned()));
        assert!(!lines[0].fields[1].1.contains("very-secret"), "{lines:?}");
    });
}
