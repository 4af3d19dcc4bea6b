//! ListPolicies: the service's managed policies, then the account's own, each by name.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html>

use serde::Serialize;

use super::{
    members,
    shapes::{Detail, Policy},
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    identity::{AWS_POLICIES, ManagedPolicy, UseCounts},
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListPolicies;

/// Whose policies are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    Aws,
    Local,
}

/// Which use is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Usage {
    Boundary,
    Permissions,
}

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    scope: Scope,
    only_attached: bool,
    usage: Option<Usage>,
    path_prefix: String,
    page: PageRequest,
}

/// What it gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    policies: Vec<Policy>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Operation for ListPolicies {
    const DESCRIPTOR: Descriptor = Descriptor::reads(
        Service::Iam,
        "ListPolicies",
        &["Scope", "OnlyAttached", "PathPrefix", "PolicyUsageFilter", "MaxItems", "Marker"],
    );
    type Input = Input;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let scope = fields.choice("Scope", &[Scope::All, Scope::Aws, Scope::Local], |scope| match scope {
            Scope::All => "All",
            Scope::Aws => "AWS",
            Scope::Local => "Local",
        })?;
        let usage = fields.choice("PolicyUsageFilter", &[Usage::Permissions, Usage::Boundary], |usage| match usage {
            Usage::Boundary => "PermissionsBoundary",
            Usage::Permissions => "PermissionsPolicy",
        })?;
        Ok(Input {
            scope: scope.unwrap_or(Scope::All),
            only_attached: fields.boolean("OnlyAttached")?.unwrap_or(false),
            usage,
            path_prefix: members::path_prefix(fields)?,
            page: PageRequest::read_items(fields, "ListPolicies")?,
        })
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &Input) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("iam:ListPolicies")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let input = authorized.input();
        let account = authorized.caller().caller().account;
        let mut policies = Vec::new();
        // The marker's first byte tells which of the two lists it is in.
        let (in_own, after) = match input.page.after.as_deref() {
            Some([OWN, rest @ ..]) => (true, Some(rest.to_vec())),
            Some([AWS, rest @ ..]) => (false, Some(rest.to_vec())),
            _ => (input.scope == Scope::Local, None),
        };
        if !in_own && input.scope != Scope::Local {
            let is_behind = |name: &str| after.as_ref().is_none_or(|after| name.as_bytes() > after.as_slice());
            for policy in AWS_POLICIES.iter().filter(|policy| is_behind(policy.name)) {
                if policies.len() >= input.page.limit {
                    let last = policies.last().map(Policy::name).unwrap_or_default();
                    let marker = input.page.marker(&[&[AWS], last.as_bytes()].concat());
                    return Ok(truncated(policies, marker));
                }
                let managed = ManagedPolicy::Aws(policy);
                let uses = doors.identity.policy_uses(account, &managed.reference()).await?;
                if policy.path.starts_with(&input.path_prefix) && input.wants(uses) {
                    policies.push(Policy::of(&managed, uses, Detail::Listed));
                }
            }
        }
        if input.scope == Scope::Aws {
            return Ok(Outcome::answer(Output { policies, is_truncated: false, marker: None }));
        }
        let mut page = input.page.behind(after.filter(|_| in_own));
        for _ in 0..ROUNDS_MAX {
            if policies.len() >= input.page.limit {
                break;
            }
            page.limit = input.page.limit - policies.len();
            let found = doors.identity.list_policies(account, &input.path_prefix, &page).await?;
            let (items, next) = found;
            for entry in items {
                let managed = ManagedPolicy::Own(entry);
                let uses = doors.identity.policy_uses(account, &managed.reference()).await?;
                if input.wants(uses) {
                    policies.push(Policy::of(&managed, uses, Detail::Listed));
                }
            }
            let Some(next) = next else {
                return Ok(Outcome::answer(Output { policies, is_truncated: false, marker: None }));
            };
            page = page.behind(Some(next));
        }
        let after = page.after.clone().unwrap_or_default();
        Ok(truncated(policies, input.page.marker(&[&[OWN], after.as_slice()].concat())))
    }
}

impl Input {
    fn wants(&self, uses: UseCounts) -> bool {
        let used = match self.usage {
            Some(Usage::Boundary) => uses.boundaries > 0,
            Some(Usage::Permissions) => uses.attachments > 0,
            None => uses.attachments + uses.boundaries > 0,
        };
        used || !self.only_attached && self.usage.is_none()
    }
}

fn truncated(policies: Vec<Policy>, marker: String) -> Outcome<Output> {
    Outcome::answer(Output { policies, is_truncated: true, marker: Some(marker) })
}

/// How often more is read when the filter lets nothing through.
const ROUNDS_MAX: usize = 5;
const AWS: u8 = b'a';
const OWN: u8 = b'o';
