//! AssumeRoleWithWebIdentity: temporary credentials of a role for the bearer of an identity provider's token.
//!
//! Not here: the token's verification, which takes the place of the signature. Invariant: the token is in no record.
//!
//! Rule: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>

use kanuki_types::SecretBytes;
use serde::Serialize;
use serde_json::json;

use super::{
    assuming::{Wanted, WantedRole, role_account},
    members::{self, AssumedRoleUser, Credentials, GivenPolicies, GivenTags, ROLE_DURATION_SECONDS},
};
use crate::{
    authn::{Authenticated, BearerToken, WebToken},
    authz::Authorized,
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::{SessionClaims, SessionKind},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct AssumeRoleWithWebIdentity;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    wanted: Wanted,
    token: SecretBytes,
    token_chars_min: Option<i64>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    credentials: Credentials,
    subject_from_web_identity_token: String,
    assumed_role_user: AssumedRoleUser,
    packed_policy_size: Option<usize>,
    provider: String,
    audience: String,
    source_identity: Option<String>,
    session_token_utilization: usize,
    session_token_size: usize,
}

impl Operation for AssumeRoleWithWebIdentity {
    const DESCRIPTOR: Descriptor = Descriptor::reads(
        Service::Sts,
        "AssumeRoleWithWebIdentity",
        &["RoleArn", "RoleSessionName", "DurationSeconds", "MinimumSessionTokenSize", "Policy", "PolicyArns"],
    );
    const SIGNED: bool = false;
    type Input = Input;
    type Target = (WantedRole, GivenTags);
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::refuse_unknown(fields)?;
        let session_name = members::session_text(fields, "RoleSessionName", 2..=64)?;
        Ok(Input {
            wanted: Wanted {
                role_arn: fields.required_text("RoleArn", 20..=2048)?,
                session_name: fields.require("RoleSessionName", session_name),
                duration_seconds: fields.integer("DurationSeconds", ROLE_DURATION_SECONDS)?,
                policies: GivenPolicies::read(fields)?,
            },
            token: {
                let token = fields.secret_text("WebIdentityToken", 4..=TOKEN_CHARS_MAX, None)?;
                fields.require_or("WebIdentityToken", token, SecretBytes::new(Vec::new()))
            },
            token_chars_min: members::token_chars_min(fields)?,
        })
    }

    fn bearer(input: &Input) -> Result<Option<BearerToken<'_>>, ApiError> {
        Ok(Some(BearerToken { account: role_account(&input.wanted.role_arn)?, token: &input.token }))
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        let token = token(caller)?;
        let tags = GivenTags { tags: token.tags.clone(), transitive: token.transitive.clone() };
        let rejected = |_| ApiError::new(ErrorCode::IdpRejectedClaim, "The session tags in the token cannot be used");
        tags.check().map_err(rejected)?;
        if !token.source_identity.as_deref().is_none_or(members::is_source_identity) {
            let message = "The source identity in the token cannot be used";
            return Err(ApiError::new(ErrorCode::IdpRejectedClaim, message));
        }
        let role = WantedRole::find(doors, &input.wanted.role_arn).await?;
        let demand = |action| {
            let demand = role.demand(action, &input.wanted, &tags);
            match &token.source_identity {
                Some(identity) => demand.with_fact("sts:SourceIdentity", identity.as_str()),
                None => demand,
            }
        };
        let tag = (!tags.tags.is_empty()).then(|| demand("sts:TagSession"));
        let set_identity = token.source_identity.as_ref().map(|_| demand("sts:SetSourceIdentity"));
        let first = demand("sts:AssumeRoleWithWebIdentity");
        Ok(Plan::with_more((role, tags), first, tag.into_iter().chain(set_identity)))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (input, caller, (role, tags)) = (authorized.input(), authorized.caller(), authorized.target());
        let (role, token) = (role.get()?, token(caller)?);
        let seconds = input.wanted.seconds(role, false)?;
        let (tags, transitive) = tags.join(None)?;
        let issued = authorized.circumstances().now;
        let claims = SessionClaims {
            account: role.account(),
            principal: Some(role.id().clone()),
            kind: SessionKind::Role { session_name: input.wanted.session_name.clone() },
            issued,
            expires: issued.plus_seconds(seconds),
            mfa: None,
            source_access_key: None,
            policies: input.wanted.policies.resolve(doors, role.account()).await?,
            tags,
            transitive,
            source_identity: token.source_identity.clone(),
            web: caller.web().cloned(),
        };
        let packed_policy_size = claims.packed_percent()?;
        let credentials = Credentials::issue(doors, &claims, input.token_chars_min).await?;
        let size = credentials.token_size();
        let session = role.as_session(&claims);
        let user = AssumedRoleUser { assumed_role_id: session.user_id().unwrap_or_default(), arn: session.arn() };
        let elements = json!({
            "credentials": credentials.recorded(&claims),
            "subjectFromWebIdentityToken": token.subject,
            "assumedRoleUser": { "assumedRoleId": user.assumed_role_id, "arn": user.arn },
            "provider": token.issuer,
            "audience": token.audience,
        });
        let output = Output {
            credentials,
            subject_from_web_identity_token: token.subject.clone(),
            assumed_role_user: user,
            packed_policy_size,
            provider: token.issuer.clone(),
            audience: token.audience.clone(),
            source_identity: token.source_identity.clone(),
            session_token_utilization: size.percent,
            session_token_size: size.bytes,
        };
        Ok(Outcome::answer(output).with_response_elements(elements))
    }
}

fn token(caller: &Authenticated) -> Result<&WebToken, ApiError> {
    caller.token().ok_or_else(|| ApiError::internal("a caller without a token"))
}

/// Longest token, in characters (the API page).
const TOKEN_CHARS_MAX: usize = 20_000;
