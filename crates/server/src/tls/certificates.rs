//! Where the front door's certificate comes from, and when it is taken anew.
//!
//! Invariants: what cannot be read leaves the certificate that is there in place, and says so; nothing is looked at more
//! often than once in [`LOOK_SECONDS`], however many connections come.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use kanuki_types::{Clock, Timestamp};
use tokio_rustls::rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};

use super::{Authority, TlsError, authority::Issued};

/// The names that a certificate is good for: host names and addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostNames(Vec<ServerName<'static>>);

impl HostNames {
    /// This machine's own names, and those given beside them.
    ///
    /// # Errors
    /// If a text is neither a host name nor an address.
    pub fn new(given: &[String]) -> Result<Self, TlsError> {
        let mut names = Vec::new();
        for text in OWN_NAMES.into_iter().chain(given.iter().map(String::as_str)) {
            let name = ServerName::try_from(text.to_owned());
            let name = name.map_err(|_| TlsError::new(format!("`{text}` is neither a host name nor an address")))?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(Self(names))
    }

    pub(super) fn texts(&self) -> Vec<String> {
        self.0.iter().map(|name| name.to_str().into_owned()).collect()
    }
}

/// Keeps the certificate that is shown.
pub struct Certificates {
    source: Source,
    wall_clock: Arc<dyn Clock>,
    shown: Mutex<Shown>,
}

enum Source {
    /// Files of the operator's, in PEM.
    Files { certificate: PathBuf, private_key: PathBuf },
    /// The installation's own authority.
    Own { authority: Box<Authority>, names: HostNames },
}

/// What is shown, and from when on it is looked whether it should be something else.
struct Shown {
    config: Arc<ServerConfig>,
    look_at: Timestamp,
    changed: FilesChanged,
}

/// When the two files changed last.
type FilesChanged = Option<(SystemTime, SystemTime)>;

impl Certificates {
    /// Certificates from two files in PEM, the chain with the server's own certificate first. The files are looked at
    /// again, so that whoever renews them need not start the server anew.
    ///
    /// # Errors
    /// If they cannot be read, or do not belong together.
    pub fn from_files(
        certificate: PathBuf,
        private_key: PathBuf,
        wall_clock: Arc<dyn Clock>,
    ) -> Result<Self, TlsError> {
        Self::new(Source::Files { certificate, private_key }, wall_clock)
    }

    /// Certificates of the installation's own authority.
    ///
    /// # Errors
    /// If no key can be made.
    pub fn from_authority(
        authority: Authority,
        names: HostNames,
        wall_clock: Arc<dyn Clock>,
    ) -> Result<Self, TlsError> {
        Self::new(Source::Own { authority: Box::new(authority), names }, wall_clock)
    }

    fn new(source: Source, wall_clock: Arc<dyn Clock>) -> Result<Self, TlsError> {
        let shown = Mutex::new(source.take(wall_clock.now())?);
        Ok(Self { source, wall_clock, shown })
    }

    /// What a connection that begins now is shown.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        let now = self.wall_clock.now();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= shown.look_at {
            self.look_again(&mut shown, now);
        }
        Arc::clone(&shown.config)
    }

    fn look_again(&self, shown: &mut Shown, now: Timestamp) {
        shown.look_at = now.plus_seconds(LOOK_SECONDS);
        if let Source::Files { certificate, private_key } = &self.source
            && files_changed(certificate, private_key).is_ok_and(|changed| changed == shown.changed)
        {
            return;
        }
        match self.source.take(now) {
            Ok(taken) => *shown = taken,
            Err(error) => tracing::error!(%error, "the TLS certificate could not be taken anew: the old one stays"),
        }
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificates")
    }
}

impl Source {
    fn take(&self, now: Timestamp) -> Result<Shown, TlsError> {
        match self {
            Self::Files { certificate, private_key } => {
                // Read first: files that change in between are taken once more, not missed.
                let changed = files_changed(certificate, private_key)?;
                let config = config_of(chain(certificate)?, key(private_key)?)?;
                Ok(Shown { config, look_at: now.plus_seconds(LOOK_SECONDS), changed })
            }
            Self::Own { authority, names } => {
                let Issued { certificate, private_key, renew_at } = authority.issue(names, now)?;
                Ok(Shown { config: config_of(vec![certificate], private_key)?, look_at: renew_at, changed: None })
            }
        }
    }
}

fn files_changed(certificate: &Path, private_key: &Path) -> Result<FilesChanged, TlsError> {
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).map_err(in_file(path));
    Ok(Some((changed(certificate)?, changed(private_key)?)))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(in_file(path))?;
    let chain: Vec<_> = certificates.collect::<Result<_, _>>().map_err(in_file(path))?;
    if chain.is_empty() { Err(in_file(path)("there is no certificate in it")) } else { Ok(chain) }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(in_file(path))
}

fn in_file<E: fmt::Display>(path: &Path) -> impl Fn(E) -> TlsError + '_ {
    move |error| TlsError::new(format!("{}: {error}", path.display()))
}

/// # Errors
/// If the key is not the certificate's.
fn config_of(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::new)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsError::new)?;
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Ok(Arc::new(config))
}

/// RFC 7301, section 6.
const HTTP_1_1: &[u8] = b"http/1.1";
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// How long a look at the files holds, in seconds.
const LOOK_SECONDS: i64 = 1;
