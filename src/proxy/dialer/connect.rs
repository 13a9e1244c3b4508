//! A tunnel through an HTTP proxy: one `CONNECT` request (RFC 9110 section 9.3.6), then the connection is ours.
//!
//! hyper speaks it, so heads of any shape are understood and the proxy's status can be told to the user.
//! hyper-util's connector for the same keeps the status to itself.

use std::future::poll_fn;
use std::pin::pin;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::uri::Authority;
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper::rt::{Read, Write};

use super::DialError;
use crate::domain::secret::Secret;

/// Asks the proxy behind `hop` for a tunnel to the target's authority and returns the connection, now the tunnel.
pub(super) async fn tunnel<T>(hop: T, target: &Uri, auth: Option<&(Secret, Secret)>) -> Result<T, DialError>
where
    T: Read + Write + Unpin + Send + 'static,
{
    let request =
        request(target, auth).map_err(|_| failed("the endpoint or the credentials are not valid"))?;
    let (sender, mut connection) = http1::handshake(hop).await.map_err(|_| failed("handshake failed"))?;
    let answer = exchange(sender, &mut connection, request).await?;
    if !answer.status().is_success() {
        return Err(refused(answer.status()));
    }
    let parts = connection.into_parts();
    if !parts.read_buf.is_empty() {
        return Err(failed("it sent data before the tunnel was used"));
    }
    Ok(parts.io)
}

fn request(target: &Uri, auth: Option<&(Secret, Secret)>) -> Result<Request<Empty<Bytes>>, http::Error> {
    let authority = target.authority().map_or("", Authority::as_str);
    let mut request = Request::connect(authority).header(HOST, authority);
    if let Some((user, password)) = auth {
        let pair = format!("{}:{}", user.expose(), password.expose());
        let mut value = HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(pair)))?;
        value.set_sensitive(true);
        request = request.header(PROXY_AUTHORIZATION, value);
    }
    request.body(Empty::new())
}

/// The connection is driven up to the head and not beyond: what follows belongs to the tunnel. A connection that ends
/// earlier resolves the answer with an error.
async fn exchange<T>(
    mut sender: SendRequest<Empty<Bytes>>,
    connection: &mut Connection<T, Empty<Bytes>>,
    request: Request<Empty<Bytes>>,
) -> Result<Response<Incoming>, DialError>
where
    T: Read + Write + Unpin + Send,
{
    let mut answer = pin!(sender.send_request(request));
    poll_fn(|cx| {
        let _ = connection.poll_without_shutdown(cx);
        answer.as_mut().poll(cx)
    })
    .await
    .map_err(|error| broken(&error))
}

fn refused(status: StatusCode) -> DialError {
    match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => failed("it wants a user name and password (407)"),
        status => DialError::Proxy(format!("it refused the tunnel: {status}").into()),
    }
}

fn broken(error: &hyper::Error) -> DialError {
    if error.is_parse() {
        failed("its answer is not HTTP")
    } else {
        failed("it closed the connection instead of answering")
    }
}

fn failed(what: &'static str) -> DialError {
    DialError::Proxy(what.into())
}
