//! The member `Recipient`, and what operations that take it have in common.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::members;
use crate::{
    authn::Authenticated,
    authz::Demand,
    doors::Doors,
    error::ApiError,
    keys::{KeyEntry, KeyName, Names},
    operation::Plan,
    recipient::{Recipient, RecipientRequest},
    wire::Fields,
};

/// A key, and for whom its secret is.
#[derive(Debug)]
pub struct Target {
    pub(super) key: Option<Arc<KeyEntry>>,
    pub(super) recipient: Option<Recipient>,
}

/// What the recipient gets.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct CiphertextForRecipient(#[serde(with = "crate::base64_text")] pub(super) Vec<u8>);

/// Reads `Recipient`.
pub(super) fn recipient(fields: &mut Fields) -> Result<Option<RecipientRequest>, ApiError> {
    fields.structure("Recipient", |inner| {
        let algorithm = inner.choice("KeyEncryptionAlgorithm", &["RSAES_OAEP_SHA_256"], |name| name)?;
        inner.require("KeyEncryptionAlgorithm", algorithm);
        Ok(RecipientRequest { document: inner.required_blob("AttestationDocument", 1..=DOCUMENT_BYTES_MAX)? })
    })
}

/// The plan of an operation on one key, perhaps for a recipient.
pub(super) async fn plan_on_key(
    doors: &Doors,
    caller: &Authenticated,
    identifier: &str,
    recipient: Option<&RecipientRequest>,
    demand: impl FnOnce(&KeyName) -> Demand,
) -> Result<Plan<Target>, ApiError> {
    let name = members::resolve(doors, caller, identifier, Names::KeysAndAliases).await?;
    let recipient = Recipient::verify(doors, recipient).await?;
    let demand = attested(demand(&name), recipient.as_ref());
    Ok(Plan::new(Target { key: members::found(name), recipient }, demand))
}

/// A demand with what is known of the recipient.
pub(super) fn attested(demand: Demand, recipient: Option<&Recipient>) -> Demand {
    match recipient {
        Some(recipient) => recipient.attest(demand),
        None => demand,
    }
}

/// `additionalEventData` with the recipient in it.
pub(super) fn event_data(data: Value, recipient: Option<&Recipient>) -> Value {
    let Some(recipient) = recipient else { return data };
    match data {
        Value::Object(mut members) => {
            members.insert("recipient".into(), recipient.event_data());
            members.into()
        }
        _ => json!({ "recipient": recipient.event_data() }),
    }
}

/// Rule: `AttestationDocument` of `RecipientInfo`.
const DOCUMENT_BYTES_MAX: usize = 262_144;
