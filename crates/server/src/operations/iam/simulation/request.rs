//! The members that both simulations take, read and checked.
//!
//! Not here: whose policies are simulated. Invariant: what is here can be simulated, but for the size of the work, which
//! is known only when all policies are.
//!
//! Rule: the pages of SimulatePrincipalPolicy and SimulateCustomPolicy of the IAM API reference.

use kanuki_policy::FactMap;
use kanuki_types::AccountId;

use super::{EntityArn, Output, WORK_MAX, answer::EvaluationResult, context, invalid};
use crate::{
    authz::hypothesis::simulation::{Place, Resource, ResourcePolicy},
    error::ApiError,
    keys::PageRequest,
    operations::iam::members,
    wire::{Fields, LIST_ITEMS_MAX, lower_camel},
};

/// What is to be simulated.
#[derive(Debug, Clone)]
pub(in crate::operations::iam) struct Request {
    /// `PolicyInputList`, if it is given.
    pub(in crate::operations::iam) policies: Option<Vec<String>>,
    pub(super) boundary: Option<String>,
    /// The service control policies, level by level.
    pub(super) control: Vec<Vec<String>>,
    actions: Vec<String>,
    pub(super) resources: Vec<Resource>,
    pub(super) resource_policy: Option<String>,
    pub(super) owner: Option<AccountId>,
    /// `CallerArn`.
    pub(in crate::operations::iam) caller: Option<EntityArn>,
    pub(super) context: FactMap,
    page: PageRequest,
}

impl Request {
    /// Reads the members.
    ///
    /// # Errors
    /// `InvalidInput` for values that nothing can be simulated with.
    pub(in crate::operations::iam) fn read(fields: &mut Fields, list: &'static str) -> Result<Self, ApiError> {
        let policies = documents(fields, "PolicyInputList")?;
        let boundaries = documents(fields, "PermissionsBoundaryPolicyInputList")?.unwrap_or_default();
        let actions = fields.texts("ActionNames", 1..=LIST_ITEMS_MAX, ACTION_CHARS)?;
        let actions = fields.require("ActionNames", actions);
        let resources = fields.texts("ResourceArns", 0..=LIST_ITEMS_MAX, RESOURCE_CHARS)?.unwrap_or_default();
        let resource_policy = members::optional_document(fields, "ResourcePolicy")?;
        let owner = fields.text("ResourceOwner", RESOURCE_CHARS)?;
        let caller = fields.text("CallerArn", RESOURCE_CHARS)?;
        let context = context::read(fields)?;
        let handling = fields.text("ResourceHandlingOption", HANDLING_CHARS)?;
        let page = PageRequest::read_items(fields, list)?;
        if boundaries.len() > 1 {
            return Err(invalid("PermissionsBoundaryPolicyInputList takes one policy at most."));
        }
        if let Some(option) = handling {
            // The options are about instances, which no service here has.
            return Err(invalid(format!(
                "Invalid input resource handling options. No action here supports the resource handling option {option}."
            )));
        }
        let request = Self {
            policies,
            boundary: boundaries.into_iter().next(),
            control: Vec::new(),
            actions,
            resources: read_resources(&resources)?,
            resource_policy,
            owner: owner.as_deref().map(read_owner).transpose()?,
            caller: caller.as_deref().map(read_caller).transpose()?,
            context,
            page,
        };
        request.check()?;
        Ok(request)
    }

    /// Adds the service control policies.
    pub(in crate::operations::iam) fn with_control(mut self, control: Vec<Vec<String>>) -> Self {
        self.control = control;
        self
    }

    /// Whether there is a policy of the resources, so that somebody must be the caller.
    pub(in crate::operations::iam) fn has_resource_policy(&self) -> bool {
        self.resource_policy.is_some()
    }

    fn check(&self) -> Result<(), ApiError> {
        if let Some(action) = self.actions.iter().find(|action| !is_action(action)) {
            return Err(invalid(format!(
                "Invalid action {action}: an action is a service and a name without wildcards."
            )));
        }
        self.read_resource_policy().map(drop)
    }

    /// The policy of the resources in every form in which it is asked for.
    ///
    /// # Errors
    /// `InvalidInput` if it cannot be read, and if an action and a resource have no such policy.
    pub(super) fn read_resource_policy(&self) -> Result<Option<ResourcePolicy>, ApiError> {
        let Some(text) = &self.resource_policy else { return Ok(None) };
        let mut policy = ResourcePolicy::default();
        let pairs = self.actions.iter().flat_map(|action| self.resources.iter().map(move |it| (action, it)));
        for (action, resource) in pairs {
            let Some(target) = resource.policy_target(action) else {
                let resource = &resource.text;
                return Err(invalid(format!("ResourcePolicy does not apply to {action} on the resource {resource}.")));
            };
            policy.read(target, text).map_err(|error| invalid(format!("ResourcePolicy: {error}")))?;
        }
        Ok(Some(policy))
    }

    /// The bytes of the documents that stand beside the identity policies.
    pub(super) fn documents_bytes(&self) -> usize {
        let given = self.boundary.iter().chain(&self.resource_policy).chain(self.control.iter().flatten());
        given.map(String::len).sum()
    }

    /// A page: the actions that the marker and the work leave, each with all resources. `length` is that of all
    /// documents in bytes.
    ///
    /// # Errors
    /// `InvalidInput` if one action alone is too much work.
    pub(super) fn page(&self, length: usize, simulate: impl Fn(&str) -> EvaluationResult) -> Result<Output, ApiError> {
        let values: usize =
            self.resources.iter().map(|it| it.text.len() + self.context.bytes() + OWN_VALUES_BYTES).sum();
        let work = length.saturating_add(1).saturating_mul(values);
        if work > WORK_MAX {
            return Err(invalid("The policies, resources and context values are too much for one simulation."));
        }
        let most =
            WORK_MAX.checked_div(work).unwrap_or(1).min(PAIRS_MAX.checked_div(self.resources.len()).unwrap_or(1));
        let most = self.page.limit.min(most).max(1);
        let from = self.page.after.as_deref().map_or(0, |bytes| {
            let number: Option<[u8; 4]> = bytes.try_into().ok();
            number.map_or(usize::MAX, |number| u32::from_be_bytes(number) as usize)
        });
        let (mut results, mut shown) = (Vec::new(), 0_usize);
        for action in self.actions.iter().skip(from).take(most) {
            let result = simulate(action);
            shown = shown.saturating_add(result.statements());
            if shown > STATEMENTS_MAX && !results.is_empty() {
                break;
            }
            results.push(result);
        }
        let next = from.saturating_add(results.len());
        let marker = (next < self.actions.len())
            .then(|| u32::try_from(next).map(|next| self.page.marker(&next.to_be_bytes())))
            .transpose()
            .map_err(ApiError::internal)?;
        Ok(Output::new(results, marker))
    }
}

/// Reads a list of documents.
pub(in crate::operations::iam) fn documents(fields: &mut Fields, name: &str) -> Result<Option<Vec<String>>, ApiError> {
    let texts = fields.texts(name, 0..=LIST_ITEMS_MAX, members::DOCUMENT_CHARS)?;
    for (i, text) in texts.iter().flatten().enumerate() {
        if !text.chars().all(members::is_document_char) {
            fields.refuse_form(text, &format!("{}.{}.member", lower_camel(name), i + 1), members::DOCUMENT_PATTERN);
        }
    }
    Ok(texts)
}

/// Reads `OrderedOrganizationPolicyInputList`.
pub(in crate::operations::iam) fn read_control(fields: &mut Fields) -> Result<Vec<Vec<String>>, ApiError> {
    let level = |level: &mut Fields| documents(level, "ServiceControlPolicyInputList").map(Option::unwrap_or_default);
    Ok(fields.structures("OrderedOrganizationPolicyInputList", 0..=LEVELS_MAX, level)?.unwrap_or_default())
}

/// The resources; `*` if there are none.
fn read_resources(texts: &[String]) -> Result<Vec<Resource>, ApiError> {
    if texts.is_empty() {
        let nothing = Resource { text: "*".into(), place: Place::Nothing, account: None, region: None };
        return Ok(vec![nothing]);
    }
    let read = |text: &String| {
        Resource::parse(text).ok_or_else(|| invalid(format!("ResourceNames are not in a valid ARN format: {text}.")))
    };
    texts.iter().map(read).collect()
}

/// The owner: an account's id, or the ARN of its root.
fn read_owner(text: &str) -> Result<AccountId, ApiError> {
    let account = text.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root")).unwrap_or(text);
    account.parse().map_err(|_| invalid("Invalid Resource Owner."))
}

fn read_caller(text: &str) -> Result<EntityArn, ApiError> {
    let other = || invalid("Invalid caller - Caller must be an IAM user, role or group in this context.");
    EntityArn::read(text).ok_or_else(other)
}

/// Whether a text is a service and a name.
fn is_action(text: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    text.split_once(':').is_some_and(|(service, name)| is_part(service) && is_part(name))
}

const ACTION_CHARS: std::ops::RangeInclusive<usize> = 3..=128;
const RESOURCE_CHARS: std::ops::RangeInclusive<usize> = 1..=2048;
const HANDLING_CHARS: std::ops::RangeInclusive<usize> = 1..=64;
/// Levels of an organization: its root, five levels of organizational units, the account.
const LEVELS_MAX: usize = 7;
/// Most pairs of an action and a resource of a page, but for an action that has more resources by itself.
const PAIRS_MAX: usize = 2000;
/// Most statements that a page tells, but for an action that has more by itself; how many that can be, the work bounds.
const STATEMENTS_MAX: usize = 10_000;
/// What the values that follow from caller, action and time may come to, in bytes.
const OWN_VALUES_BYTES: usize = 1024;
