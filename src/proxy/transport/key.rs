//! Which requests may share a connection: same endpoint, same URL, same way there.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::domain::endpoint::EndpointSpec;
use crate::proxy::dialer::Dialer;

/// Key of pooled connections. Versions of an endpoint that differ in credentials or limits only share connections;
/// another URL or another dialer (outbound proxy, roots) does not.
#[derive(Clone)]
pub(super) struct ConnectionKey {
    pub(super) spec: Arc<EndpointSpec>,
    pub(super) dialer: Arc<Dialer>,
}

impl ConnectionKey {
    /// True when this version of an endpoint would use connections of this key.
    pub(super) fn serves(&self, spec: &EndpointSpec) -> bool {
        // Nearly always it is the very same version.
        std::ptr::eq(&raw const *self.spec, spec)
            || (self.spec.id == spec.id && self.spec.url == spec.url && self.spec.http2 == spec.http2)
    }
}

impl PartialEq for ConnectionKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.dialer, &other.dialer) && self.serves(&other.spec)
    }
}

impl Eq for ConnectionKey {}

impl Hash for ConnectionKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.spec.id.hash(state);
    }
}
