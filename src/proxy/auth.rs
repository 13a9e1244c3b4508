//! The inbound credential of the proxy port.
//!
//! A client may show it as `x-cc-forwarder-token` (keeping its own credential for endpoints that pass it on), as
//! `authorization: Bearer …` or as `x-api-key`. The header that let the client in never goes further.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use super::headers::{X_API_KEY, X_CC_FORWARDER_TOKEN};
use crate::domain::secret::{Secret, bearer};

/// The client showed no credential, or a wrong one.
///
/// The text must not say `x-api-key`: Claude Code takes that word for its own login and hides the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "this forwarder asks for its own token (auth.token in its configuration): set ANTHROPIC_AUTH_TOKEN to it, or send \
     it as the header x-cc-forwarder-token"
)]
pub struct Unauthorized;

/// Checks the credential and takes every header that carried it out of `headers`: some clients show one token twice, and
/// the second copy is no more anybody else's business than the first.
///
/// # Errors
/// When no header carries the token.
pub fn admit(headers: &mut HeaderMap, token: Option<&Secret>) -> Result<(), Unauthorized> {
    if let Some(token) = token {
        let carriers = carriers(headers, token);
        if carriers.is_empty() {
            return Err(Unauthorized);
        }
        for header in carriers {
            headers.remove(header);
        }
    }
    headers.remove(X_CC_FORWARDER_TOKEN);
    Ok(())
}

fn carriers(headers: &HeaderMap, token: &Secret) -> Vec<HeaderName> {
    let carries = |name: &HeaderName| {
        headers.get_all(name).iter().any(|value| token.is(presented(name, value.as_bytes())))
    };
    [X_CC_FORWARDER_TOKEN, AUTHORIZATION, X_API_KEY].into_iter().filter(carries).collect()
}

fn presented<'a>(name: &HeaderName, value: &'a [u8]) -> &'a [u8] {
    if *name == AUTHORIZATION { bearer(value) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(pairs: &[(&'static str, &str)]) -> Result<Vec<String>, Unauthorized> {
        let mut headers: HeaderMap =
            pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
        admit(&mut headers, Some(&Secret::new("let-me-in")))?;
        let mut left: Vec<String> = headers.keys().map(ToString::to_string).collect();
        left.sort();
        Ok(left)
    }

    #[test]
    fn each_way_in_and_what_is_left() {
        assert_eq!(
            admitted(&[("authorization", "Bearer let-me-in"), ("x-api-key", "own")]).unwrap(),
            ["x-api-key"]
        );
        assert_eq!(admitted(&[("authorization", "bearer let-me-in")]).unwrap(), [""; 0]);
        assert_eq!(
            admitted(&[("x-api-key", "let-me-in"), ("authorization", "Bearer own")]).unwrap(),
            ["authorization"]
        );
        assert_eq!(
            admitted(&[("x-cc-forwarder-token", "let-me-in"), ("authorization", "Bearer own")]).unwrap(),
            ["authorization"]
        );
        assert_eq!(
            admitted(&[("x-api-key", "let-me-in"), ("authorization", "Bearer let-me-in")]).unwrap(),
            [""; 0],
            "shown twice, taken out twice"
        );
    }

    #[test]
    fn wrong_or_missing_is_refused() {
        for pairs in [
            &[][..],
            &[("authorization", "Bearer ")],
            &[("authorization", "let-me-in")],
            &[("authorization", "Basic let-me-in")],
            &[("x-api-key", "let-me-i")],
            &[("x-api-key", "let-me-in ?")],
        ] {
            assert_eq!(admitted(pairs), Err(Unauthorized), "{pairs:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", "".parse().unwrap());
        assert_eq!(admit(&mut headers, Some(&Secret::new(""))), Err(Unauthorized));
    }

    #[test]
    fn without_auth_the_forwarder_header_still_stays_here() {
        let mut headers = HeaderMap::new();
        headers.insert("x-cc-forwarder-token", "whatever".parse().unwrap());
        admit(&mut headers, None).unwrap();
        assert!(headers.is_empty());
    }
}
