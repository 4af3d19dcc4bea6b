//! Signs requests with AWS Signature Version 4.
//!
//! Not here: query signatures and paths; every request is a POST to `/`. Invariant: the signing key is derived once a
//! day.
//!
//! Rule: "Create a signed AWS API request" of the IAM user guide.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use crate::failure::Failure;

/// Who signs, and for which Region.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) region: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Signs for one service, with the key of the day.
#[derive(Debug)]
pub(crate) struct Signer {
    credentials: Credentials,
    service: &'static str,
    day: String,
    key: [u8; 32],
}

impl Signer {
    /// A signer; the first signature derives the key.
    pub(crate) fn new(credentials: Credentials, service: &'static str) -> Self {
        Self { credentials, service, day: String::new(), key: [0; 32] }
    }

    /// The value of the `Authorization` header. Header names are in lower case and in order; `date` is the value of
    /// `x-amz-date`.
    ///
    /// # Errors
    /// If the date has no day.
    pub(crate) fn authorization(
        &mut self,
        date: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<String, Failure> {
        let day = date.get(..DAY_LEN).ok_or_else(|| Failure::new("a date without a day"))?;
        if self.day != day {
            self.key = signing_key(&self.credentials, day, self.service)?;
            day.clone_into(&mut self.day);
        }
        let scope = format!("{day}/{}/{}/{TERMINATOR}", self.credentials.region, self.service);
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let mut canonical = String::from("POST\n/\n\n");
        for (name, value) in headers {
            canonical.extend([*name, ":", *value, "\n"]);
        }
        canonical.extend(["\n", &names, "\n", &hex(&Sha256::digest(body))]);
        let text = format!("{ALGORITHM}\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
        let signature = hex(&mac(&self.key, text.as_bytes())?);
        let id = &self.credentials.access_key_id;
        Ok(format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"))
    }
}

/// The time as `x-amz-date` carries it.
pub(crate) fn amz_date(seconds: i64) -> Result<String, Failure> {
    let at = OffsetDateTime::from_unix_timestamp(seconds).map_err(|error| Failure::new(error.to_string()))?;
    let (date, (hour, minute, second)) = (at.date(), at.to_hms());
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    Ok(format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z"))
}

fn signing_key(credentials: &Credentials, day: &str, service: &str) -> Result<[u8; 32], Failure> {
    let mut key = mac(format!("AWS4{}", credentials.secret_access_key).as_bytes(), day.as_bytes())?;
    for part in [credentials.region.as_str(), service, TERMINATOR] {
        key = mac(&key, part.as_bytes())?;
    }
    Ok(key)
}

fn mac(key: &[u8], text: &[u8]) -> Result<[u8; 32], Failure> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|error| Failure::new(error.to_string()))?;
    mac.update(text);
    Ok(mac.finalize().into_bytes().into())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from(if n < 10 { b'0' + n } else { b'a' + n - 10 });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
const DAY_LEN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn example(region: &str) -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            region: region.into(),
        }
    }

    /// The published example of the derivation.
    #[test]
    fn derives_the_signing_key_of_the_guide() {
        let key = signing_key(&example("us-east-1"), "20120215", "iam").unwrap();
        assert_eq!(hex(&key), "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
    }

    /// Case `post-vanilla` of the published test suite of the signature.
    #[test]
    fn signs_as_the_published_suite() {
        let mut signer = Signer::new(example("us-east-1"), "service");
        let headers = [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")];
        let header = signer.authorization("20150830T123600Z", &headers, b"").unwrap();
        assert_eq!(
            header,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        );
    }

    #[test]
    fn a_new_day_gets_a_new_key() {
        let mut signer = Signer::new(example("us-east-1"), "kms");
        let mut sign = |date: &str| signer.authorization(date, &[("host", "h")], b"").unwrap();
        let first = sign("20150830T235959Z");
        assert_ne!(first, sign("20150831T000000Z"));
        assert_eq!(first, sign("20150830T235959Z"));
    }

    #[test]
    fn writes_the_date() {
        assert_eq!(amz_date(1_440_938_160).unwrap(), "20150830T123600Z");
    }
}
