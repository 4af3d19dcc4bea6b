//! AssumeRole: temporary credentials of a role.
//!
//! Not here yet: session policies, session tags and source identities; a request with one of them is refused, because
//! leaving a ceiling out would give more than was asked for.
//!
//! Rule: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use std::sync::Arc;

use kanuki_types::{AccountId, Arn, CallerKind, PARTITION};
use serde::Serialize;
use serde_json::json;

use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand, RoleAccess},
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{PrincipalEntry, PrincipalKind, SessionClaims, new_access_key_id},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    secret_text::SecretText,
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct AssumeRole;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    role_arn: String,
    session_name: String,
    duration_seconds: i64,
    external_id: Option<String>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    credentials: Credentials,
    assumed_role_user: AssumedRoleUser,
}

/// Temporary credentials.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Credentials {
    access_key_id: String,
    secret_access_key: SecretText,
    session_token: String,
    expiration: String,
}

/// The session.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AssumedRoleUser {
    assumed_role_id: String,
    arn: String,
}

impl Operation for AssumeRole {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Sts, "AssumeRole", &["RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId"]);
    type Input = Input;
    type Target = Option<Arc<PrincipalEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        for name in ["Policy", "PolicyArns", "Tags", "TransitiveTagKeys", "SourceIdentity", "SerialNumber", "TokenCode"] {
            if fields.raw().contains_key(name) {
                let message = format!("The parameter {name} is not supported.");
                return Err(ApiError::new(ErrorCode::UnsupportedOperation, message));
            }
        }
        let name_char = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        let session_name = fields.pattern_text("RoleSessionName", 2..=64, "[\\w+=,.@-]*", name_char)?;
        let external_char = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
        let external_id = fields.pattern_text("ExternalId", 2..=1224, "[\\w+=,.@:\\/-]*", external_char)?;
        Ok(Input {
            role_arn: fields.required_text("RoleArn", 20..=2048)?,
            session_name: fields.require("RoleSessionName", session_name),
            duration_seconds: fields.integer("DurationSeconds", DURATION_SECONDS)?.unwrap_or(DURATION_SECONDS_DEFAULT),
            external_id,
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        if caller.caller().kind == CallerKind::Root {
            return Err(ApiError::new(ErrorCode::AccessDenied, "Roles may not be assumed by root accounts."));
        }
        let account = role_account(&input.role_arn)?;
        let name = input.role_arn.rsplit('/').next().unwrap_or_default();
        let role = doors.identity.named(account, PrincipalKind::Role, name).await?;
        let role = role.filter(|role| role.arn() == input.role_arn);
        // A role that does not exist has no trust policy, and is refused as one that trusts nobody.
        let trust_policy = role.as_ref().and_then(|role| role.trust_policy().cloned());
        let access = RoleAccess { arn: input.role_arn.clone(), account, trust_policy };
        let mut demand =
            Demand::on_role("sts:AssumeRole", access).with_fact("sts:RoleSessionName", input.session_name.as_str());
        if let Some(external_id) = &input.external_id {
            demand = demand.with_fact("sts:ExternalId", external_id.as_str());
        }
        Ok(Plan::new(role, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let role = authorized.target().as_ref();
        let role = role.ok_or_else(|| ApiError::internal("a role that does not exist was authorized"))?;
        // A role that was assumed from a role's session lives an hour at most.
        let chained = matches!(authorized.caller().caller().kind, CallerKind::AssumedRole { .. });
        if chained && input.duration_seconds > CHAINED_SECONDS_MAX {
            return Err(ApiError::validation(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
            ));
        }
        let issued = authorized.circumstances().now;
        let claims = SessionClaims {
            account: role.account(),
            principal: role.id().clone(),
            session_name: input.session_name.clone(),
            issued,
            expires: issued.plus_seconds(input.duration_seconds),
        };
        let access_key_id = new_access_key_id("ASIA", &*doors.random);
        let (token, secret) = doors.identity.issue_session(&access_key_id, &claims).await?;
        let session = role.as_session(&claims);
        let expiration = claims.expires.iso8601();
        let user = AssumedRoleUser { assumed_role_id: session.user_id().unwrap_or_default(), arn: session.arn() };
        let elements = json!({
            "credentials": { "accessKeyId": access_key_id, "expiration": claims.expires.audit_text() },
            "assumedRoleUser": { "assumedRoleId": user.assumed_role_id, "arn": user.arn },
        });
        let credentials = Credentials {
            access_key_id,
            secret_access_key: SecretText::plain(&secret)?,
            session_token: SessionClaims::encode_token(&token),
            expiration,
        };
        Ok(Outcome::answer(Output { credentials, assumed_role_user: user }).with_response_elements(elements))
    }
}

fn role_account(role_arn: &str) -> Result<AccountId, ApiError> {
    let arn: Option<Arn> = role_arn.parse().ok();
    let arn = arn.filter(|arn| arn.partition == PARTITION && arn.service == "iam" && arn.resource.starts_with("role/"));
    arn.and_then(|arn| arn.account.parse().ok())
        .ok_or_else(|| ApiError::validation(format!("{role_arn} is invalid")))
}

const DURATION_SECONDS: std::ops::RangeInclusive<i64> = 900..=43_200;
const DURATION_SECONDS_DEFAULT: i64 = 3600;
const CHAINED_SECONDS_MAX: i64 = 3600;
