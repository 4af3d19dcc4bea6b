//! The handshake of one connection.

use std::io;

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{CipherSuite, ProtocolVersion},
    server::TlsStream,
};

use super::Certificates;

/// What a connection agreed on, in the words of a trail record's `tlsDetails`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsSession {
    /// Such as `TLSv1.3`.
    pub version: &'static str,
    /// Of TLS 1.3 such as `TLS_AES_128_GCM_SHA256`, of 1.2 such as `ECDHE-RSA-AES128-GCM-SHA256`.
    pub cipher_suite: &'static str,
}

/// Does the server's part of handshakes.
#[derive(Debug)]
pub struct Acceptor(Certificates);

impl Acceptor {
    /// Shows these certificates.
    #[must_use]
    pub fn new(certificates: Certificates) -> Self {
        Self(certificates)
    }

    /// Does the handshake; the caller bounds its time.
    ///
    /// # Errors
    /// If the peer does not speak TLS, agrees on nothing or goes away.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<(Box<TlsStream<TcpStream>>, TlsSession)> {
        let stream = TlsAcceptor::from(self.0.config()).accept(stream).await?;
        let (_, connection) = stream.get_ref();
        let version = connection.protocol_version().and_then(version_name);
        let suite = connection.negotiated_cipher_suite().and_then(|suite| suite_name(suite.suite()));
        let (Some(version), Some(cipher_suite)) = (version, suite) else {
            return Err(io::Error::other("the connection agreed on a protocol that has no name here"));
        };
        Ok((Box::new(stream), TlsSession { version, cipher_suite }))
    }
}

fn version_name(version: ProtocolVersion) -> Option<&'static str> {
    match version {
        ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
        ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
        _ => None,
    }
}

/// Suites of TLS 1.3 stand under their registered names in records, those of 1.2 under the names of OpenSSL.
fn suite_name(suite: CipherSuite) -> Option<&'static str> {
    Some(match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => "ECDHE-ECDSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => "ECDHE-ECDSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-ECDSA-CHACHA20-POLY1305",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => "ECDHE-RSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => "ECDHE-RSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-RSA-CHACHA20-POLY1305",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::crypto::aws_lc_rs;

    use super::*;

    /// A suite without a name would end every connection that agrees on it.
    #[test]
    fn every_suite_that_is_offered_has_a_name() {
        let offered = aws_lc_rs::default_provider().cipher_suites;
        assert!(offered.len() >= 9);
        for suite in offered {
            assert!(suite_name(suite.suite()).is_some(), "{:?}", suite.suite());
        }
    }
}
