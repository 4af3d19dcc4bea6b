//! The client of external key store proxies.
//!
//! Not here: which proxy belongs to which store, and what a failure means to a caller of the API (`custom_key_stores`).
//! Rule: AWS KMS External Key Store (XKS) Proxy API Specification, version 1.
//! Invariants: every request is signed with a day's key that the keeper derived; requests, answers, waiting times and the
//! number of requests at once are bounded; no address is reached that the operator must open first.

mod failure;
mod message;
mod sign;
mod transport;

use std::{sync::Arc, time::Duration};

use hyper::{
    Method, Request,
    body::Bytes,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST},
};
use kanuki_keeper_protocol::Client;
use kanuki_types::{Clock, Region};
use serde::{Serialize, de::DeserializeOwned};

pub use failure::{XksError, XksFailure};
pub use message::{KeyUse, RequestMetadata, Wrapped};
pub use transport::{TransportError, XksSettings, is_certificate};
pub(crate) use transport::{connect_by_name, connector};

use message::{
    AES_GCM, DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse, ErrorResponse, HealthResponse,
    MetadataRequest, MetadataResponse, SHA_256,
};
use sign::Signer;
use transport::{Place, Transport};

/// Speaks to every proxy.
#[derive(Debug)]
pub struct XksClient {
    transport: Transport,
    keeper: Client,
    wall_clock: WallClock,
}

/// The time of the world: proxies compare signatures with it, not with the time of the domain.
struct WallClock(Arc<dyn Clock>);

impl std::fmt::Debug for WallClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WallClock")
    }
}

/// A proxy: where it is, and how requests to it are signed.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// The host of its URI.
    pub host: String,
    /// The path of its URI, up to the version.
    pub path: String,
    /// The VPC endpoint service through which it is reached, if it is.
    pub vpc_service: Option<String>,
    /// The Region that signatures name.
    pub region: Region,
    /// The access key id that signatures name.
    pub access_key_id: String,
    /// The name to which the keeper bound the secret.
    pub secret_name: String,
    /// The secret as the keeper sealed it.
    pub sealed_secret: Vec<u8>,
}

impl XksClient {
    /// A client; `wall_clock` is the time that proxies see.
    ///
    /// # Errors
    /// If the certificates of the settings cannot be read.
    pub fn new(settings: XksSettings, keeper: Client, wall_clock: Arc<dyn Clock>) -> Result<Self, TransportError> {
        Ok(Self { transport: Transport::new(settings)?, keeper, wall_clock: WallClock(wall_clock) })
    }

    /// Whether the operator has said where a VPC endpoint service is.
    #[must_use]
    pub fn knows_vpc_service(&self, name: &str) -> bool {
        self.transport.knows_vpc_service(name)
    }

    /// Closes the connections that are kept to a proxy.
    pub fn forget(&self, proxy: &Proxy) {
        self.transport.forget(&place(proxy));
    }

    /// `GetHealthStatus`: the path and the credential are right, and a key manager is there.
    ///
    /// # Errors
    /// See [`XksError`].
    pub async fn health(&self, proxy: &Proxy, metadata: RequestMetadata<'_>) -> Result<(), XksError> {
        let request = MetadataRequest { request_metadata: metadata };
        let answer: HealthResponse = self.call(proxy, "/health", &request).await?;
        if answer.is_served() { Ok(()) } else { Err(XksFailure::ManagersUnavailable.into()) }
    }

    /// `GetKeyMetadata`: what an external key is good for.
    ///
    /// # Errors
    /// See [`XksError`].
    pub async fn key_metadata(
        &self,
        proxy: &Proxy,
        key: &str,
        metadata: RequestMetadata<'_>,
    ) -> Result<KeyUse, XksError> {
        let request = MetadataRequest { request_metadata: metadata };
        let answer: MetadataResponse = self.call(proxy, &format!("/keys/{key}/metadata"), &request).await?;
        Ok(answer.key_use())
    }

    /// `Encrypt`. The proxy's integrity value is demanded and checked.
    ///
    /// # Errors
    /// See [`XksError`].
    pub async fn encrypt(
        &self,
        proxy: &Proxy,
        key: &str,
        metadata: RequestMetadata<'_>,
        (plaintext, aad): (&[u8], &[u8]),
    ) -> Result<Wrapped, XksError> {
        let request = EncryptRequest {
            request_metadata: metadata,
            additional_authenticated_data: aad,
            plaintext,
            encryption_algorithm: AES_GCM,
            ciphertext_data_integrity_value_algorithm: SHA_256,
        };
        let answer: EncryptResponse = self.call(proxy, &format!("/keys/{key}/encrypt"), &request).await?;
        answer.checked(plaintext.len(), aad).ok_or_else(|| XksFailure::Malformed.into())
    }

    /// `Decrypt`.
    ///
    /// # Errors
    /// See [`XksError`].
    pub async fn decrypt(
        &self,
        proxy: &Proxy,
        key: &str,
        metadata: RequestMetadata<'_>,
        (wrapped, aad): (&Wrapped, &[u8]),
    ) -> Result<Vec<u8>, XksError> {
        let request = DecryptRequest {
            request_metadata: metadata,
            additional_authenticated_data: aad,
            ciphertext: &wrapped.ciphertext,
            ciphertext_metadata: wrapped.metadata.as_deref(),
            encryption_algorithm: AES_GCM,
            initialization_vector: &wrapped.iv,
            authentication_tag: &wrapped.tag,
        };
        let DecryptResponse { plaintext } = self.call(proxy, &format!("/keys/{key}/decrypt"), &request).await?;
        if plaintext.len() == wrapped.ciphertext.len() { Ok(plaintext) } else { Err(XksFailure::Malformed.into()) }
    }

    /// Asks, and once more on a connection of its own if the way to the proxy failed: every request can be repeated.
    async fn call<T: DeserializeOwned>(
        &self,
        proxy: &Proxy,
        path: &str,
        message: &impl Serialize,
    ) -> Result<T, XksError> {
        let body = Bytes::from(serde_json::to_vec(message).map_err(|_| XksFailure::Malformed)?);
        let mut tries_left = TRIES;
        loop {
            tries_left -= 1;
            let request = self.signed(proxy, path, body.clone()).await?;
            let asked = self.transport.post(&place(proxy), request, tries_left + 1 < TRIES).await;
            let answered = asked.and_then(|(status, body)| read_answer(status, &body));
            match answered {
                Err(failure) if failure.is_of_the_way() && tries_left > 0 => {}
                answered => return Ok(answered?),
            }
        }
    }

    async fn signed(
        &self,
        proxy: &Proxy,
        path: &str,
        body: Bytes,
    ) -> Result<Request<http_body_util::Full<Bytes>>, XksError> {
        let now = self.wall_clock.0.now();
        let (date, region) = (now.date_basic(), proxy.region.as_str());
        let sealed = proxy.sealed_secret.clone();
        let key = self.keeper.signing_key(&proxy.secret_name, sealed, &date, region, sign::SERVICE).await?;
        let path = format!("{}{path}", proxy.path);
        let signer = Signer { access_key_id: &proxy.access_key_id, region, time: now };
        let authorization = signer.authorization(&key, &proxy.host, &path, &body);
        Request::builder()
            .method(Method::POST)
            .uri(&path)
            .header(HOST, &proxy.host)
            .header(CONTENT_TYPE, sign::CONTENT_TYPE)
            .header("x-amz-date", now.iso8601_basic())
            .header(AUTHORIZATION, authorization)
            .body(http_body_util::Full::new(body))
            .map_err(|_| XksFailure::InvalidUriPath.into())
    }
}

fn place(proxy: &Proxy) -> Place<'_> {
    Place { host: &proxy.host, vpc_service: proxy.vpc_service.as_deref() }
}

/// An answer, or the failure that it tells of.
fn read_answer<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, XksFailure> {
    if status == 200 {
        return serde_json::from_slice(body).map_err(|_| XksFailure::Malformed);
    }
    let said: ErrorResponse = serde_json::from_slice(body).map_err(|_| XksFailure::Malformed)?;
    Err(XksFailure::said(status, &said.error_name).unwrap_or(XksFailure::Malformed))
}

/// How often a request is sent at most.
const TRIES: u32 = 2;
/// How long a proxy may take for one try, connecting included. Rule: "KMS Considerations" of the specification.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_millis(250);
/// Longest time that the operator may give a proxy.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(10);
