//! ListEntitiesForPolicy: the users, groups and roles that use a managed policy.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html>

use kanuki_types::UniqueId;
use serde::Serialize;

use super::{
    members,
    policies::{self, NamedPolicy},
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::ApiError,
    identity::PolicyUse,
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListEntitiesForPolicy;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    arn: String,
    uses: Vec<PolicyUse>,
    path_prefix: String,
    page: PageRequest,
}

/// What it gets.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    policy_groups: Vec<PolicyGroup>,
    policy_users: Vec<PolicyUser>,
    policy_roles: Vec<PolicyRole>,
    is_truncated: bool,
    marker: Option<String>,
}

/// A group that uses the policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PolicyGroup {
    group_name: String,
    group_id: String,
}

/// A user who uses the policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PolicyUser {
    user_name: String,
    user_id: String,
}

/// A role that uses the policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PolicyRole {
    role_name: String,
    role_id: String,
}

impl Operation for ListEntitiesForPolicy {
    const DESCRIPTOR: Descriptor = Descriptor::reads(
        Service::Iam,
        "ListEntitiesForPolicy",
        &["PolicyArn", "EntityFilter", "PathPrefix", "PolicyUsageFilter", "MaxItems", "Marker"],
    );
    type Input = Input;
    type Target = NamedPolicy;
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let arn = policies::read_arn(fields)?;
        let entity = fields.choice("EntityFilter", FILTERS, |filter| filter)?;
        let usage = fields.choice("PolicyUsageFilter", USAGES, |usage| usage)?;
        let wants = |(_, kind, of): &&(PolicyUse, &str, &str)| {
            entity.is_none_or(|entity| entity == *kind) && usage.is_none_or(|usage| usage == *of)
        };
        Ok(Input {
            arn,
            uses: USES.iter().filter(wants).map(|(policy_use, ..)| *policy_use).collect(),
            path_prefix: members::path_prefix(fields)?,
            page: PageRequest::read_items(fields, "ListEntitiesForPolicy")?,
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedPolicy>, ApiError> {
        policies::plan(doors, caller, &input.arn, "iam:ListEntitiesForPolicy").await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let account = authorized.caller().caller().account;
        let policy = authorized.target().get()?.reference();
        let (from, mut after) = position(input.page.after.as_deref());
        let (mut output, mut examined) = (Output::default(), 0);
        for (i, policy_use) in input.uses.iter().enumerate().skip(from) {
            let limit = input.page.limit.saturating_sub(examined) + 1;
            let place = (account, &policy);
            let ids = doors.identity.policy_entities(place, *policy_use, after.as_ref(), limit).await?;
            for id in ids {
                if examined >= input.page.limit {
                    let last = after.map(|after| after.to_string()).unwrap_or_default();
                    output.is_truncated = true;
                    output.marker = Some(input.page.marker(format!("{i}:{last}").as_bytes()));
                    return Ok(Outcome::answer(output));
                }
                output.add(doors, account, *policy_use, &id, &input.path_prefix).await?;
                after = Some(id);
                examined += 1;
            }
            after = None;
        }
        Ok(Outcome::answer(output))
    }
}

impl Output {
    async fn add(
        &mut self,
        doors: &Doors,
        account: kanuki_types::AccountId,
        policy_use: PolicyUse,
        id: &UniqueId,
        path_prefix: &str,
    ) -> Result<(), ApiError> {
        if policy_use == PolicyUse::AttachedToGroup {
            let found = doors.identity.group(account, id).await?;
            let found = found.filter(|group| group.record().path.starts_with(path_prefix));
            self.policy_groups.extend(found.map(|group| PolicyGroup {
                group_name: group.record().name.clone(),
                group_id: id.to_string(),
            }));
            return Ok(());
        }
        let found = doors.identity.stored_principal(account, id).await?;
        let Some(found) = found.filter(|found| found.record().path.starts_with(path_prefix)) else { return Ok(()) };
        let (name, id) = (found.record().name.clone(), id.to_string());
        match policy_use {
            PolicyUse::AttachedToUser | PolicyUse::BoundaryOfUser => {
                self.policy_users.push(PolicyUser { user_name: name, user_id: id });
            }
            _ => self.policy_roles.push(PolicyRole { role_name: name, role_id: id }),
        }
        Ok(())
    }
}

/// Reads which of the uses a marker is in, and the last entity seen there.
fn position(after: Option<&[u8]>) -> (usize, Option<UniqueId>) {
    let text = after.and_then(|after| std::str::from_utf8(after).ok()).unwrap_or_default();
    match text.split_once(':').map(|(place, id)| (place.parse(), id)) {
        Some((Ok(place), id)) => (place, (!id.is_empty()).then(|| UniqueId::new(id))),
        _ => (0, None),
    }
}

const FILTERS: &[&str] = &["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"];
const USAGES: &[&str] = &["PermissionsPolicy", "PermissionsBoundary"];
const USES: [(PolicyUse, &str, &str); 5] = [
    (PolicyUse::AttachedToGroup, "Group", "PermissionsPolicy"),
    (PolicyUse::AttachedToRole, "Role", "PermissionsPolicy"),
    (PolicyUse::AttachedToUser, "User", "PermissionsPolicy"),
    (PolicyUse::BoundaryOfRole, "Role", "PermissionsBoundary"),
    (PolicyUse::BoundaryOfUser, "User", "PermissionsBoundary"),
];
