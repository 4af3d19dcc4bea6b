//! The certificates that attestations must lead to.
//!
//! Invariant: there is at least one, and each is a certificate's bytes; whether one is sound, the keeper says.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use kanuki_keeper_protocol::{CERTIFICATE_BYTES_MAX, CERTIFICATES_MAX};

/// One or more certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustRoot(Vec<Vec<u8>>);

impl TrustRoot {
    /// Reads certificates in PEM (RFC 7468); text around them is passed over.
    ///
    /// # Errors
    /// What is wrong, for the operator.
    pub fn from_pem(text: &str) -> Result<Self, String> {
        let mut certificates = Vec::new();
        let mut rest = text;
        while let Some((_, behind)) = rest.split_once(BEGIN) {
            let (body, behind) = behind.split_once(END).ok_or("a certificate has no end")?;
            let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            let certificate = BASE64.decode(body).map_err(|_| "a certificate is not in base64")?;
            if certificate.is_empty() || certificate.len() > CERTIFICATE_BYTES_MAX {
                return Err(format!("a certificate has 1 to {CERTIFICATE_BYTES_MAX} bytes"));
            }
            certificates.push(certificate);
            rest = behind;
        }
        match certificates.len() {
            0 => Err("there is no certificate".into()),
            1..=CERTIFICATES_MAX => Ok(Self(certificates)),
            _ => Err(format!("there are more than {CERTIFICATES_MAX} certificates")),
        }
    }

    /// The certificates, X.509 in DER.
    pub fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_certificates_and_refuses_the_rest() {
        let one = format!("{BEGIN}\nAQI=\n{END}\n");
        let read = TrustRoot::from_pem(&format!("comment\n{one}{one}")).unwrap();
        assert_eq!(read.certificates().collect::<Vec<_>>(), [[1, 2], [1, 2]]);
        for wrong in ["", BEGIN, &format!("{BEGIN}*{END}"), &format!("{BEGIN}{END}"), &one.repeat(9)] {
            assert!(TrustRoot::from_pem(wrong).is_err(), "{wrong}");
        }
    }
}
