//! CreateAccessKey: a long-term access key; its secret is in this answer and nowhere else.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html>

use kanuki_store::Transaction;
use serde::Serialize;

use super::{
    access_keys::{self, AccessKeyMetadata, Whose},
    members,
    shapes::{instant, recorded},
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    identity::{AccessKeyRecord, new_access_key_id},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    secret_text::SecretText,
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct CreateAccessKey;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    access_key: AccessKey,
}

/// An access key with its secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AccessKey {
    user_name: Option<String>,
    access_key_id: String,
    status: &'static str,
    secret_access_key: SecretText,
    create_date: String,
}

impl Operation for CreateAccessKey {
    const DESCRIPTOR: Descriptor = Descriptor::changes(Service::Iam, "CreateAccessKey", &["UserName"]);
    type Input = Option<String>;
    type Target = Whose;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Option<String>, ApiError> {
        access_keys::read_user(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Option<String>) -> Result<Plan<Whose>, ApiError> {
        access_keys::plan(doors, caller, input.as_ref(), "iam:CreateAccessKey").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let owner = authorized.target().owner()?;
        if owner.key_ids().len() >= ACCESS_KEYS_MAX {
            return Err(members::over_quota("AccessKeysPerUser", ACCESS_KEYS_MAX));
        }
        let id = new_access_key_id("AKIA", &*doors.random);
        let (sealed_secret, secret) = doors.identity.new_secret(&id).await?;
        let created = authorized.circumstances().now;
        let (account, whose) = (owner.account(), owner.owner());
        let record = AccessKeyRecord { account, owner: whose, active: true, created, sealed_secret };
        let mut change = Transaction::default();
        doors.identity.create_access_key(&mut change, authorized.proof(), &owner, (&id, &record))?;
        let metadata = AccessKeyMetadata {
            user_name: access_keys::user_name(&owner),
            access_key_id: id.clone(),
            status: access_keys::status(true),
            create_date: instant(created),
        };
        let elements = serde_json::json!({ "accessKey": recorded(&metadata) });
        let access_key = AccessKey {
            user_name: metadata.user_name,
            access_key_id: id,
            status: metadata.status,
            secret_access_key: SecretText::plain(&secret)?,
            create_date: metadata.create_date,
        };
        Ok(Outcome::change(change, Output { access_key }).with_response_elements(elements))
    }
}

/// Most access keys of a user or of an account's root.
pub(super) const ACCESS_KEYS_MAX: usize = 2;
