//! What the client presents: the parts of a signature in header or query form, not yet verified.
//!
//! Rule: order and texts of refusals as the service's common front end gives them.

use std::{borrow::Cow, fmt};

use kanuki_types::Timestamp;

use super::scope::CredentialScope;
use crate::{
    error::{ApiError, ErrorCode},
    http::Incoming,
    operation::Service,
    wire::Dialect,
};

/// A signature with everything it claims. Of the token nothing is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Presented {
    /// The credential and its scope.
    pub credential: CredentialScope,
    /// Lower-case names, as listed.
    pub signed_headers: Vec<String>,
    /// Lower-case hexadecimal.
    pub signature: String,
    /// The date as sent.
    pub date: String,
    /// The date as an instant.
    pub time: Timestamp,
    /// The session token.
    pub token: Option<String>,
    /// Whether the parts came in the query string.
    pub in_query: bool,
    /// Seconds that a query signature lives.
    pub expires_seconds: Option<i64>,
    /// The protocol, in whose words refusals are written.
    pub dialect: Dialect,
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented").field("credential", &self.credential).finish_non_exhaustive()
    }
}

impl Presented {
    /// Reads the parts.
    ///
    /// # Errors
    /// `MissingAuthenticationToken`, `IncompleteSignature`, or `InvalidSignature` for both forms at once.
    pub fn read(incoming: &Incoming, dialect: Dialect) -> Result<Self, ApiError> {
        let header = incoming.header("authorization");
        let query = has_query_signature(&incoming.query);
        match (header, query) {
            (Some(_), true) => Err(ApiError::bare(ErrorCode::InvalidSignature)),
            (None, false) => Err(missing(dialect)),
            (Some(header), false) => Self::from_header(&header, incoming, dialect),
            (None, true) => Self::from_query(&incoming.query, dialect),
        }
    }

    fn from_header(header: &str, incoming: &Incoming, dialect: Dialect) -> Result<Self, ApiError> {
        if incoming.headers.iter().filter(|(name, _)| name == "authorization").count() > 1 {
            let message = "A request has one Authorization header.";
            return Err(ApiError::new(ErrorCode::IncompleteSignature, message));
        }
        let (algorithm, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        check_algorithm(algorithm)?;
        let members = header_members(rest)?;
        let member = |name: &str| members.iter().rev().find(|(n, _)| *n == name).map(|(_, value)| *value);
        let date = incoming.header("x-amz-date").or_else(|| incoming.header("date"));
        let (credential, signature, signed, date) =
            match (member("Credential"), member("Signature"), member("SignedHeaders"), date) {
                (Some(credential), Some(signature), Some(signed), Some(date)) => (credential, signature, signed, date),
                (credential, signature, signed, date) => {
                    return Err(incomplete_header(
                        credential.is_some(),
                        signature.is_some(),
                        signed.is_some(),
                        date.is_some(),
                    ));
                }
            };
        let signed_headers = signed_headers(signed)?;
        Ok(Self {
            time: parse_date(&date)?,
            credential: CredentialScope::parse(credential)?,
            signed_headers,
            signature: signature.into(),
            date: date.into_owned(),
            token: incoming.header("x-amz-security-token").map(Cow::into_owned),
            in_query: false,
            expires_seconds: None,
            dialect,
        })
    }

    fn from_query(query: &str, dialect: Dialect) -> Result<Self, ApiError> {
        let parameter = |name: &str| query_parameter(query, name).transpose();
        let algorithm = parameter("X-Amz-Algorithm")?.unwrap_or_default();
        check_algorithm(&algorithm)?;
        let names = ["X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"];
        let mut absent = String::new();
        let mut values = Vec::with_capacity(names.len());
        for name in names {
            match parameter(name)? {
                Some(value) => values.push(value),
                None => absent.push_str(&format!("AWS query-string parameters must include '{name}'. ")),
            }
        }
        let [credential, signature, signed, date] = values.as_slice() else {
            let message = format!("{absent}Re-examine the query-string parameters.");
            return Err(ApiError::new(ErrorCode::IncompleteSignature, message));
        };
        let signed_headers = signed_headers(signed)?;
        let expires = parameter("X-Amz-Expires")?.map(|text| text.parse::<i64>());
        let expires_seconds = expires
            .transpose()
            .map_err(|_| ApiError::new(ErrorCode::IncompleteSignature, "X-Amz-Expires must be a number of seconds."))?;
        Ok(Self {
            time: parse_date(date)?,
            credential: CredentialScope::parse(credential)?,
            signed_headers,
            signature: signature.clone(),
            date: date.clone(),
            token: parameter("X-Amz-Security-Token")?,
            in_query: true,
            expires_seconds,
            dialect,
        })
    }

    /// Checks the scope against what the request is for: Region, service, terminator, date.
    ///
    /// # Errors
    /// `InvalidSignature` with the sentences that do not hold.
    pub fn check_scope(&self, service: Service, region_exists: bool) -> Result<(), ApiError> {
        let CredentialScope { date, region, service: scope_service, terminator, .. } = &self.credential;
        let mut sentences = Vec::new();
        if !region_exists {
            sentences.push(format!("Credential should be scoped to a valid Region, not '{}'.", shorten(region)));
        }
        if scope_service != service.name() {
            sentences.push(format!("Credential should be scoped to correct service: '{}'.", service.name()));
        }
        if terminator != TERMINATOR {
            sentences.push(format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{}'.",
                shorten(terminator)
            ));
        }
        let day = self.time.date_basic();
        if *date != day {
            sentences.push(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != \
                 '{day}', from '{}'.",
                shorten(date),
                shorten(&self.date)
            ));
        }
        if sentences.is_empty() { Ok(()) } else { Err(ApiError::new(ErrorCode::InvalidSignature, sentences.join(" "))) }
    }

    /// Checks the date against the server's clock.
    ///
    /// # Errors
    /// `InvalidSignature` outside the window of the service.
    pub fn check_time(&self, service: Service, now: Timestamp) -> Result<(), ApiError> {
        let window = service.skew_seconds_max();
        // A query signature outlives the window only where a service says so; none of ours does.
        let lifetime = self.expires_seconds.map_or(window, |seconds| seconds.clamp(0, window));
        let (signed, server) = (self.time, now);
        let texts = || (signed.iso8601_basic(), server.iso8601_basic(), window / 60);
        if signed.seconds() < server.seconds() - lifetime {
            let (at, now_text, minutes) = texts();
            let earliest = server.plus_seconds(-lifetime).iso8601_basic();
            return Err(ApiError::new(
                ErrorCode::InvalidSignature,
                format!("Signature expired: {at} is now earlier than {earliest} ({now_text} - {minutes} min.)"),
            ));
        }
        if signed.seconds() > server.seconds() + window {
            let (at, now_text, minutes) = texts();
            let latest = server.plus_seconds(window).iso8601_basic();
            return Err(ApiError::new(
                ErrorCode::InvalidSignature,
                format!("Signature not yet current: {at} is still later than {latest} ({now_text} + {minutes} min.)"),
            ));
        }
        Ok(())
    }
}

/// Whether the query string carries a signature, or any part of one.
fn has_query_signature(query: &str) -> bool {
    query.split('&').any(|pair| {
        ["X-Amz-Algorithm=", "X-Amz-Signature=", "X-Amz-Credential="].iter().any(|name| pair.starts_with(name))
    })
}

/// The first value of a query parameter, decoded.
fn query_parameter(query: &str, name: &str) -> Option<Result<String, ApiError>> {
    let raw = query.split('&').find_map(|pair| pair.split_once('=').filter(|(n, _)| *n == name))?.1;
    let decoded = percent_encoding::percent_decode_str(raw).decode_utf8();
    Some(decoded.map(Cow::into_owned).map_err(|_| ApiError::bare(ErrorCode::MalformedQueryString)))
}

/// Splits `Name=value, Name=value`; blanks around the commas are optional.
fn header_members(rest: &str) -> Result<Vec<(&str, &str)>, ApiError> {
    let members = rest.split(',').map(str::trim).filter(|member| !member.is_empty());
    members
        .map(|member| {
            member.split_once('=').ok_or_else(|| {
                ApiError::new(
                    ErrorCode::IncompleteSignature,
                    format!(
                        "'{}' not a valid key=value pair (missing equal-sign) in Authorization header.",
                        shorten(member)
                    ),
                )
            })
        })
        .collect()
}

fn check_algorithm(algorithm: &str) -> Result<(), ApiError> {
    if algorithm == ALGORITHM {
        return Ok(());
    }
    let message = format!("Unsupported AWS 'algorithm': '{}'.", shorten(algorithm));
    Err(ApiError::new(ErrorCode::IncompleteSignature, message))
}

/// The names of the headers under the signature. Each is looked for among the headers that came, before anybody is known
/// to have signed anything, so there are at most [`SIGNED_HEADERS_MAX`].
fn signed_headers(list: &str) -> Result<Vec<String>, ApiError> {
    let names: Vec<String> = list.split(';').take(SIGNED_HEADERS_MAX + 1).map(str::to_ascii_lowercase).collect();
    if names.len() > SIGNED_HEADERS_MAX {
        let message = format!("A signature covers at most {SIGNED_HEADERS_MAX} headers.");
        return Err(ApiError::new(ErrorCode::IncompleteSignature, message));
    }
    if names.iter().any(|name| name == "host" || name == ":authority") {
        return Ok(names);
    }
    let message = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
    Err(ApiError::new(ErrorCode::InvalidSignature, message))
}

fn parse_date(date: &str) -> Result<Timestamp, ApiError> {
    Timestamp::from_iso8601_basic(date).or_else(|| Timestamp::from_http_date(date)).ok_or_else(|| {
        ApiError::new(
            ErrorCode::IncompleteSignature,
            format!(
                "Date must be in ISO-8601 'basic format'. Got '{}'. See http://en.wikipedia.org/wiki/ISO_8601",
                shorten(date)
            ),
        )
    })
}

fn incomplete_header(credential: bool, signature: bool, signed_headers: bool, date: bool) -> ApiError {
    let members = [("Credential", credential), ("Signature", signature), ("SignedHeaders", signed_headers)];
    let mut message = String::new();
    for (name, _) in members.iter().filter(|(_, present)| !present) {
        message.push_str(&format!("Authorization header requires '{name}' parameter. "));
    }
    if !date {
        message.push_str("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ");
    }
    message.push_str("Authorization=");
    message.push_str(ALGORITHM);
    ApiError::new(ErrorCode::IncompleteSignature, message)
}

fn missing(dialect: Dialect) -> ApiError {
    let message = match dialect {
        Dialect::Json => "Missing Authentication Token",
        Dialect::Query => "Request is missing Authentication Token",
    };
    ApiError::new(ErrorCode::MissingAuthenticationToken, message)
}

fn shorten(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
/// Most headers under a signature; a request has no more.
const SIGNED_HEADERS_MAX: usize = 100;
/// Most characters of a wrong value that a message repeats.
const SHOWN_CHARS_MAX: usize = 256;
