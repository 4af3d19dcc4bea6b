//! ListGrants: the grants of a key.
//!
//! Rule: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html>

use std::sync::Arc;

use super::{
    grant_members::{self, GrantList, PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, Party},
    members,
};
use crate::{
    authn::Authenticated,
    authz::{Authorized, Demand},
    doors::Doors,
    error::ApiError,
    keys::{GrantId, KeyEntry, Names, Page, PageRequest},
    operation::{Descriptor, Operation, Outcome, Plan, Service},
    wire::Fields,
};

/// The operation.
#[derive(Debug)]
pub struct ListGrants;

/// What the client sends.
#[derive(Debug)]
pub struct Input {
    key_id: String,
    grant_id: Option<GrantId>,
    grantee: Option<Party>,
    page: PageRequest,
}

impl Operation for ListGrants {
    const DESCRIPTOR: Descriptor = Descriptor::reads(
        Service::Kms,
        "ListGrants",
        &["KeyId", "GrantId", "GranteePrincipal", "GranteeServicePrincipal", "Limit", "Marker"],
    );
    type Input = Input;
    type Target = Option<Arc<KeyEntry>>;
    type Output = GrantList;

    fn parse(fields: &mut Fields) -> Result<Input, ApiError> {
        let key_id = members::key_id(fields)?;
        let page = PageRequest::read(fields, "ListGrants", PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX)?;
        let grantee = grant_members::party(fields, "GranteePrincipal", "GranteeServicePrincipal")?;
        let grant_id = grant_members::grant_id(fields)?;
        Ok(Input { key_id, grant_id, grantee, page })
    }

    async fn plan(doors: &Doors, caller: &Authenticated, input: &Input) -> Result<Plan<Self::Target>, ApiError> {
        grant_members::only_for_services(caller, input.grantee.as_ref(), "GranteeServicePrincipal")?;
        members::plan_on_key(doors, caller, &input.key_id, Names::Keys, |name| Demand::on_name("kms:ListGrants", name))
            .await
    }

    async fn run(doors: &Doors, authorized: &Authorized<Self>) -> Result<Outcome<GrantList>, ApiError> {
        let Input { grant_id, grantee, page, .. } = authorized.input();
        let arn = members::key(authorized.target())?.arn();
        let grantee = match grantee {
            Some(party) => Some(grant_members::find(doors, party).await?),
            None => None,
        };
        let page = match grant_id {
            Some(id) => {
                let found = doors.keys.grant(arn, *id).await?;
                let place = grantee.map(|grantee| grantee.place());
                let wanted = found.filter(|grant| place.is_none_or(|place| grant.record().grantee.place() == place));
                Page { items: wanted.into_iter().collect(), next: None }
            }
            None => doors.keys.list_grants(arn, grantee.as_ref(), page).await?,
        };
        Ok(Outcome::answer(GrantList::of(&page)))
    }
}
