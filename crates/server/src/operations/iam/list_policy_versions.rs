//! ListPolicyVersions: the versions of a managed policy, newest first, without their texts.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicyVersions.html>

use serde::Serialize;

use super::{
    pages,
    policies::{self, NamedPolicy},
    shapes::{PolicyVersion, instant},
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    identity::{AWS_POLICY_VERSION, ManagedPolicy, version_name},
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListPolicyVersions;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    arn: String,
    page: PageRequest,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    versions: Vec<PolicyVersion>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Operation for ListPolicyVersions {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Iam, "ListPolicyVersions", &["PolicyArn", "MaxItems", "Marker"]);
    type Input = Input;
    type Target = NamedPolicy;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        Ok(Input { arn: policies::read_arn(fields)?, page: PageRequest::read_items(fields, "ListPolicyVersions")? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedPolicy>, ApiError> {
        policies::plan(doors, caller, &input.arn, "iam:ListPolicyVersions").await
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        // A text that falls as numbers rise brings the newest to the front, in markers too.
        let versions: Vec<(String, PolicyVersion)> = versions_of(authorized.target().get()?)
            .into_iter()
            .map(|(number, version)| (format!("{:010}", u32::MAX - number), version))
            .collect();
        let page = pages::of_sorted(&authorized.input().page, versions, |(place, _)| place.as_str());
        let marker = page.next;
        let versions = page.items.into_iter().map(|(_, version)| version).collect();
        Ok(Outcome::answer(Output { versions, is_truncated: marker.is_some(), marker }))
    }
}

/// The versions of a policy by number, newest first.
pub(super) fn versions_of(policy: &ManagedPolicy) -> Vec<(u32, PolicyVersion)> {
    match policy {
        ManagedPolicy::Aws(policy) => vec![(
            1,
            PolicyVersion {
                document: None,
                version_id: AWS_POLICY_VERSION.into(),
                is_default_version: true,
                create_date: instant(policy.created()),
            },
        )],
        ManagedPolicy::Own(policy) => {
            let record = policy.record();
            let version = |(number, created): (&u32, &kanuki_types::Timestamp)| {
                let version = PolicyVersion {
                    document: None,
                    version_id: version_name(*number),
                    is_default_version: *number == record.default_version,
                    create_date: instant(*created),
                };
                (*number, version)
            };
            record.versions.iter().rev().map(version).collect()
        }
    }
}
