//! TLS settings, made at the first use of TLS.
//!
//! Roots, in this order:
//! - the platform's own store, through its own verifier where there is one (macOS, Windows);
//! - without a platform store (bare containers) the bundled web roots;
//! - beside either, the certificates of `tls.extra_ca`.
//!
//! Must never: load roots for people who only use `http`, or on an async thread; trust anything else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tokio::sync::OnceCell;

use super::{DialError, Protocol};

/// TLS settings for both protocols, shared by all connections so that sessions are resumed.
pub(super) struct Tls {
    extra_ca: Option<PathBuf>,
    loaded: OnceCell<Loaded>,
}

struct Loaded {
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
}

impl Tls {
    pub(super) fn new(extra_ca: Option<PathBuf>) -> Self {
        Self { extra_ca, loaded: OnceCell::new() }
    }

    /// The settings for connections of this protocol. A failed load is tried again at the next call.
    pub(super) async fn config(&self, protocol: Protocol) -> Result<Arc<ClientConfig>, DialError> {
        let loaded = self.loaded.get_or_try_init(|| load_elsewhere(self.extra_ca.clone())).await?;
        Ok(Arc::clone(match protocol {
            Protocol::Http1 => &loaded.http1,
            Protocol::Http2 => &loaded.http2,
        }))
    }
}

/// Root stores are hundreds of files or a system service away: not for an async thread.
async fn load_elsewhere(extra_ca: Option<PathBuf>) -> Result<Loaded, DialError> {
    let loading = tokio::task::spawn_blocking(move || load(extra_ca.as_deref()));
    loading.await.unwrap_or_else(|_| Err(DialError::Tls("loading the root certificates failed".into())))
}

fn load(extra_ca: Option<&Path>) -> Result<Loaded, DialError> {
    let extra = extra_ca.map(read_pem).transpose()?.unwrap_or_default();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = verifier(extra, &provider).map_err(|e| DialError::Tls(e.to_string().into()))?;
    let config = |alpn: &[u8]| {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| DialError::Tls(e.to_string().into()))?;
        let mut config =
            builder.dangerous().with_custom_certificate_verifier(Arc::clone(&verifier)).with_no_client_auth();
        config.alpn_protocols = vec![alpn.to_vec()];
        Ok(Arc::new(config))
    };
    Ok(Loaded { http1: config(b"http/1.1")?, http2: config(b"h2")? })
}

/// Whether the platform has roots is asked without the extra ones: with them its verifier is content with just those.
fn verifier(
    extra: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    match Verifier::new(Arc::clone(provider)) {
        Ok(verifier) if extra.is_empty() => Ok(Arc::new(verifier)),
        Ok(_) => Ok(Arc::new(Verifier::new_with_extra_roots(extra, Arc::clone(provider))?)),
        Err(_) => bundled(extra, provider),
    }
}

fn bundled(
    extra: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in extra {
        roots.add(certificate)?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    Ok(verifier.map_err(|e| rustls::Error::General(e.to_string()))?)
}

fn read_pem(path: &Path) -> Result<Vec<CertificateDer<'static>>, DialError> {
    let unusable = |what: String| DialError::Tls(format!("tls.extra_ca: {}: {what}", path.display()).into());
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| unusable(e.to_string()))?;
    if certificates.is_empty() {
        return Err(unusable("no PEM certificate in it".into()));
    }
    Ok(certificates)
}
