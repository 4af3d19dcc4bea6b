//! GetSessionToken: temporary credentials of the calling user itself, on a one-time code if there is one.
//!
//! Not here: the check of the code; the pipeline does that. No policy gives or takes this operation.
//!
//! Rule: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>

use std::collections::{BTreeMap, BTreeSet};

use kanuki_types::CallerKind;
use serde::Serialize;
use serde_json::json;

use super::members::{self, Credentials, HOUR_SECONDS, USER_DURATION_SECONDS, USER_DURATION_SECONDS_DEFAULT};
use crate::{
    authn::{Authenticated, SecondFactor},
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    identity::{SessionClaims, SessionKind},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GetSessionToken;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    duration_seconds: Option<i64>,
    second_factor: Option<SecondFactor>,
    token_chars_min: Option<i64>,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    credentials: Credentials,
    session_token_utilization: usize,
    session_token_size: usize,
}

impl Operation for GetSessionToken {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Sts, "GetSessionToken", &["DurationSeconds", "MinimumSessionTokenSize", "SerialNumber"]);
    type Input = Input;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        members::refuse_unknown(fields)?;
        Ok(Input {
            duration_seconds: fields.integer("DurationSeconds", USER_DURATION_SECONDS)?,
            second_factor: members::second_factor(fields)?,
            token_chars_min: members::token_chars_min(fields)?,
        })
    }

    fn second_factor(input: &Input) -> Option<&SecondFactor> {
        input.second_factor.as_ref()
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &Input) -> Result<Plan<()>, ApiError> {
        Ok(Plan::open_to_all(()))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let (input, caller) = (authorized.input(), authorized.caller());
        let wanted = input.duration_seconds.unwrap_or(USER_DURATION_SECONDS_DEFAULT);
        // The root's sessions are short whatever is asked, as the API has it.
        let seconds = if caller.caller().kind == CallerKind::Root { wanted.min(HOUR_SECONDS) } else { wanted };
        let issued = authorized.circumstances().now;
        let claims = SessionClaims {
            account: caller.caller().account,
            principal: caller.identity().map(|user| user.id().clone()),
            kind: SessionKind::User,
            issued,
            expires: issued.plus_seconds(seconds),
            mfa: authorized.circumstances().second_factor,
            source_access_key: members::source(caller),
            policies: None,
            tags: BTreeMap::new(),
            transitive: BTreeSet::new(),
            source_identity: None,
            web: None,
        };
        let credentials = Credentials::issue(doors, &claims, input.token_chars_min).await?;
        let token = credentials.token_size();
        let elements = json!({ "credentials": credentials.recorded(&claims) });
        let output = Output { credentials, session_token_utilization: token.percent, session_token_size: token.bytes };
        Ok(Outcome::answer(output).with_response_elements(elements))
    }
}
