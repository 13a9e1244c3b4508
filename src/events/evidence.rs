//! What was said on the wire about the newest requests: the headers they came with, and what endpoints answered that
//! failed them. In memory only, for whoever looks; never in the store, the log or the feed of events.
//!
//! | rule | why |
//! |---|---|
//! | nothing is collected until somebody [opens](Ring::open) it: a screen, an admin port | a forwarder that nobody can look into pays nothing |
//! | of the last [`MAX_REQUESTS`], and [`MAX_BYTES`] in all; the oldest go first | it may run for months |
//! | per request [`MAX_HEADERS`] of headers and the last [`MAX_REFUSALS`] answers, of each [`MAX_BODY`] of its body | one request must not push out all others |
//! | whoever puts something in has masked its secrets | what was never here cannot be read here |
//! | an answer that was found good, or that broke after its start, has no place here | its bytes are the client's |
//! | who writes holds the lock for one push, who reads for one copy | the data path waits for nobody |

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::RequestId;

/// Requests kept.
pub const MAX_REQUESTS: usize = 1_000;
/// Bytes kept, over all requests.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of the headers of one message; what does not fit is counted.
pub const MAX_HEADERS: usize = 8 * 1024;
/// Answers of one request; the oldest go.
pub const MAX_REFUSALS: usize = 16;
/// Bytes of one body, decoded.
pub const MAX_BODY: usize = 4 * 1024;

/// What is kept of one request.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RequestEvidence)]
pub struct Evidence {
    /// What the client's request said of itself, without the header that let it in.
    pub request: Head,
    /// The answers that failed it, in the order of the attempts. Attempts without an answer have none.
    pub refusals: Vec<Arc<Refusal>>,
    /// Earlier answers that are not kept any more.
    pub forgotten: u32,
}

/// The headers of a message.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = KeptHeaders)]
pub struct Head {
    /// In order.
    pub headers: Vec<Header>,
    /// Headers that are not kept because there are too many.
    pub left_out: u32,
}

/// One header.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = KeptHeader)]
pub struct Header {
    /// In lower case.
    pub name: String,
    /// Secrets are `***`; bytes that are no text are `\xNN`.
    pub value: String,
}

/// An answer that failed an attempt.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RefusedAnswer)]
pub struct Refusal {
    /// Counted from 1.
    pub attempt: u32,
    /// Its HTTP status; 200 for an answer whose body was none.
    pub status: u16,
    /// Its headers, without those that tell browsers what to do.
    pub head: Head,
    /// Its body without its coding, the beginning at least. Secrets are `***`; bytes that are no text are `\xNN`, control
    /// characters `\u{N}`.
    pub body: String,
    /// Bytes of its body as it came, as far as it did.
    pub bytes: u64,
    /// How much of the body is here.
    pub extent: Extent,
    /// The client got this answer, for there was no better one.
    pub passed_on: bool,
}

/// How much of a body is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BodyExtent)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Its beginning: it is longer than what is kept.
    Beginning,
    /// What came of it: it broke off, or nobody waited for the rest.
    Unfinished,
    /// Nothing: it is coded in a way that cannot be decoded.
    Unreadable,
    /// Nothing: nobody read it.
    Unread,
}

/// Headers in one piece: they are many, and seldom looked at.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Lines {
    /// `name: value`, each followed by a line feed, which no value can hold.
    text: Box<str>,
    left_out: u32,
}

impl Lines {
    /// Of a text of such lines. What is too long for one header, or for all of them, is left out.
    pub fn new(text: String) -> Self {
        if text.len() <= MAX_HEADERS {
            return Self { text: text.into(), left_out: 0 };
        }
        let mut kept = String::with_capacity(MAX_HEADERS);
        let mut left_out = 0;
        for line in text.lines() {
            if kept.len() + line.len() < MAX_HEADERS {
                kept.push_str(line);
                kept.push('\n');
            } else {
                left_out += 1;
            }
        }
        Self { text: kept.into(), left_out }
    }

    /// Header by header.
    pub fn head(&self) -> Head {
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            Header { name: name.to_owned(), value: value.to_owned() }
        };
        Head { headers: self.text.lines().map(header).collect(), left_out: self.left_out }
    }
}

/// See the module. Cheap to clone; all clones are the same ring.
#[derive(Clone, Default, Debug)]
pub struct Ring(Arc<Shared>);

#[derive(Default, Debug)]
struct Shared {
    open: AtomicBool,
    kept: Mutex<Kept>,
}

#[derive(Default, Debug)]
struct Kept {
    /// The one accepted last at the end.
    requests: VecDeque<Entry>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    id: RequestId,
    request: Lines,
    refusals: Vec<Arc<Refusal>>,
    forgotten: u32,
}

impl Ring {
    /// From now on it is filled: somebody may look.
    #[must_use]
    pub fn open(&self) -> Self {
        self.0.open.store(true, Ordering::Relaxed);
        self.clone()
    }

    /// True while it is filled.
    pub fn is_open(&self) -> bool {
        self.0.open.load(Ordering::Relaxed)
    }

    /// A request came with these headers.
    pub fn accepted(&self, id: RequestId, request: Lines) {
        let entry = Entry { id, request, refusals: Vec::new(), forgotten: 0 };
        let mut kept = self.kept();
        kept.bytes += entry.size();
        kept.requests.push_back(entry);
        kept.trim();
    }

    /// One of its attempts failed with this answer, which may be told late. Of a request that is not kept any more nothing is.
    pub fn refused(&self, id: RequestId, refusal: Refusal) {
        let mut kept = self.kept();
        kept.change(id, |entry| {
            let place = entry.refusals.partition_point(|earlier| earlier.attempt <= refusal.attempt);
            entry.refusals.insert(place, Arc::new(refusal));
            if entry.refusals.len() > MAX_REFUSALS {
                entry.refusals.remove(0);
                entry.forgotten += 1;
            }
        });
        kept.trim();
    }

    /// The client gets the answer that this attempt failed with.
    pub fn passed_on(&self, id: RequestId, attempt: u32) {
        self.kept().change(id, |entry| {
            for refusal in entry.refusals.iter_mut().filter(|refusal| refusal.attempt == attempt) {
                Arc::make_mut(refusal).passed_on = true;
            }
        });
    }

    /// What is kept of this request.
    pub fn find(&self, id: RequestId) -> Option<Evidence> {
        let kept = self.kept();
        let entry = kept.requests.iter().rev().find(|entry| entry.id == id)?;
        let (request, refusals, forgotten) = (entry.request.clone(), entry.refusals.clone(), entry.forgotten);
        drop(kept);
        Some(Evidence { request: request.head(), refusals, forgotten })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn change(&mut self, id: RequestId, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.requests.iter_mut().rev().find(|entry| entry.id == id) {
            self.bytes -= entry.size();
            change(entry);
            self.bytes += entry.size();
        }
    }

    fn trim(&mut self) {
        while self.requests.len() > MAX_REQUESTS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.requests.pop_front() else { break };
            self.bytes -= oldest.size();
        }
    }
}

impl Entry {
    /// Bytes it takes, nearly.
    fn size(&self) -> usize {
        size_of::<Self>() + self.request.text.len() + self.refusals.iter().map(|r| r.size()).sum::<usize>()
    }
}

impl Refusal {
    fn size(&self) -> usize {
        let header = |header: &Header| size_of::<Header>() + header.name.len() + header.value.len();
        size_of::<Self>() + self.body.len() + self.head.headers.iter().map(header).sum::<usize>()
    }
}

#[cfg(test)]
mod tests;
