//! ReEncrypt: opens a ciphertext and encrypts what was in it under another key or context, without showing it.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html>

use std::sync::Arc;

use kanuki_types::{EncryptionAlgorithm, EncryptionContext, KeyUsage, MaterialId};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    decrypt::{check_source, source_key},
    members,
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{How, KeyEntry, KeyName, Names, check_usage},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ReEncrypt;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    /// None if a dry run leaves it aside.
    ciphertext: Option<Vec<u8>>,
    source_context: EncryptionContext,
    source_key_id: Option<String>,
    source_algorithm: EncryptionAlgorithm,
    destination_key_id: String,
    destination_context: EncryptionContext,
    destination_algorithm: EncryptionAlgorithm,
}

/// Both keys.
#[derive(Debug)]
pub struct Target {
    source: Option<Arc<KeyEntry>>,
    destination: Option<Arc<KeyEntry>>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(with = "crate::base64_text")]
    ciphertext_blob: Vec<u8>,
    source_key_id: String,
    key_id: String,
    source_encryption_algorithm: EncryptionAlgorithm,
    destination_encryption_algorithm: EncryptionAlgorithm,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_key_material_id: Option<MaterialId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_key_material_id: Option<MaterialId>,
}

impl Operation for ReEncrypt {
    const DESCRIPTOR: Descriptor = Descriptor {
        recorded_defaults: &[
            ("SourceEncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
            ("DestinationEncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
        ],
        dry_run: true,
        ..Descriptor::reads(
            Service::Kms,
            "ReEncrypt",
            &[
                "SourceKeyId",
                "SourceEncryptionAlgorithm",
                "SourceEncryptionContext",
                "DestinationKeyId",
                "DestinationEncryptionAlgorithm",
                "DestinationEncryptionContext",
            ],
        )
    };
    type Input = Input;
    type Target = Target;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::grant_tokens(fields)?;
        let destination_key_id = members::optional_key_id(fields, "DestinationKeyId")?;
        let ignores_ciphertext = members::ignores_ciphertext(fields)?;
        let source_key_id = members::optional_key_id(fields, "SourceKeyId")?;
        if ignores_ciphertext {
            fields.require("SourceKeyId", source_key_id.clone());
        }
        Ok(Input {
            ciphertext: members::ciphertext(fields, ignores_ciphertext)?,
            source_context: fields.encryption_context("SourceEncryptionContext")?,
            source_key_id,
            source_algorithm: members::encryption_algorithm(fields, "SourceEncryptionAlgorithm")?,
            destination_key_id: fields.require("DestinationKeyId", destination_key_id),
            destination_context: fields.encryption_context("DestinationEncryptionContext")?,
            destination_algorithm: members::encryption_algorithm(fields, "DestinationEncryptionAlgorithm")?,
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Target>, ApiError> {
        let (source, by_ciphertext) =
            source_key(doors, caller, input.source_key_id.as_deref(), input.ciphertext.as_deref()).await?;
        let destination = members::resolve(doors, caller, &input.destination_key_id, Names::KeysAndAliases).await?;
        let same = if same_key(&source, &destination) { "true" } else { "false" };
        let mut from = Demand::on_name("kms:ReEncryptFrom", &source)
            .with_context(&input.source_context)
            .with_fact("kms:EncryptionAlgorithm", input.source_algorithm.as_str())
            .with_fact("kms:ReEncryptOnSameKey", same);
        if by_ciphertext {
            from = from.named_by_ciphertext();
        }
        let to = Demand::on_name("kms:ReEncryptTo", &destination)
            .with_context(&input.destination_context)
            .with_fact("kms:EncryptionAlgorithm", input.destination_algorithm.as_str())
            .with_fact("kms:ReEncryptOnSameKey", same);
        let target = Target { source: members::found(source), destination: members::found(destination) };
        Ok(Plan::with_more(target, from, [to]))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let source = members::key(&authorized.target().source)?;
        let destination = members::key(&authorized.target().destination)?;
        let Some(ciphertext) = input.ciphertext.as_deref() else { return Ok(Outcome::authorized_only()) };
        check_source(source, ciphertext)?;
        check_usage(destination, KeyUsage::EncryptDecrypt, "ReEncryptTo")?;
        let from_how = How { algorithm: input.source_algorithm, context: &input.source_context };
        let to_how = How { algorithm: input.destination_algorithm, context: &input.destination_context };
        let from = (&**source, ciphertext, from_how);
        let to = (&**destination, to_how);
        let (blob, source_material, destination_material) =
            doors.keys.re_encrypt(authorized.proof(), from, to).await?;
        let output = Output {
            ciphertext_blob: blob,
            source_key_id: source.arn_text().to_owned(),
            key_id: destination.arn_text().to_owned(),
            source_encryption_algorithm: input.source_algorithm,
            destination_encryption_algorithm: input.destination_algorithm,
            source_key_material_id: source_material,
            destination_key_material_id: destination_material,
        };
        let mut data = json!({
            "sourceKeyMaterialId": source_material,
            "destinationKeyMaterialId": destination_material,
        });
        if let Some(members) = data.as_object_mut() {
            members.extend(outside_event_data("source", source));
            members.extend(outside_event_data("destination", destination));
        }
        Ok(Outcome::answer(output).with_event_data(data))
    }
}

fn same_key(source: &KeyName, destination: &KeyName) -> bool {
    match (source, destination) {
        (KeyName::Found { entry: source, .. }, KeyName::Found { entry: destination, .. }) => {
            source.arn() == destination.arn()
        }
        _ => false,
    }
}

/// What is told of a key in a custom key store, with the side that the key is on.
fn outside_event_data(side: &str, key: &KeyEntry) -> Map<String, Value> {
    let cluster_id = key.store().and_then(|store| store.cluster_id());
    let data = members::outside_event_data(key.record(), cluster_id);
    let told = data.as_ref().and_then(Value::as_object).into_iter().flatten();
    told.map(|(name, value)| {
        let mut letters = name.chars();
        let first: String = letters.next().map(|first| first.to_ascii_uppercase()).into_iter().collect();
        (format!("{side}{first}{}", letters.as_str()), value.clone())
    })
    .collect()
}
