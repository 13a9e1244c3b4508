//! Keeping web pages out: a page in the person's browser can reach loopback too.
//!
//! | header | passes |
//! |---|---|
//! | `Host` | an IP literal, `localhost`, `host.docker.internal`, or listed in `allowed_hosts` (else a DNS name that was re-bound to us) |
//! | `Sec-Fetch-Site: cross-site` | never, unless the `Origin` is listed |
//! | `Origin` | only listed in `allowed_origins` |

use std::net::IpAddr;

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

/// Why a request is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BrowserRefusal {
    /// No `Host`, or one that is not ours.
    #[error(
        "the Host header names neither an address nor an allowed host; add it to server.allowed_hosts if it is yours"
    )]
    Host,
    /// A page of another site.
    #[error(
        "requests from web pages are refused; add the page's origin to server.allowed_origins to allow it"
    )]
    Origin,
}

/// Applies the rules of the module.
///
/// # Errors
/// When the request may come from a web page.
pub fn check(headers: &HeaderMap, hosts: &[String], origins: &[String]) -> Result<(), BrowserRefusal> {
    let mut named = headers.get_all(HOST).iter();
    let host = named.next().and_then(|h| h.to_str().ok()).filter(|_| named.next().is_none());
    if !host.is_some_and(|h| is_allowed_host(h, hosts)) {
        return Err(BrowserRefusal::Host);
    }
    let origin = headers.get(ORIGIN).map(|o| o.to_str().unwrap_or("?"));
    let listed = origin.is_some_and(|o| origins.iter().any(|a| a.eq_ignore_ascii_case(o)));
    let cross_site = headers.get("sec-fetch-site").is_some_and(|v| v.as_bytes() == b"cross-site");
    if !listed && (origin.is_some() || cross_site) {
        return Err(BrowserRefusal::Origin);
    }
    Ok(())
}

fn is_allowed_host(host: &str, allowed: &[String]) -> bool {
    let name = without_port(host).trim_end_matches('.');
    name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
        || ["localhost", "host.docker.internal"].iter().any(|ours| name.eq_ignore_ascii_case(ours))
        || allowed.iter().any(|a| a.eq_ignore_ascii_case(name) || a.eq_ignore_ascii_case(host))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(pairs: &[(&'static str, &str)]) -> Result<(), BrowserRefusal> {
        let headers = pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
        check(&headers, &["proxy.lan".to_owned()], &["https://good.example".to_owned()])
    }

    #[test]
    fn hosts_are_addresses_or_listed() {
        for good in [
            "127.0.0.1:8088",
            "localhost",
            "LOCALHOST:1",
            "[::1]:8088",
            "[::1]",
            "192.168.1.4:80",
            "host.docker.internal:8088",
            "proxy.lan:8088",
            "localhost.:80",
        ] {
            assert_eq!(verdict(&[("host", good)]), Ok(()), "{good}");
        }
        for bad in
            ["evil.example", "evil.example:8088", "localhost.evil.example", "127.0.0.1.evil.example", ""]
        {
            assert_eq!(verdict(&[("host", bad)]), Err(BrowserRefusal::Host), "{bad}");
        }
        assert_eq!(verdict(&[]), Err(BrowserRefusal::Host));
        assert_eq!(
            verdict(&[("host", "localhost"), ("host", "localhost")]),
            Err(BrowserRefusal::Host),
            "one host"
        );
    }

    #[test]
    fn pages_are_refused_unless_listed() {
        let host = ("host", "localhost");
        assert_eq!(verdict(&[host, ("origin", "https://evil.example")]), Err(BrowserRefusal::Origin));
        assert_eq!(verdict(&[host, ("origin", "null")]), Err(BrowserRefusal::Origin));
        assert_eq!(verdict(&[host, ("sec-fetch-site", "cross-site")]), Err(BrowserRefusal::Origin));
        assert_eq!(verdict(&[host, ("sec-fetch-site", "same-origin")]), Ok(()));
        assert_eq!(
            verdict(&[host, ("origin", "https://good.example"), ("sec-fetch-site", "cross-site")]),
            Ok(())
        );
    }
}
