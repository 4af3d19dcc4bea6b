//! TLS at the front door: which certificate it shows, and what a connection agreed on.
//!
//! Not here: the listening socket (`http`), and who a caller is: clients show no certificates, they sign requests.
//! Invariants: TLS 1.2 and 1.3 only, with the library's cipher suites; the private key of a certificate that this server
//! made for itself never leaves the process; a certificate is renewed before it ends, without a new start.

mod acceptor;
mod authority;
mod certificates;

pub use acceptor::{Acceptor, TlsSession};
pub use authority::Authority;
pub use certificates::{Certificates, HostNames};

/// Why there is no TLS.
#[derive(Debug)]
pub struct TlsError(String);

impl TlsError {
    fn new(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl std::fmt::Display for TlsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}
