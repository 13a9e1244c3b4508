use proptest::prelude::*;

use super::*;
use crate::claude::fixtures::{LineEnd, full_stream, with_line_ends};

type Owned = (Option<String>, String, bool);

fn owned(event: Event<'_>) -> Owned {
    let string = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    (event.name.map(string), string(event.data), event.terminated)
}

/// Events, and per position reached whether it was a boundary.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Owned>, Vec<(usize, bool)>) {
    let (mut events, mut boundaries, mut at) = (Vec::new(), Vec::new(), 0);
    let mut decoder = Decoder::new();
    for piece in pieces {
        decoder.feed(piece, &mut |e| events.push(owned(e))).unwrap();
        at += piece.len();
        boundaries.push((at, decoder.at_boundary()));
    }
    decoder.finish(&mut |e| events.push(owned(e)));
    (events, boundaries)
}

fn whole(stream: &str) -> Vec<Owned> {
    decode([stream.as_bytes()]).0
}

fn named(name: &str, data: &str) -> Owned {
    (Some(name.to_owned()), data.to_owned(), true)
}

fn boundary_after(stream: &str) -> bool {
    decode([stream.as_bytes()]).1[0].1
}

#[test]
fn the_space_after_the_colon_is_optional() {
    assert_eq!(whole("event:ping\ndata:{}\n\nevent: ping\ndata: {}\n\n"), vec![named("ping", "{}"); 2]);
    assert_eq!(whole("data:  x\n\n")[0].1, " x");
}

#[test]
fn all_line_ends_give_the_same_events() {
    let stream = full_stream(20);
    let lf = decode([&*with_line_ends(&stream, LineEnd::Lf)]).0;
    assert_eq!(lf.len(), 20 + 15);
    assert_eq!(decode([&*with_line_ends(&stream, LineEnd::CrLf)]).0, lf);
    assert_eq!(decode([&*with_line_ends(&stream, LineEnd::Cr)]).0, lf);
}

#[test]
fn data_lines_are_joined_and_other_fields_ignored() {
    assert_eq!(whole("id: 7\nevent: e\ndata: a\nretry: 10\ndata:\ndata: b\nfoo\n\n"), [named("e", "a\n\nb")]);
    assert_eq!(whole("data\n\n"), [(None, String::new(), true)]);
    assert_eq!(whole("event: a\nevent: b\ndata: 1\n\n"), [named("b", "1")]);
    assert_eq!(whole("event\ndata: 1\n\n"), [(None, "1".into(), true)]);
}

#[test]
fn comments_and_events_without_data_are_not_dispatched() {
    assert_eq!(whole(": hello\n\nevent: ping\n\ndata: 1\n: in between\n\n"), [(None, "1".into(), true)]);
}

#[test]
fn a_stray_prefix_before_the_name_is_dropped() {
    assert_eq!(whole("event: content_event: message_delta \ndata: {}\n\n"), [named("message_delta", "{}")]);
}

#[test]
fn the_byte_order_mark_is_dropped_only_at_the_start() {
    let stream = b"\xEF\xBB\xBFdata: \xEF\xBB\xBF\n\n".as_slice();
    let expected = vec![(None, "\u{feff}".to_owned(), true)];
    assert_eq!(decode([stream]).0, expected);
    assert_eq!(decode(stream.chunks(1)).0, expected);
    // Half a mark is no mark: the line is a field nobody knows.
    assert_eq!(decode(b"\xEF\xBBdata: x\n\n".chunks(1)).0, []);
}

#[test]
fn the_end_of_the_stream_flushes_what_is_there() {
    let cut = |stream| whole(stream).pop().unwrap();
    assert_eq!(cut("event: e\ndata: {}\n"), (Some("e".into()), "{}".into(), false));
    assert_eq!(cut("event: e\ndata: {}"), (Some("e".into()), "{}".into(), false));
    assert_eq!(cut("data: a\ndata: b"), (None, "a\nb".into(), false));
    assert_eq!(whole("event: e\n"), []);
    assert_eq!(whole(": comm"), []);
    assert_eq!(whole("data: 1\n\n").len(), 1);
}

#[test]
fn boundaries() {
    for at in [
        "",
        "data: 1\n\n",
        ": c\n",
        ": c\n\n\n",
        "event: e\n\n",
        "data: 1\r\n\r\n",
        "data: 1\r\r",
        "\r\r",
        "\u{feff}",
    ] {
        assert!(boundary_after(at), "{at:?}");
    }
    for inside in [
        "d",
        "data: 1\n",
        "id: 1\n",
        ": c",
        "data: 1\r",
        "data: 1\r\n",
        "data: 1\r\n\r",
        "\r",
        "data: 1\n\nx",
    ] {
        assert!(!boundary_after(inside), "{inside:?}");
    }
    assert!(decode(b"\xEF\xBB\xBFdata: 1\n\n".chunks(1)).1.iter().filter(|b| b.1).count() == 2);
}

#[test]
fn an_event_within_one_piece_is_not_copied() {
    let piece = b"event: e\ndata: payload\n\n".as_slice();
    let mut seen = 0;
    Decoder::new()
        .feed(piece, &mut |e| {
            assert!(piece.as_ptr_range().contains(&e.data.as_ptr()));
            seen += 1;
        })
        .unwrap();
    assert_eq!(seen, 1);
}

#[test]
fn an_event_above_the_limit_ends_decoding_for_good() {
    let stream = format!("data: 1\n\ndata: {}\n\ndata: 2\n\n", "x".repeat(50));
    for size in [1, 7, stream.len()] {
        let (mut events, mut result) = (Vec::new(), Ok(()));
        let mut decoder = Decoder::with_limit(40);
        for piece in stream.as_bytes().chunks(size) {
            result = decoder.feed(piece, &mut |e| events.push(owned(e).1));
        }
        assert_eq!(result, Err(Overflow { limit: 40 }));
        decoder.finish(&mut |e| events.push(owned(e).1));
        assert_eq!(events, ["1"], "pieces of {size}");
        assert!(!decoder.at_boundary());
    }
    let many_lines = "data: 123456789\n".repeat(4);
    assert!(Decoder::with_limit(40).feed(many_lines.as_bytes(), &mut |_| ()).is_err());
    let small_events = "data: 123456789\n\n: comment that is long\n".repeat(100);
    assert!(Decoder::with_limit(40).feed(small_events.as_bytes(), &mut |_| ()).is_ok());
}

#[test]
fn the_kind_comes_from_the_name_else_from_the_data() {
    let kind = |name: Option<&str>, data: &str| {
        Event { name: name.map(str::as_bytes), data: data.as_bytes(), terminated: true }.kind()
    };
    assert_eq!(kind(Some("message_stop"), ""), EventKind::MessageStop);
    assert_eq!(kind(None, r#"{"type":"content_block_delta","index":0"#), EventKind::ContentBlockDelta);
    assert_eq!(kind(None, r#" { "index": {"type":"ping"}, "type" : "error" }"#), EventKind::Error);
    assert_eq!(kind(Some("message"), r#"{"type":"message_start"}"#), EventKind::MessageStart);
    assert_eq!(kind(None, r#"{"index":0,"type":5}"#), EventKind::Other);
    assert_eq!(kind(None, "[DONE]"), EventKind::Other);
    assert_eq!(kind(Some("vendor_news"), "{}"), EventKind::Other);
}

/// Cuts bytes into pieces of the given sizes, over and over.
fn cut<'a>(bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let (mut pieces, mut rest) = (Vec::new(), bytes);
    for size in sizes.iter().cycle() {
        let (piece, tail) = rest.split_at((*size).min(rest.len()));
        pieces.push(piece);
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    pieces
}

fn check_cuts(bytes: &[u8], sizes: &[usize]) {
    let (events, boundaries) = decode(bytes.chunks(1));
    let (cut_events, cut_boundaries) = decode(cut(bytes, sizes));
    assert_eq!(cut_events, events);
    for (at, boundary) in cut_boundaries.into_iter().filter(|(at, _)| *at > 0) {
        assert_eq!(boundary, boundaries[at - 1].1, "after {at} bytes");
    }
    assert_eq!(decode([bytes]).0, events);
}

proptest! {
    #[test]
    fn cuts_change_nothing_in_real_streams(
        words in 0usize..6,
        sizes in prop::collection::vec(1usize..400, 1..20),
        end in prop::sample::select(vec![LineEnd::Lf, LineEnd::CrLf, LineEnd::Cr]),
    ) {
        check_cuts(&with_line_ends(&full_stream(words), end), &sizes);
    }

    #[test]
    fn cuts_change_nothing_in_any_lines(
        stream in "\u{feff}?(data|data: |event: |id: 1|:|: c|\u{feff}|[a-zé:]{1,3}|\n|\r|\r\n){0,40}",
        sizes in prop::collection::vec(0usize..9, 1..8),
    ) {
        prop_assume!(sizes.iter().any(|s| *s > 0));
        check_cuts(stream.as_bytes(), &sizes);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut decoder = Decoder::with_limit(64);
        let _ = decoder.feed(&bytes, &mut |e| { e.kind(); });
        decoder.finish(&mut |e| { e.kind(); });
    }

    #[test]
    fn a_boundary_is_where_an_event_of_ours_changes_no_other(
        words in 0usize..4,
        end in prop::sample::select(vec![LineEnd::Lf, LineEnd::CrLf, LineEnd::Cr]),
        at in any::<prop::sample::Index>(),
    ) {
        let bytes = with_line_ends(&full_stream(words), end);
        let at = at.index(bytes.len() + 1);
        let ours = b"event: ours\ndata: {}\n\n".as_slice();
        let (events, boundaries) = decode([&bytes[..at], &bytes[at..]]);
        if boundaries[0].1 {
            let (mut with_ours, _) = decode([&bytes[..at], ours, &bytes[at..]]);
            let before = with_ours.len();
            with_ours.retain(|e| e.0.as_deref() != Some("ours"));
            prop_assert_eq!(before, with_ours.len() + 1);
            prop_assert_eq!(with_ours, events);
        }
    }
}
