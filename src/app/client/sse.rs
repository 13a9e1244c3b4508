//! Server-sent events as the admin port writes them, from bytes in whatever pieces they arrive.
//!
//! Rules (WHATWG "server-sent events"):
//! - lines end with LF, CRLF or CR; comments (`: …`) and unknown fields are skipped;
//! - a blank line ends an event; without any data line nothing is dispatched;
//! - several data lines are joined with LF; an event without a name is a `message`;
//! - what has no blank line when the stream ends was cut, and is dropped.
//!
//! Unlike [`crate::claude::sse`], which looks into other people's streams on the hot path and is lenient, this one keeps
//! ids and is strict.

use std::collections::VecDeque;

use memchr::memchr2;

/// Bytes of one event: a snapshot with its two hundred requests has a few hundred kilobytes.
const LIMIT: usize = 64 * 1024 * 1024;

/// One event.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Event {
    /// Its `id`, if it has one of its own.
    pub id: Option<String>,
    /// Its type; `message` without one.
    pub name: String,
    /// Its data lines, joined with LF.
    pub data: String,
}

/// An event larger than any real one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an event is larger than {LIMIT} bytes")]
pub(super) struct TooLarge;

/// The state between two pieces.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// A line whose end has not come yet.
    line: Vec<u8>,
    /// The last byte was a CR: an LF right behind it belongs to it.
    after_cr: bool,
    event: Event,
    /// A data line has come.
    has_data: bool,
}

impl Reader {
    /// Takes the next piece; what it completes goes to the end of `ready`.
    ///
    /// # Errors
    /// [`TooLarge`], after which the stream makes no sense any more.
    pub(super) fn feed(&mut self, piece: &[u8], ready: &mut VecDeque<Event>) -> Result<(), TooLarge> {
        let mut rest = piece;
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_cr) {
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            }
            let Some(end) = memchr2(b'\n', b'\r', rest) else {
                self.line.extend_from_slice(rest);
                return self.check();
            };
            self.line.extend_from_slice(&rest[..end]);
            self.check()?;
            self.after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            ready.extend(self.end_line());
        }
        Ok(())
    }

    fn check(&self) -> Result<(), TooLarge> {
        if self.line.len() + self.event.data.len() > LIMIT { Err(TooLarge) } else { Ok(()) }
    }

    /// Takes the line that is whole now; an event if it was a blank one behind data.
    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return self.dispatch();
        }
        let text = String::from_utf8_lossy(&line);
        let (field, value) = text.split_once(':').unwrap_or((&text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "id" if !value.contains('\0') => self.event.id = Some(value.to_owned()),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Event> {
        let mut event = std::mem::take(&mut self.event);
        if event.name.is_empty() {
            "message".clone_into(&mut event.name);
        }
        std::mem::take(&mut self.has_data).then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str = ": ping\n\nid: 7-1\nevent: snapshot\ndata: {\"at\": \"ü\"}\n\n\
        event: state\r\ndata:1\r\ndata: 2\r\ndata\r\n\r\nid:7-3\rdata: x: y\r\r\
        id: 9\nevent: dropped\n\n\nretry: 5\ndata: last\n\nid: 7-4\ndata: cut";

    fn event(id: Option<&str>, name: &str, data: &str) -> Event {
        Event { id: id.map(str::to_owned), name: name.to_owned(), data: data.to_owned() }
    }

    fn expected() -> Vec<Event> {
        vec![
            event(Some("7-1"), "snapshot", "{\"at\": \"ü\"}"),
            event(None, "state", "1\n2\n"),
            event(Some("7-3"), "message", "x: y"),
            event(None, "message", "last"),
        ]
    }

    fn read<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<Event> {
        let (mut reader, mut ready) = (Reader::default(), VecDeque::new());
        pieces.into_iter().for_each(|piece| reader.feed(piece, &mut ready).unwrap());
        ready.into()
    }

    #[test]
    fn events_come_as_they_were_written() {
        assert_eq!(read([STREAM.as_bytes()]), expected());
        assert_eq!(read(STREAM.as_bytes().chunks(1)), expected());
        assert_eq!(read([&b"data: a\r"[..], b"\n\r", b"\n"]), [event(None, "message", "a")]);
    }

    proptest! {
        #[test]
        fn however_they_are_cut(cuts in prop::collection::vec(0..STREAM.len(), 0..12)) {
            let mut cuts = cuts;
            cuts.extend([0, STREAM.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|cut| &STREAM.as_bytes()[cut[0]..cut[1]]);
            prop_assert_eq!(read(pieces), expected());
        }

        #[test]
        fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(read([&bytes[..]]), read(bytes.chunks(1)));
        }
    }

    #[test]
    fn an_event_without_end_is_given_up() {
        let (mut reader, mut ready) = (Reader::default(), VecDeque::new());
        let piece = vec![b'x'; LIMIT / 4];
        let fed: Vec<bool> = (0..5).map(|_| reader.feed(&piece, &mut ready).is_ok()).collect();
        assert_eq!(fed, [true, true, true, true, false]);
    }
}
