//! TLS to endpoints, with a certificate authority made on the spot.

use std::sync::Arc;

use cc_forwarder::domain::endpoint::{EndpointSpec, Scheme};
use cc_forwarder::proxy::dialer::Dialer;
use cc_forwarder::proxy::transport::{BodyErrorKind, SendErrorKind, Transport};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::support::*;

/// A certificate authority and the file with its certificate.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: NamedTempFile,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), issuer.pem()).unwrap();
        Self { issuer, file }
    }

    /// A server for these names that offers these protocols.
    pub(crate) fn acceptor(&self, names: &[&str], alpn: &[&[u8]]) -> TlsAcceptor {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    /// A transport that trusts this authority too.
    pub(crate) fn transport(&self) -> Transport {
        Transport::new(Dialer::new(None, Some(self.file.path().to_owned())))
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.file.path().to_owned()
    }
}

/// Answers requests over TLS until the client closes.
pub(crate) async fn upstream(acceptor: TlsAcceptor) -> Upstream {
    Upstream::start_streams(move |_, stream: TcpStream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(tls) = acceptor.accept(stream).await else { return };
            let mut peer = Peer::new(tls);
            while peer.read_request().await.is_some() {
                peer.send(OK).await;
            }
        }
    })
    .await
}

pub(crate) fn https(host: &str, upstream: &Upstream) -> Arc<EndpointSpec> {
    Arc::new(spec(Scheme::Https, host, upstream.addr.port()))
}

#[tokio::test]
async fn an_extra_authority_is_trusted_and_connections_are_reused() {
    let authority = Authority::new();
    let upstream = upstream(authority.acceptor(&["localhost", "127.0.0.1"], &[b"h2", b"http/1.1"])).await;
    let transport = authority.transport();
    for host in ["localhost", "127.0.0.1"] {
        assert_eq!(fetch(&transport, &https(host, &upstream)).await, "ok");
        assert_eq!(fetch(&transport, &https(host, &upstream)).await, "ok");
    }
    assert_eq!((upstream.accepted(), transport.idle_connections()), (2, 2));
    transport.shutdown().await;
    upstream.until_open(0).await;
}

#[tokio::test]
async fn an_unknown_authority_and_a_wrong_name_are_tls_errors() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let unknown = upstream(stranger.acceptor(&["localhost"], &[])).await;
    let misnamed = upstream(authority.acceptor(&["other.example"], &[])).await;
    for upstream in [unknown, misnamed] {
        let error = failure(&authority.transport(), &https("localhost", &upstream)).await;
        assert_eq!(error.kind, SendErrorKind::Tls);
        assert!(error.detail.starts_with("TLS: invalid peer certificate"), "{error}");
        assert!(!error.request_sent && error.unsent.is_some());
    }
}

#[tokio::test]
async fn an_endpoint_without_tls_is_a_tls_error() {
    let upstream = Upstream::greeting(OK).await;
    let error = failure(&Authority::new().transport(), &https("127.0.0.1", &upstream)).await;
    assert_eq!(error.kind, SendErrorKind::Tls);
}

/// Without TLS's closing alert an end by close could be anybody's doing.
#[tokio::test]
async fn a_close_without_the_closing_alert_is_a_cut() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["localhost"], &[]);
    let upstream = Upstream::start_streams(move |_, stream: TcpStream| {
        let acceptor = acceptor.clone();
        async move {
            let mut peer = Peer::new(acceptor.accept(stream).await.unwrap());
            peer.read_request().await;
            peer.send(b"HTTP/1.1 200 OK\r\n\r\nuntil the close").await;
        }
    })
    .await;
    let answer = send(&authority.transport(), &https("localhost", &upstream)).await.unwrap();
    let (bytes, end) = drain(answer.body).await;
    assert_eq!(bytes, "until the close");
    assert_eq!(end.unwrap_err().kind, BodyErrorKind::Cut);
}
