use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

use super::*;

fn plain(host: &str, port: u16) -> BaseUrl {
    BaseUrl {
        scheme: Scheme::Http,
        host: host.into(),
        port,
        authority: format!("{host}:{port}"),
        base_path: String::new(),
        secret: false,
    }
}

async fn failure(dialer: Dialer, url: BaseUrl) -> DialError {
    dialer.dial(&url, Protocol::Http1).await.map(drop).unwrap_err()
}

/// An address nobody listens on: bound, seen, released.
async fn nobody() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn a_closed_port_is_a_connect_error() {
    let url = plain("127.0.0.1", nobody().await.port());
    assert_eq!(failure(Dialer::new(None, None), url).await, DialError::Connect("connection refused".into()));
}

/// A label longer than DNS allows fails in the resolver itself, without a question to any server.
#[tokio::test]
async fn an_unknown_name_is_a_dns_error() {
    let url = plain(&"a".repeat(64), 80);
    assert!(matches!(failure(Dialer::new(None, None), url).await, DialError::Dns(_)));
}

#[tokio::test]
async fn an_unreachable_outbound_proxy_is_blamed_as_such() {
    for kind in [OutboundKind::Http, OutboundKind::Https, OutboundKind::Socks5] {
        let outbound =
            OutboundProxy { kind, host: "127.0.0.1".into(), port: nobody().await.port(), auth: None };
        let error = failure(Dialer::new(Some(outbound), None), plain("api.example", 80)).await;
        assert_eq!(error.to_string(), "outbound proxy: cannot connect: connection refused");
    }
}

#[tokio::test]
async fn a_silent_peer_runs_into_the_limit() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mut url = plain("127.0.0.1", listener.local_addr().unwrap().port());
    url.scheme = Scheme::Https;
    let limit = Duration::from_millis(100);
    let error = failure(Dialer::new(None, None).with_connect_timeout(limit), url).await;
    assert_eq!(error, DialError::Timeout(limit));
    assert_eq!(error.to_string(), "no connection within 0.1 s");
}

#[tokio::test]
async fn an_unusable_extra_ca_is_named() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    let mut url = plain("127.0.0.1", 1);
    url.scheme = Scheme::Https;
    for (path, what) in [
        ("/nonexistent/ca.pem".into(), "/nonexistent/ca.pem"),
        (empty.path().to_owned(), "no PEM certificate"),
    ] {
        let error = failure(Dialer::new(None, Some(path)), url.clone()).await;
        assert!(matches!(&error, DialError::Tls(text) if text.contains(what)), "{error}");
    }
}

#[test]
fn hosts_become_uris() {
    assert_eq!(uri_of(Scheme::Https, "::1", 443).unwrap().host(), Some("[::1]"));
    assert_eq!(uri_of(Scheme::Http, "a.example", 80).unwrap(), "http://a.example:80/");
    assert!(uri_of(Scheme::Http, "not a host", 80).is_err());
}
