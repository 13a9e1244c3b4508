//! Names of headers that nearly every request has, so that a copy of them takes no memory of its own.
//!
//! The HTTP library keeps names of the HTTP standards as numbers. Any other name in a parsed head is a piece of the
//! head, and the first copy of such a piece has to be counted in a place asked from the allocator. The clients of the
//! Claude API send more than a dozen of those.

use http::HeaderName;

/// Writes a match from each name to the one copy of it.
macro_rules! known {
    ($name:expr; $($text:literal)+) => {
        match $name {
            $($text => Some(const { HeaderName::from_static($text) }),)+
            _ => None,
        }
    };
}

/// A copy of `name`.
pub(super) fn copy(name: &HeaderName) -> HeaderName {
    // What Claude Code and the SDKs for Python and TypeScript send.
    let known = known!(name.as_str();
        "anthropic-beta"
        "anthropic-dangerous-direct-browser-access"
        "anthropic-version"
        "x-api-key"
        "x-app"
        "x-claude-code-agent-id"
        "x-claude-code-session-id"
        "x-stainless-arch"
        "x-stainless-async"
        "x-stainless-helper-method"
        "x-stainless-lang"
        "x-stainless-os"
        "x-stainless-package-version"
        "x-stainless-read-timeout"
        "x-stainless-retry-count"
        "x-stainless-runtime"
        "x-stainless-runtime-version"
        "x-stainless-timeout"
    );
    known.unwrap_or_else(|| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_the_same_name_known_or_not() {
        for text in ["x-stainless-os", "x-app", "accept", "x-nobody-knows", "anthropic-beta"] {
            let name = HeaderName::from_bytes(text.as_bytes()).unwrap();
            assert_eq!(copy(&name), name);
        }
    }
}
