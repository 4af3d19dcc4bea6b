//! What of a decision an account may be shown that asks for it through the API.
//!
//! Not here: what an operator is shown, which is everything. Invariants: nothing is told of another account's resource
//! that the refusal itself does not tell, not even whether it exists; no external id is told.

use kanuki_types::{AccountId, Arn};

use super::{
    note::{DemandNote, IMPLICIT_DENY},
    records::DecisionRecord,
};

impl DecisionRecord {
    /// The account of the caller; none if it belongs to none, as services that call by themselves.
    #[must_use]
    pub(crate) fn account(&self) -> Option<AccountId> {
        account_of(&self.principal)
    }

    /// The decision as an account may see it.
    #[must_use]
    pub(crate) fn shown_to(&self, account: AccountId) -> Self {
        let demands = self.demands.iter().map(|demand| demand.shown_to(account)).collect();
        Self { demands, ..self.clone_without_demands() }
    }

    fn clone_without_demands(&self) -> Self {
        Self {
            request_id: self.request_id.clone(),
            time: self.time,
            operation: self.operation.clone(),
            region: self.region.clone(),
            principal: self.principal.clone(),
            principal_id: self.principal_id.clone(),
            access_key_id: self.access_key_id.clone(),
            allowed: self.allowed,
            message: self.message.clone(),
            demands: Vec::new(),
            shortened: self.shortened,
        }
    }
}

impl DemandNote {
    fn shown_to(&self, account: AccountId) -> Self {
        if !is_resource_of(&self.resource, account) {
            return Self {
                action: self.action.clone(),
                resource: "*".into(),
                decision: IMPLICIT_DENY.into(),
                by: "resource".into(),
                reason: WITHHELD.into(),
                documents: Vec::new(),
                grants: Vec::new(),
                facts: Default::default(),
            };
        }
        let mut shown = self.clone();
        let conditions = shown.documents.iter_mut().flat_map(|document| &mut document.statements);
        for condition in conditions.flat_map(|statement| &mut statement.conditions) {
            if is_external_id(&condition.key) {
                condition.values = vec![NOT_SHOWN.into()];
                condition.request = condition.request.as_ref().map(|_| vec![NOT_SHOWN.into()]);
            }
        }
        for (_, values) in shown.facts.iter_mut().filter(|(key, _)| is_external_id(key)) {
            *values = values.as_ref().map(|_| vec![NOT_SHOWN.into()]);
        }
        shown
    }
}

/// Whether a resource is the account's, the service's own, or none in particular. What is no ARN is nobody's.
fn is_resource_of(resource: &str, account: AccountId) -> bool {
    // Behind an ARN of a key may stand a grant of it.
    let arn = resource.split(',').next().unwrap_or_default().parse::<Arn>();
    resource == "*" || arn.is_ok_and(|arn| arn.account == SERVICE_OWNED || arn.account.parse() == Ok(account))
}

fn account_of(principal: &str) -> Option<AccountId> {
    principal.parse::<Arn>().ok()?.account.parse().ok()
}

fn is_external_id(key: &str) -> bool {
    key.eq_ignore_ascii_case("sts:ExternalId")
}

/// The account of what belongs to the service itself, as its managed policies.
const SERVICE_OWNED: &str = "aws";
const NOT_SHOWN: &str = "(not shown)";
const WITHHELD: &str =
    "the resource is another account's, or there is no such resource: what was decided on is not shown";

#[cfg(test)]
mod tests;
