//! The operations that attach managed policies, for users, groups and roles alike.
//!
//! Rule: the pages of AttachUserPolicy, DetachUserPolicy and ListAttachedUserPolicies of the IAM API reference, and
//! those of their kin.

use std::marker::PhantomData;

use kanuki_store::Transaction;
use serde::Serialize;

use super::{
    holders::{Held, Kind, NamedHolder},
    members, pages,
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::{ApiError, ErrorCode},
    identity::PolicyArn,
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// Attaches a managed policy; attaching it again changes nothing.
#[derive(Debug)]
pub struct Attach<K>(PhantomData<K>);

/// Detaches a managed policy.
#[derive(Debug)]
pub struct Detach<K>(PhantomData<K>);

/// Lists attached managed policies by ARN.
#[derive(Debug)]
pub struct ListAttached<K>(PhantomData<K>);

/// To whom, and which policy.
#[derive(Debug)]
pub struct Input {
    holder: String,
    policy: String,
}

/// Whose policies.
#[derive(Debug)]
pub struct ListInput {
    holder: String,
    path_prefix: String,
    page: PageRequest,
}

/// Attached policies.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListOutput {
    attached_policies: Vec<AttachedPolicy>,
    is_truncated: bool,
    marker: Option<String>,
}

/// A policy that is attached.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AttachedPolicy {
    policy_name: String,
    policy_arn: String,
}

impl<K: Kind> Operation for Attach<K> {
    const DESCRIPTOR: Descriptor = Descriptor::changes(
        Service::Iam,
        K::KIND.pick("AttachGroupPolicy", "AttachRolePolicy", "AttachUserPolicy"),
        K::KIND.pick(&["GroupName", "PolicyArn"], &["RoleName", "PolicyArn"], &["UserName", "PolicyArn"]),
    );
    type Input = Input;
    type Target = NamedHolder;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        read::<K>(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedHolder>, ApiError> {
        let action = K::KIND.pick("iam:AttachGroupPolicy", "iam:AttachRolePolicy", "iam:AttachUserPolicy");
        plan::<K>(doors, caller, input, action).await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let arn = &authorized.input().policy;
        let held = authorized.target().get()?;
        let account = authorized.caller().caller().account;
        let parsed = members::parse_policy_arn(arn)?;
        let Some(policy) = doors.identity.policy_by_arn(account, &parsed).await? else {
            let message = format!("Policy {arn} does not exist or is not attachable.");
            return Err(ApiError::new(ErrorCode::NotFound, message));
        };
        let reference = policy.reference();
        if held.attached().contains(&reference) {
            return Ok(Outcome::nothing());
        }
        if held.attached().len() >= ATTACHED_MAX {
            let quota = K::KIND.pick("PoliciesPerGroup", "PoliciesPerRole", "PoliciesPerUser");
            return Err(members::over_quota(quota, ATTACHED_MAX));
        }
        let mut change = Transaction::default();
        let policy_use = K::KIND.attachment();
        doors.identity.begin_policy_use(&mut change, (account, &reference), policy_use, held.id()).await?;
        held.change(doors, &mut change, authorized.proof(), |_, attached| {
            attached.insert(reference);
        })
        .await?;
        Ok(Outcome::silent_change(change))
    }
}

impl<K: Kind> Operation for Detach<K> {
    const DESCRIPTOR: Descriptor = Descriptor::changes(
        Service::Iam,
        K::KIND.pick("DetachGroupPolicy", "DetachRolePolicy", "DetachUserPolicy"),
        K::KIND.pick(&["GroupName", "PolicyArn"], &["RoleName", "PolicyArn"], &["UserName", "PolicyArn"]),
    );
    type Input = Input;
    type Target = NamedHolder;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        read::<K>(fields)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<NamedHolder>, ApiError> {
        let action = K::KIND.pick("iam:DetachGroupPolicy", "iam:DetachRolePolicy", "iam:DetachUserPolicy");
        plan::<K>(doors, caller, input, action).await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let arn = &authorized.input().policy;
        let held = authorized.target().get()?;
        let account = authorized.caller().caller().account;
        let parsed = members::parse_policy_arn(arn)?;
        let policy = doors.identity.policy_by_arn(account, &parsed).await?.map(|policy| policy.reference());
        let attached = policy.filter(|policy| held.attached().contains(policy));
        let reference = attached.ok_or_else(|| members::no_such_policy(arn))?;
        let mut change = Transaction::default();
        let policy_use = K::KIND.attachment();
        doors.identity.end_policy_use(&mut change, (account, &reference), policy_use, held.id()).await?;
        held.change(doors, &mut change, authorized.proof(), |_, attached| {
            attached.remove(&reference);
        })
        .await?;
        Ok(Outcome::silent_change(change))
    }
}

impl<K: Kind> Operation for ListAttached<K> {
    const DESCRIPTOR: Descriptor = Descriptor::reads(
        Service::Iam,
        K::KIND.pick("ListAttachedGroupPolicies", "ListAttachedRolePolicies", "ListAttachedUserPolicies"),
        K::KIND.pick(
            &["GroupName", "PathPrefix", "MaxItems", "Marker"],
            &["RoleName", "PathPrefix", "MaxItems", "Marker"],
            &["UserName", "PathPrefix", "MaxItems", "Marker"],
        ),
    );
    type Input = ListInput;
    type Target = NamedHolder;
    type Output = ListOutput;

    fn parse(fields: &mut Fields) -> Result<ListInput, ApiError> {
        Ok(ListInput {
            holder: K::KIND.read_name(fields)?,
            path_prefix: members::path_prefix(fields)?,
            page: PageRequest::read_items(fields, Self::DESCRIPTOR.name)?,
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &ListInput) -> Result<Plan<NamedHolder>, ApiError> {
        let named = NamedHolder::find(doors, caller, K::KIND, &input.holder).await?;
        let demand = named.demand(K::KIND.pick(
            "iam:ListAttachedGroupPolicies",
            "iam:ListAttachedRolePolicies",
            "iam:ListAttachedUserPolicies",
        ));
        Ok(Plan::new(named, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<ListOutput>, ApiError> {
        let ListInput { path_prefix, page, .. } = authorized.input();
        let held = authorized.target().get()?;
        let account = authorized.caller().caller().account;
        let policies = attached_policies(doors, account, held, path_prefix).await?;
        let page = pages::of_sorted(page, policies, |policy| policy.policy_arn.as_str());
        let marker = page.next;
        Ok(Outcome::answer(ListOutput { attached_policies: page.items, is_truncated: marker.is_some(), marker }))
    }
}

/// The managed policies of a holder whose path begins with a text, by ARN.
pub(super) async fn attached_policies(
    doors: &Doors,
    account: kanuki_types::AccountId,
    held: &Held,
    path_prefix: &str,
) -> Result<Vec<AttachedPolicy>, ApiError> {
    let mut policies = Vec::with_capacity(held.attached().len());
    for reference in held.attached() {
        let arn = super::users::policy_arn(doors, account, reference).await?;
        let Some((arn, parsed)) = arn.and_then(|arn| PolicyArn::parse(&arn).map(|parsed| (arn, parsed))) else {
            return Err(ApiError::internal("an attached policy does not exist"));
        };
        if parsed.path.starts_with(path_prefix) {
            policies.push(AttachedPolicy { policy_name: parsed.name, policy_arn: arn });
        }
    }
    policies.sort_by(|one, other| one.policy_arn.cmp(&other.policy_arn));
    Ok(policies)
}

fn read<K: Kind>(fields: &mut Fields) -> Result<Input, ApiError> {
    let holder = K::KIND.read_name(fields)?;
    let policy = members::policy_arn(fields, "PolicyArn")?;
    Ok(Input { holder, policy: fields.require("PolicyArn", policy) })
}

async fn plan<K: Kind>(
    doors: &Doors,
    caller: &Authenticated,
    input: &Input,
    action: &'static str,
) -> Result<Plan<NamedHolder>, ApiError> {
    let named = NamedHolder::find(doors, caller, K::KIND, &input.holder).await?;
    let demand = named.demand_of_change(action).with_fact("iam:PolicyARN", input.policy.as_str());
    Ok(Plan::new(named, demand))
}

/// Most managed policies of an entity.
pub(super) const ATTACHED_MAX: usize = 10;
