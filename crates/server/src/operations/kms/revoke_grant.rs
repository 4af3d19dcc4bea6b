//! RevokeGrant: ends a grant, as an administrator of its key.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_RevokeGrant.html>

use std::sync::Arc;

use serde_json::json;

use super::{grant_members, members};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{GrantId, KeyEntry, Names},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct RevokeGrant;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    grant_id: GrantId,
}

impl Operation for RevokeGrant {
    const DESCRIPTOR: Descriptor =
        Descriptor { dry_run: true, ..Descriptor::changes(Service::Kms, "RevokeGrant", &["KeyId", "GrantId"]) };
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let key_id = members::key_id(fields)?;
        let grant_id = grant_members::grant_id(fields)?;
        Ok(Input { key_id, grant_id: fields.require("GrantId", grant_id) })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        members::plan_on_key(doors, caller, &input.key_id, Names::Keys, |name| Demand::on_name("kms:RevokeGrant", name))
            .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let key = members::key(authorized.target())?;
        let id = authorized.input().grant_id;
        let grant = doors.keys.grant(key.arn(), id).await?.ok_or_else(|| grant_members::no_grant(id))?;
        let change = doors.keys.remove_grant(authorized.proof(), &grant).await?;
        Ok(Outcome::silent_change(change).with_response_elements(json!({ "keyId": key.arn_text() })))
    }
}
