//! ListSigningCertificates: always empty: users here have no certificates.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListSigningCertificates.html>

use serde::Serialize;

use super::{
    absent,
    access_keys::{self, Whose},
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListSigningCertificates;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    certificates: Vec<()>,
    is_truncated: bool,
}

impl Operation for ListSigningCertificates {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "ListSigningCertificates", &["UserName", "MaxItems", "Marker"]);
    type Input = Option<String>;
    type Target = Whose;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Option<String>, ApiError> {
        absent::read_whose(fields, "ListSigningCertificates")
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Option<String>) -> Result<Plan<Whose>, ApiError> {
        access_keys::plan(doors, caller, input.as_ref(), "iam:ListSigningCertificates").await
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        authorized.target().owner()?;
        Ok(Outcome::answer(Output { certificates: Vec::new(), is_truncated: false }))
    }
}
