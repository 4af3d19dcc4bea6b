//! HTTP over TLS to proxies.
//!
//! Not here: signatures and what bodies mean.
//! Rule: "Network" of the specification: port 443, HTTP/1.1, TLS 1.3 or 1.2 with the cipher suites that it names, and a
//! certificate that chains to a known authority and names the host.
//! Invariants: one try never takes longer than the set time; an answer is read to a bound; redirects are not followed;
//! a name never leads to this machine or its link, unless the operator's own table says so.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::{CryptoProvider, aws_lc_rs},
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

use super::{TIMEOUT_DEFAULT, XksFailure};

/// What the operator chose.
#[derive(Debug, Clone)]
pub struct XksSettings {
    /// Certificate authorities in PEM, trusted beside the public ones.
    pub authorities: Option<Vec<u8>>,
    /// Where a host of a proxy's URI is, instead of where its name leads to, port 443.
    pub addresses: BTreeMap<String, SocketAddr>,
    /// Where a VPC endpoint service is.
    pub vpc_endpoint_services: BTreeMap<String, SocketAddr>,
    /// How long one try may take.
    pub timeout: Duration,
}

impl Default for XksSettings {
    fn default() -> Self {
        Self {
            authorities: None,
            addresses: BTreeMap::new(),
            vpc_endpoint_services: BTreeMap::new(),
            timeout: TIMEOUT_DEFAULT,
        }
    }
}

/// Which proxy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) host: &'a str,
    pub(super) vpc_service: Option<&'a str>,
}

/// Connections to every proxy.
pub(super) struct Transport {
    settings: XksSettings,
    tls: TlsConnector,
    peers: Arc<Mutex<HashMap<String, Peer>>>,
}

/// What there is of one proxy: entries with neither a request under way nor an idle connection are removed.
#[derive(Default)]
struct Peer {
    idle: Vec<Connection>,
    in_flight: usize,
}

type Connection = SendRequest<Full<Bytes>>;

impl Transport {
    /// # Errors
    /// If the certificates cannot be read.
    pub(super) fn new(settings: XksSettings) -> Result<Self, TransportError> {
        let tls = connector(settings.authorities.as_deref())?;
        Ok(Self { settings, tls, peers: Arc::default() })
    }

    pub(super) fn knows_vpc_service(&self, name: &str) -> bool {
        self.settings.vpc_endpoint_services.contains_key(name)
    }

    /// Closes the idle connections to a proxy.
    pub(super) fn forget(&self, place: &Place<'_>) {
        self.with_peers(|peers| {
            if let Some(peer) = peers.get_mut(&place.name()) {
                peer.idle.clear();
                peers.retain(|_, peer| peer.is_used());
            }
        });
    }

    /// Sends a request and reads the whole answer; `fresh` asks for a new connection.
    ///
    /// # Errors
    /// A failure of the way.
    pub(super) async fn post(
        &self,
        place: &Place<'_>,
        request: Request<Full<Bytes>>,
        fresh: bool,
    ) -> Result<(u16, Vec<u8>), XksFailure> {
        let _slot = self.enter(place).ok_or(XksFailure::Busy)?;
        let asked = timeout(self.settings.timeout, self.exchange(place, request, fresh)).await;
        asked.unwrap_or(Err(XksFailure::TimedOut))
    }

    async fn exchange(
        &self,
        place: &Place<'_>,
        request: Request<Full<Bytes>>,
        fresh: bool,
    ) -> Result<(u16, Vec<u8>), XksFailure> {
        let kept = if fresh { None } else { self.take_idle(place) };
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.connect(place).await?,
        };
        let response = connection.send_request(request).await.map_err(|_| XksFailure::Unreachable)?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| match error.downcast_ref::<http_body_util::LengthLimitError>() {
            Some(_) => XksFailure::Malformed,
            None => XksFailure::Unreachable,
        })?;
        self.keep(place, connection).await;
        Ok((status, body.to_bytes().to_vec()))
    }

    async fn connect(&self, place: &Place<'_>) -> Result<Connection, XksFailure> {
        let name = ServerName::try_from(place.host.to_owned()).map_err(|_| XksFailure::Unreachable)?;
        let tcp = self.tcp(place).await?;
        // Requests are small and each waits for its answer.
        tcp.set_nodelay(true).map_err(|_| XksFailure::Unreachable)?;
        let tls = self.tls.connect(name, tcp).await.map_err(|error| tls_failure(&error))?;
        let (connection, driver) = handshake(TokioIo::new(tls)).await.map_err(|_| XksFailure::Unreachable)?;
        // Ends when the connection does; what went wrong shows at the request.
        tokio::spawn(async move { drop(driver.await) });
        Ok(connection)
    }

    async fn tcp(&self, place: &Place<'_>) -> Result<TcpStream, XksFailure> {
        let told = match place.vpc_service {
            Some(service) => {
                let address = self.settings.vpc_endpoint_services.get(service);
                Some(*address.ok_or(XksFailure::VpcServiceUnknown)?)
            }
            None => self.settings.addresses.get(place.host).copied(),
        };
        if let Some(address) = told {
            return TcpStream::connect(address).await.map_err(|_| XksFailure::Unreachable);
        }
        connect_by_name(place.host).await.map_err(|_| XksFailure::Unreachable)
    }

    fn take_idle(&self, place: &Place<'_>) -> Option<Connection> {
        self.with_peers(|peers| {
            let peer = peers.get_mut(&place.name())?;
            while let Some(connection) = peer.idle.pop() {
                if connection.is_ready() {
                    return Some(connection);
                }
            }
            None
        })
    }

    /// Keeps a connection whose answer was read, once it can take another request.
    async fn keep(&self, place: &Place<'_>, mut connection: Connection) {
        if connection.ready().await.is_err() {
            return;
        }
        self.with_peers(|peers| {
            if let Some(peer) = peers.get_mut(&place.name())
                && peer.idle.len() < IDLE_MAX
            {
                peer.idle.push(connection);
            }
        });
    }

    fn enter(&self, place: &Place<'_>) -> Option<Slot> {
        let name = place.name();
        self.with_peers(|peers| {
            let peer = peers.entry(name.clone()).or_default();
            if peer.in_flight >= IN_FLIGHT_MAX {
                return None;
            }
            peer.in_flight += 1;
            Some(Slot { name, peers: Arc::clone(&self.peers) })
        })
    }

    fn with_peers<T>(&self, act: impl FnOnce(&mut HashMap<String, Peer>) -> T) -> T {
        act(&mut self.peers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A request under way.
struct Slot {
    name: String,
    peers: Arc<Mutex<HashMap<String, Peer>>>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(peer) = peers.get_mut(&self.name) {
            peer.in_flight -= 1;
            if !peer.is_used() {
                peers.remove(&self.name);
            }
        }
    }
}

impl Peer {
    fn is_used(&self) -> bool {
        self.in_flight > 0 || !self.idle.is_empty()
    }
}

impl Place<'_> {
    /// Apart for each way: one host behind two services is two peers. A host holds no blank.
    fn name(&self) -> String {
        format!("{} {}", self.host, self.vpc_service.unwrap_or_default())
    }
}

/// What TLS to others needs: the public certificate authorities, and those in a PEM beside them.
///
/// # Errors
/// If the certificates cannot be read.
pub(crate) fn connector(authorities: Option<&[u8]>) -> Result<TlsConnector, TransportError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = authorities {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| TransportError(error.to_string()))?;
            roots.add(certificate).map_err(|error| TransportError(error.to_string()))?;
        }
        if roots.len() == before {
            return Err(TransportError("there is no certificate in it".into()));
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Connects to port 443 of a host that its name leads to, unless it leads to this machine or its link.
///
/// # Errors
/// If no address can be reached, or none may be.
pub(crate) async fn connect_by_name(host: &str) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::other("the name leads to no address that may be asked");
    let found = lookup_host((host, PORT)).await?;
    for address in found.take(ADDRESSES_MAX).filter(|address| is_reachable_by_name(address.ip())) {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The specification's cipher suites and nothing else.
fn provider() -> CryptoProvider {
    use aws_lc_rs::cipher_suite::{
        TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS13_AES_256_GCM_SHA384,
        TLS13_CHACHA20_POLY1305_SHA256,
    };
    CryptoProvider {
        cipher_suites: vec![
            TLS13_AES_256_GCM_SHA384,
            TLS13_CHACHA20_POLY1305_SHA256,
            TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ],
        ..aws_lc_rs::default_provider()
    }
}

/// Whether a text is one certificate in PEM, of a form that could be an authority's.
#[must_use]
pub fn is_certificate(pem: &[u8]) -> bool {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found.as_deref() {
        Ok([certificate]) => RootCertStore::empty().add(certificate.clone()).is_ok(),
        _ => false,
    }
}

/// What failed in TLS is told apart from a connection that broke.
fn tls_failure(error: &std::io::Error) -> XksFailure {
    match error.kind() {
        std::io::ErrorKind::InvalidData => XksFailure::Tls,
        _ => XksFailure::Unreachable,
    }
}

/// A name that its owner points at this machine, at its link or at everybody must not make this server ask there: a
/// metadata service or a door that trusts the machine would answer.
fn is_reachable_by_name(address: IpAddr) -> bool {
    let forbidden = match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast()
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast(),
    };
    !forbidden
}

/// The certificates cannot be read.
#[derive(Debug)]
pub struct TransportError(String);

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate authorities to trust cannot be read: {}", self.0)
    }
}

impl std::error::Error for TransportError {}

const PORT: u16 = 443;
/// Longest answer of a proxy: the base64 of the longest ciphertext is below 6 KiB.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Most requests at once to one proxy.
const IN_FLIGHT_MAX: usize = 256;
/// Most idle connections kept to one proxy.
const IDLE_MAX: usize = 32;
/// Most addresses of a name that are tried.
const ADDRESSES_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_lead_to_this_machine_or_its_link() {
        for forbidden in [
            "127.0.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "fe80::1",
            "::",
            "::ffff:127.0.0.1",
        ] {
            assert!(!is_reachable_by_name(forbidden.parse().unwrap()), "{forbidden}");
        }
        for allowed in ["10.0.0.1", "192.168.1.1", "203.0.113.9", "2001:db8::1", "fd00::1"] {
            assert!(is_reachable_by_name(allowed.parse().unwrap()), "{allowed}");
        }
    }

    #[test]
    fn authorities_must_be_certificates() {
        let with = |pem: &[u8]| Transport::new(XksSettings { authorities: Some(pem.to_vec()), ..Default::default() });
        assert!(with(b"").is_err());
        assert!(with(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err());
        assert!(Transport::new(XksSettings::default()).is_ok());
    }

    #[test]
    fn a_proxy_that_never_answers_holds_a_bounded_number_of_requests() {
        let transport = Transport::new(XksSettings::default()).unwrap();
        let place = Place { host: "a.test", vpc_service: None };
        let slots: Vec<_> = (0..IN_FLIGHT_MAX).map(|_| transport.enter(&place).unwrap()).collect();
        assert!(transport.enter(&place).is_none());
        assert!(transport.enter(&Place { host: "b.test", vpc_service: None }).is_some());
        drop(slots);
        assert!(transport.enter(&place).is_some());
        assert!(transport.peers.lock().unwrap().is_empty(), "what is not used is not kept");
    }
}
