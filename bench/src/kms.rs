//! Signed KMS requests: their bytes, and whole calls for what is not timed.
//!
//! Not here: what is measured (`workload.rs`). Invariant: a request is signed by the clock of the moment it is built.

use std::net::SocketAddr;

use serde_json::Value;

use crate::{
    failure::Failure,
    http_client::Connection,
    sigv4::{Credentials, Signer, amz_date},
};

/// Builds requests to one server.
#[derive(Debug)]
pub(crate) struct Kms {
    host: String,
    signer: Signer,
    /// Seconds since 1970.
    clock: fn() -> i64,
}

impl Kms {
    /// Requests to the server at an address.
    pub(crate) fn new(address: SocketAddr, credentials: Credentials, clock: fn() -> i64) -> Self {
        Self { host: address.to_string(), signer: Signer::new(credentials, "kms"), clock }
    }

    /// A whole request, signed now.
    ///
    /// # Errors
    /// If the clock shows no date.
    pub(crate) fn request(&mut self, operation: &str, body: &[u8]) -> Result<Vec<u8>, Failure> {
        let date = amz_date((self.clock)())?;
        let target = format!("TrentService.{operation}");
        let signed =
            [("content-type", CONTENT_TYPE), ("host", &self.host), ("x-amz-date", &date), ("x-amz-target", &target)];
        let authorization = self.signer.authorization(&date, &signed, body)?;
        let mut request = format!("POST / HTTP/1.1\r\nuser-agent: {USER_AGENT}\r\n");
        for (name, value) in signed {
            request.extend([name, ": ", value, "\r\n"]);
        }
        request.push_str(&format!("authorization: {authorization}\r\ncontent-length: {}\r\n\r\n", body.len()));
        let mut request = request.into_bytes();
        request.extend_from_slice(body);
        Ok(request)
    }

    /// Calls and answers the members.
    ///
    /// # Errors
    /// If there is no answer or it is a refusal.
    pub(crate) async fn call(
        &mut self,
        connection: &mut Connection,
        operation: &str,
        members: &Value,
    ) -> Result<Value, Failure> {
        let request = self.request(operation, members.to_string().as_bytes())?;
        let answer = connection.exchange(&request).await?;
        if answer.status != 200 {
            let text = String::from_utf8_lossy(answer.body);
            return Err(Failure::new(format!("{operation} was answered with status {}: {text}", answer.status)));
        }
        Ok(serde_json::from_slice(answer.body)?)
    }
}

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
/// About as long as those of the SDKs.
const USER_AGENT: &str = concat!("kanuki-bench/", env!("CARGO_PKG_VERSION"), " lang/rust os/linux md/load-generator");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_a_whole_request() {
        let credentials =
            Credentials { access_key_id: "AKID".into(), secret_access_key: "s".into(), region: "us-east-1".into() };
        let mut kms = Kms::new("127.0.0.1:80".parse().unwrap(), credentials, || 1_440_938_160);
        let request = String::from_utf8(kms.request("Encrypt", b"{}").unwrap()).unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "{}");
        assert!(head.starts_with("POST / HTTP/1.1\r\n"));
        for line in [
            "host: 127.0.0.1:80",
            "x-amz-date: 20150830T123600Z",
            "x-amz-target: TrentService.Encrypt",
            "content-length: 2",
        ] {
            assert!(head.lines().any(|found| found == line), "{line} in {head}");
        }
        assert!(head.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature="));
    }
}
