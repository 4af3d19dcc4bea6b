//! The signing keys of identity providers, fetched from the providers.
//!
//! Not here: when; the operator wants it at all, and its caller keeps what was read. Thumbprints pin nothing; a
//! certificate has to chain to a known authority and to name the host.
//! Invariants: HTTPS only; an exchange never takes longer than [`FETCH_SECONDS_MAX`]; answers are read to a bound;
//! redirects are not followed; a name never leads to this machine or its link, unless the operator's own table says so.
//!
//! Rule: OpenID Connect Discovery 1.0 section 4.

use std::{collections::BTreeMap, fmt, io, net::SocketAddr, time::Duration};

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{Request, body::Bytes, client::conn::http1::handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};

use super::SET_BYTES_MAX;
use crate::xks::{TransportError, connect_by_name, connector};

/// Fetches sets of keys.
pub struct Fetcher {
    tls: TlsConnector,
    addresses: BTreeMap<String, SocketAddr>,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// What a provider says of itself, as far as it matters here.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Fetcher {
    /// Trusts the public certificate authorities, and those in a PEM beside them. `addresses` says where hosts are,
    /// instead of where their names lead to.
    ///
    /// # Errors
    /// If the certificates cannot be read.
    pub fn new(authorities: Option<&[u8]>, addresses: BTreeMap<String, SocketAddr>) -> Result<Self, TransportError> {
        Ok(Self { tls: connector(authorities)?, addresses })
    }

    /// The set of an issuer's keys, as it publishes it.
    ///
    /// # Errors
    /// If it cannot be had, or if the issuer calls itself otherwise.
    pub(super) async fn key_set(&self, issuer: &str) -> io::Result<Vec<u8>> {
        let fetched = timeout(FETCH_SECONDS_MAX, async {
            let document = self.get(&format!("{issuer}/.well-known/openid-configuration")).await?;
            let discovery: Discovery = serde_json::from_slice(&document).map_err(io::Error::other)?;
            if discovery.issuer != issuer {
                return Err(io::Error::other("the provider calls itself by another name"));
            }
            self.get(&discovery.jwks_uri).await
        });
        fetched.await.map_err(|_| io::Error::other("the provider takes too long"))?
    }

    async fn get(&self, url: &str) -> io::Result<Vec<u8>> {
        let (host, path) = split(url).ok_or_else(|| io::Error::other("no plain https:// URL"))?;
        let tcp = match self.addresses.get(host) {
            Some(address) => TcpStream::connect(address).await?,
            None => connect_by_name(host).await?,
        };
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let tls = self.tls.connect(name, tcp).await?;
        let (mut connection, driver) = handshake(TokioIo::new(tls)).await.map_err(io::Error::other)?;
        // Ends when the connection does; what went wrong shows at the request.
        tokio::spawn(async move { drop(driver.await) });
        let request = Request::get(path).header("host", host).header("accept", "application/json");
        let request = request.body(Empty::<Bytes>::new()).map_err(io::Error::other)?;
        let response = connection.send_request(request).await.map_err(io::Error::other)?;
        if response.status().as_u16() != 200 {
            return Err(io::Error::other(format!("the provider answers with status {}", response.status().as_u16())));
        }
        let bound = usize::try_from(SET_BYTES_MAX).unwrap_or(usize::MAX);
        let body = Limited::new(response.into_body(), bound).collect().await.map_err(io::Error::other)?;
        Ok(body.to_bytes().to_vec())
    }
}

/// Host and path of a URL without port, user and fragment.
fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("https://")?;
    let at = rest.find('/')?;
    let (host, path) = rest.split_at_checked(at)?;
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    let is_plain = !host.is_empty()
        && host.bytes().all(is_host)
        && path.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
        && url.len() <= URL_BYTES_MAX;
    is_plain.then_some((host, path))
}

/// How long it may take to have a set of keys.
const FETCH_SECONDS_MAX: Duration = Duration::from_secs(5);
const URL_BYTES_MAX: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_urls_are_asked() {
        assert_eq!(split("https://idp.example.com/keys?x=1"), Some(("idp.example.com", "/keys?x=1")));
        for wrong in [
            "http://idp.example.com/keys",
            "https://idp.example.com",
            "https:///keys",
            "https://idp.example.com:8443/keys",
            "https://me@idp.example.com/keys",
            "https://[::1]/keys",
            "https://idp.example.com/keys#x",
            "https://idp.example.com/ke ys",
            "file:///etc/passwd",
        ] {
            assert_eq!(split(wrong), None, "{wrong}");
        }
    }
}
