//! Outbound proxies: HTTP CONNECT, the same over TLS, and SOCKS 5. The endpoint's name is known to the proxy only.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use cc_forwarder::config::{OutboundKind, OutboundProxy};
use cc_forwarder::domain::endpoint::{EndpointSpec, Scheme};
use cc_forwarder::domain::secret::Secret;
use cc_forwarder::proxy::dialer::Dialer;
use cc_forwarder::proxy::transport::{SendErrorKind, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

use super::support::*;
use super::tls::{self, Authority};

const HIDDEN: &str = "known-to-the-proxy-only.invalid";

type Seen = Arc<Mutex<Vec<String>>>;

fn hidden(scheme: Scheme, upstream: &Upstream) -> Arc<EndpointSpec> {
    Arc::new(spec(scheme, HIDDEN, upstream.addr.port()))
}

fn through(kind: OutboundKind, proxy: &Upstream, auth: Option<(&str, &str)>) -> OutboundProxy {
    let auth = auth.map(|(user, password)| (Secret::new(user), Secret::new(password)));
    OutboundProxy { kind, host: "127.0.0.1".into(), port: proxy.addr.port(), auth }
}

fn transport(outbound: OutboundProxy) -> Transport {
    Transport::new(Dialer::new(Some(outbound), None))
}

async fn relay(mut client: impl Stream, to: SocketAddr) {
    let mut target = TcpStream::connect(to).await.unwrap();
    let _ = copy_bidirectional(&mut client, &mut target).await;
}

/// Answers a `CONNECT` and relays after a 2xx.
async fn connect_script(mut peer: Peer, seen: Seen, answer: &'static str, to: SocketAddr) {
    let Some(head) = peer.read_head().await else { return };
    seen.lock().unwrap().push(head);
    peer.send(answer.as_bytes()).await;
    if answer.starts_with("HTTP/1.1 2") {
        relay(peer.stream, to).await;
    }
}

async fn connect_proxy(answer: &'static str, to: SocketAddr) -> (Upstream, Seen) {
    let seen = Seen::default();
    let record = Arc::clone(&seen);
    let script = move |_, peer| connect_script(peer, Arc::clone(&record), answer, to);
    (Upstream::start(script).await, seen)
}

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\nx-proxy: yes\r\n\r\n";

#[tokio::test]
async fn connect_tunnels_plain_and_tls_endpoints() {
    let plain = Upstream::answering(OK).await;
    let (proxy, seen) = connect_proxy(ESTABLISHED, plain.addr).await;
    let transport = transport(through(OutboundKind::Http, &proxy, None));
    assert_eq!(fetch(&transport, &hidden(Scheme::Http, &plain)).await, "ok");
    assert_eq!(fetch(&transport, &hidden(Scheme::Http, &plain)).await, "ok");
    let port = plain.addr.port();
    let asked = format!("CONNECT {HIDDEN}:{port} HTTP/1.1\r\nhost: {HIDDEN}:{port}\r\n\r\n");
    assert_eq!(*seen.lock().unwrap(), [asked]);

    let authority = Authority::new();
    let tls = tls::upstream(authority.acceptor(&[HIDDEN], &[])).await;
    let (proxy, _) = connect_proxy(ESTABLISHED, tls.addr).await;
    let outbound = through(OutboundKind::Http, &proxy, None);
    let transport = Transport::new(Dialer::new(Some(outbound), Some(authority.path())));
    assert_eq!(fetch(&transport, &hidden(Scheme::Https, &tls)).await, "ok");
    transport.shutdown().await;
    proxy.until_open(0).await;
}

#[tokio::test]
async fn connect_sends_the_credentials() {
    let upstream = Upstream::answering(OK).await;
    let (proxy, seen) = connect_proxy(ESTABLISHED, upstream.addr).await;
    let transport = transport(through(OutboundKind::Http, &proxy, Some(("Aladdin", "open sesame"))));
    assert_eq!(fetch(&transport, &hidden(Scheme::Http, &upstream)).await, "ok");
    // The example of RFC 7617 section 2.
    let expected = "proxy-authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n";
    assert!(seen.lock().unwrap()[0].contains(expected), "{:?}", seen.lock().unwrap());
}

#[tokio::test]
async fn a_refusing_proxy_is_blamed_with_its_status() {
    let cases = [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
            "it wants a user name and password (407)",
        ),
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 4\r\n\r\nnope", "it refused the tunnel: 403 Forbidden"),
        ("SSH-2.0-x\r\n\r\n", "its answer is not HTTP"),
        ("", "it closed the connection instead of answering"),
        ("HTTP/1.1 200 OK\r\n\r\ntoo early", "it sent data before the tunnel was used"),
    ];
    let upstream = Upstream::answering(OK).await;
    for (answer, text) in cases {
        let (proxy, _) = connect_proxy(answer, upstream.addr).await;
        let transport = transport(through(OutboundKind::Http, &proxy, Some(("user", "hunter2"))));
        let error = failure(&transport, &hidden(Scheme::Http, &upstream)).await;
        assert_eq!(error.kind, SendErrorKind::Proxy);
        assert_eq!(error.detail, format!("outbound proxy: {text}"));
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn connect_through_a_proxy_that_speaks_tls() {
    let authority = Authority::new();
    let upstream = tls::upstream(authority.acceptor(&[HIDDEN], &[])).await;
    let (acceptor, to) = (authority.acceptor(&["127.0.0.1"], &[]), upstream.addr);
    let seen = Seen::default();
    let record = Arc::clone(&seen);
    let proxy = Upstream::start_streams(move |_, stream: TcpStream| {
        let (acceptor, record) = (acceptor.clone(), Arc::clone(&record));
        async move {
            let Ok(tls) = acceptor.accept(stream).await else { return };
            connect_script(Peer::new(tls), record, ESTABLISHED, to).await;
        }
    })
    .await;
    let outbound = through(OutboundKind::Https, &proxy, Some(("user", "password")));
    let trusting = Transport::new(Dialer::new(Some(outbound.clone()), Some(authority.path())));
    assert_eq!(fetch(&trusting, &hidden(Scheme::Https, &upstream)).await, "ok");
    assert!(seen.lock().unwrap()[0].contains("proxy-authorization: Basic "));

    let error = failure(&transport(outbound), &hidden(Scheme::Http, &upstream)).await;
    assert_eq!(error.kind, SendErrorKind::Proxy);
    assert!(error.detail.starts_with("outbound proxy: TLS: invalid peer certificate"), "{error}");
}

/// What a SOCKS 5 proxy of these tests does.
#[derive(Clone, Copy)]
struct Socks {
    /// User name and password it insists on.
    auth: Option<(&'static str, &'static str)>,
    /// Its reply to the request.
    reply: u8,
    to: SocketAddr,
}

async fn short_text(stream: &mut impl Stream) -> String {
    let mut text = vec![0; usize::from(stream.read_u8().await.unwrap())];
    stream.read_exact(&mut text).await.unwrap();
    String::from_utf8(text).unwrap()
}

impl Socks {
    async fn start(self) -> (Upstream, Seen) {
        let seen = Seen::default();
        let record = Arc::clone(&seen);
        (Upstream::start_streams(move |_, stream| self.script(stream, Arc::clone(&record))).await, seen)
    }

    async fn script(self, mut stream: TcpStream, seen: Seen) {
        if !self.greet(&mut stream).await {
            return;
        }
        let mut request = [0; 4];
        stream.read_exact(&mut request).await.unwrap();
        assert_eq!(request[..3], [5, 1, 0]);
        let host = match request[3] {
            1 => std::net::Ipv4Addr::from(stream.read_u32().await.unwrap()).to_string(),
            3 => short_text(&mut stream).await,
            4 => std::net::Ipv6Addr::from(stream.read_u128().await.unwrap()).to_string(),
            kind => panic!("address type {kind}"),
        };
        let port = stream.read_u16().await.unwrap();
        seen.lock().unwrap().push(format!("{host} {port}"));
        stream.write_all(&[5, self.reply, 0, 3, 2, b'x', b'y', 0, 80]).await.unwrap();
        if self.reply == 0 {
            relay(stream, self.to).await;
        }
    }

    /// True when the client may go on.
    async fn greet(&self, stream: &mut TcpStream) -> bool {
        let mut greeting = [0; 2];
        stream.read_exact(&mut greeting).await.unwrap();
        let mut methods = vec![0; usize::from(greeting[1])];
        stream.read_exact(&mut methods).await.unwrap();
        let wanted = if self.auth.is_some() { 2 } else { 0 };
        if !methods.contains(&wanted) {
            stream.write_all(&[5, 0xff]).await.unwrap();
            return false;
        }
        stream.write_all(&[5, wanted]).await.unwrap();
        let Some((user, password)) = self.auth else { return true };
        assert_eq!(stream.read_u8().await.unwrap(), 1);
        let given = (short_text(stream).await, short_text(stream).await);
        let right = given == (user.to_owned(), password.to_owned());
        stream.write_all(&[1, u8::from(!right)]).await.unwrap();
        right
    }
}

#[tokio::test]
async fn socks_resolves_names_at_the_proxy() {
    let upstream = Upstream::answering(OK).await;
    for auth in [None, Some(("user", "password"))] {
        let (proxy, seen) = Socks { auth, reply: 0, to: upstream.addr }.start().await;
        let transport = transport(through(OutboundKind::Socks5, &proxy, auth));
        let mut asked = Vec::new();
        for host in [HIDDEN, "192.0.2.7", "2001:db8::1"] {
            let spec = Arc::new(spec(Scheme::Http, host, 81));
            assert_eq!(fetch(&transport, &spec).await, "ok");
            asked.push(format!("{host} 81"));
        }
        assert_eq!(*seen.lock().unwrap(), asked);
        transport.shutdown().await;
        proxy.until_open(0).await;
    }
}

#[tokio::test]
async fn socks_refusals_are_the_proxys() {
    let upstream = Upstream::answering(OK).await;
    let right = Some(("user", "password"));
    let cases = [
        (right, None, 0, "it wants a user name and password"),
        (right, Some(("user", "wrong")), 0, "it refused the user name or password"),
        (None, right, 0, "it does not take user names and passwords"),
        (None, None, 2, "its rules do not allow this endpoint"),
        (None, None, 5, "the endpoint refused its connection"),
    ];
    for (auth, given, reply, text) in cases {
        let (proxy, _) = Socks { auth, reply, to: upstream.addr }.start().await;
        let transport = transport(through(OutboundKind::Socks5, &proxy, given));
        let error = failure(&transport, &hidden(Scheme::Http, &upstream)).await;
        assert_eq!(error.kind, SendErrorKind::Proxy);
        assert_eq!(error.detail, format!("outbound proxy: {text}"));
    }
    let no_socks = Upstream::greeting(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let transport = transport(through(OutboundKind::Socks5, &no_socks, None));
    let error = failure(&transport, &hidden(Scheme::Http, &upstream)).await;
    assert_eq!(error.kind, SendErrorKind::Proxy);
}
