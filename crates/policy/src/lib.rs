//! The IAM policy language and its decision: documents are parsed, validated and compiled when they are written;
//! requests are decided by one pure, total function.
//!
//! Not here: input and output, a clock, the directory of principals, the gathering of policies and facts.
//! Invariants: evaluation has no error path; time and memory are bounded by the product of the sizes of pattern and
//! value; [`explain`] and [`decide`] are one evaluator.

mod fold;
mod json;
mod syntax;
mod validate;
mod facts;
mod variable;
mod pattern;
mod action;
mod resource;
mod principal;
mod condition;
mod value_kind;
mod statement;
mod document;
mod rewrite;
mod findings;
mod assume;
mod request;
mod grants;
mod evaluate;
mod decision;
mod message;
mod explain;
mod simulate;
mod position;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod vectors;

pub use assume::{Assumption, Knowledge, WrittenCondition};
pub use decision::{Decision, Effect, PolicyKind, Source, StatementRef};
pub use document::{Document, Malformed, MalformedCode, TEXT_CHARS_MAX, Target, size_without_white_space};
pub use evaluate::decide;
pub use explain::{ConditionTrace, DocumentTrace, Explanation, GrantTrace, StatementTrace, explain};
pub use facts::{Fact, FactMap, FactValue, Facts};
pub use findings::{Finding, FindingKind, findings};
pub use fold::{fold_key, folds_to};
pub use grants::{GrantMismatch, GrantReach, GrantView};
pub use message::{ResourceWording, hidden_denial_message};
pub use position::Position;
pub use principal::{MatchKinds, Principal};
pub use request::{NamedDocument, Policies, Request, ResourceKind};
pub use rewrite::rewrite_principals;
pub use simulate::{AppliedStatement, Simulation, simulate};
pub use statement::{StatementEffect, StatementInfo};
pub use value_kind::ValueKind;
