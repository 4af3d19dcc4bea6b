//! How somebody who may not use a key could come to use it: by changing the key's policy, by a grant to itself, by an
//! identity policy of its own.
//!
//! Not here: becoming somebody else (a new access key of another user, a role whose trust policy it changes). Invariant:
//! what is said could be gained is what the engine allows once the change were made; explicit denies and, as long as they
//! stay, boundaries hold it off.
//!
//! Rule: "Determining access to an AWS KMS key" of the AWS KMS developer guide.

use std::sync::Arc;

use kanuki_policy::{Document, Effect, GrantView, NamedDocument, Policies, Target, decide};
use serde::Serialize;

use super::access::{Reason, Right, Side, View, operations};
use crate::{
    authz::{Access, Demand, EntityAccess},
    error::ApiError,
    identity::{Identity, PolicyRef, PrincipalEntry, PrincipalKind},
    keys::GrantOperation,
};

/// One way to come to use the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Gain {
    /// The action that does it, such as `kms:PutKeyPolicy`.
    pub(crate) by: String,
    /// On what; none for an action on the key itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) on: Option<String>,
    /// The operations that it has not, and could have then.
    pub(crate) operations: Vec<&'static str>,
    /// How it may do that.
    #[serde(flatten)]
    pub(crate) reason: Reason,
}

/// Every way.
///
/// # Errors
/// If the store fails.
pub(super) async fn gains(identity: &Identity, view: &View<'_>, rights: &[Right]) -> Result<Vec<Gain>, ApiError> {
    let used = rights.iter().filter(|right| right.kind == "use").flat_map(|right| &right.operations);
    let used: Vec<&str> = used.copied().collect();
    let usage = view.key.record().usage;
    let of_use = operations(usage).filter(|(kind, name)| *kind == "use" && !used.contains(name));
    let lacking = Lacking { view, operations: of_use.map(|(_, name)| name).collect() };
    let mut found = Vec::new();
    if lacking.operations.is_empty() {
        return Ok(found);
    }
    for right in rights.iter().filter(|right| right.kind == "administer") {
        let mut add = |by: &str, operations: Vec<&'static str>| {
            if !operations.is_empty() {
                found.push(Gain { by: by.into(), on: None, operations, reason: right.reason.clone() });
            }
        };
        if right.operations.contains(&"PutKeyPolicy") {
            add("kms:PutKeyPolicy", lacking.with_key_policy()?);
        }
        // Through a grant nobody gives more than that grant gives.
        if right.operations.contains(&"CreateGrant") && right.reason.through.iter().any(|text| is_statement(text)) {
            add("kms:CreateGrant", lacking.with_grant());
        }
    }
    let Some(entry) = view.asker.entry() else { return Ok(found) };
    let operations = lacking.with_identity_policy(true)?;
    if !operations.is_empty() {
        for (by, on) in self_service(identity, entry).await? {
            found.extend(by_iam(view, entry, by, on, &operations));
        }
        return Ok(found);
    }
    let operations = lacking.with_identity_policy(false)?;
    if !operations.is_empty() {
        let by = match entry.record().kind {
            PrincipalKind::User => "iam:DeleteUserPermissionsBoundary",
            PrincipalKind::Role => "iam:DeleteRolePermissionsBoundary",
        };
        found.extend(by_iam(view, entry, by, entry.arn(), &operations));
    }
    Ok(found)
}

fn by_iam(
    view: &View<'_>,
    entry: &PrincipalEntry,
    by: &'static str,
    on: String,
    operations: &[&'static str],
) -> Option<Gain> {
    let tags = if on == entry.arn() { entry.record().tags.clone() } else { Default::default() };
    let entity = EntityAccess { arn: on.clone(), account: Some(entry.account()), kind: "AWS::IAM::Entity", tags };
    let reason = view.iam_right(&Demand::supposed(by.into(), Access::Entity(entity)), &on)?;
    Some(Gain { by: by.into(), on: Some(on), operations: operations.to_vec(), reason })
}

/// What somebody lacks of a key's use.
struct Lacking<'a> {
    view: &'a View<'a>,
    operations: Vec<&'static str>,
}

impl Lacking<'_> {
    fn with_key_policy(&self) -> Result<Vec<&'static str>, ApiError> {
        let everything = everything(Target::KeyPolicy, EVERYTHING_FOR_EVERYONE)?;
        Ok(self.given(&Policies { resource: Some(&everything), ..self.view.at_best.policies(&[]) }))
    }

    fn with_grant(&self) -> Vec<&'static str> {
        let record = self.view.key.record();
        let names: Vec<String> =
            GrantOperation::all_for(record.spec, record.usage).map(|it| it.as_str().to_owned()).collect();
        let grant = GrantView {
            id: "",
            grantee: self.view.asker.principal().arn(),
            grantee_id: None,
            operations: &names,
            encryption_context_equals: None,
            encryption_context_subset: None,
        };
        self.given(&self.view.at_best.policies(&[grant]))
    }

    fn with_identity_policy(&self, bounded: bool) -> Result<Vec<&'static str>, ApiError> {
        let Side { identity, boundary, .. } = &self.view.at_best;
        let mut identity = identity.clone();
        identity.push(everything(Target::Identity, EVERYTHING)?);
        let boundary = boundary.as_ref().filter(|_| bounded);
        Ok(self.given(&Policies { identity: &identity, boundary, ..self.view.at_best.policies(&[]) }))
    }

    /// What it would have of that under other policies.
    fn given(&self, policies: &Policies<'_>) -> Vec<&'static str> {
        let is_allowed = |operation: &&'static str| {
            self.view.with_request(operation, |request| decide(request, policies).effect == Effect::Allow)
        };
        self.operations.iter().copied().filter(is_allowed).collect()
    }
}

/// The actions of IAM by which a user or role gives itself a policy, each with its resource.
async fn self_service(identity: &Identity, entry: &PrincipalEntry) -> Result<Vec<(&'static str, String)>, ApiError> {
    let account = entry.account();
    let record = entry.record();
    let mut policies: Vec<PolicyRef> = record.attached.iter().cloned().collect();
    let mut found: Vec<(&'static str, String)> = Vec::new();
    let (put, attach) = match record.kind {
        PrincipalKind::User => ("iam:PutUserPolicy", "iam:AttachUserPolicy"),
        PrincipalKind::Role => ("iam:PutRolePolicy", "iam:AttachRolePolicy"),
    };
    found.extend([(put, entry.arn()), (attach, entry.arn())]);
    for id in &record.groups {
        if let Some(group) = identity.group(account, id).await? {
            found.extend([("iam:PutGroupPolicy", group.arn()), ("iam:AttachGroupPolicy", group.arn())]);
            policies.extend(group.record().attached.iter().cloned());
        }
    }
    for id in policies.iter().filter_map(PolicyRef::own_id) {
        if let Some(policy) = identity.managed_policy(account, &id).await? {
            found.push(("iam:CreatePolicyVersion", policy.arn()));
        }
    }
    Ok(found)
}

fn is_statement(text: &str) -> bool {
    text.starts_with("statement ")
}

fn everything(target: Target, text: &str) -> Result<NamedDocument, ApiError> {
    let document = Document::parse(target, text).map_err(|malformed| ApiError::internal(malformed.message))?;
    Ok(NamedDocument { name: "".into(), document: Arc::new(document) })
}

const EVERYTHING: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
const EVERYTHING_FOR_EVERYONE: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}"#;
