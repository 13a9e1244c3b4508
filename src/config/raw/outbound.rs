//! `proxy.*`: the outbound proxy. `url` wins over `host` and `port`; everything is checked only while it is enabled.

use super::url::{check_host, parts, percent_decode};
use crate::config::section::{Field, Section};
use crate::config::value::{Parsed, choice, filled, flag, whole};
use crate::config::{OutboundKind, OutboundProxy};
use crate::domain::secret::Secret;

pub(super) fn proxy(s: &Section<'_>) -> Option<OutboundProxy> {
    const KINDS: &[(&str, OutboundKind)] =
        &[("http", OutboundKind::Http), ("https", OutboundKind::Https), ("socks5", OutboundKind::Socks5)];
    let enabled = s.value("enabled", false, flag);
    let kind =
        s.optional("type", |t| if t.is_empty() { Ok(None) } else { choice(KINDS)(t).map(Some) }).flatten();
    let (url, host, port) = (s.secret("url"), s.field("host"), s.field("port"));
    let (username, password) = (s.secret("username"), s.secret("password"));
    if !enabled {
        return None;
    }
    let address = match url {
        Some(url) => from_url(s, url.expose(), kind),
        None => from_host(s, kind, host, port),
    };
    let kind = address.as_ref().map(|a| a.kind).or(kind);
    let given = credentials(s, kind, username, password);
    let Address { kind, host, port, auth } = address?;
    Some(OutboundProxy { kind, host, port, auth: given.or(auth) })
}

/// Where the proxy is.
struct Address {
    kind: OutboundKind,
    host: String,
    port: u16,
    auth: Option<(Secret, Secret)>,
}

fn from_url(s: &Section<'_>, url: &str, stated: Option<OutboundKind>) -> Option<Address> {
    let address = address(url, stated).map_err(|message| s.problem("url", message)).ok()?;
    if stated.is_some_and(|kind| kind != address.kind) {
        s.warning("url", "has another scheme than `proxy.type`; the URL's is used");
    }
    if let Some((user, password)) = &address.auth {
        s.context().secret(user.expose());
        s.context().secret(password.expose());
    }
    Some(address)
}

fn address(text: &str, stated: Option<OutboundKind>) -> Parsed<Address> {
    let parts = parts(text)?;
    let kind = match parts.scheme.as_str() {
        "http" => OutboundKind::Http,
        "https" => OutboundKind::Https,
        "socks5" | "socks5h" => OutboundKind::Socks5,
        _ => return Err("must start with `http://`, `https://` or `socks5://`".to_owned()),
    };
    let is_socks = |k| k == OutboundKind::Socks5;
    if stated.is_some_and(|stated| is_socks(stated) != is_socks(kind)) {
        return Err("has a scheme that contradicts `proxy.type`: make them agree".to_owned());
    }
    if !matches!(parts.path, "" | "/") {
        return Err("must not have a path".to_owned());
    }
    let auth = parts.user_info.filter(|u| !u.is_empty()).map(|info| {
        let (user, password) = info.split_once(':').unwrap_or((info, ""));
        Ok::<_, String>((Secret::new(percent_decode(user)?), Secret::new(percent_decode(password)?)))
    });
    Ok(Address {
        kind,
        host: parts.host.to_owned(),
        port: parts.port.unwrap_or(default_port(kind)),
        auth: auth.transpose()?,
    })
}

fn from_host(
    s: &Section<'_>,
    kind: Option<OutboundKind>,
    host: Option<Field<'_>>,
    port: Option<Field<'_>>,
) -> Option<Address> {
    if kind.is_none() {
        s.problem("type", "is missing while `proxy.enabled` is true: `http`, `https` or `socks5`");
    }
    let Some(host) = host else {
        s.problem("url", "is missing while `proxy.enabled` is true: give `url`, or `host` and `port`");
        return None;
    };
    let host = host.value(|h| filled(h).and_then(|h| check_host(&h).map(|()| h)));
    let port = port.map(|f| f.value(whole(1..=65_535)));
    let kind = kind?;
    Some(Address { kind, host: host?, port: port.unwrap_or(Some(default_port(kind)))?, auth: None })
}

fn default_port(kind: OutboundKind) -> u16 {
    match kind {
        OutboundKind::Http => 80,
        OutboundKind::Https => 443,
        OutboundKind::Socks5 => 1080,
    }
}

/// The separate keys. SOCKS5 authenticates only with both.
fn credentials(
    s: &Section<'_>,
    kind: Option<OutboundKind>,
    username: Option<Secret>,
    password: Option<Secret>,
) -> Option<(Secret, Secret)> {
    match (username, password) {
        (Some(user), Some(password)) => Some((user, password)),
        (Some(user), None) if kind != Some(OutboundKind::Socks5) => Some((user, Secret::new(""))),
        (Some(_), None) => {
            s.problem("password", "is missing: SOCKS5 authenticates with user name and password");
            None
        }
        (None, Some(_)) => {
            s.problem("username", "is missing beside `proxy.password`");
            None
        }
        (None, None) => None,
    }
}
