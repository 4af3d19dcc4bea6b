//! The audit record: one CloudTrail event as typed fields, written as JSON.
//!
//! Rules: "CloudTrail record contents" of the CloudTrail user guide; "Logging AWS KMS API calls" of the AWS KMS
//! developer guide.
//! Not here: which parameters of which operation are recorded; that plaintext, ciphertext and secrets stay out is the
//! caller's duty, done where the operation is declared.
//! Invariants: members stand in CloudTrail's order; absent members are left out, except `requestParameters` and
//! `responseElements`, which are `null`; what is written has at most `RECORD_BYTES_MAX` bytes.

use std::{borrow::Cow, fmt};

use kanuki_types::{AccountId, Region, Timestamp};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};

use crate::{EventId, RECORD_BYTES_MAX};

mod identity;

pub use identity::{AWS_INTERNAL, SessionAttributes, SessionContext, SessionIssuer, UserIdentity, WebIdFederationData};

/// One event. `eventVersion` is always 1.11.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRecord {
    /// Who called.
    pub user_identity: UserIdentity,
    /// When the request was completed; written to the second.
    pub event_time: Timestamp,
    /// The service, such as `kms.amazonaws.com`.
    pub event_source: Cow<'static, str>,
    /// The operation, such as `Decrypt`.
    pub event_name: Cow<'static, str>,
    /// The Region of the call.
    pub aws_region: Region,
    /// The client's address, or the service's host name if a service called for its user.
    pub source_ip_address: Cow<'static, str>,
    /// The client's `User-Agent`, or the service's host name; none if the client sent none.
    pub user_agent: Option<Cow<'static, str>>,
    /// The exception's code, of refused and failed calls only.
    pub error_code: Option<Cow<'static, str>>,
    /// The exception's message, of refused and failed calls only.
    pub error_message: Option<Cow<'static, str>>,
    /// The parameters that the operation declares as recorded; none is written as `null`.
    pub request_parameters: Option<Value>,
    /// The members of the answer that the operation declares as recorded; none is written as `null`.
    pub response_elements: Option<Value>,
    /// What the operation adds, such as `keyMaterialId`.
    pub additional_event_data: Option<Value>,
    /// The request's id; service events have none.
    pub request_id: Option<Cow<'static, str>>,
    /// The event's id.
    pub event_id: EventId,
    /// Whether the operation changes nothing.
    pub read_only: bool,
    /// What was accessed, at most [`RESOURCES_MAX`]; none leaves the member out, an empty list is written.
    pub resources: Option<Vec<Resource>>,
    /// Whether a client called or the service itself acted.
    pub event_type: EventType,
    /// Whether the event is a management event; all of KMS are.
    pub management_event: bool,
    /// The account that the record belongs to; none for a caller whose account is unknown.
    pub recipient_account_id: Option<AccountId>,
    /// The same in the records of all accounts that one call concerns.
    pub shared_event_id: Option<EventId>,
    /// The details of a service event.
    pub service_event_details: Option<Value>,
    /// The category.
    pub event_category: EventCategory,
    /// The connection; none without TLS.
    pub tls_details: Option<TlsDetails>,
}

impl AuditRecord {
    /// The JSON, of at most `RECORD_BYTES_MAX` bytes.
    ///
    /// A member that is longer than its limit is replaced by `{"omitted":true,"originalSize":…,"reason":"… too
    /// large"}`, as CloudTrail does; short texts are cut off. Should the whole still be too long, the big members
    /// are replaced one after the other in CloudTrail's order until it fits.
    ///
    /// # Errors
    /// If a value has no JSON form, or if the whole is too long even without its big members.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RecordError> {
        let mut bytes = Vec::with_capacity(BYTES_USUAL);
        serde_json::to_writer(&mut bytes, self).map_err(RecordError::Form)?;
        // No member can be too long in a record that is shorter than the smallest limit: the usual case is one pass.
        if bytes.len() <= ADDITIONAL_EVENT_DATA_BYTES_MAX {
            return Ok(bytes);
        }
        let mut shorter = self.clone();
        for (name, field, limit) in shorter.big_members() {
            replace_if_longer(name, field, limit)?;
        }
        for count in 0..=BIG_MEMBERS {
            bytes.clear();
            for (name, field, _) in shorter.big_members().into_iter().take(count) {
                replace_if_longer(name, field, MARKER_BYTES_MAX)?;
            }
            serde_json::to_writer(&mut bytes, &shorter).map_err(RecordError::Form)?;
            if bytes.len() <= RECORD_BYTES_MAX {
                return Ok(bytes);
            }
        }
        Err(RecordError::TooLarge)
    }

    /// The members of any length, in the order in which CloudTrail gives them up.
    fn big_members(&mut self) -> [(&'static str, &mut Option<Value>, usize); BIG_MEMBERS] {
        [
            ("additionalEventData", &mut self.additional_event_data, ADDITIONAL_EVENT_DATA_BYTES_MAX),
            ("serviceEventDetails", &mut self.service_event_details, SERVICE_EVENT_DETAILS_BYTES_MAX),
            ("responseElements", &mut self.response_elements, RESPONSE_ELEMENTS_BYTES_MAX),
            ("requestParameters", &mut self.request_parameters, REQUEST_PARAMETERS_BYTES_MAX),
        ]
    }
}

impl Serialize for AuditRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("eventVersion", EVENT_VERSION)?;
        map.serialize_entry("userIdentity", &self.user_identity)?;
        map.serialize_entry("eventTime", &self.event_time.iso8601())?;
        map.serialize_entry("eventSource", cut(&self.event_source, SHORT_TEXT_BYTES_MAX))?;
        map.serialize_entry("eventName", cut(&self.event_name, SHORT_TEXT_BYTES_MAX))?;
        map.serialize_entry("awsRegion", &self.aws_region)?;
        map.serialize_entry("sourceIPAddress", cut(&self.source_ip_address, SHORT_TEXT_BYTES_MAX))?;
        member(&mut map, "userAgent", self.user_agent.as_deref().map(|text| cut(text, USER_AGENT_BYTES_MAX)))?;
        member(&mut map, "errorCode", self.error_code.as_deref().map(|text| cut(text, SHORT_TEXT_BYTES_MAX)))?;
        member(&mut map, "errorMessage", self.error_message.as_deref().map(|text| cut(text, ERROR_MESSAGE_BYTES_MAX)))?;
        map.serialize_entry("requestParameters", &self.request_parameters)?;
        map.serialize_entry("responseElements", &self.response_elements)?;
        member(&mut map, "additionalEventData", self.additional_event_data.as_ref())?;
        member(&mut map, "requestID", self.request_id.as_deref().map(|text| cut(text, SHORT_TEXT_BYTES_MAX)))?;
        map.serialize_entry("eventID", &self.event_id)?;
        map.serialize_entry("readOnly", &self.read_only)?;
        member(&mut map, "resources", self.resources.as_deref().map(|all| all.get(..RESOURCES_MAX).unwrap_or(all)))?;
        map.serialize_entry("eventType", &self.event_type)?;
        map.serialize_entry("managementEvent", &self.management_event)?;
        member(&mut map, "recipientAccountId", self.recipient_account_id)?;
        member(&mut map, "sharedEventID", self.shared_event_id)?;
        member(&mut map, "serviceEventDetails", self.service_event_details.as_ref())?;
        map.serialize_entry("eventCategory", &self.event_category)?;
        member(&mut map, "tlsDetails", self.tls_details.as_ref())?;
        map.end()
    }
}

/// One resource that was accessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resource {
    /// The owner.
    #[serde(rename = "accountId")]
    pub account_id: AccountId,
    /// The type, such as `AWS::KMS::Key`.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// The ARN, with aliases resolved.
    #[serde(rename = "ARN", serialize_with = "short")]
    pub arn: String,
}

/// What made the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum EventType {
    /// A call.
    AwsApiCall,
    /// The service itself, such as an automatic rotation.
    AwsServiceEvent,
    /// Whoever runs the server, through the operator's socket; CloudTrail has no such type.
    KanukiOperatorAct,
}

/// The category of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum EventCategory {
    /// Access to data, such as an object of a bucket.
    Data,
    /// Everything else.
    Management,
}

/// The connection that a call came over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsDetails {
    /// Such as `TLSv1.3`.
    pub tls_version: Cow<'static, str>,
    /// Such as `TLS_AES_256_GCM_SHA384`.
    pub cipher_suite: Cow<'static, str>,
    /// The host that the client named.
    #[serde(serialize_with = "short")]
    pub client_provided_host_header: String,
}

/// Why a record has no bytes.
#[derive(Debug)]
pub enum RecordError {
    /// A value has no JSON form.
    Form(serde_json::Error),
    /// The record is too long even without its big members.
    TooLarge,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form(_) => "the audit record has no JSON form",
            Self::TooLarge => "the audit record is too large",
        })
    }
}

impl std::error::Error for RecordError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Form(source) => Some(source),
            Self::TooLarge => None,
        }
    }
}

/// Writes a text, cut off at the limit of short texts.
fn short<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(cut(text, SHORT_TEXT_BYTES_MAX))
}

/// The beginning of a text that has at most that many bytes.
fn cut(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or_default()
}

/// Writes a member unless it is absent.
fn member<M: SerializeMap, T: Serialize>(map: &mut M, name: &'static str, value: Option<T>) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(name, &value),
        None => Ok(()),
    }
}

fn replace_if_longer(name: &'static str, field: &mut Option<Value>, limit: usize) -> Result<(), RecordError> {
    let Some(value) = field else { return Ok(()) };
    let size = serde_json::to_vec(value).map_err(RecordError::Form)?.len();
    if size > limit {
        *value = json!({ "omitted": true, "originalSize": size, "reason": format!("{name} too large") });
    }
    Ok(())
}

/// Longest `userAgent`, in bytes; what is longer is cut off.
pub const USER_AGENT_BYTES_MAX: usize = 1024;
/// Longest `errorMessage`, in bytes; what is longer is cut off.
pub const ERROR_MESSAGE_BYTES_MAX: usize = 1024;
/// Longest of the other short texts, in bytes: a client may choose some of them as well (`eventName`, an unknown
/// access key id, a host name); what is longer is cut off.
pub const SHORT_TEXT_BYTES_MAX: usize = 2048;
/// Longest `requestParameters`, in bytes of JSON; what is longer is replaced by a marker.
pub const REQUEST_PARAMETERS_BYTES_MAX: usize = 100 * 1024;
/// Longest `responseElements`, in bytes of JSON; what is longer is replaced by a marker.
pub const RESPONSE_ELEMENTS_BYTES_MAX: usize = 100 * 1024;
/// Longest `serviceEventDetails`, in bytes of JSON; what is longer is replaced by a marker.
pub const SERVICE_EVENT_DETAILS_BYTES_MAX: usize = 100 * 1024;
/// Longest `additionalEventData`, in bytes of JSON; what is longer is replaced by a marker. The smallest limit of all.
pub const ADDITIONAL_EVENT_DATA_BYTES_MAX: usize = 28 * 1024;
/// Most `resources` that are written.
pub const RESOURCES_MAX: usize = 8;

const EVENT_VERSION: &str = "1.11";
const BIG_MEMBERS: usize = 4;
/// No shorter than a marker, so that a marker is never replaced by another.
const MARKER_BYTES_MAX: usize = 100;
/// Most records of calls fit.
const BYTES_USUAL: usize = 1536;

#[cfg(test)]
mod tests;
