//! Documents under an assumption about what is not known of a request, so that the one evaluator can answer what
//! somebody may at best and what in any case.
//!
//! Not here: which keys are known; the caller says. Invariants: what a document allows in any case it also allows at
//! best; statements keep their numbers. Conditions that exclude each other count as fulfilled together at best.

use crate::{
    action::ActionElement,
    condition::Condition,
    document::Document,
    facts::FactMap,
    resource::ResourceElement,
    statement::{Statement, StatementEffect},
};

/// How what is not known turns out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assumption {
    /// In favour of the caller: conditions of allows hold, those of denies do not.
    AtBest,
    /// Against the caller.
    InAnyCase,
}

/// What is known of a request.
pub trait Knowledge {
    /// Whether the value of a key is known, or that there is none. Keys come in lower case.
    fn is_known(&self, key: &str) -> bool;

    /// The values of which a key that is not known has one, if it has any; none if it can have every value.
    fn values(&self, _key: &str) -> Option<&[String]> {
        None
    }
}

/// A condition as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenCondition<'a> {
    /// The operator.
    pub operator: &'a str,
    /// The key.
    pub key: &'a str,
    /// The values.
    pub values: Vec<&'a str>,
}

impl Document {
    /// The document with every condition decided that asks for a key which is not known. Variables count like
    /// conditions. A statement that none of the values of a key can fulfil applies to nothing under either assumption.
    #[must_use]
    pub fn assuming(&self, knowledge: &dyn Knowledge, assumption: Assumption) -> Self {
        let mut assumed = self.clone();
        for statement in &mut assumed.statements {
            statement.assume(knowledge, assumption);
        }
        assumed
    }

    /// The conditions of a statement that ask for a key which is not known.
    pub fn unknown_conditions<'a>(
        &'a self,
        statement: usize,
        knowledge: &'a dyn Knowledge,
    ) -> impl Iterator<Item = WrittenCondition<'a>> {
        let conditions = self.statements.get(statement).map_or(&[][..], |statement| &statement.conditions);
        let unknown = conditions.iter().filter(|condition| {
            !knowledge.is_known(&condition.key)
                || condition.variables().any(|variable| !knowledge.is_known(&variable.key))
        });
        unknown.map(|condition| WrittenCondition {
            operator: &condition.written.operator,
            key: &condition.written.key,
            values: condition.written.values.iter().map(|value| &**value).collect(),
        })
    }
}

impl Statement {
    fn assume(&mut self, knowledge: &dyn Knowledge, assumption: Assumption) {
        let is_known = |key: &str| knowledge.is_known(key);
        if self.conditions.iter().any(|condition| cannot_hold(condition, knowledge)) {
            self.action = ActionElement::new(None);
            return;
        }
        let conditions = std::mem::take(&mut self.conditions).into_vec();
        let count = conditions.len();
        let is_decided = |condition: &Condition| {
            is_known(&condition.key) && condition.variables().all(|variable| is_known(&variable.key))
        };
        let known: Vec<_> = conditions.into_iter().filter(is_decided).collect();
        let open_resource = self.resource.variables().any(|variable| !is_known(&variable.key));
        let depends = known.len() < count || open_resource;
        self.conditions = known.into();
        let fulfilled = (self.effect == StatementEffect::Allow) == (assumption == Assumption::AtBest);
        match (depends, fulfilled) {
            (false, _) => {}
            (true, true) if open_resource => self.resource = ResourceElement::Everything,
            (true, true) => {}
            // It matches nothing any more, and keeps its place.
            (true, false) => self.action = ActionElement::new(None),
        }
    }
}

/// Whether none of the values that a key can have fulfils a condition, and the lack of one neither.
fn cannot_hold(condition: &Condition, knowledge: &dyn Knowledge) -> bool {
    let Some(values) = knowledge.values(&condition.key) else { return false };
    let holds = |facts: FactMap| condition.holds(&facts);
    condition.variables().next().is_none()
        && !holds(FactMap::new())
        && !values.iter().any(|value| holds([(&*condition.key, value.as_str())].into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Target;

    const TEXT: &str = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"kms:Decrypt","Resource":"*",
         "Condition":{"StringEquals":{"aws:PrincipalTag/a":"x","kms:ViaService":"s3"}}},
        {"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}},
        {"Effect":"Allow","Action":"*","Resource":"arn:aws:kms:*:*:key/${aws:SourceIdentity}"},
        {"Effect":"Allow","Action":"kms:Sign","Resource":"*"}]}"#;

    struct Principals;

    impl Knowledge for Principals {
        fn is_known(&self, key: &str) -> bool {
            key.starts_with("aws:principal")
        }
    }

    struct OneAlias(Vec<String>);

    impl Knowledge for OneAlias {
        fn is_known(&self, _: &str) -> bool {
            false
        }

        fn values(&self, key: &str) -> Option<&[String]> {
            (key == "kms:requestalias").then_some(&self.0)
        }
    }

    #[test]
    fn what_no_possible_value_fulfils_never_applies() {
        let text = r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":"kms:Sign","Resource":"*","Condition":{"StringEquals":{"kms:RequestAlias":"alias/a"}}},
            {"Effect":"Allow","Action":"kms:Sign","Resource":"*","Condition":{"StringLike":{"kms:RequestAlias":"alias/b*"}}},
            {"Effect":"Deny","Action":"kms:Sign","Resource":"*","Condition":{"StringEquals":{"kms:RequestAlias":"alias/c"}}},
            {"Effect":"Deny","Action":"kms:Sign","Resource":"*","Condition":{"StringNotEquals":{"kms:RequestAlias":"alias/a"}}}]}"#;
        let document = Document::parse(Target::Identity, text).unwrap();
        let applies = |assumption| -> Vec<bool> {
            let assumed = document.assuming(&OneAlias(vec!["alias/a".into()]), assumption);
            assumed.statements.iter().map(|it| it.action.matches("kms:Sign")).collect()
        };
        assert_eq!(applies(Assumption::AtBest), [true, false, false, false]);
        assert_eq!(applies(Assumption::InAnyCase), [false, false, false, true]);
    }

    #[test]
    fn conditions_on_the_unknown_turn_out_as_assumed() {
        let document = Document::parse(Target::Identity, TEXT).unwrap();
        let matches = |assumption, statement: usize, action: &str| {
            document.assuming(&Principals, assumption).statements[statement].action.matches(action)
        };
        assert!(matches(Assumption::AtBest, 0, "kms:Decrypt") && !matches(Assumption::InAnyCase, 0, "kms:Decrypt"));
        assert!(!matches(Assumption::AtBest, 1, "kms:Decrypt") && matches(Assumption::InAnyCase, 1, "kms:Decrypt"));
        assert!(matches(Assumption::AtBest, 2, "kms:Decrypt") && !matches(Assumption::InAnyCase, 2, "kms:Decrypt"));
        assert!(matches(Assumption::AtBest, 3, "kms:Sign") && matches(Assumption::InAnyCase, 3, "kms:Sign"));
        let best = document.assuming(&Principals, Assumption::AtBest);
        assert_eq!(best.statements[0].conditions.len(), 1, "what is known is still asked");
        assert!(matches!(best.statements[2].resource, ResourceElement::Everything));
    }

    #[test]
    fn unknown_conditions_are_told_as_written() {
        let document = Document::parse(Target::Identity, TEXT).unwrap();
        let found: Vec<_> = document.unknown_conditions(0, &Principals).collect();
        assert_eq!(found, [WrittenCondition { operator: "StringEquals", key: "kms:ViaService", values: vec!["s3"] }]);
        assert_eq!(document.unknown_conditions(3, &Principals).count(), 0);
        assert_eq!(document.unknown_conditions(9, &Principals).count(), 0);
    }
}
