//! The operations on inline policies, for users, groups and roles alike.
//!
//! Rule: the pages of PutUserPolicy, GetUserPolicy, DeleteUserPolicy and ListUserPolicies of the IAM API reference, and
//! those of their kin.

use std::marker::PhantomData;

use kanuki_store::Transaction;
use serde::Serialize;

use super::{
    documents,
    holders::{HolderKind, Kind, NamedHolder},
    members, pages,
};
use crate::{
    authn::Authenticated,
    authz::Authorized,
    doors::Doors,
    error::{ApiError, ErrorCode},
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// Puts an inline policy.
#[derive(Debug)]
pub struct PutInline<K>(PhantomData<K>);

/// Reads an inline policy.
#[derive(Debug)]
pub struct GetInline<K>(PhantomData<K>);

/// Removes an inline policy.
#[derive(Debug)]
pub struct DeleteInline<K>(PhantomData<K>);

/// Lists inline policies by name.
#[derive(Debug)]
pub struct ListInline<K>(PhantomData<K>);

/// Whose policy is to be put, its name and its text.
#[derive(Debug)]
pub struct PutInput {
    holder: String,
    policy: String,
    text: String,
}

/// Whose policy, and its name.
#[derive(Debug)]
pub struct PolicyInput {
    holder: String,
    policy: String,
}

/// Whose policies.
#[derive(Debug)]
pub struct ListInput {
    holder: String,
    page: PageRequest,
}

/// An inline policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetOutput {
    group_name: Option<String>,
    role_name: Option<String>,
    user_name: Option<String>,
    policy_name: String,
    policy_document: String,
}

/// Names of inline policies.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListOutput {
    policy_names: Vec<String>,
    is_truncated: bool,
    marker: Option<String>,
}

impl<K: Kind> Operation for PutInline<K> {
    const DESCRIPTOR: Descriptor = Descriptor::changes(
        Service::Iam,
        K::KIND.pick("PutGroupPolicy", "PutRolePolicy", "PutUserPolicy"),
        K::KIND.pick(
            &["GroupName", "PolicyName", "PolicyDocument"],
            &["RoleName", "PolicyName", "PolicyDocument"],
            &["UserName", "PolicyName", "PolicyDocument"],
        ),
    );
    type Input = PutInput;
    type Target = NamedHolder;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<PutInput, ApiError> {
        Ok(PutInput {
            holder: K::KIND.read_name(fields)?,
            policy: members::required_name(fields, "PolicyName", members::NAME_CHARS_MAX)?,
            text: members::document(fields, "PolicyDocument")?,
        })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &PutInput) -> Result<Plan<NamedHolder>, ApiError> {
        let named = NamedHolder::find(doors, caller, K::KIND, &input.holder).await?;
        let action = K::KIND.pick("iam:PutGroupPolicy", "iam:PutRolePolicy", "iam:PutUserPolicy");
        let demand = named.demand_of_change(action);
        Ok(Plan::new(named, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let PutInput { policy, text, .. } = authorized.input();
        let held = authorized.target().get()?;
        documents::check_identity(text)?;
        let mut policies = held.inline().clone();
        policies.insert(policy.clone(), text.clone());
        documents::check_inline_size(&policies, quota(K::KIND), (K::KIND.word(), held.name()))?;
        let mut change = Transaction::default();
        held.change(doors, &mut change, authorized.proof(), |inline, _| *inline = policies).await?;
        Ok(Outcome::silent_change(change))
    }
}

impl<K: Kind> Operation for GetInline<K> {
    const DESCRIPTOR: Descriptor = Descriptor::reads(
        Service::Iam,
        K::KIND.pick("GetGroupPolicy", "GetRolePolicy", "GetUserPolicy"),
        K::KIND.pick(&["GroupName", "PolicyName"], &["RoleName", "PolicyName"], &["UserName", "PolicyName"]),
    );
    type Input = PolicyInput;
    type Target = NamedHolder;
    type Output = GetOutput;

    fn parse(fields: &mut Fields) -> Result<PolicyInput, ApiError> {
        read_policy_input(fields, K::KIND)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &PolicyInput) -> Result<Plan<NamedHolder>, ApiError> {
        let named = NamedHolder::find(doors, caller, K::KIND, &input.holder).await?;
        let demand = named.demand(K::KIND.pick("iam:GetGroupPolicy", "iam:GetRolePolicy", "iam:GetUserPolicy"));
        Ok(Plan::new(named, demand))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<GetOutput>, ApiError> {
        let policy = &authorized.input().policy;
        let held = authorized.target().get()?;
        let text = held.inline().get(policy).ok_or_else(|| no_such_policy(K::KIND, policy))?;
        let name = |kind| (K::KIND == kind).then(|| held.name().to_owned());
        Ok(Outcome::answer(GetOutput {
            group_name: name(HolderKind::Group),
            role_name: name(HolderKind::Role),
            user_name: name(HolderKind::User),
            policy_name: policy.clone(),
            policy_document: documents::encoded(text),
        }))
    }
}

impl<K: Kind> Operation for DeleteInline<K> {
    const DESCRIPTOR: Descriptor = Descriptor::changes(
        Service::Iam,
        K::KIND.pick("DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy"),
        K::KIND.pick(&["GroupName", "PolicyName"], &["RoleName", "PolicyName"], &["UserName", "PolicyName"]),
    );
    type Input = PolicyInput;
    type Target = NamedHolder;
    type Output = ();

    fn parse(fields: &mut Fields) -> Result<PolicyInput, ApiError> {
        read_policy_input(fields, K::KIND)
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &PolicyInput) -> Result<Plan<NamedHolder>, ApiError> {
        let named = NamedHolder::find(doors, caller, K::KIND, &input.holder).await?;
        let action = K::KIND.pick("iam:DeleteGroupPolicy", "iam:DeleteRolePolicy", "iam:DeleteUserPolicy");
        let demand = named.demand_of_change(action);
        Ok(Plan::new(named, demand))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<()>, ApiError> {
        let policy = &authorized.input().policy;
        let held = authorized.target().get()?;
        if !held.inline().contains_key(policy) {
            return Err(no_such_policy(K::KIND, policy));
        }
        let mut change = Transaction::default();
        held.change(doors, &mut change, authorized.proof(), |inline, _| {
            inline.remove(policy);
        })
        .await?;
        Ok(Outcome::silent_change(change))
    }
}

impl<K: Kind> Operation for ListInline<K> {
    const DESCRIPTOR: Descriptor = Descriptor::reads(
        Service::Iam,
        K::KIND.pick("ListGroupPolicies", "ListRolePolicies", "ListUserPolicies"),
        K::KIND.pick(
            &["GroupName", "MaxItems", "Marker"],
            &["RoleName", "MaxItems", "Marker"],
            &["UserName", "MaxItems", "Marker"],
        ),
    );
    type Input = ListInput;
    type Target = NamedHolder;
    type Output = ListOutput;

    fn parse(fields: &mut Fields) -> Result<ListInput, ApiError> {
        let holder = K::KIND.read_name(fields)?;
        Ok(ListInput { holder, page: PageRequest::read_items(fields, Self::DESCRIPTOR.name)? })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &ListInput) -> Result<Plan<NamedHolder>, ApiError> {
        let named = NamedHolder::find(doors, caller, K::KIND, &input.holder).await?;
        let action = K::KIND.pick("iam:ListGroupPolicies", "iam:ListRolePolicies", "iam:ListUserPolicies");
        let demand = named.demand(action);
        Ok(Plan::new(named, demand))
    }

    async fn run(_: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<ListOutput>, ApiError> {
        let names: Vec<String> = authorized.target().get()?.inline().keys().cloned().collect();
        let page = pages::of_sorted(&authorized.input().page, names, String::as_str);
        Ok(Outcome::answer(ListOutput {
            policy_names: page.items,
            is_truncated: page.next.is_some(),
            marker: page.next,
        }))
    }
}

fn read_policy_input(fields: &mut Fields, kind: HolderKind) -> Result<PolicyInput, ApiError> {
    Ok(PolicyInput {
        holder: kind.read_name(fields)?,
        policy: members::required_name(fields, "PolicyName", members::NAME_CHARS_MAX)?,
    })
}

fn no_such_policy(kind: HolderKind, policy: &str) -> ApiError {
    let message = format!("The {} policy with name {policy} cannot be found.", kind.word());
    ApiError::new(ErrorCode::NotFound, message)
}

/// Most characters of all inline policies of an entity, white space apart.
pub(super) const fn quota(kind: HolderKind) -> usize {
    kind.pick(5120, 10_240, 2048)
}
