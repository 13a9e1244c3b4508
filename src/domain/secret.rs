//! Values that must never be read by a person who was not given them, and the scrubber that catches them in text.
//!
//! [`Secret`] cannot be printed: `Debug` and `Display` give `***`, and it does not serialise.
//! [`Redactor`] is the second line: it replaces every known secret inside arbitrary text (an error of a library,
//! a URL in a log line) before that text leaves the program.

use std::fmt;
use std::sync::Arc;

use memchr::memmem::Finder;
use subtle::ConstantTimeEq;

/// What stands where a secret was.
pub const MASK: &str = "***";

/// A credential or another value from a secret source. Reading it takes the explicit [`Secret::expose`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<Arc<str>>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the wire only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True when `shown` is this value. Takes as long for a value that is nearly right; an empty secret lets nobody in.
    pub fn is(&self, shown: &[u8]) -> bool {
        !self.is_empty() && bool::from(shown.ct_eq(self.expose().as_bytes()))
    }

    /// True for an empty value, which authenticates nobody.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// What follows `Bearer ` in an `Authorization` header; nothing for other schemes.
pub fn bearer(value: &[u8]) -> &[u8] {
    match value.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token.trim_ascii(),
        _ => b"",
    }
}

/// Replaces known secrets in text. Cheap to clone; immutable.
#[derive(Clone, Default)]
pub struct Redactor {
    needles: Arc<[Needle]>,
}

/// A secret, and a search for it that is made ready once: every line of the log is searched for each.
struct Needle {
    text: Arc<str>,
    finder: Finder<'static>,
}

/// Values shorter than this are too common to replace in free text (`"1"` as a header value would mask every digit).
const SHORTEST_NEEDLE: usize = 5;

impl Redactor {
    /// A redactor for these values. Longer ones are replaced first, so that a secret containing another one leaves
    /// nothing behind.
    pub fn new<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> Self {
        let mut needles: Vec<Arc<str>> = values
            .into_iter()
            .filter(|v| v.as_ref().len() >= SHORTEST_NEEDLE)
            .map(|v| Arc::from(v.as_ref()))
            .collect();
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
        Self { needles: needles.into_iter().map(Needle::new).collect() }
    }

    /// A redactor for the values of both.
    pub fn and(&self, other: &Self) -> Self {
        Self::new(self.needles.iter().chain(other.needles.iter()).map(|needle| &*needle.text))
    }

    /// True when nothing would ever be replaced.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// The text with every known secret replaced by [`MASK`]; borrowed when nothing had to change.
    pub fn scrub<'a>(&self, text: &'a str) -> std::borrow::Cow<'a, str> {
        let mut out = std::borrow::Cow::Borrowed(text);
        for needle in self.needles.iter() {
            if needle.finder.find(out.as_bytes()).is_some() {
                out = std::borrow::Cow::Owned(out.replace(&*needle.text, MASK));
            }
        }
        out
    }
}

impl Needle {
    fn new(text: Arc<str>) -> Self {
        let finder = Finder::new(text.as_bytes()).into_owned();
        Self { text, finder }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} values)", self.needles.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        let s = Secret::new("sk-canary");
        assert_eq!(format!("{s} {s:?}"), "*** ***");
    }

    #[test]
    fn scrub_replaces_longest_first() {
        let r = Redactor::new(["sk-abc", "sk-abcdef", "x"]);
        assert_eq!(r.scrub("a sk-abcdef b sk-abc x"), "a *** b *** x");
        let both = r.and(&Redactor::new(["sk-abcdefgh", "sk-abc"]));
        assert_eq!(both.scrub("a sk-abcdefgh b sk-abc x"), "a *** b *** x");
        assert!(matches!(r.scrub("nothing"), std::borrow::Cow::Borrowed(_)));
    }
}
