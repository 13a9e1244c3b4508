//! Holding an answer back until it is known to be real.
//!
//! Head and body wait here; what comes out is either everything held so far, to be released unchanged and in order, or
//! the reason why it was none.

use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, sleep_until};

use super::inspect::{Gate, Inspector};
use crate::claude::gate::{GateFailure, Ruling};
use crate::domain::outcome::Transport;

/// Most that is held of a stream.
pub const MAX_STREAM: usize = 64 * 1024;
/// Most that is held of another body.
pub const MAX_BODY: usize = 1024 * 1024;
/// Largest frame made of what was kept. A frame that was handed over counts as sent, whether its client took it or not.
const FRAME: usize = 256 * 1024;

/// How long and how much is held.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes as they came.
    pub bytes: usize,
    /// From the first byte.
    pub hold: Option<Duration>,
    /// Between two bytes, the first included; `None` for ever.
    pub idle: Option<Duration>,
}

/// What was held.
#[derive(Debug, Default)]
pub struct Held {
    /// In order; empty while the inspector keeps them.
    pub frames: Vec<Bytes>,
    /// Their length.
    pub bytes: usize,
    /// The body has ended.
    pub ended: bool,
}

/// Why a held answer was none.
#[derive(Debug, PartialEq, Eq)]
pub enum NotReal {
    /// Its content says so.
    Gate(GateFailure),
    /// The connection failed.
    Transport(Transport),
}

impl Held {
    fn add(&mut self, data: Bytes, inspector: &Inspector) {
        self.bytes += data.len();
        if !inspector.keeps() {
            self.frames.push(data);
        }
    }

    /// Takes what the inspector has kept, in frames.
    fn take_kept(&mut self, inspector: &mut Inspector) {
        let mut kept = inspector.share_kept().unwrap_or_default();
        while !kept.is_empty() {
            self.frames.push(kept.split_to(FRAME.min(kept.len())));
        }
    }
}

/// Holds until the gate rules, or a limit is reached. The endpoint was last `heard` at its head.
pub async fn until_real<B: Body<Data = Bytes> + Unpin>(
    body: &mut B,
    inspector: &mut Inspector,
    gate: &mut Gate,
    limits: Limits,
    heard: Instant,
) -> (Held, Result<(), NotReal>) {
    let mut held = Held::default();
    let ruling = hold(&mut held, body, inspector, gate, limits, heard).await;
    held.take_kept(inspector);
    (held, ruling)
}

async fn hold<B: Body<Data = Bytes> + Unpin>(
    held: &mut Held,
    body: &mut B,
    inspector: &mut Inspector,
    gate: &mut Gate,
    limits: Limits,
    heard: Instant,
) -> Result<(), NotReal> {
    let mut idle_end = limits.idle.map(|d| heard + d);
    let mut hold_end = None;
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = at(hold_end) => return accept(gate.expire()),
            () = at(idle_end) => return Err(NotReal::Transport(Transport::IdleTimeout)),
        };
        let ruling = match frame {
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else { continue };
                if data.is_empty() {
                    continue;
                }
                let ruling = inspector.feed_gated(&data, gate);
                held.add(data, inspector);
                if ruling == Ruling::Hold && held.bytes >= limits.bytes { gate.expire() } else { ruling }
            }
            Some(Err(_)) if held.bytes == 0 => return Err(NotReal::Transport(Transport::Reset)),
            Some(Err(_)) => return Err(NotReal::Gate(GateFailure::Cut)),
            None => {
                held.ended = true;
                // Before it is judged: then the bytes are let go.
                held.take_kept(inspector);
                inspector.end_gated(gate)
            }
        };
        if ruling != Ruling::Hold {
            return accept(ruling);
        }
        let now = Instant::now();
        idle_end = limits.idle.map(|d| now + d);
        hold_end = hold_end.or_else(|| limits.hold.map(|d| now + d));
    }
}

fn accept(ruling: Ruling) -> Result<(), NotReal> {
    match ruling {
        Ruling::Fail(failure) => Err(NotReal::Gate(failure)),
        Ruling::Commit | Ruling::Hold => Ok(()),
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use http::HeaderMap;
    use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
    use http_body::Frame;
    use http_body_util::StreamBody;
    use proptest::prelude::*;

    use super::*;
    use crate::claude::request::Class;

    proptest! {
        #[test]
        fn what_was_held_is_what_came(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
            announced in prop_oneof![Just(None), (0_usize..300).prop_map(Some), Just(Some(MAX_BODY + 1))],
            truthfully: bool,
            zipped: bool,
            stream: bool,
        ) {
            let whole = pieces.concat();
            let announced = if truthfully { announced.map(|_| whole.len()) } else { announced };
            let mut headers = HeaderMap::new();
            headers.extend(announced.map(|n| (CONTENT_LENGTH, n.into())));
            headers.extend(zipped.then(|| (CONTENT_ENCODING, "gzip".parse().unwrap())));
            let mut inspector = Inspector::new(stream, &headers);
            let mut gate = Gate::new(Class::Messages, stream, false);
            let mut held = Held::default();
            for piece in pieces {
                let piece = Bytes::from(piece);
                inspector.feed_gated(&piece, &mut gate);
                held.add(piece, &inspector);
            }
            held.take_kept(&mut inspector);
            held.take_kept(&mut inspector);
            prop_assert_eq!(held.bytes, whole.len());
            prop_assert_eq!(held.frames.concat(), whole);
        }
    }

    #[derive(Clone, Copy, PartialEq, Debug)]
    enum Tail {
        End,
        Error,
        Silence,
        Trailers,
    }

    type Piece = Result<Frame<Bytes>, &'static str>;

    fn stream_of(pieces: &[&'static [u8]], tail: Tail) -> impl Body<Data = Bytes> + Unpin {
        let mut frames: Vec<Piece> = pieces.iter().map(|p| Ok(Frame::data(Bytes::from_static(p)))).collect();
        match tail {
            Tail::Error => frames.push(Err("reset")),
            Tail::Trailers => frames.push(Ok(Frame::trailers(HeaderMap::new()))),
            Tail::End | Tail::Silence => {}
        }
        let silence = stream::pending().take(usize::from(tail == Tail::Silence));
        StreamBody::new(stream::iter(frames).chain(silence))
    }

    #[tokio::test(start_paused = true)]
    async fn however_an_answer_ends_all_that_came_of_it_is_released() {
        const WHOLE: &[u8] =
            br#"{"type":"message","content":[{"type":"text","text":"hello"}],"usage":{"output_tokens":1}}"#;
        const ERROR: &[u8] = br#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#;
        let limits = Limits { bytes: MAX_BODY, hold: None, idle: Some(Duration::from_secs(1)) };
        let run = async |pieces: &[&'static [u8]], tail, announced: Option<usize>| {
            let headers = HeaderMap::from_iter(announced.map(|n| (CONTENT_LENGTH, n.into())));
            let mut inspector = Inspector::new(false, &headers);
            let mut gate = Gate::new(Class::Messages, false, false);
            let mut body = stream_of(pieces, tail);
            let (held, ruling) =
                until_real(&mut body, &mut inspector, &mut gate, limits, Instant::now()).await;
            assert!(!inspector.keeps());
            (held.frames.concat(), held.bytes, held.ended, ruling, inspector.usage(true))
        };
        for body in [WHOLE, ERROR, b"<html></html>"] {
            for cut in 1..body.len() {
                let pieces = [&body[..cut], b"", &body[cut..]];
                for tail in [Tail::End, Tail::Error, Tail::Silence, Tail::Trailers] {
                    let as_it_came = run(&pieces, tail, None).await;
                    assert!(body.starts_with(&as_it_came.0));
                    for announced in [body.len(), body.len() + 9, cut, MAX_BODY] {
                        let kept = run(&pieces, tail, Some(announced)).await;
                        assert_eq!(kept, as_it_came, "cut at {cut}, {tail:?}, announced {announced}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_was_kept_leaves_in_frames_that_can_be_counted() {
        let headers = HeaderMap::from_iter([(CONTENT_LENGTH, (2 * FRAME + 3).into())]);
        let mut inspector = Inspector::new(false, &headers);
        let mut gate = Gate::new(Class::Messages, false, false);
        let mut held = Held::default();
        for piece in [Bytes::from(vec![b' '; FRAME]), Bytes::from(vec![b' '; FRAME + 3])] {
            inspector.feed_gated(&piece, &mut gate);
            held.add(piece, &inspector);
        }
        held.take_kept(&mut inspector);
        assert_eq!(held.frames.iter().map(Bytes::len).collect::<Vec<_>>(), [FRAME, FRAME, 3]);
    }

    #[test]
    fn an_answer_of_known_length_is_kept_once() {
        let headers = HeaderMap::from_iter([(CONTENT_LENGTH, 9.into())]);
        let mut inspector = Inspector::new(false, &headers);
        let mut gate = Gate::new(Class::Messages, false, false);
        let mut held = Held::default();
        let first = Bytes::from(b"{\"a\"".to_vec());
        for piece in [first.clone(), Bytes::from_static(b":1}  ")] {
            inspector.feed_gated(&piece, &mut gate);
            held.add(piece, &inspector);
        }
        assert!(held.frames.is_empty() && first.is_unique(), "what it was read into is free");
        held.take_kept(&mut inspector);
        assert_eq!(held.frames, [&b"{\"a\":1}  "[..]]);
    }
}
