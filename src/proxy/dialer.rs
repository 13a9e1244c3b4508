//! From an endpoint's URL to a connection one can speak HTTP on: DNS, TCP, outbound proxy, TLS.
//!
//! | `proxy.type` | the way to the endpoint |
//! |---|---|
//! | none | DNS and TCP from here, both address families raced (RFC 8305) |
//! | `http` | TCP to the proxy, then `CONNECT` |
//! | `https` | TLS to the proxy, then `CONNECT` inside |
//! | `socks5` | TCP to the proxy, then SOCKS 5; the proxy resolves the endpoint's name |
//!
//! TLS to `https` endpoints follows on top, whatever the way. The roots are loaded at the first use of TLS and never
//! without one. One limit ([`CONNECT_TIMEOUT`]) covers all steps together.
//!
//! Must never: put a credential, or a URL that could hold one, into an error; block an async thread; try twice.

mod connect;
mod socks5;
#[cfg(test)]
mod tests;
mod tls;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::TryFutureExt;
use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiAddrs, GaiFuture, GaiResolver, Name};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::config::{OutboundKind, OutboundProxy};
use crate::domain::endpoint::{BaseUrl, Scheme};

/// DNS, TCP, outbound proxy and TLS together may take this long.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Silence after which the system probes whether the other side is still there. Upstreams think for minutes without
/// a byte, and address translators forget connections in less.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);

/// The first hop: the endpoint itself, or the outbound proxy (over TLS for `https` proxies).
type Hop = MaybeHttpsStream<TokioIo<TcpStream>>;

/// A connection to an endpoint, ready for HTTP.
pub type Link = MaybeHttpsStream<Hop>;

type BoxError = Box<dyn StdError + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The HTTP version a connection is made for; over TLS it is the only one offered (ALPN).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2; over plain TCP by prior knowledge (RFC 9113 section 3.3).
    Http2,
}

/// Why no connection came about. The texts are short, for people, and free of secrets and URLs.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DialError {
    /// The endpoint's name could not be resolved.
    #[error("DNS lookup failed: {0}")]
    Dns(Cow<'static, str>),
    /// The endpoint could not be reached.
    #[error("cannot connect: {0}")]
    Connect(Cow<'static, str>),
    /// The outbound proxy could not be reached or refused.
    #[error("outbound proxy: {0}")]
    Proxy(Cow<'static, str>),
    /// The TLS handshake with the endpoint failed, or `tls.extra_ca` could not be used.
    #[error("TLS: {0}")]
    Tls(Cow<'static, str>),
    /// It took longer than the connect timeout.
    #[error("no connection within {} s", .0.as_secs_f32())]
    Timeout(Duration),
}

/// Makes connections to endpoints. It belongs to one version of the configuration; make a new one when `proxy` or
/// `tls` changes.
pub struct Dialer {
    way: Way,
    tls: Arc<tls::Tls>,
    connect_timeout: Duration,
}

/// Opens the first hop and the tunnel through it. Cloned into each dial.
#[derive(Clone)]
struct Way {
    tcp: HttpConnector<Resolver>,
    tls: Arc<tls::Tls>,
    outbound: Option<Arc<OutboundProxy>>,
}

impl Dialer {
    /// A dialer that goes through `outbound` when given and also trusts the certificates in the PEM file `extra_ca`.
    /// Nothing is read or resolved yet.
    pub fn new(outbound: Option<OutboundProxy>, extra_ca: Option<PathBuf>) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver(GaiResolver::new()));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE_AFTER));
        tcp.set_keepalive_interval(Some(KEEPALIVE_AFTER));
        let tls = Arc::new(tls::Tls::new(extra_ca));
        let way = Way { tcp, tls: Arc::clone(&tls), outbound: outbound.map(Arc::new) };
        Self { way, tls, connect_timeout: CONNECT_TIMEOUT }
    }

    /// The same with another limit than [`CONNECT_TIMEOUT`].
    pub fn with_connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// The limit of one [`Dialer::dial`].
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// A new connection to where `url` points.
    ///
    /// # Errors
    /// See [`DialError`]; the step that failed decides.
    pub async fn dial(&self, url: &BaseUrl, protocol: Protocol) -> Result<Link, DialError> {
        let limit = self.connect_timeout;
        let dialing = Box::pin(self.dial_unlimited(url, protocol));
        tokio::time::timeout(limit, dialing).await.unwrap_or(Err(DialError::Timeout(limit)))
    }

    async fn dial_unlimited(&self, url: &BaseUrl, protocol: Protocol) -> Result<Link, DialError> {
        let target = uri_of(url.scheme, &url.host, url.port)
            .map_err(|_| DialError::Connect("the endpoint's host name is not valid".into()))?;
        match url.scheme {
            Scheme::Http => self.way.open(target).await.map(MaybeHttpsStream::Http),
            Scheme::Https => {
                let config = self.tls.config(protocol).await?;
                let connector = HttpsConnector::from((self.way.clone(), config));
                let link = call(connector, target).await.map_err(endpoint_tls_error)?;
                agreed_on(link, protocol)
            }
        }
    }
}

impl Way {
    async fn open(&self, target: Uri) -> Result<Hop, DialError> {
        let Some(proxy) = &self.outbound else {
            let tcp = call(self.tcp.clone(), target).await.map_err(|e| tcp_error(&e))?;
            return Ok(MaybeHttpsStream::Http(tcp));
        };
        let hop = self.reach(proxy).await?;
        match proxy.kind {
            OutboundKind::Http | OutboundKind::Https => {
                connect::tunnel(hop, &target, proxy.auth.as_ref()).await
            }
            OutboundKind::Socks5 => socks5::tunnel(hop, &target, proxy.auth.as_ref()).await,
        }
    }

    async fn reach(&self, proxy: &OutboundProxy) -> Result<Hop, DialError> {
        let scheme = if proxy.kind == OutboundKind::Https { Scheme::Https } else { Scheme::Http };
        let uri = uri_of(scheme, &proxy.host, proxy.port)
            .map_err(|_| DialError::Proxy("its host name is not valid".into()))?;
        match scheme {
            Scheme::Http => {
                let tcp = call(self.tcp.clone(), uri).await.map_err(|e| of_proxy(tcp_error(&e)))?;
                Ok(MaybeHttpsStream::Http(tcp))
            }
            Scheme::Https => {
                let config = self.tls.config(Protocol::Http1).await?;
                let connector = HttpsConnector::from((self.tcp.clone(), config));
                call(connector, uri).await.map_err(|e| of_proxy(proxy_tls_error(&e)))
            }
        }
    }
}

impl Service<Uri> for Way {
    type Response = Hop;
    type Error = DialError;
    type Future = BoxFuture<Result<Hop, DialError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let way = self.clone();
        Box::pin(async move { way.open(target).await })
    }
}

/// The system's resolver, with an error type by which a failed lookup is told from a failed connect.
#[derive(Clone)]
struct Resolver(GaiResolver);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct LookupFailed(io::Error);

impl Service<Name> for Resolver {
    type Response = GaiAddrs;
    type Error = LookupFailed;
    type Future = futures_util::future::MapErr<GaiFuture, fn(io::Error) -> LookupFailed>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LookupFailed>> {
        self.0.poll_ready(cx).map_err(LookupFailed)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        self.0.call(name).map_err(LookupFailed)
    }
}

async fn call<S: Service<Uri>>(mut service: S, target: Uri) -> Result<S::Response, S::Error> {
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(target).await
}

fn uri_of(scheme: Scheme, host: &str, port: u16) -> Result<Uri, http::Error> {
    let authority = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    Uri::builder().scheme(scheme.as_str()).authority(authority).path_and_query("/").build()
}

/// Endpoints that do not know ALPN answer a handshake for HTTP/2 with HTTP/1.1 in mind; better to say so here than to
/// wait for their confusion.
fn agreed_on(link: Link, protocol: Protocol) -> Result<Link, DialError> {
    let alpn = match &link {
        MaybeHttpsStream::Https(tls) => tls.inner().get_ref().1.alpn_protocol(),
        MaybeHttpsStream::Http(_) => None,
    };
    if protocol == Protocol::Http2 && alpn != Some(b"h2") {
        return Err(DialError::Tls("the endpoint does not offer HTTP/2; set http2: false for it".into()));
    }
    Ok(link)
}

fn tcp_error(error: &(dyn StdError + 'static)) -> DialError {
    if let Some(lookup) = find::<LookupFailed>(error) {
        return DialError::Dns(lookup.0.to_string().into());
    }
    DialError::Connect(find::<io::Error>(error).map_or("failed".into(), describe_io))
}

fn of_proxy(error: DialError) -> DialError {
    DialError::Proxy(error.to_string().into())
}

fn endpoint_tls_error(error: BoxError) -> DialError {
    match error.downcast::<DialError>() {
        Ok(error) => *error,
        Err(error) => tls_error(&*error),
    }
}

/// Errors of TCP and of TLS come mixed here: those of TCP are wrapped in a type that is not `io::Error`.
fn proxy_tls_error(error: &BoxError) -> DialError {
    if error.is::<io::Error>() { tls_error(&**error) } else { tcp_error(&**error) }
}

fn tls_error(error: &(dyn StdError + 'static)) -> DialError {
    let text = match (find::<rustls::Error>(error), find::<io::Error>(error)) {
        (Some(tls), _) => tls.to_string().into(),
        (None, Some(io)) => format!("handshake failed: {}", describe_io(io)).into(),
        (None, None) => "handshake failed".into(),
    };
    DialError::Tls(text)
}

/// The system's words for it, in English on every platform.
fn describe_io(error: &io::Error) -> Cow<'static, str> {
    error.kind().to_string().into()
}

/// The first cause of this type. `io::Error` hides the error it wraps from `source`, so that is looked at too.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
