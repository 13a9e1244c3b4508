//! The inbound credential of the proxy port.
//!
//! A client may show it as `x-cc-forwarder-token` (keeping its own credential for endpoints that pass it on), as
//! `authorization: Bearer …` or as `x-api-key`. The header that let the client in never goes further.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use subtle::ConstantTimeEq;

use super::headers::{X_API_KEY, X_CC_FORWARDER_TOKEN};
use crate::domain::secret::Secret;

/// The client showed no credential, or a wrong one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "this forwarder asks for its own credential (auth.token), as `authorization: Bearer`, `x-api-key` or \
     `x-cc-forwarder-token`"
)]
pub struct Unauthorized;

/// Checks the credential and takes the header that carried it out of `headers`.
///
/// # Errors
/// When no header carries the token.
pub fn admit(headers: &mut HeaderMap, token: Option<&Secret>) -> Result<(), Unauthorized> {
    if let Some(token) = token {
        let header = carrier(headers, token).ok_or(Unauthorized)?;
        headers.remove(header);
    }
    headers.remove(X_CC_FORWARDER_TOKEN);
    Ok(())
}

fn carrier(headers: &HeaderMap, token: &Secret) -> Option<HeaderName> {
    let is = |name: &HeaderName, strip: fn(&[u8]) -> &[u8]| {
        headers.get_all(name).iter().any(|v| same(strip(v.as_bytes()), token))
    };
    if is(&X_CC_FORWARDER_TOKEN, |v| v) {
        Some(X_CC_FORWARDER_TOKEN)
    } else if is(&AUTHORIZATION, bearer) {
        Some(AUTHORIZATION)
    } else if is(&X_API_KEY, |v| v) {
        Some(X_API_KEY)
    } else {
        None
    }
}

fn same(shown: &[u8], token: &Secret) -> bool {
    !token.is_empty() && bool::from(shown.ct_eq(token.expose().as_bytes()))
}

/// What follows `Bearer `; nothing for other schemes.
fn bearer(value: &[u8]) -> &[u8] {
    match value.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token.trim_ascii(),
        _ => b"",
    }
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
