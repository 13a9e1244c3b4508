//! A tunnel through a SOCKS 5 proxy (RFC 1928), with a user name and password (RFC 1929) when there are any.
//!
//! Names are always sent as names, so that the proxy resolves them; address literals, IPv6 in brackets included, are
//! sent as addresses. hyper-util's connector for the same sends a bracketed literal as a name.

use std::net::IpAddr;

use http::Uri;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::DialError;
use crate::domain::secret::Secret;

const VERSION: u8 = 5;
const CONNECT: u8 = 1;
const ADDRESS_V4: u8 = 1;
const ADDRESS_NAME: u8 = 3;
const ADDRESS_V6: u8 = 4;
const NO_AUTH: u8 = 0;
const PASSWORD: u8 = 2;
const PASSWORD_VERSION: u8 = 1;

/// Asks the proxy behind `hop` for a tunnel to the target's host and port and returns the connection, now the tunnel.
pub(super) async fn tunnel<T>(hop: T, target: &Uri, auth: Option<&(Secret, Secret)>) -> Result<T, DialError>
where
    T: Read + Write + Unpin,
{
    let mut io = TokioIo::new(hop);
    authenticate(&mut io, auth).await?;
    request(&mut io, target).await?;
    Ok(io.into_inner())
}

async fn authenticate<T>(io: &mut TokioIo<T>, auth: Option<&(Secret, Secret)>) -> Result<(), DialError>
where
    T: Read + Write + Unpin,
{
    let method = if auth.is_some() { PASSWORD } else { NO_AUTH };
    send(io, &[VERSION, 1, method]).await?;
    match (receive(io).await?, auth) {
        ([VERSION, NO_AUTH], _) => Ok(()),
        ([VERSION, PASSWORD], Some((user, password))) => log_in(io, user, password).await,
        ([VERSION, _], None) => Err(failed("it wants a user name and password")),
        ([VERSION, _], Some(_)) => Err(failed("it does not take user names and passwords")),
        _ => Err(failed("it does not speak SOCKS 5")),
    }
}

async fn log_in<T>(io: &mut TokioIo<T>, user: &Secret, password: &Secret) -> Result<(), DialError>
where
    T: Read + Write + Unpin,
{
    let mut message = vec![PASSWORD_VERSION];
    put_short(&mut message, user.expose())?;
    put_short(&mut message, password.expose())?;
    send(io, &message).await?;
    match receive(io).await? {
        [_, 0] => Ok(()),
        [_, _] => Err(failed("it refused the user name or password")),
    }
}

async fn request<T>(io: &mut TokioIo<T>, target: &Uri) -> Result<(), DialError>
where
    T: Read + Write + Unpin,
{
    let mut message = vec![VERSION, CONNECT, 0];
    put_address(&mut message, target.host().unwrap_or_default())?;
    message.extend(target.port_u16().unwrap_or_default().to_be_bytes());
    send(io, &message).await?;
    let [version, reply, _, kind] = receive(io).await?;
    if version != VERSION {
        return Err(failed("it does not speak SOCKS 5"));
    }
    if reply != 0 {
        return Err(refused(reply));
    }
    skip_address(io, kind).await
}

/// The address the proxy bound for us is of no use, but has to be read off the connection.
async fn skip_address<T>(io: &mut TokioIo<T>, kind: u8) -> Result<(), DialError>
where
    T: Read + Write + Unpin,
{
    let length = match kind {
        ADDRESS_V4 => 4,
        ADDRESS_V6 => 16,
        ADDRESS_NAME => usize::from(receive::<_, 1>(io).await?[0]),
        _ => return Err(failed("its answer has an unknown address type")),
    };
    let mut rest = [0; 255 + 2];
    io.read_exact(&mut rest[..length + 2]).await.map_err(|_| closed())?;
    Ok(())
}

fn put_address(message: &mut Vec<u8>, host: &str) -> Result<(), DialError> {
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => {
            message.push(ADDRESS_V4);
            message.extend(ip.octets());
        }
        Ok(IpAddr::V6(ip)) => {
            message.push(ADDRESS_V6);
            message.extend(ip.octets());
        }
        Err(_) => {
            message.push(ADDRESS_NAME);
            put_short(message, host)?;
        }
    }
    Ok(())
}

/// A text behind its length in one byte.
fn put_short(message: &mut Vec<u8>, text: &str) -> Result<(), DialError> {
    let length = u8::try_from(text.len())
        .map_err(|_| failed("SOCKS 5 takes at most 255 bytes of host, user name and password each"))?;
    message.push(length);
    message.extend(text.as_bytes());
    Ok(())
}

async fn send<T: Read + Write + Unpin>(io: &mut TokioIo<T>, message: &[u8]) -> Result<(), DialError> {
    io.write_all(message).await.map_err(|_| closed())?;
    io.flush().await.map_err(|_| closed())
}

async fn receive<T, const N: usize>(io: &mut TokioIo<T>) -> Result<[u8; N], DialError>
where
    T: Read + Write + Unpin,
{
    let mut message = [0; N];
    io.read_exact(&mut message).await.map_err(|_| closed())?;
    Ok(message)
}

/// RFC 1928 section 6.
fn refused(reply: u8) -> DialError {
    failed(match reply {
        1 => "it failed to connect to the endpoint",
        2 => "its rules do not allow this endpoint",
        3 => "the endpoint's network is unreachable from it",
        4 => "the endpoint is unreachable from it",
        5 => "the endpoint refused its connection",
        6 => "its connection to the endpoint timed out",
        7 | 8 => "it does not support what was asked",
        _ => "it refused the tunnel",
    })
}

fn closed() -> DialError {
    failed("it closed the connection during the SOCKS handshake")
}

fn failed(what: &'static str) -> DialError {
    DialError::Proxy(what.into())
}
