//! RetireGrant: ends a grant, as one whom the grant itself lets.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html>

use std::sync::Arc;

use serde_json::json;

use super::{grant_members, members};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand, GrantUse},
    doors::Doors,
    error::ApiError,
    keys::{GRANT_TOKEN_CHARS_MAX, GrantEntry, GrantId, KeyName, Names, read_grant_token},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct RetireGrant;

/// Which grant the client means.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    grant_id: GrantId,
}

impl Operation for RetireGrant {
    const DESCRIPTOR: Descriptor =
        Descriptor { dry_run: true, ..Descriptor::changes(Service::Kms, "RetireGrant", &["KeyId", "GrantId"]) };
    type Input = Input;
    type Target = Option<Arc<GrantEntry>>;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let token = fields.text("GrantToken", 1..=GRANT_TOKEN_CHARS_MAX)?;
        let key_id = members::optional_key_id(fields, "KeyId")?;
        let grant_id = grant_members::grant_id(fields)?;
        match (token, key_id, grant_id) {
            // What is wrong with a member is said first.
            _ if fields.has_violations() => Ok(Input { key_id: String::new(), grant_id: GrantId::default() }),
            (Some(token), None, None) => {
                let (arn, grant_id) = read_grant_token(&token)?;
                Ok(Input { key_id: arn.to_string(), grant_id })
            }
            (None, Some(key_id), Some(grant_id)) => Ok(Input { key_id, grant_id }),
            _ => Err(ApiError::validation("Grant token OR (grant ID, key ID) must be specified")),
        }
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        let name = members::resolve(doors, caller, &input.key_id, Names::Keys).await?;
        let KeyName::Found { entry, .. } = &name else {
            return Ok(Plan::new(None, Demand::on_name(ACTION, &name)));
        };
        let arn = entry.arn();
        let Some(grant) = doors.keys.grant(arn, input.grant_id).await? else {
            if arn.account == caller.caller().account {
                return Err(grant_members::no_grant(input.grant_id));
            }
            // That there is such a key is not for another account to learn.
            let hidden = KeyName::Hidden { arn: arn.to_string(), account: arn.account };
            return Ok(Plan::new(None, Demand::on_name(ACTION, &hidden)));
        };
        let grant = Arc::new(grant);
        let constraints = &grant.record().terms.constraints;
        let mut demand = Demand::on_name(ACTION, &name)
            .with_context(&grant_members::as_context(constraints)?)
            .with_grant(GrantUse::Retire(Arc::clone(&grant)));
        if let Some(kind) = constraints.kind() {
            demand = demand.with_fact("kms:GrantConstraintType", kind);
        }
        Ok(Plan::new(Some(grant), demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let grant = authorized.target().as_ref();
        let grant = grant.ok_or_else(|| ApiError::internal("a grant that does not exist was authorized"))?;
        let change = doors.keys.remove_grant(authorized.proof(), grant).await?;
        Ok(Outcome::silent_change(change)
            .with_event_data(json!({ "grantId": grant.id() }))
            .with_response_elements(json!({ "keyId": grant.arn().to_string() })))
    }
}

const ACTION: &str = "kms:RetireGrant";
