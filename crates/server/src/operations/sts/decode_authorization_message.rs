//! DecodeAuthorizationMessage: what the denial rests on whose encoded message this is.
//!
//! Not here: what a message holds. Invariant: a message that was made for another account is answered as one that is
//! none.
//!
//! Rule: <https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html>

use serde::Serialize;
use serde_json::json;

use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct DecodeAuthorizationMessage;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    decoded_message: String,
}

impl Operation for DecodeAuthorizationMessage {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Sts, "DecodeAuthorizationMessage", &[]);
    type Input = String;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        fields.required_text("EncodedMessage", 1..=ENCODED_CHARS_MAX)
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &String) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("sts:DecodeAuthorizationMessage")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let account = authorized.caller().caller().account;
        let decision = doors.messages.decode(account, authorized.input()).await?;
        let output = Output { decoded_message: decision.decoded()? };
        // The message itself is long and says nothing to whoever reads the trail; which call it is about does.
        Ok(Outcome::answer(output).with_event_data(json!({ "decodedRequestId": decision.request_id })))
    }
}

/// Longest `EncodedMessage`, in characters (the API page); those made here are shorter.
const ENCODED_CHARS_MAX: usize = 10_240;
