//! GetAccountSummary: how many of each kind of entity an account has, and how many it may have.
//!
//! Not counted here: what this server has no notion of, such as server certificates; those entries are left out.
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html>

use serde::Serialize;
use serde_json::Value;

use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::{Fields, xml_map},
};

/// The operation.
#[derive(Debug)]
pub struct GetAccountSummary;

/// What the client gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    summary_map: Value,
}

impl Operation for GetAccountSummary {
    const DESCRIPTOR: Descriptor = Descriptor::reads(Service::Iam, "GetAccountSummary", &[]);
    type Input = ();
    type Target = ();
    type Output = Output;

    fn parse(_: &mut Fields) -> Result<(), ApiError> {
        Ok(())
    }

    async fn plan(_: &Doors, _: &Authenticated, (): &()) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("iam:GetAccountSummary")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let account = authorized.caller().caller().account;
        let counts = doors.identity.count_entities(account).await?;
        let root = doors.identity.account(account).await?.map(|account| account.value.root_access_keys);
        let root_keys = root.is_some_and(|keys| !keys.is_empty());
        let counted = [
            ("Users", counts.users),
            ("Groups", counts.groups),
            ("Roles", counts.roles),
            ("Policies", counts.policies),
            ("InstanceProfiles", counts.instance_profiles),
            ("AccountAccessKeysPresent", usize::from(root_keys)),
        ];
        Ok(Outcome::answer(Output { summary_map: xml_map(counted.into_iter().chain(QUOTAS)) }))
    }
}

/// "IAM and AWS STS quotas" of the IAM user guide, where this server holds to them.
const QUOTAS: [(&str, usize); 9] = [
    ("AccessKeysPerUserQuota", 2),
    ("AttachedPoliciesPerGroupQuota", 10),
    ("AttachedPoliciesPerRoleQuota", 10),
    ("AttachedPoliciesPerUserQuota", 10),
    ("GroupPolicySizeQuota", 5120),
    ("GroupsPerUserQuota", 10),
    ("PolicySizeQuota", 6144),
    ("UserPolicySizeQuota", 2048),
    ("VersionsPerPolicyQuota", 5),
];
