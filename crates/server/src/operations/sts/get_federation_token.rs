//! GetFederationToken: temporary credentials with a part of the calling user's rights.
//!
//! Not for the account's root, although the API has it: nothing could limit or revoke such a session.
//!
//! Rule: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>

use kanuki_types::{CallerKind, PARTITION};
use serde::Serialize;
use serde_json::json;

use super::members::{
    self, Credentials, GivenPolicies, GivenTags, USER_DURATION_SECONDS, USER_DURATION_SECONDS_DEFAULT,
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand, EntityAccess},
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{SessionClaims, SessionKind},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GetFederationToken;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    name: String,
    duration_seconds: i64,
    policies: GivenPolicies,
    tags: GivenTags,
    token_chars_min: Option<i64>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    credentials: Credentials,
    federated_user: FederatedUser,
    packed_policy_size: Option<usize>,
    session_token_utilization: usize,
    session_token_size: usize,
}

/// The session.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FederatedUser {
    federated_user_id: String,
    arn: String,
}

impl Operation for GetFederationToken {
    const DESCRIPTOR: Descriptor = Descriptor::reads(
        Service::Sts,
        "GetFederationToken",
        &["Name", "DurationSeconds", "MinimumSessionTokenSize", "Policy", "PolicyArns", "Tags"],
    );
    type Input = Input;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::refuse_unknown(fields)?;
        let name = members::session_text(fields, "Name", 2..=32)?;
        let duration = fields.integer("DurationSeconds", USER_DURATION_SECONDS)?;
        Ok(Input {
            name: fields.require("Name", name),
            duration_seconds: duration.unwrap_or(USER_DURATION_SECONDS_DEFAULT),
            policies: GivenPolicies::read(fields)?,
            tags: GivenTags::read(fields, false)?,
            token_chars_min: members::token_chars_min(fields)?,
        })
    }

    async fn plan(_: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<()>, ApiError> {
        if caller.caller().kind == CallerKind::Root {
            let message = "GetFederationToken may not be called by root accounts.";
            return Err(ApiError::new(ErrorCode::AccessDenied, message));
        }
        let account = caller.caller().account;
        let demand = |action| {
            let arn = format!("arn:{PARTITION}:sts::{account}:federated-user/{}", input.name);
            let kind = "AWS::STS::FederatedUser";
            let entity = EntityAccess { arn, account: Some(account), kind, tags: Default::default() };
            let mut demand = Demand::on_entity(action, entity)
                .with_fact("sts:DurationSeconds", input.duration_seconds.to_string());
            input.tags.facts(&mut demand);
            demand
        };
        let tag = (!input.tags.tags.is_empty()).then(|| demand("sts:TagSession"));
        Ok(Plan::with_more((), demand("sts:GetFederationToken"), tag))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (input, caller) = (authorized.input(), authorized.caller());
        let user = caller.identity().ok_or_else(|| ApiError::internal("a caller that is no user was authorized"))?;
        let account = user.account();
        let (tags, transitive) = input.tags.join(None)?;
        let issued = authorized.circumstances().now;
        let claims = SessionClaims {
            account,
            principal: Some(user.id().clone()),
            kind: SessionKind::Federated { name: input.name.clone() },
            issued,
            expires: issued.plus_seconds(input.duration_seconds),
            mfa: None,
            source_access_key: members::source(caller),
            policies: input.policies.resolve(doors, account).await?,
            tags,
            transitive,
            source_identity: None,
            web: None,
        };
        let packed_policy_size = claims.packed_percent()?;
        let credentials = Credentials::issue(doors, &claims, input.token_chars_min).await?;
        let token = credentials.token_size();
        let session = user.as_session(&claims);
        let federated_user =
            FederatedUser { federated_user_id: session.user_id().unwrap_or_default(), arn: session.arn() };
        let elements = json!({
            "credentials": credentials.recorded(&claims),
            "federatedUser": { "federatedUserId": federated_user.federated_user_id, "arn": federated_user.arn },
        });
        let output = Output { credentials, federated_user, packed_policy_size, session_token_utilization: token.percent, session_token_size: token.bytes };
        Ok(Outcome::answer(output).with_response_elements(elements))
    }
}
