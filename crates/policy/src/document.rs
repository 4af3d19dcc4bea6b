//! A policy document: parsed, validated, compiled, immutable.
//!
//! Not here: sizes that depend on the entity a document is stored for, and the existence of principals.
//! Invariant: a [`Document`] was valid for its place when it was made, so that deciding with it cannot fail.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use kanuki_types::{AccountId, UniqueId};

use crate::{
    json,
    principal::element::PrincipalPattern,
    resource::ResourceRules,
    statement::{Statement, StatementInfo},
    syntax::{self, Version},
    validate,
};

/// The place a document is written for: it decides which elements it may and must have, and the texts of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// A policy of a user, group or role, managed or inline; also a permissions boundary.
    Identity,
    /// The policy of a KMS key.
    KeyPolicy,
    /// The policy of a resource of another service.
    Resource,
    /// A resource control policy: like [`Target::ServiceControl`], and Principal may be given.
    ResourceControl,
    /// A service control policy.
    ServiceControl,
    /// A session policy.
    Session,
    /// A role trust policy.
    Trust,
}

/// A valid policy, compiled.
#[derive(Debug, Clone)]
pub struct Document {
    target: Target,
    pub(crate) statements: Box<[Statement]>,
    /// Condition keys in use: in lower case, and as written.
    keys: BTreeMap<Box<str>, Box<str>>,
}

impl Document {
    /// Reads a document for a place.
    ///
    /// # Errors
    /// [`MalformedCode::MalformedPolicyDocument`] with the text of the first rule that the document breaks, in the
    /// order of the service; [`MalformedCode::LimitExceeded`] above [`TEXT_CHARS_MAX`] characters.
    pub fn parse(target: Target, text: &str) -> Result<Self, Malformed> {
        if text.chars().take(TEXT_CHARS_MAX + 1).count() > TEXT_CHARS_MAX {
            return Err(Malformed::limit_exceeded(format!("Cannot exceed quota for PolicySize: {TEXT_CHARS_MAX}")));
        }
        let json = json::read(text).map_err(|_| Malformed::document(validate::no_json(target)))?;
        let raw = syntax::read(&json).map_err(|_| Malformed::document(validate::SYNTAX))?;
        validate::check(target, &raw).map_err(Malformed::document)?;
        let rules = ResourceRules {
            variables: raw.version == Some(Version::V2012),
            completes: matches!(target, Target::Identity | Target::ResourceControl | Target::ServiceControl),
            without_element: target == Target::Trust,
        };
        let statements: Box<[Statement]> = raw.statements.iter().map(|raw| Statement::new(raw, rules)).collect();
        Ok(Self { target, keys: keys(&statements), statements })
    }

    /// The place it was written for.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }

    /// The users, roles and sessions that Principal and NotPrincipal name, by ARN or unique id, each once, for the
    /// caller to check that they exist (for a session, its role; the session's name is free).
    pub fn named_principals(&self) -> impl Iterator<Item = &str> {
        let named = self.principals().filter_map(|pattern| match pattern {
            PrincipalPattern::Named(named) => Some(&*named.text),
            _ => None,
        });
        named.collect::<BTreeSet<_>>().into_iter()
    }

    /// The accounts that Principal and NotPrincipal name, by id or root ARN, each once.
    pub fn named_accounts(&self) -> impl Iterator<Item = AccountId> {
        let named = self.principals().filter_map(|pattern| match pattern {
            PrincipalPattern::Account(account) => Some(*account),
            _ => None,
        });
        named.collect::<BTreeSet<_>>().into_iter()
    }

    /// Binds each named user or role ARN to the unique id it had when the document was stored: from then on it stands
    /// for the principal with that id, under whatever name, and an ARN that is missing from the map matches nobody. A
    /// session ARN is bound to its role's or user's id if the map has it, else its text decides. An unbound document
    /// matches by text alone, for simulation.
    #[must_use]
    pub fn bind(mut self, ids: &BTreeMap<String, UniqueId>) -> Self {
        for element in self.statements.iter_mut().filter_map(|statement| statement.principal.as_mut()) {
            element.bind(ids);
        }
        self
    }

    /// The services that Principal and NotPrincipal name, each once.
    pub fn named_services(&self) -> impl Iterator<Item = &str> {
        let named = self.principals().filter_map(|pattern| match pattern {
            PrincipalPattern::Service(name) => Some(&**name),
            _ => None,
        });
        named.collect::<BTreeSet<_>>().into_iter()
    }

    /// The statements, in their order.
    pub fn statements(&self) -> impl Iterator<Item = StatementInfo<'_>> {
        self.statements.iter().enumerate().map(|(index, statement)| StatementInfo {
            index,
            sid: statement.sid.as_deref(),
            effect: statement.effect,
            span: statement.span.clone(),
        })
    }

    /// The condition keys that any condition or variable uses, in lower case, sorted, each once: a caller can leave
    /// out facts that nothing asks for.
    pub fn condition_keys(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(|key| &**key)
    }

    /// The same keys as written (the first spelling of each).
    pub fn condition_keys_as_written(&self) -> impl Iterator<Item = &str> {
        self.keys.values().map(|key| &**key)
    }

    fn principals(&self) -> impl Iterator<Item = &PrincipalPattern> {
        self.statements.iter().filter_map(|statement| statement.principal.as_ref()).flat_map(|found| &found.patterns)
    }
}

fn keys(statements: &[Statement]) -> BTreeMap<Box<str>, Box<str>> {
    let mut keys = BTreeMap::new();
    for statement in statements {
        let conditions = statement.conditions.iter().map(|condition| (&condition.key, &condition.written.key));
        let variables = statement.variables().map(|variable| (&variable.key, &variable.name));
        for (key, name) in conditions.chain(variables).filter(|(key, _)| !key.is_empty()) {
            keys.entry(key.clone()).or_insert_with(|| name.clone());
        }
    }
    keys
}

/// Characters of a text that are not white space, which is how policy sizes are counted (limits per entity: "IAM and
/// AWS STS quotas" of the IAM user guide).
#[must_use]
pub fn size_without_white_space(text: &str) -> usize {
    text.chars().filter(|c| !matches!(c, ' ' | '\t' | '\n' | '\r')).count()
}

/// A document is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The kind of refusal.
    pub code: MalformedCode,
    /// The text for the client, as the service words it. Empty where the service's is.
    pub message: String,
}

/// The kinds of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MalformedCode {
    /// Too large.
    LimitExceeded,
    /// A rule of the language is broken. KMS adds `Exception` to the name.
    MalformedPolicyDocument,
}

impl Malformed {
    /// A document larger than its place allows.
    #[must_use]
    pub fn limit_exceeded(message: impl Into<String>) -> Self {
        Self { code: MalformedCode::LimitExceeded, message: message.into() }
    }

    /// A document that breaks a rule.
    #[must_use]
    pub fn document(message: impl Into<String>) -> Self {
        Self { code: MalformedCode::MalformedPolicyDocument, message: message.into() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Malformed {}

/// Longest document that is read, in characters (parameter PolicyDocument of the IAM API).
pub const TEXT_CHARS_MAX: usize = 131_072;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::StatementEffect;

    const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[
        {"Sid":"A","Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":["111122223333",
            "arn:aws:iam::111122223333:user/alice","AIDAEXAMPLEEXAMPLE234"]},
         "Condition":{"StringEquals":{"aws:PrincipalTag/Team":"${aws:ResourceTag/Team}"}}},
        {"Effect":"Deny","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"},
         "Condition":{"StringLike":{"AWS:principaltag/team":"x"}}}]}"#;

    #[test]
    fn says_what_it_names_and_asks_for() {
        let document = Document::parse(Target::Trust, TRUST).unwrap();
        let named: Vec<_> = document.named_principals().collect();
        assert_eq!(named, ["AIDAEXAMPLEEXAMPLE234", "arn:aws:iam::111122223333:user/alice"]);
        let accounts: Vec<_> = document.named_accounts().map(|account| account.to_string()).collect();
        assert_eq!(accounts, ["111122223333"]);
        let keys: Vec<_> = document.condition_keys().collect();
        assert_eq!(keys, ["aws:principaltag/team", "aws:resourcetag/team"]);
        let written: Vec<_> = document.condition_keys_as_written().collect();
        assert_eq!(written, ["aws:PrincipalTag/Team", "aws:ResourceTag/Team"]);
    }

    #[test]
    fn statements_know_their_text() {
        let document = Document::parse(Target::Trust, TRUST).unwrap();
        let statements: Vec<_> = document.statements().collect();
        assert_eq!(statements[0].sid, Some("A"));
        assert_eq!((statements[1].sid, statements[1].effect), (None, StatementEffect::Deny));
        let text = TRUST.get(statements[1].span.clone()).unwrap();
        assert!(text.starts_with(r#"{"Effect":"Deny""#) && text.ends_with(r#""x"}}}"#), "{text}");
    }

    #[test]
    fn length_is_limited() {
        let at_limit = format!("{}{}", " ".repeat(TEXT_CHARS_MAX - 2), "{}");
        assert_eq!(Document::parse(Target::Trust, &at_limit).unwrap_err().code, MalformedCode::MalformedPolicyDocument);
        let above = format!(" {at_limit}");
        assert_eq!(Document::parse(Target::Trust, &above).unwrap_err().code, MalformedCode::LimitExceeded);
    }

    #[test]
    fn documents_are_shared_between_threads() {
        fn assert_shared<T: Send + Sync>() {}
        assert_shared::<Document>();
    }
}
