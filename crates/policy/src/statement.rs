//! A statement, compiled.
//!
//! Not here: validation; a statement is compiled only from a document that has passed it.
//! Invariant: compiling cannot fail.

use std::ops::Range;

use crate::{
    action::ActionElement,
    condition::Condition,
    principal::element::PrincipalElement,
    resource::{ResourceElement, ResourceRules},
    syntax::{RawEffect, RawStatement},
    variable::Variable,
};

/// A compiled statement.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) sid: Option<Box<str>>,
    pub(crate) effect: StatementEffect,
    /// None in documents that belong to a principal.
    pub(crate) principal: Option<PrincipalElement>,
    pub(crate) action: ActionElement,
    pub(crate) resource: ResourceElement,
    pub(crate) conditions: Box<[Condition]>,
    pub(crate) span: Range<usize>,
}

/// What a statement does when it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementEffect {
    /// It allows.
    Allow,
    /// It denies, whatever else allows.
    Deny,
}

/// A statement of a document, for explanations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementInfo<'a> {
    /// Its number in the document, from 0.
    pub index: usize,
    /// Its Sid, if it has one that is not empty.
    pub sid: Option<&'a str>,
    /// Its effect.
    pub effect: StatementEffect,
    /// The bytes of the document's text that it takes.
    pub span: Range<usize>,
}

impl Statement {
    pub(crate) fn new(raw: &RawStatement, rules: ResourceRules) -> Self {
        Self {
            sid: raw.sid.as_deref().filter(|sid| !sid.is_empty()).map(Into::into),
            effect: match raw.effect {
                RawEffect::Allow => StatementEffect::Allow,
                RawEffect::Deny | RawEffect::WrongCase => StatementEffect::Deny,
            },
            principal: raw.principal.as_ref().map(PrincipalElement::new),
            action: ActionElement::new(raw.action.as_ref()),
            resource: ResourceElement::new(raw.resource.as_ref(), rules),
            conditions: raw.conditions.iter().map(|raw| Condition::new(raw, rules.variables)).collect(),
            span: raw.span.clone(),
        }
    }

    /// The variables of Resource and Condition.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.resource.variables().chain(self.conditions.iter().flat_map(Condition::variables))
    }
}
