//! GetAccountSummary: how many of each kind of entity an account has, and how many it may have.
//!
//! Not here: quotas that this server does not hold to, such as of the number of users.
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html>

use serde::Serialize;
use serde_json::Value;

use super::{attachments, create_access_key, create_policy_version, documents, holders::HolderKind, inline, memberships};
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
            ("MFADevices", counts.mfa_devices),
            ("MFADevicesInUse", counts.mfa_devices_in_use),
            ("Providers", counts.providers),
            ("AccountAccessKeysPresent", usize::from(root_keys)),
        ];
        Ok(Outcome::answer(Output { summary_map: xml_map(counted.into_iter().chain(NEVER).chain(QUOTAS)) }))
    }
}

/// What no account has here, for there is no such thing: root has neither a device nor a password.
const NEVER: [(&str, usize); 4] = [
    ("AccountMFAEnabled", 0),
    ("AccountPasswordPresent", 0),
    ("AccountSigningCertificatesPresent", 0),
    ("ServerCertificates", 0),
];

/// "IAM and AWS STS quotas" of the IAM user guide, where this server holds to them.
const QUOTAS: [(&str, usize); 11] = [
    ("AccessKeysPerUserQuota", create_access_key::ACCESS_KEYS_MAX),
    ("AssumeRolePolicySizeQuota", documents::TRUST_SIZE_MAX),
    ("AttachedPoliciesPerGroupQuota", attachments::ATTACHED_MAX),
    ("AttachedPoliciesPerRoleQuota", attachments::ATTACHED_MAX),
    ("AttachedPoliciesPerUserQuota", attachments::ATTACHED_MAX),
    ("GroupPolicySizeQuota", inline::quota(HolderKind::Group)),
    ("GroupsPerUserQuota", memberships::GROUPS_MAX),
    ("PolicySizeQuota", documents::MANAGED_SIZE_MAX),
    ("RolePolicySizeQuota", inline::quota(HolderKind::Role)),
    ("UserPolicySizeQuota", inline::quota(HolderKind::User)),
    ("VersionsPerPolicyQuota", create_policy_version::VERSIONS_MAX),
];
