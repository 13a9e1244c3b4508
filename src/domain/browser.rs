//! Keeping web pages out: a page in the person's browser can reach loopback too.
//!
//! | header | passes |
//! |---|---|
//! | `Host` | an IP literal, `localhost`, `host.docker.internal`, or listed in `allowed_hosts` (else a DNS name that was re-bound to us) |
//! | `Sec-Fetch-Site` | `same-origin` and `none`; anything else only when the `Origin` is listed |
//! | `Origin` | listed in `allowed_origins`, or where the port serves pages itself, its own |
//!
//! A page on another port of this machine is another site here, though browsers call it `same-site`.

use core::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderName};

/// Where a request comes from, by a browser's own word.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What one port lets in.
#[derive(Clone, Copy, Debug)]
pub struct Door<'a> {
    /// The section of the configuration that the lists stand in.
    pub section: &'static str,
    /// Names in `Host` beyond those that always pass.
    pub hosts: &'a [String],
    /// Values of `Origin`.
    pub origins: &'a [String],
    /// Pages that come from this port itself may use it.
    pub own_pages: bool,
}

/// Why a request is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BrowserRefusal {
    /// No `Host`, or one that is not ours.
    #[error(
        "the Host header names neither an address nor an allowed host; add it to {0}.allowed_hosts if it is yours"
    )]
    Host(&'static str),
    /// A page of another site.
    #[error("requests from web pages are refused; add the page's origin to {0}.allowed_origins to allow it")]
    Origin(&'static str),
}

/// Applies the rules of the module.
///
/// # Errors
/// When the request may come from a web page.
pub fn check(headers: &HeaderMap, door: &Door<'_>) -> Result<(), BrowserRefusal> {
    let mut named = headers.get_all(HOST).iter();
    let host = named.next().and_then(|h| h.to_str().ok()).filter(|_| named.next().is_none());
    let host = host.filter(|h| is_allowed_host(h, door.hosts)).ok_or(BrowserRefusal::Host(door.section))?;
    // A browser names one; of several each must pass.
    let origins: Vec<&str> = headers.get_all(ORIGIN).iter().map(|o| o.to_str().unwrap_or("?")).collect();
    let has_origin = !origins.is_empty();
    let is_listed = |o: &str| door.origins.iter().any(|a| a.eq_ignore_ascii_case(o));
    let listed = has_origin && origins.iter().all(|o| is_listed(o));
    let own = door.own_pages && origins.iter().all(|o| is_own(o, host));
    let elsewhere = headers
        .get_all(SEC_FETCH_SITE)
        .iter()
        .any(|site| ![&b"same-origin"[..], b"none"].contains(&site.as_bytes()));
    if !listed && ((has_origin && !own) || elsewhere) {
        return Err(BrowserRefusal::Origin(door.section));
    }
    Ok(())
}

/// The port speaks plain HTTP; something in front of it may add TLS.
fn is_own(origin: &str, host: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .filter_map(|scheme| origin.strip_prefix(scheme))
        .any(|authority| authority.eq_ignore_ascii_case(host))
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

    const HOST: Result<(), BrowserRefusal> = Err(BrowserRefusal::Host("server"));
    const ORIGIN: Result<(), BrowserRefusal> = Err(BrowserRefusal::Origin("server"));

    fn verdict(pairs: &[(&'static str, &str)]) -> Result<(), BrowserRefusal> {
        at_door(false, pairs)
    }

    fn at_door(own_pages: bool, pairs: &[(&'static str, &str)]) -> Result<(), BrowserRefusal> {
        let headers = pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
        let (hosts, origins) = (["proxy.lan".to_owned()], ["https://good.example".to_owned()]);
        check(&headers, &Door { section: "server", hosts: &hosts, origins: &origins, own_pages })
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
            assert_eq!(verdict(&[("host", bad)]), HOST, "{bad}");
        }
        assert_eq!(verdict(&[]), HOST);
        assert_eq!(verdict(&[("host", "localhost"), ("host", "localhost")]), HOST, "one host");
    }

    #[test]
    fn pages_are_refused_unless_listed() {
        let host = ("host", "localhost");
        assert_eq!(verdict(&[host, ("origin", "https://evil.example")]), ORIGIN);
        assert_eq!(verdict(&[host, ("origin", "null")]), ORIGIN);
        let good = ("origin", "https://good.example");
        assert_eq!(verdict(&[host, good]), Ok(()));
        assert_eq!(verdict(&[host, good, ("origin", "https://evil.example")]), ORIGIN, "each must pass");
        assert_eq!(verdict(&[host, ("sec-fetch-site", "cross-site")]), ORIGIN);
        assert_eq!(verdict(&[host, ("sec-fetch-site", "same-site")]), ORIGIN, "another port of this machine");
        assert_eq!(verdict(&[host, ("sec-fetch-site", "same-origin")]), Ok(()));
        assert_eq!(verdict(&[host, ("sec-fetch-site", "none")]), Ok(()), "typed into the address bar");
        assert_eq!(
            verdict(&[host, ("origin", "https://good.example"), ("sec-fetch-site", "cross-site")]),
            Ok(())
        );
    }

    #[test]
    fn a_ports_own_pages_pass_where_it_serves_pages() {
        let host = ("host", "localhost:8010");
        let own = [host, ("origin", "http://localhost:8010"), ("sec-fetch-site", "same-origin")];
        assert_eq!(at_door(true, &own), Ok(()));
        assert_eq!(at_door(false, &own), ORIGIN);
        for other in ["http://localhost:8011", "http://localhost", "https://evil.example", "null"] {
            assert_eq!(at_door(true, &[host, ("origin", other)]), ORIGIN, "{other}");
        }
        let rebound = [("host", "evil.example"), ("origin", "http://evil.example")];
        assert_eq!(at_door(true, &rebound), HOST);
    }
}
