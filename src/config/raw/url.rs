//! URLs of endpoints and of the outbound proxy, taken apart without ever quoting them: they may hold credentials.
//!
//! | part | endpoint | outbound proxy |
//! |---|---|---|
//! | scheme | `http`, `https` | `http`, `https`, `socks5`, `socks5h` |
//! | user info | refused | user name and password, percent-decoded |
//! | host | a name or an IP literal, IPv6 in brackets | the same |
//! | path | kept, one trailing slash dropped | `/` only |
//! | query, fragment | refused | refused |

use std::net::Ipv6Addr;

use crate::config::value::{Parsed, is_request_target};
use crate::domain::endpoint::{BaseUrl, Scheme};

/// The parts of a URL as written.
#[derive(Debug, PartialEq)]
pub(super) struct Parts<'a> {
    /// In lower case.
    pub(super) scheme: String,
    /// What stands before `@`.
    pub(super) user_info: Option<&'a str>,
    /// Without brackets.
    pub(super) host: &'a str,
    /// As written, with brackets and port.
    pub(super) authority: &'a str,
    /// If given.
    pub(super) port: Option<u16>,
    /// From the first `/` on, or empty.
    pub(super) path: &'a str,
}

/// Takes a URL apart.
pub(super) fn parts(text: &str) -> Parsed<Parts<'_>> {
    let bad = |message: &str| Err(message.to_owned());
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return bad("must not contain spaces or control characters");
    }
    if text.contains(['?', '#']) {
        return bad("must not have a query or a fragment: end the URL after its path");
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return bad("must start with a scheme, such as `https://`");
    };
    let (before_path, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user_info, authority) = match before_path.rsplit_once('@') {
        Some((user, authority)) => (Some(user), authority),
        None => (None, before_path),
    };
    let (host, port) = host_and_port(authority)?;
    Ok(Parts { scheme: scheme.to_ascii_lowercase(), user_info, host, authority, port, path })
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`.
fn host_and_port(authority: &str) -> Parsed<(&str, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or("has an IPv6 address without its closing `]`")?;
            host.parse::<Ipv6Addr>().map_err(|_| "has no valid IPv6 address in its brackets".to_owned())?;
            let port = match after.strip_prefix(':') {
                None if !after.is_empty() => return Err("has text behind the `]` of its host".to_owned()),
                port => port,
            };
            (host, port)
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    check_host(host)?;
    let port =
        port.map(|p| p.parse::<u16>().ok().filter(|p| *p > 0).ok_or("has no valid port behind its host"));
    Ok((host, port.transpose()?))
}

/// A host name or IP literal that fits into `Host` and into a resolver.
pub(super) fn check_host(host: &str) -> Parsed<()> {
    if host.is_empty() {
        return Err("must name a host".to_owned());
    }
    let name = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if name || host.parse::<Ipv6Addr>().is_ok() {
        return Ok(());
    }
    Err("has a host with characters that no host name can have (write international names as `xn--...`)"
        .to_owned())
}

/// The base URL of an endpoint.
pub(super) fn base_url(text: &str) -> Parsed<BaseUrl> {
    let parts = parts(text)?;
    let scheme = match parts.scheme.as_str() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return Err("must start with `http://` or `https://`".to_owned()),
    };
    if parts.user_info.is_some() {
        return Err(
            "must not contain a user name or password: use `token`, `api-key` or `headers`".to_owned()
        );
    }
    if !parts.path.is_empty() && !is_request_target(parts.path) {
        return Err("has a path with characters that must be percent-encoded".to_owned());
    }
    Ok(BaseUrl {
        scheme,
        host: parts.host.to_owned(),
        port: parts.port.unwrap_or(scheme.default_port()),
        authority: parts.authority.to_owned(),
        base_path: parts.path.strip_suffix('/').unwrap_or(parts.path).to_owned(),
        secret: false,
    })
}

/// User info with its `%XX` resolved.
pub(super) fn percent_decode(text: &str) -> Parsed<String> {
    let bad = || "has a user name or password with a broken `%` sequence".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b'%' {
            bytes.push(byte);
            rest = after;
            continue;
        }
        let hex = after.get(..2).filter(|h| h.iter().all(u8::is_ascii_hexdigit)).ok_or_else(bad)?;
        let hex = std::str::from_utf8(hex).map_err(|_| bad())?;
        bytes.push(u8::from_str_radix(hex, 16).map_err(|_| bad())?);
        rest = &after[2..];
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_url_falls_into_its_parts() {
        for (text, host, port, authority, base_path) in [
            ("https://api.anthropic.com", "api.anthropic.com", 443, "api.anthropic.com", ""),
            ("HTTPS://a.example/", "a.example", 443, "a.example", ""),
            ("http://127.0.0.1:9000/relay/v2/", "127.0.0.1", 9000, "127.0.0.1:9000", "/relay/v2"),
            ("http://a.example/x//", "a.example", 80, "a.example", "/x/"),
            ("https://[::1]:8443/x", "::1", 8443, "[::1]:8443", "/x"),
            ("https://[2001:db8::1]", "2001:db8::1", 443, "[2001:db8::1]", ""),
        ] {
            let url = base_url(text).unwrap();
            assert_eq!(
                (&*url.host, url.port, &*url.authority, &*url.base_path),
                (host, port, authority, base_path),
                "{text}"
            );
        }
    }

    #[test]
    fn what_an_endpoint_url_may_not_be() {
        for (text, why) in [
            ("a.example", "must start with a scheme"),
            ("ftp://a.example", "must start with `http://` or `https://`"),
            ("https://", "must name a host"),
            ("https:///v1", "must name a host"),
            ("https://:443", "must name a host"),
            ("https://u:p@a.example", "must not contain a user name or password"),
            ("https://a.example?x=1", "must not have a query"),
            ("https://a.example/#x", "must not have a query"),
            ("https://a.example:0", "has no valid port"),
            ("https://a.example:99999", "has no valid port"),
            ("https://a.example:", "has no valid port"),
            ("https://[::1", "has an IPv6 address without"),
            ("https://[nope]", "has no valid IPv6"),
            ("https://[::1]x", "has text behind"),
            ("https://::1", "must name a host"),
            ("https://b\u{fc}cher.example", "has a host with characters"),
            ("https://a b.example", "must not contain spaces"),
            ("https://a.example/\u{fc}", "has a path with characters"),
        ] {
            let message = base_url(text).unwrap_err();
            assert!(message.starts_with(why), "{text}: {message}");
        }
    }

    #[test]
    fn user_info_is_percent_decoded() {
        assert_eq!(percent_decode("p%40ss%3a1"), Ok("p@ss:1".to_owned()));
        assert!(
            percent_decode("100%").is_err()
                && percent_decode("%zz").is_err()
                && percent_decode("%ff").is_err()
        );
    }
}
