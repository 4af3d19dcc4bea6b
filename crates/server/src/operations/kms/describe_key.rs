//! DescribeKey: what a key is and in which state. Describing a predefined alias makes its AWS managed key.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html>

use std::sync::Arc;

use serde::Serialize;

use super::{first_use, members};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{KeyEntry, KeyMetadata, Names},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct DescribeKey;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    key_metadata: KeyMetadata,
}

impl Operation for DescribeKey {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Kms, "DescribeKey", &["KeyId"]);
    /// The key identifier.
    type Input = String;
    type Target = Option<Arc<KeyEntry>>;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<String, ApiError> {
        members::unread_grant_tokens(fields)?;
        members::key_id(fields)
    }

    async fn plan(
        doors: &Doors,
        caller: &Authenticated,
        input: &String,
    ) -> Result<Plan<Self::Target>, ApiError> {
        let name = first_use::resolve(doors, caller, input, Names::Described).await?;
        let demand = Demand::on_name("kms:DescribeKey", &name);
        Ok(Plan::new(members::found(name), demand))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let key = members::key(authorized.target())?;
        Ok(Outcome::answer(Output { key_metadata: KeyMetadata::of(key) }))
    }
}
