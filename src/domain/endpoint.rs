//! One upstream endpoint as configured: an immutable record, replaced whole on reload.
//!
//! An attempt holds one `Arc<EndpointSpec>` from start to end, so that URL, credential and model mapping can never
//! come from two different versions of the configuration.

use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::name::Name;
use super::secret::{MASK, Secret};

/// The unique name of an endpoint; it identifies the endpoint across reloads.
#[derive(
    Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[schema(value_type = String)]
pub struct EndpointId(pub Name);

/// The name of a group.
#[derive(
    Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[schema(value_type = String)]
pub struct GroupId(pub Name);

impl EndpointId {
    /// An id from a name.
    pub fn new(name: impl Into<Name>) -> Self {
        Self(name.into())
    }

    /// The same id, free to copy: for those that a configuration gives, see [`Name::lasting`].
    pub fn lasting(self) -> Self {
        Self(Name::lasting(&self.0))
    }
}

impl GroupId {
    /// An id from a name.
    pub fn new(name: impl Into<Name>) -> Self {
        Self(name.into())
    }

    /// The same id, free to copy: for those that a configuration gives, see [`Name::lasting`].
    pub fn lasting(self) -> Self {
        Self(Name::lasting(&self.0))
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a connection to an endpoint is made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scheme {
    /// Plain TCP.
    Http,
    /// TLS over TCP.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port when the URL names none.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Where an endpoint lives, in the parts a request is built from. User info in the configured URL is refused by the
/// loader and a query or fragment too; what is left is a secret only when it was configured as one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    /// Plain or TLS.
    pub scheme: Scheme,
    /// Host name or IP literal without brackets.
    pub host: String,
    /// Port to connect to.
    pub port: u16,
    /// What goes into `Host`: `host` or `host:port` as configured, IPv6 in brackets.
    pub authority: String,
    /// Path in front of the client's path, without its trailing slash; empty for none.
    pub base_path: String,
    /// It came from a `${...}` reference, so it is not shown.
    pub secret: bool,
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.secret {
            return f.write_str(MASK);
        }
        write!(f, "{}://{}{}", self.scheme.as_str(), self.authority, self.base_path)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

/// What authenticates requests at an endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Credential {
    /// The client's own `authorization` / `x-api-key` goes through (`credential: pass`).
    Pass,
    /// The endpoint's own; the client's is stripped. Both may be set, then both headers are sent.
    Own {
        /// Sent as `authorization: Bearer …`.
        token: Option<Secret>,
        /// Sent as `x-api-key`.
        api_key: Option<Secret>,
    },
    /// None configured (custom `headers` may carry one); the client's is stripped.
    None,
}

/// One configured endpoint.
#[derive(Clone, PartialEq, Debug)]
pub struct EndpointSpec {
    /// Unique name.
    pub id: EndpointId,
    /// The group it belongs to.
    pub group: GroupId,
    /// Where it lives.
    pub url: BaseUrl,
    /// Rank inside the group, lower first; ties by file order.
    pub priority: u32,
    /// Rank of its group, lower first; that of the group's first endpoint counts.
    pub group_priority: u32,
    /// Time to the response head of a non-streaming `messages` request.
    pub timeout: Duration,
    /// What authenticates requests here.
    pub credential: Credential,
    /// Set last on every request, overriding everything else. Values are secrets.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// `Some(false)` skips it for count_tokens, `None` means try.
    pub supports_count_tokens: Option<bool>,
    /// Model mapping, pattern (exact or with a trailing `*`) to target, first match wins.
    pub models: Vec<(String, String)>,
    /// Factor on the price table for this endpoint, in millionths (1_000_000 = unchanged).
    pub price_multiplier_ppm: u64,
    /// Further statuses that mean "throttled, try elsewhere" at this endpoint (some relays use 400).
    pub retry_statuses: Vec<u16>,
    /// Speak HTTP/2 to it.
    pub http2: bool,
    /// False takes it out of routing and probing.
    pub enabled: bool,
}
