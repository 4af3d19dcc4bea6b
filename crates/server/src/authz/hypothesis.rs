//! Calls that nobody made: what would be decided, and why.
//!
//! Not here: real calls; nothing here makes an [`Authorized`](super::Authorized). Invariants: the decision is made by
//! the engine that decides real calls, from the same records; what only a real request has (an address, a session) is
//! absent unless it is given.

pub(crate) mod access;
mod given;
pub(crate) mod simulation;

use std::{collections::BTreeMap, sync::Arc};

use kanuki_policy::{
    FactMap, FactValue, GrantView, NamedDocument, Policies, Principal, Request, ResourceKind, explain,
};
use kanuki_types::{AccountId, AliasName, Caller, CallerKind, EncryptionContext, Region, Timestamp, UniqueId};

use super::{
    facts::{is_about_grants, knows_caller, principal_type},
    grants::{names_of, source_holds},
};
use crate::{
    decisions::{DemandNote, note_of},
    error::{ApiError, ErrorCode},
    identity::{Identity, PrincipalEntry, PrincipalKind, PrincipalName},
    keys::{GrantEntry, Held, KeyEntry, Keys},
};

/// Somebody who might call, with everything that is said of it.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    caller: Caller,
    principal: Principal,
    entry: Option<Arc<PrincipalEntry>>,
}

/// What might be accessed.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// Nothing in particular.
    Any,
    /// A key, and the alias that would name it.
    Key(Arc<KeyEntry>, Option<AliasName>),
    /// Something without a policy of its own.
    Other {
        /// Its ARN.
        arn: String,
        /// Whose it is.
        account: AccountId,
        /// What it is.
        kind: ResourceKind,
    },
    /// A role that is to be assumed.
    Role(Arc<PrincipalEntry>),
}

/// The circumstances of a call that nobody made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Supposed {
    /// The encryption context.
    pub(crate) context: BTreeMap<String, String>,
    /// Condition keys that the call is supposed to have, over those that follow from caller and resource.
    pub(crate) facts: BTreeMap<String, Vec<String>>,
    /// The policy of the resource, in place of the one that is stored.
    pub(crate) resource_policy: Option<String>,
}

impl Asker {
    /// The principal with that ARN: a user, a role (as a session of it), a session, an account's root; or a service by
    /// its name.
    ///
    /// # Errors
    /// If there is no such principal, or if the store fails.
    pub(crate) async fn find(identity: &Identity, text: &str, home: AccountId) -> Result<Self, ApiError> {
        let unknown = || ApiError::new(ErrorCode::NotFound, format!("there is no principal `{}`", printable(text)));
        let arn = match text.parse::<kanuki_types::Arn>() {
            Ok(arn) => arn,
            Err(_) if is_service(text) => return Ok(Self::service(text, home)),
            Err(_) => return Err(unknown()),
        };
        let account = arn.account.parse::<AccountId>().map_err(|_| unknown())?;
        match identity.resolve_principal(text).await? {
            PrincipalName::Account => Ok(Self::root(account)),
            PrincipalName::Entity(id) => {
                let entry = identity.principal(account, &id).await?.ok_or_else(unknown)?;
                let session = arn.resource.strip_prefix("assumed-role/").and_then(|rest| rest.split_once('/'));
                Ok(Self::entity(entry, session.map(|(_, session)| session)))
            }
            PrincipalName::Unknown => Err(unknown()),
        }
    }

    /// A user; or a session of a role, by name or as any other would be.
    pub(crate) fn entity(entry: Arc<PrincipalEntry>, session: Option<&str>) -> Self {
        let record = entry.record();
        let (path, name, id) = (record.path.clone(), record.name.clone(), entry.id().clone());
        let kind = match record.kind {
            PrincipalKind::User => CallerKind::User { path, name, id },
            PrincipalKind::Role => {
                CallerKind::AssumedRole { path, role: name, id, session: session.unwrap_or(ANYBODY).to_owned() }
            }
        };
        let caller = Caller { account: entry.account(), kind };
        Self { principal: Principal::from_caller(&caller), caller, entry: Some(entry) }
    }

    /// A user of whom nothing is known but where it stands; there need be no such user.
    pub(crate) fn supposed_user(account: AccountId, path: &str, name: &str) -> Self {
        let (path, name) = (path.to_owned(), name.to_owned());
        Self::unknown(account, CallerKind::User { path, name, id: UniqueId::new("") })
    }

    /// Any session of a role of which nothing is known but where it stands; there need be no such role.
    pub(crate) fn supposed_role(account: AccountId, path: &str, name: &str) -> Self {
        let (path, role, session) = (path.to_owned(), name.to_owned(), ANYBODY.to_owned());
        Self::unknown(account, CallerKind::AssumedRole { path, role, id: UniqueId::new(""), session })
    }

    /// Somebody of an account, whom no policy names: a member of a group, whichever.
    pub(crate) fn anybody(account: AccountId) -> Self {
        Self::supposed_user(account, "/", ANYBODY)
    }

    fn unknown(account: AccountId, kind: CallerKind) -> Self {
        let caller = Caller { account, kind };
        Self { principal: Principal::from_caller(&caller), caller, entry: None }
    }

    /// The root of an account.
    pub(crate) fn root(account: AccountId) -> Self {
        let caller = Caller { account, kind: CallerKind::Root };
        Self { principal: Principal::from_caller(&caller), caller, entry: None }
    }

    /// A service. It belongs to no account: the one that stands here is never looked at.
    pub(crate) fn service(name: &str, home: AccountId) -> Self {
        let caller = Caller { account: home, kind: CallerKind::Service { name: name.to_owned() } };
        Self { principal: Principal::from_caller(&caller), caller, entry: None }
    }

    /// Who it is, as policies name it.
    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Its ARN: of a role the role's, of a session the session's.
    pub(crate) fn arn(&self) -> String {
        match &self.caller.kind {
            CallerKind::AssumedRole { session, .. } if session == ANYBODY => self.caller.principal_arn(),
            _ => self.caller.arn(),
        }
    }

    /// Its account; none for a service.
    pub(crate) fn account(&self) -> Option<AccountId> {
        self.principal.account()
    }

    /// Whether it stands for every session of its role.
    pub(crate) fn is_any_session(&self) -> bool {
        matches!(&self.caller.kind, CallerKind::AssumedRole { session, .. } if session == ANYBODY)
    }

    fn is_anybody(&self) -> bool {
        matches!(&self.caller.kind, CallerKind::User { name, .. } if name == ANYBODY)
    }

    /// Whether it is the root of an account.
    pub(crate) fn is_root(&self) -> bool {
        self.caller.kind == CallerKind::Root
    }

    /// Whether it is a session of a role, any or one.
    pub(crate) fn is_session(&self) -> bool {
        matches!(self.caller.kind, CallerKind::AssumedRole { .. })
    }

    /// The policies on its side.
    pub(crate) fn policies(&self) -> Policies<'_> {
        let entry = self.entry.as_deref();
        Policies {
            identity: entry.map_or(&[], |entry| entry.policies()),
            boundary: entry.and_then(|entry| entry.boundary()),
            ..Policies::default()
        }
    }

    /// The condition keys that follow from who it is.
    pub(crate) fn facts(&self) -> FactMap {
        let mut facts = FactMap::new();
        facts.insert("aws:PrincipalIsAWSService", matches!(self.caller.kind, CallerKind::Service { .. }));
        facts.insert("aws:ViaAWSService", false);
        if let Some(account) = self.account() {
            facts.insert("aws:PrincipalAccount", account.to_string());
            facts.insert("kms:CallerAccount", account.to_string());
            if !self.is_anybody() {
                facts.insert("aws:PrincipalArn", self.caller.principal_arn());
            }
        }
        if let Some(kind) = principal_type(&self.caller.kind) {
            facts.insert("aws:PrincipalType", kind);
        }
        match &self.caller.kind {
            CallerKind::User { name, .. } if !self.is_anybody() => facts.insert("aws:username", name.as_str()),
            CallerKind::AssumedRole { session, .. } if session == ANYBODY => return self.with_tags(facts),
            _ => {}
        }
        // Of a user who is only supposed nobody knows the id.
        let is_known = self.entry.is_some() || !matches!(self.caller.kind, CallerKind::User { .. });
        if let Some(id) = self.caller.user_id().filter(|_| is_known) {
            facts.insert("aws:userid", id);
        }
        self.with_tags(facts)
    }

    fn with_tags(&self, mut facts: FactMap) -> FactMap {
        for (key, value) in self.entry.iter().flat_map(|entry| &entry.record().tags) {
            facts.insert(&format!("aws:PrincipalTag/{key}"), value.as_str());
        }
        facts
    }

    /// Its grants on a key, under each of its names.
    pub(crate) async fn grants(&self, keys: &Keys, key: &KeyEntry) -> Result<AskersGrants, ApiError> {
        let mut found = Vec::new();
        for (place, grantee, id) in names_of(&self.caller) {
            found.push((keys.held_grants(key.arn(), &place).await?, grantee, id));
        }
        Ok(AskersGrants(found))
    }
}

/// The grants of one key to one principal, under each of its names.
pub(crate) struct AskersGrants(Vec<(Held, String, Option<UniqueId>)>);

impl AskersGrants {
    /// Those that the facts do not shut out, as a decision sees them.
    pub(crate) fn views<'a>(&'a self, facts: &'a FactMap) -> Vec<GrantView<'a>> {
        let of = |(held, grantee, id): &'a (Held, String, Option<UniqueId>)| {
            let usable = held.iter().filter(|grant| source_holds(grant, facts));
            usable.map(move |grant| grant.view(grantee, id.as_ref()))
        };
        self.0.iter().flat_map(of).collect()
    }

    /// All of them, as if every constraint held.
    fn at_best(&self) -> Vec<GrantView<'_>> {
        let none = |view| GrantView { encryption_context_equals: None, encryption_context_subset: None, ..view };
        self.each().map(|(_, view)| none(view)).collect()
    }

    /// Those without a constraint.
    fn in_any_case(&self) -> Vec<GrantView<'_>> {
        let free = self.each().filter(|(grant, _)| grant.record().terms.constraints.is_empty());
        free.map(|(_, view)| view).collect()
    }

    fn each(&self) -> impl Iterator<Item = (&GrantEntry, GrantView<'_>)> {
        self.0
            .iter()
            .flat_map(|(held, grantee, id)| held.iter().map(move |grant| (grant, grant.view(grantee, id.as_ref()))))
    }

    /// The constraint of a grant in words; empty if there is none.
    fn constraint_text(&self, id: &str) -> String {
        let Some((grant, _)) = self.each().find(|(_, view)| view.id == id) else { return String::new() };
        let constraints = &grant.record().terms.constraints;
        let pairs = |pairs: &BTreeMap<String, String>| {
            pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
        };
        let mut texts = Vec::new();
        if !constraints.equals.is_empty() {
            texts.push(format!("encryption context is {}", pairs(&constraints.equals)));
        }
        if !constraints.subset.is_empty() {
            texts.push(format!("encryption context holds {}", pairs(&constraints.subset)));
        }
        texts.extend(constraints.source_arn.iter().map(|arn| format!("on behalf of {arn}")));
        if texts.is_empty() { String::new() } else { format!(" (if {})", texts.join(" and ")) }
    }
}

/// The condition keys that follow from a key.
pub(crate) fn key_facts(facts: &mut FactMap, key: &KeyEntry) {
    let record = key.record();
    facts.insert("aws:ResourceAccount", key.arn().account.to_string());
    facts.insert("aws:RequestedRegion", key.arn().region.as_str());
    facts.insert("kms:KeyOrigin", record.origin.as_str());
    facts.insert("kms:KeySpec", record.spec.as_str());
    facts.insert("kms:CustomerMasterKeySpec", record.spec.as_str());
    facts.insert("kms:KeyUsage", record.usage.as_str());
    facts.insert("kms:CustomerMasterKeyUsage", record.usage.as_str());
    facts.insert("kms:MultiRegion", key.arn().key_id.is_multi_region());
    let aliases: Vec<String> = record.aliases.iter().map(|alias| alias.as_str().to_owned()).collect();
    if !aliases.is_empty() {
        facts.insert("kms:ResourceAliases", aliases);
    }
    for (tag, value) in &record.tags {
        facts.insert(&format!("aws:ResourceTag/{tag}"), value.as_str());
    }
}

/// Explains what would be decided.
///
/// # Errors
/// If the encryption context is too large, if a policy that is given is refused, or if the store fails.
pub(crate) async fn explain_call(
    (keys, identity): (&Keys, &Identity),
    asker: &Asker,
    action: &str,
    target: &Target,
    supposed: Supposed,
    (region, now): (&Region, Timestamp),
) -> Result<DemandNote, ApiError> {
    let context = EncryptionContext::new(supposed.context)
        .map_err(|_| ApiError::validation("the encryption context is too large"))?;
    let facts = call_facts((asker, action, target), &context, supposed.facts, (region, now));
    let grants = match target {
        Target::Key(key, _) => asker.grants(keys, key).await?,
        _ => AskersGrants(Vec::new()),
    };
    let home = asker.account();
    let (resource, kind, account, policy): (_, _, _, Option<&NamedDocument>) = match target {
        Target::Any => ("*".to_owned(), ResourceKind::None, home, None),
        Target::Key(key, _) => {
            (key.arn_text().to_owned(), ResourceKind::KmsKey, Some(key.arn().account), Some(key.policy()))
        }
        Target::Other { arn, account, kind } => (arn.clone(), *kind, Some(*account), None),
        Target::Role(role) => (role.arn(), ResourceKind::RoleTrust, Some(role.account()), role.trust_policy()),
    };
    let given = match supposed.resource_policy {
        Some(text) => Some(given::resource_policy(identity, target, text).await?),
        None => None,
    };
    let account = account.ok_or_else(|| ApiError::validation("a service needs a resource"))?;
    let request = Request {
        action,
        resource: &resource,
        resource_kind: kind,
        resource_account: account,
        principal: asker.principal(),
        facts: &facts,
        encryption_context: Some(&context),
    };
    let views = grants.views(&facts);
    let policies = Policies { resource: given.as_ref().or(policy), grants: &views, ..asker.policies() };
    Ok(note_of(&request, &policies, explain(&request, &policies)))
}

fn call_facts(
    (asker, action, target): (&Asker, &str, &Target),
    context: &EncryptionContext,
    given: BTreeMap<String, Vec<String>>,
    (region, now): (&Region, Timestamp),
) -> FactMap {
    let mut facts = action_facts(asker, action, now);
    facts.insert("aws:RequestedRegion", region.as_str());
    match target {
        Target::Key(key, alias) => {
            key_facts(&mut facts, key);
            if let Some(alias) = alias {
                facts.insert("kms:RequestAlias", alias.as_str());
            }
        }
        Target::Other { account, .. } => facts.insert("aws:ResourceAccount", account.to_string()),
        Target::Role(role) => facts.insert("aws:ResourceAccount", role.account().to_string()),
        Target::Any => {}
    }
    for (key, value) in context.pairs() {
        facts.insert(&format!("kms:EncryptionContext:{key}"), value.as_str());
    }
    if !context.pairs().is_empty() {
        facts.insert("kms:EncryptionContextKeys", context.pairs().keys().cloned().collect::<Vec<_>>());
    }
    for (key, values) in given {
        facts.insert(&key, fact_value(&key, values));
    }
    facts
}

/// The condition keys that follow from who asks, for which action, and when.
fn action_facts(asker: &Asker, action: &str, now: Timestamp) -> FactMap {
    let mut facts = asker.facts();
    facts.insert("aws:CurrentTime", now.iso8601());
    facts.insert("aws:EpochTime", now.seconds().to_string());
    if !knows_caller(action) {
        facts.remove("kms:CallerAccount");
    }
    if is_about_grants(action) {
        facts.insert("kms:GrantIsForAWSResource", false);
    }
    facts
}

/// A key that can have several values has them as a list, also if there is one.
pub(crate) fn fact_value(key: &str, mut values: Vec<String>) -> FactValue {
    let many = MULTIVALUED.iter().any(|known| known.eq_ignore_ascii_case(key));
    match (values.pop(), many) {
        (Some(value), false) if values.is_empty() => FactValue::One(value),
        (Some(value), _) => {
            values.push(value);
            FactValue::Many(values)
        }
        (None, _) => FactValue::Many(values),
    }
}

fn is_service(text: &str) -> bool {
    text.contains('.') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))
}

/// At most this much of a text that a client wrote, in one line.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect()
}

/// The name of a session that stands for every session, or of a user who stands for any, without a name of its own in a
/// policy: nobody real has it, and no Principal element can name it.
const ANYBODY: &str = "*";
const NAME_CHARS_MAX: usize = 200;
/// Condition keys that can have several values (section "Multivalued context keys" of the IAM user guide; the
/// condition keys of AWS KMS).
const MULTIVALUED: [&str; 7] = [
    "aws:CalledVia",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceNamesList",
    "aws:TagKeys",
    "kms:EncryptionContextKeys",
    "kms:GrantOperations",
    "kms:ResourceAliases",
];
