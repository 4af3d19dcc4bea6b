//! The condition keys of a call, each from a fact that a client cannot forge. Nothing is computed until a condition
//! asks.
//!
//! Rule: "AWS global condition context keys" of the IAM user guide and "Condition keys for AWS KMS" of the developer
//! guide.

use std::{borrow::Cow, collections::BTreeMap, net::IpAddr};

use kanuki_policy::{Fact, Facts, folds_to};
use kanuki_types::{CallerKind, EncryptionContext, KeySpec, Timestamp};

use super::{
    demand::{Access, Demand},
    hypothesis::Premises,
};
use crate::{
    authn::{ServicePrincipal, Standpoint},
    keys::KeyEntry,
};

/// What a request tells beside its signature and its members.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// The present.
    pub now: Timestamp,
    /// The peer's address.
    pub source_ip: IpAddr,
    /// The client's own word for itself; without weight.
    pub user_agent: Option<String>,
    /// The id that the answer and the record name the request by.
    pub request_id: String,
    /// Whether the connection is encrypted.
    pub secure_transport: bool,
    /// When the one-time code that the request presents was accepted, if it presents one.
    pub second_factor: Option<Timestamp>,
}

/// One demand of a call, with its condition keys.
#[derive(Clone, Copy)]
pub(super) struct CallFacts<'a> {
    pub(super) caller: &'a Standpoint,
    pub(super) circumstances: &'a Circumstances,
    pub(super) demand: &'a Demand,
    /// What is said of a call that nobody made; none for a real one.
    pub(super) supposed: Option<&'a Premises>,
}

impl Facts for CallFacts<'_> {
    fn fact(&self, key: &str) -> Option<Fact<'_>> {
        match self.supposed.and_then(|supposed| supposed.of(key)) {
            Some(stated) => stated,
            None => self.fact_of_call(key),
        }
    }
}

impl<'a> CallFacts<'a> {
    fn fact_of_call(&self, key: &str) -> Option<Fact<'_>> {
        if let Some(tag) = key.strip_prefix("aws:principaltag/") {
            // A tag of the session takes the place of the principal's own.
            let of_session = self.caller.session().and_then(|session| tag_value(&session.tags, tag));
            return of_session.or_else(|| tag_value(&self.caller.identity()?.record().tags, tag));
        }
        if let Some(tag) = key.strip_prefix("aws:resourcetag/") {
            return tag_value(self.resource_tags()?, tag);
        }
        if let Some(tag) = key.strip_prefix("iam:resourcetag/") {
            let Access::Entity(entity) = &self.demand.access else { return None };
            return tag_value(&entity.tags, tag);
        }
        if let Some(pair) = key.strip_prefix("kms:encryptioncontext:") {
            return self.context_value(pair);
        }
        let own = match key.split_once(':')? {
            ("aws", name) => self.global(name),
            ("kms", name) => self.kms(name),
            _ => self.web(key),
        };
        own.or_else(|| self.demand.facts.fact(key))
    }

    fn global(&self, name: &str) -> Option<Fact<'_>> {
        let caller = self.caller.caller();
        let now = self.circumstances.now;
        Some(match name {
            "calledvia" => many(self.caller.via())?,
            "calledviafirst" => one(self.caller.via().first()?.name()),
            "calledvialast" => one(self.caller.via().last()?.name()),
            "currenttime" => one(now.iso8601()),
            "epochtime" => one(now.seconds().to_string()),
            "federatedprovider" => one(self.caller.web()?.provider_arn.as_str()),
            "multifactorauthage" => one((now.millis() - self.second_factor()?.millis()).div_euclid(1000).to_string()),
            "multifactorauthpresent" if self.second_factor().is_some() => one("true"),
            "multifactorauthpresent" if self.caller.session().is_some() => one("false"),
            "principalaccount" => one(self.caller.principal().account()?.to_string()),
            "principalarn" if !self.is_service() => one(caller.principal_arn()),
            "principalisawsservice" => truth(self.is_service()),
            "principalservicename" => one(self.caller.own_call()?.0.name()),
            "principalservicenameslist" => {
                let names = self.caller.own_call()?.0.names(self.caller.region());
                Fact::Many(names.into_iter().map(Cow::Owned).collect())
            }
            "principaltype" => one(principal_type(&caller.kind)?),
            "requestedregion" => one(self.demand.region.as_ref().unwrap_or(self.caller.region()).as_str()),
            "resourceaccount" => one(self.resource_account()?),
            "sourceidentity" => one(self.caller.session()?.source_identity.as_deref()?),
            "securetransport" => truth(self.circumstances.secure_transport),
            "sourceaccount" => one(self.caller.own_call()?.1.account.to_string()),
            "sourcearn" => one(self.caller.own_call()?.1.arn.as_deref()?),
            // Of a call that a service makes, the caller's address is not known here.
            "sourceip" if self.caller.made_by().is_none() => one(canonical_ip(self.circumstances.source_ip)),
            "tokenissuetime" => one(self.caller.session()?.issued.iso8601()),
            "useragent" => one(self.circumstances.user_agent.as_deref()?),
            "userid" => one(caller.user_id()?),
            "username" => match &caller.kind {
                CallerKind::User { name, .. } => one(name.as_str()),
                _ => return None,
            },
            "viaawsservice" => truth(!self.caller.via().is_empty()),
            _ => return None,
        })
    }

    fn is_service(&self) -> bool {
        matches!(self.caller.caller().kind, CallerKind::Service { .. })
    }

    /// When the one-time code was accepted that counts for this call: its own, or the one that the session was made on.
    fn second_factor(&self) -> Option<Timestamp> {
        self.circumstances.second_factor.or_else(|| self.caller.session()?.mfa)
    }

    /// What the identity provider's token says, under the provider's own name.
    fn web(&self, key: &str) -> Option<Fact<'_>> {
        let web = self.caller.web()?;
        let (provider, name) = key.rsplit_once(':')?;
        if !folds_to(web.host_and_path(), provider) {
            return None;
        }
        match name {
            "amr" => Some(Fact::Many(web.methods.iter().map(|method| Cow::Borrowed(method.as_str())).collect())),
            "aud" => Some(one(web.audience.as_str())),
            "sub" => Some(one(web.subject.as_str())),
            _ => None,
        }
    }

    fn kms(&self, name: &str) -> Option<Fact<'_>> {
        Some(match name {
            "calleraccount" if knows_caller(&self.demand.action) => one(self.caller.principal().account()?.to_string()),
            "encryptioncontextkeys" => {
                let pairs = self.context()?.pairs();
                if pairs.is_empty() {
                    return None;
                }
                Fact::Many(pairs.keys().map(|key| Cow::Borrowed(key.as_str())).collect())
            }
            "grantisforawsresource" if is_about_grants(&self.demand.action) => truth(self.caller.made_by().is_some()),
            "keyorigin" => one(self.key()?.record().origin.as_str()),
            "keyspec" | "customermasterkeyspec" => one(self.key()?.record().spec.as_str()),
            "keyusage" | "customermasterkeyusage" => one(self.key()?.record().usage.as_str()),
            "multiregion" => truth(self.key()?.arn().key_id.is_multi_region()),
            "multiregionkeytype" => {
                let key = self.key()?;
                one(key.record().role(key.arn())?.as_str())
            }
            "requestalias" => match &self.demand.access {
                Access::Key { alias: Some(alias), .. } => one(alias.as_str()),
                _ => return None,
            },
            "resourcealiases" => {
                let aliases = &self.key()?.record().aliases;
                if aliases.is_empty() {
                    return None;
                }
                Fact::Many(aliases.iter().map(|alias| Cow::Borrowed(alias.as_str())).collect())
            }
            "viaservice" if knows_via(&self.demand.action) => {
                one(self.caller.via().last()?.endpoint(self.caller.region()))
            }
            _ => return None,
        })
    }

    /// The encryption context; a key that takes none has none, whatever a client sends along.
    fn context(&self) -> Option<&EncryptionContext> {
        let takes_one = self.key().is_none_or(|key| key.record().spec == KeySpec::SymmetricDefault);
        self.demand.encryption_context.as_ref().filter(|_| takes_one)
    }

    /// The value of a context pair whose key is spelled so, case apart. Two keys that differ in case alone make the
    /// question ambiguous, and an ambiguous key has no value.
    fn context_value(&self, name: &str) -> Option<Fact<'_>> {
        let pairs = self.context()?.pairs();
        only(pairs.iter().filter(|(key, _)| folds_to(key, name)).map(|(_, value)| value))
    }

    /// The tags that count: for an alias those of the key behind it, if that is the alias' own account's. What a caller
    /// writes into his own policies must not tell him about the keys of others.
    fn resource_tags(&self) -> Option<&'a BTreeMap<String, String>> {
        match &self.demand.access {
            Access::Key { entry, .. } => Some(&entry.record().tags),
            Access::Alias { target, account, .. } => {
                target.as_deref().filter(|key| key.arn().account == *account).map(|key| &key.record().tags)
            }
            Access::Entity(entity) => Some(&entity.tags),
            Access::Role(role) => Some(&role.tags),
            Access::Any | Access::HiddenKey { .. } | Access::Other { .. } => None,
        }
    }

    /// The key of a key operation; its properties are no condition keys of alias operations.
    fn key(&self) -> Option<&'a KeyEntry> {
        match &self.demand.access {
            Access::Key { entry, .. } => Some(entry),
            _ => None,
        }
    }

    fn resource_account(&self) -> Option<String> {
        match &self.demand.access {
            Access::Key { entry, .. } => Some(entry.arn().account.to_string()),
            Access::Alias { account, .. } | Access::HiddenKey { account, .. } | Access::Other { account, .. } => {
                Some(account.to_string())
            }
            Access::Entity(entity) => entity.account.map(|account| account.to_string()),
            Access::Role(role) => Some(role.account.to_string()),
            Access::Any => None,
        }
    }
}

/// Whether an action has `kms:CallerAccount`: all of KMS but those without any key of the service's own.
///
/// Rule: "Actions, resources, and condition keys for AWS Key Management Service" of the service authorization reference.
///
/// Case does not count: in a call that nobody made the action is as somebody wrote it.
pub(super) fn knows_caller(action: &str) -> bool {
    let without = ["kms:GenerateRandom", "kms:ListAliases", "kms:ListKeys", "kms:ListRetirableGrants"];
    action.get(..4).is_some_and(|service| service.eq_ignore_ascii_case("kms:"))
        && !without.iter().any(|name| name.eq_ignore_ascii_case(action))
}

/// Whether an action has `kms:ViaService`: those with `kms:CallerAccount`, but for the ones on custom key stores.
fn knows_via(action: &str) -> bool {
    knows_caller(action) && !action.ends_with("CustomKeyStore") && !action.ends_with("CustomKeyStores")
}

/// Whether an action has `kms:GrantIsForAWSResource`.
pub(super) fn is_about_grants(action: &str) -> bool {
    ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"].iter().any(|name| name.eq_ignore_ascii_case(action))
}

fn truth<'a>(value: bool) -> Fact<'a> {
    one(if value { "true" } else { "false" })
}

fn many(services: &[ServicePrincipal]) -> Option<Fact<'_>> {
    let names = services.iter().map(|service| Cow::Borrowed(service.name())).collect();
    (!services.is_empty()).then_some(Fact::Many(names))
}

fn one<'a>(value: impl Into<Cow<'a, str>>) -> Fact<'a> {
    Fact::One(value.into())
}

/// Tag keys in condition keys are compared without case. Of two that differ in case alone, which an older release may
/// have stored, neither has a value.
fn tag_value<'a>(tags: &'a BTreeMap<String, String>, name: &str) -> Option<Fact<'a>> {
    only(tags.iter().filter(|(key, _)| folds_to(key, name)).map(|(_, value)| value))
}

/// The value, if there is exactly one.
fn only<'a>(mut values: impl Iterator<Item = &'a String>) -> Option<Fact<'a>> {
    let value = values.next()?;
    values.next().is_none().then(|| one(value.as_str()))
}

pub(super) fn principal_type(kind: &CallerKind) -> Option<&'static str> {
    match kind {
        CallerKind::AssumedRole { .. } => Some("AssumedRole"),
        CallerKind::FederatedUser { .. } => Some("FederatedUser"),
        CallerKind::Root => Some("Account"),
        CallerKind::User { .. } => Some("User"),
        CallerKind::Service { .. } | CallerKind::WebIdentity { .. } => None,
    }
}

/// An IPv4 address that came through an IPv6 socket is an IPv4 address.
fn canonical_ip(address: IpAddr) -> String {
    address.to_canonical().to_string()
}
