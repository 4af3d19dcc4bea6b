//! ListRetirableGrants: the grants that name a principal as the one that may retire them.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListRetirableGrants.html>

use kanuki_types::Arn;

use super::grant_members::{self, GrantList, PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, Party};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::PageRequest,
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListRetirableGrants;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    retiring: Party,
    page: PageRequest,
}

impl Operation for ListRetirableGrants {
    const DESCRIPTOR: Descriptor = Descriptor::reads(
        Service::Kms,
        "ListRetirableGrants",
        &["RetiringPrincipal", "RetiringServicePrincipal", "Limit", "Marker"],
    );
    type Input = Input;
    type Target = ();
    type Output = GrantList;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let page = PageRequest::read(fields, "ListRetirableGrants", PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX)?;
        let retiring = grant_members::required_party(fields, "RetiringPrincipal", "RetiringServicePrincipal")?;
        Ok(Input { retiring, page })
    }

    async fn plan(_: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<()>, ApiError> {
        grant_members::only_for_services(caller, Some(&input.retiring), "RetiringServicePrincipal")?;
        // Whatever keys the grants are on, the right to list them is not a right on a key.
        Ok(Plan::new((), Demand::on_any("kms:ListRetirableGrants")))
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<GrantList>, ApiError> {
        let Input { retiring, page } = authorized.input();
        let caller = authorized.caller();
        if let Party::Principal(text) = retiring {
            let arn: Option<Arn> = text.parse().ok();
            // The principals of other accounts are not the caller's to ask about.
            if arn.is_none_or(|arn| arn.account != caller.caller().account.to_string()) {
                return Err(grant_members::no_principal(text));
            }
        }
        let retiring = grant_members::find(doors, retiring).await?;
        let page = doors.keys.list_retirable_grants(caller.region(), &retiring, page).await?;
        Ok(Outcome::answer(GrantList::of(&page)))
    }
}
