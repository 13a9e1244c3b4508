//! Pages, bounds, and a thread that gets too much.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use http::{HeaderName, HeaderValue, Response};

use super::*;
use crate::domain::secret::Redactor;

fn settings(path: &Path, max_files: u64, cleanup_days: u32) -> TokenDebug {
    TokenDebug { path: path.to_owned(), max_files: u32::try_from(max_files).unwrap(), cleanup_days }
}

fn id(number: u32) -> RequestId {
    RequestId::from_number(number)
}

fn sample(headers: &[(&'static str, &str)], client: &[(&'static str, &str)], body: &[Bytes]) -> Box<Sample> {
    let map = |pairs: &[(&'static str, &str)]| -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_str(v).unwrap())).collect()
    };
    let mut head = Response::new(()).into_parts().0;
    head.headers = map(headers);
    let asked = ["main-a", "main", "claude-x"].map(str::to_owned);
    let mut sample = Sample::begin(id(7), asked, &head, &map(client));
    body.iter().for_each(|bytes| sample.take(bytes));
    sample
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_page_says_who_answered_what_without_secrets() {
    let sample = sample(
        &[("content-type", "application/json"), ("set-cookie", "s=canary-cookie"), ("x-echo", "canary-key")],
        &[("authorization", "Bearer canary-client"), ("x-api-key", "canary-own")],
        &[Bytes::from_static(b"{\"a\":\"canary-client canary-"), Bytes::from_static(b"own canary-key\"}")],
    );
    let page = page::text(&sample, &Redactor::new(["canary-key"]));
    let (_, rest) = page.split_once("\nendpoint: ").unwrap();
    assert!(page.starts_with("request: req-00000007\nat: 20"), "{page}");
    assert_eq!(
        rest,
        "main-a\ngroup: main\nmodel: claude-x\nstatus: 200 OK\nheader: content-type: application/json\n\
         header: set-cookie: ***\nheader: x-echo: ***\nusage read: {\"input\":0,\"output\":0,\"cache_read\":0,\
         \"cache_write_5m\":0,\"cache_write_1h\":0,\"web_search\":0,\"web_fetch\":0,\"code_execution\":0,\
         \"service_tier\":null,\"inference_geo\":null,\"estimated\":false}\nbytes: 43\nbody:\n{\"a\":\"*** *** ***\"}"
    );
}

#[test]
fn a_coded_body_is_shown_decoded_and_an_unknown_coding_is_said() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(b"{\"type\":\"message\"}").unwrap();
    let coded = Bytes::from(encoder.finish().unwrap());
    let page = |coding| {
        page::text(
            &sample(&[("content-encoding", coding)], &[], std::slice::from_ref(&coded)),
            &Redactor::default(),
        )
    };
    assert!(page("gzip").ends_with("body:\n{\"type\":\"message\"}"), "{}", page("gzip"));
    assert!(page("rot13").ends_with("(coded in a way that cannot be decoded)"), "{}", page("rot13"));
}

#[test]
fn a_long_body_is_cut_and_takes_no_half_of_a_secret_with_it() {
    let secret = "canary-".repeat(40);
    for room in [0, 1, 7, 100, 279, 280, 300] {
        let mut body = "x".repeat(MAX_BODY - room);
        body.push_str(&secret);
        body.push_str(&"y".repeat(1000));
        let sample = sample(&[], &[], &[Bytes::from(body)]);
        assert_eq!(sample.kept, MAX_BODY);
        let page = page::text(&sample, &Redactor::new([secret.as_str()]));
        assert!(page.contains("body (the beginning of it):\nxxx") && page.len() < MAX_BODY, "{room}");
        assert!(!page.contains("can"), "{room}");
    }
}

#[test]
fn a_bomb_unpacks_to_no_more_than_is_kept() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b' '; 12 * 1024 * 1024]).unwrap();
    let coded = Bytes::from(encoder.finish().unwrap());
    let page = page::text(&sample(&[("content-encoding", "gzip")], &[], &[coded]), &Redactor::default());
    assert!(page.contains("the beginning of it") && page.len() < MAX_BODY);
}

#[test]
fn the_oldest_go_by_count_and_by_age_and_nothing_else_does() {
    let root = tempfile::tempdir().unwrap();
    let now: jiff::Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    let kept = |folder: &Folder| {
        folder.tidy(now).unwrap();
        names(root.path())
    };
    let strangers = ["app.log", "unread-notes.txt", "unread-20200101T000000Z-nobody.txt"];
    strangers.iter().for_each(|name| fs::write(root.path().join(name), "").unwrap());
    let all = Folder::new(&settings(root.path(), 0, 0));
    for (number, at) in [
        (1, "2026-11-01T00:00:00Z"),
        (2, "2026-11-16T11:59:59Z"),
        (3, "2026-11-16T12:00:00Z"),
        (4, "2026-11-22T00:00:00Z"),
        (5, "2026-11-23T12:00:00Z"),
    ] {
        all.write(id(number), at.parse().unwrap(), "text").unwrap();
    }
    assert_eq!(kept(&all).len(), 8, "zero keeps all, for ever");
    let week = kept(&Folder::new(&settings(root.path(), 0, 7)));
    assert_eq!(week.iter().filter(|n| n.contains("req-")).count(), 3, "{week:?}");
    let two = kept(&Folder::new(&settings(root.path(), 2, 7)));
    let ours: Vec<_> = two.iter().filter(|n| n.contains("req-")).collect();
    assert_eq!(
        ours,
        ["unread-20261122T000000Z-req-00000004.txt", "unread-20261123T120000Z-req-00000005.txt"]
    );
    assert!(strangers.iter().all(|name| two.iter().any(|n| n == name)), "{two:?}");
}

#[test]
fn a_folder_that_is_not_there_is_not_made_before_it_is_needed() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("deep/er");
    let folder = Folder::new(&settings(&path, 1, 1));
    folder.tidy(jiff::Timestamp::UNIX_EPOCH).unwrap();
    assert!(!path.exists());
    let file = folder.write(id(1), jiff::Timestamp::UNIX_EPOCH, "text").unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "text");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&file)), (0o700, 0o600));
    }
}

#[test]
fn what_comes_while_too_much_waits_is_dropped_and_counted() {
    let (way, messages) = sync_channel(MAX_WAITING);
    let inner = Arc::new(Inner { way, dropped: AtomicU64::new(0) });
    let samples = Samples(Some(Arc::clone(&inner)));
    let whole = Usage { input: 1, output: 1, ..Usage::default() };
    samples.judge(Some(sample(&[], &[], &[])), &whole);
    for _ in 0..MAX_WAITING + 3 {
        samples.judge(Some(sample(&[], &[], &[])), &Usage::default());
    }
    assert_eq!((samples.dropped(), messages.try_iter().count()), (3, MAX_WAITING));
}

#[test]
fn half_a_usage_is_not_read_either() {
    let (way, messages) = sync_channel(MAX_WAITING);
    let samples = Samples(Some(Arc::new(Inner { way, dropped: AtomicU64::new(0) })));
    for (input, output, kept) in [(0, 0, 1), (5, 0, 1), (0, 5, 1), (5, 5, 0)] {
        samples.judge(Some(sample(&[], &[], &[])), &Usage { input, output, ..Usage::default() });
        assert_eq!(messages.try_iter().count(), kept, "{input} {output}");
    }
}
