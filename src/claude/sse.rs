//! Incremental decoder for server-sent events, fed with response bytes in whatever pieces they arrive.
//!
//! It runs beside every streamed byte, so it copies nothing when an event lies within one piece, and never works byte
//! by byte.
//!
//! Rules (WHATWG "server-sent events" where it speaks, lenient where upstreams are sloppy):
//! - lines end with LF, CRLF or CR; a leading byte order mark is dropped; comments (`: …`) are skipped;
//! - `data:` and `event:` with or without one space after the colon; several data lines are joined with LF;
//! - `id`, `retry` and unknown fields are ignored, but belong to their event;
//! - a blank line ends an event. Without any data line it is not dispatched;
//! - of a sloppy name such as `x: message_delta` the part after the last colon counts;
//! - the same bytes give the same events, [`Decoder::at_boundary`] and errors however they are cut into pieces;
//! - an event above the limit is [`Overflow`], for good: the stream is forwarded all the same, only not understood.

use std::mem;

use memchr::{memchr, memchr2, memrchr};

mod kind;
#[cfg(test)]
mod tests;

pub use kind::EventKind;

/// The largest event that is decoded unless told otherwise. The largest real ones are results of server tools, which
/// come whole in one `content_block_start`: a few MiB.
pub const DEFAULT_LIMIT: usize = 8 * 1024 * 1024;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One dispatched event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event<'a> {
    /// Its `event:` name, cleaned up; `None` in data-only streams.
    pub name: Option<&'a [u8]>,
    /// Its data lines, joined with LF.
    pub data: &'a [u8],
    /// False only for the last event of a stream that ended without the blank line; its data may be cut.
    pub terminated: bool,
}

impl Event<'_> {
    /// Which of the API's events this is.
    pub fn kind(&self) -> EventKind {
        EventKind::of(self)
    }
}

/// An event is larger than the decoder's limit; nothing more will be decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an event of the stream is larger than {limit} bytes")]
pub struct Overflow {
    /// The limit in bytes.
    pub limit: usize,
}

/// The decoder: state between the pieces of one response.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    overflowed: bool,
    /// How much of a leading byte order mark has come; its whole length once the question is settled.
    bom: usize,
    /// The last byte was a CR: a following LF belongs to it.
    after_cr: bool,
    /// A CR without LF has ended a line here, so a CR as the last byte is a whole line end.
    lone_cr: bool,
    /// A line whose end has not come yet.
    line: Vec<u8>,
    /// Fields of the open event that came in earlier pieces.
    name: Option<Vec<u8>>,
    data: Option<Vec<u8>>,
    /// A field has come since the last blank line.
    open: bool,
    /// Bytes in the finished lines of the open event.
    size: usize,
}

/// Fields of the open event that lie in the piece at hand.
#[derive(Default)]
struct Fresh<'c> {
    name: Option<&'c [u8]>,
    data: Option<&'c [u8]>,
}

enum Field<'c> {
    Event(&'c [u8]),
    Data(&'c [u8]),
    Comment,
    Other,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder at the start of a stream, with [`DEFAULT_LIMIT`].
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }

    /// A decoder that gives up on events with more than `limit` bytes in their lines. It holds at most about twice that.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            overflowed: false,
            bom: 0,
            after_cr: false,
            lone_cr: false,
            line: Vec::new(),
            name: None,
            data: None,
            open: false,
            size: 0,
        }
    }

    /// Takes the next piece and hands every event that it completes to `sink`.
    ///
    /// # Errors
    /// [`Overflow`] when an event exceeds the limit, now and ever after.
    pub fn feed(&mut self, chunk: &[u8], sink: &mut impl FnMut(Event<'_>)) -> Result<(), Overflow> {
        let mut rest = self.skip_bom(chunk);
        let mut fresh = Fresh::default();
        loop {
            rest = self.skip_lf_of_crlf(rest);
            let Some(end) = memchr2(b'\n', b'\r', rest) else { break };
            let (line, tail) = (&rest[..end], &rest[end + 1..]);
            self.after_cr = rest[end] == b'\r';
            rest = tail;
            if self.line.is_empty() {
                self.admit(line.len())?;
                self.take_line(line, &mut fresh, sink);
            } else {
                self.take_split_line(line, sink)?;
            }
        }
        self.keep(fresh);
        self.hold(rest)
    }

    /// The stream has ended: takes a last line without its end and dispatches an event without its blank line. Where it
    /// has ended stays [`Decoder::at_boundary`]'s to tell.
    pub fn finish(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        if self.overflowed {
            return;
        }
        let inside_event = !self.at_boundary();
        if !self.line.is_empty() && self.take_split_line(b"", sink).is_err() {
            return;
        }
        self.dispatch(&Fresh::default(), false, sink);
        self.open = inside_event;
    }

    /// True when nothing of an unfinished event or line has been fed, so that an event of our own may be written here.
    ///
    /// After the second CR of `CR LF CR` the event is over, but an LF will most likely follow: that is no boundary yet,
    /// unless this stream has shown that it ends its lines with CR alone. Before the first byte the answer is true,
    /// though a byte order mark (which no API sends) would then not be the first thing any more.
    pub fn at_boundary(&self) -> bool {
        let inside_line_end = self.after_cr && !self.lone_cr;
        let inside_bom = self.bom != 0 && self.bom != BOM.len();
        !(self.open || inside_line_end || inside_bom || self.overflowed) && self.line.is_empty()
    }

    fn skip_bom<'c>(&mut self, chunk: &'c [u8]) -> &'c [u8] {
        let mut rest = chunk;
        while self.bom < BOM.len() {
            match rest.split_first() {
                Some((byte, tail)) if *byte == BOM[self.bom] => {
                    self.bom += 1;
                    rest = tail;
                }
                Some(_) => {
                    self.line.extend_from_slice(&BOM[..self.bom]);
                    self.bom = BOM.len();
                }
                None => break,
            }
        }
        rest
    }

    fn skip_lf_of_crlf<'c>(&mut self, rest: &'c [u8]) -> &'c [u8] {
        if !self.after_cr || rest.is_empty() {
            return rest;
        }
        self.after_cr = false;
        rest.strip_prefix(b"\n").unwrap_or_else(|| {
            self.lone_cr = true;
            rest
        })
    }

    fn admit(&mut self, more: usize) -> Result<(), Overflow> {
        self.overflowed |= self.size + more > self.limit;
        if self.overflowed { Err(Overflow { limit: self.limit }) } else { Ok(()) }
    }

    /// One whole line without its end. Field values are borrowed from it into `fresh`.
    fn take_line<'c>(&mut self, line: &'c [u8], fresh: &mut Fresh<'c>, sink: &mut impl FnMut(Event<'_>)) {
        if line.is_empty() {
            self.dispatch(fresh, true, sink);
            *fresh = Fresh::default();
            return;
        }
        match field(line) {
            Field::Data(value) => self.take_data(value, fresh),
            Field::Event(value) => fresh.name = Some(value),
            Field::Other => {}
            Field::Comment => return,
        }
        self.open = true;
        self.size += line.len();
    }

    fn take_data<'c>(&mut self, value: &'c [u8], fresh: &mut Fresh<'c>) {
        if fresh.data.is_none() && self.data.is_none() {
            fresh.data = Some(value);
            return;
        }
        if let Some(earlier) = fresh.data.take() {
            self.append_data(earlier);
        }
        self.append_data(value);
    }

    fn append_data(&mut self, value: &[u8]) {
        match &mut self.data {
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            None => self.data = Some(value.to_vec()),
        }
    }

    /// The end of a line that began in an earlier piece. At most one per piece, and the first line of it.
    fn take_split_line(&mut self, tail: &[u8], sink: &mut impl FnMut(Event<'_>)) -> Result<(), Overflow> {
        self.admit(self.line.len() + tail.len())?;
        self.line.extend_from_slice(tail);
        let mut line = mem::take(&mut self.line);
        let mut fresh = Fresh::default();
        self.take_line(&line, &mut fresh, sink);
        self.keep(fresh);
        line.clear();
        self.line = line;
        Ok(())
    }

    /// Copies what is borrowed from a piece that is about to go away.
    fn keep(&mut self, fresh: Fresh<'_>) {
        if let Some(name) = fresh.name {
            self.name = Some(name.to_vec());
        }
        if let Some(data) = fresh.data {
            self.append_data(data);
        }
    }

    fn hold(&mut self, start_of_line: &[u8]) -> Result<(), Overflow> {
        self.admit(self.line.len() + start_of_line.len())?;
        self.line.extend_from_slice(start_of_line);
        Ok(())
    }

    fn dispatch(&mut self, fresh: &Fresh<'_>, terminated: bool, sink: &mut impl FnMut(Event<'_>)) {
        if let Some(data) = fresh.data.or(self.data.as_deref()) {
            let name = fresh.name.or(self.name.as_deref()).map(clean_name).filter(|n| !n.is_empty());
            sink(Event { name, data, terminated });
        }
        self.name = None;
        self.data = None;
        self.open = false;
        self.size = 0;
    }
}

fn field(line: &[u8]) -> Field<'_> {
    if let Some(value) = line.strip_prefix(b"data:") {
        return Field::Data(without_space(value));
    }
    if let Some(value) = line.strip_prefix(b"event:") {
        return Field::Event(without_space(value));
    }
    match memchr(b':', line) {
        Some(0) => Field::Comment,
        None if line == b"data" => Field::Data(b""),
        None if line == b"event" => Field::Event(b""),
        _ => Field::Other,
    }
}

fn without_space(value: &[u8]) -> &[u8] {
    value.strip_prefix(b" ").unwrap_or(value)
}

fn clean_name(name: &[u8]) -> &[u8] {
    let start = memrchr(b':', name).map_or(0, |colon| colon + 1);
    name[start..].trim_ascii()
}
