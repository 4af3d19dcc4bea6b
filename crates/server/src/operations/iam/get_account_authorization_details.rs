//! GetAccountAuthorizationDetails: users, groups, roles and policies with everything that gives or limits rights.
//!
//! Rule: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>

use kanuki_types::{AccountId, Timestamp};
use serde::Serialize;

use super::details::{self, GroupDetail, PolicyDetail, RoleDetail, UserDetail};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    identity::{AWS_POLICIES, ManagedPolicy, PrincipalKind},
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct GetAccountAuthorizationDetails;

/// A part of the answer; the pages go through the parts in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Users,
    Groups,
    Roles,
    OwnPolicies,
    AwsPolicies,
}

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    parts: Vec<Part>,
    page: PageRequest,
}

/// What it gets.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    user_detail_list: Vec<UserDetail>,
    group_detail_list: Vec<GroupDetail>,
    role_detail_list: Vec<RoleDetail>,
    policies: Vec<PolicyDetail>,
    is_truncated: bool,
    marker: Option<String>,
}

impl Operation for GetAccountAuthorizationDetails {
    const DESCRIPTOR: Descriptor =
        Descriptor::reads(Service::Iam, "GetAccountAuthorizationDetails", &["Filter", "MaxItems", "Marker"]);
    type Input = Input;
    type Target = ();
    type Output = Output;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let parts = fields.choices("Filter", PARTS, name)?.filter(|parts| !parts.is_empty());
        let mut page = PageRequest::read_items(fields, "GetAccountAuthorizationDetails")?;
        page.limit = page.limit.min(PAGE_MAX);
        let parts = parts.map_or_else(
            || PARTS.to_vec(),
            |wanted| PARTS.iter().copied().filter(|part| wanted.contains(part)).collect(),
        );
        Ok(Input { parts, page })
    }

    async fn plan(_: &Doors, _: &Authenticated, _: &Input) -> Result<Plan<()>, ApiError> {
        Ok(Plan::new((), Demand::on_any("iam:GetAccountAuthorizationDetails")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<Output>, ApiError> {
        let Input { parts, page } = authorized.input();
        let (account, now) = (authorized.caller().caller().account, authorized.circumstances().now);
        let mut output = Output::default();
        // A marker is the number of its part and the place in it.
        let (from, mut after) = match page.after.as_deref() {
            Some([part, rest @ ..]) => (usize::from(*part), Some(rest.to_vec()).filter(|rest| !rest.is_empty())),
            _ => (0, None),
        };
        let mut left = page.limit;
        for (i, part) in parts.iter().enumerate().skip(from) {
            let mut request = page.behind(after.take());
            request.limit = left;
            let next = if left == 0 { Some(Vec::new()) } else { output.add(doors, (account, now), *part, &request).await? };
            left = page.limit.saturating_sub(output.len());
            if let Some(next) = next {
                let part = u8::try_from(i).map_err(ApiError::internal)?;
                output.is_truncated = true;
                output.marker = Some(page.marker(&[&[part], next.as_slice()].concat()));
                break;
            }
        }
        Ok(Outcome::answer(output))
    }
}

impl Output {
    fn len(&self) -> usize {
        self.user_detail_list.len() + self.group_detail_list.len() + self.role_detail_list.len() + self.policies.len()
    }

    /// Adds a page of a part; answers where to go on in it, if there is more.
    async fn add(
        &mut self,
        doors: &Doors,
        (account, now): (AccountId, Timestamp),
        part: Part,
        page: &PageRequest,
    ) -> Result<Option<Vec<u8>>, ApiError> {
        let identity = &doors.identity;
        match part {
            Part::Users => {
                let (found, next) = identity.principals_from((account, PrincipalKind::User), "/", page).await?;
                for user in &found {
                    self.user_detail_list.push(details::user(doors, user).await?);
                }
                Ok(next)
            }
            Part::Groups => {
                let (found, next) = identity.groups_from(account, "/", page).await?;
                for group in &found {
                    self.group_detail_list.push(details::group(doors, group).await?);
                }
                Ok(next)
            }
            Part::Roles => {
                let (found, next) = identity.principals_from((account, PrincipalKind::Role), "/", page).await?;
                for role in &found {
                    self.role_detail_list.push(details::role(doors, role, now).await?);
                }
                Ok(next)
            }
            Part::OwnPolicies => {
                let (found, next) = identity.list_policies(account, "/", page).await?;
                for policy in found {
                    self.policies.push(details::policy(doors, account, &ManagedPolicy::Own(policy)).await?);
                }
                Ok(next)
            }
            Part::AwsPolicies => {
                let is_behind = |name: &str| page.after.as_ref().is_none_or(|after| name.as_bytes() > after.as_slice());
                let (mut last, mut left) = (None, page.limit);
                for policy in AWS_POLICIES.iter().filter(|policy| is_behind(policy.name)) {
                    if left == 0 {
                        return Ok(last);
                    }
                    let managed = ManagedPolicy::Aws(policy);
                    // Only those in use are shown, as by the API.
                    if identity.policy_uses(account, &managed.reference()).await? != Default::default() {
                        self.policies.push(details::policy(doors, account, &managed).await?);
                        left -= 1;
                    }
                    last = Some(policy.name.as_bytes().to_vec());
                }
                Ok(None)
            }
        }
    }
}

const fn name(part: Part) -> &'static str {
    match part {
        Part::Users => "User",
        Part::Groups => "Group",
        Part::Roles => "Role",
        Part::OwnPolicies => "LocalManagedPolicy",
        Part::AwsPolicies => "AWSManagedPolicy",
    }
}

const PARTS: &[Part] = &[Part::Users, Part::Groups, Part::Roles, Part::OwnPolicies, Part::AwsPolicies];
/// Most items of a page: each carries the texts of its policies.
const PAGE_MAX: usize = 100;
