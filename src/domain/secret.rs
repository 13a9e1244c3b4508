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

/// True for the name of a header, in lower case, whose value is nobody's to read: one of its parts ends in a word for
/// secrets. Part by part, so that `anthropic-ratelimit-tokens-limit` is none of them.
pub fn is_secret_header(name: &str) -> bool {
    // Limits are counted in tokens; anywhere else the word at the end means secrets.
    let tokens = name.ends_with("tokens") && !name.contains("limit");
    tokens || name.as_bytes().split(|byte| matches!(byte, b'-' | b'_')).any(is_secret_part)
}

/// Every header of every request comes by here: most parts are told by their last byte.
fn is_secret_part(part: &[u8]) -> bool {
    let words: &[&str] = match part.last() {
        Some(b'n') => &["authorization", "authentication", "token", "assertion"],
        Some(b'e') => &["authenticate", "cookie", "signature", "passphrase"],
        Some(b's') => &["credentials", "secrets", "keys"],
        Some(b'd') => &["password", "passwd", "pwd"],
        Some(b't') => &["secret", "jwt"],
        Some(b'h') => &["auth"],
        Some(b'y') => &["key"],
        Some(b'l') => &["credential"],
        Some(b'r') => &["bearer"],
        Some(b'2') => &["cookie2"],
        _ => &[],
    };
    words.iter().any(|word| part.ends_with(word.as_bytes()))
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

    /// As [`Self::scrub`], of a text whose end is missing: what may be the beginning of a secret there is replaced, too.
    pub fn scrub_start<'a>(&self, text: &'a str) -> std::borrow::Cow<'a, str> {
        let begun = self.needles.iter().map(|needle| needle.begun_at_the_end_of(text)).max().unwrap_or(0);
        match begun {
            0 => self.scrub(text),
            begun => (self.scrub(&text[..text.len() - begun]).into_owned() + MASK).into(),
        }
    }
}

impl Needle {
    fn new(text: Arc<str>) -> Self {
        let finder = Finder::new(text.as_bytes()).into_owned();
        Self { text, finder }
    }

    /// With so many bytes of this secret the text ends, in the middle of it; 0 when they are too few to be told from
    /// any others.
    fn begun_at_the_end_of(&self, text: &str) -> usize {
        let starts = (SHORTEST_NEEDLE..self.text.len()).rev();
        let ends = |&n: &usize| self.text.get(..n).is_some_and(|start| text.ends_with(start));
        starts.filter(|n| *n <= text.len()).find(ends).unwrap_or(0)
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

    #[test]
    fn half_a_secret_at_the_end_of_half_a_text_is_replaced() {
        let r = Redactor::new(["sk-abcdefgh", "sk-abc"]);
        for (text, clean) in [
            ("x sk-abcdefgh sk-abcdef", "x *** ***"),
            ("x sk-abcdefgh", "x ***"),
            ("x sk-ab", "x ***"),
            ("x sk-a", "x sk-a"),
            ("sk-abcdefg", "***"),
            ("", ""),
            ("x", "x"),
        ] {
            assert_eq!(r.scrub_start(text), clean, "{text}");
        }
        assert_eq!(Redactor::new(["ä日本語ü"]).scrub_start("x ä日"), "x ***");
    }

    #[test]
    fn names_tell_which_headers_are_secret() {
        let secret = "authorization proxy-authorization x-api-key cookie set-cookie www-authenticate x-litellm-apikey \
                      x-cc-forwarder-token cf-access-jwt-assertion x_auth_token x-goog-api-key x-amz-signature \
                      cookie2 x-secret x-client-secrets x-api-keys x-jwt x-bearer x-passwd x-pwd x-passphrase \
                      x-password x-credential x-credentials proxy-authenticate x-authentication x-auth-tokens";
        assert!(secret.split_whitespace().all(is_secret_header));
        let open = "content-type anthropic-version anthropic-ratelimit-input-tokens-remaining request-id user-agent \
                    x-claude-code-session-id retry-after host accept-encoding anthropic-beta x-stainless-os";
        assert_eq!(open.split_whitespace().find(|name| is_secret_header(name)), None);
    }
}
