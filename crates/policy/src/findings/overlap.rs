//! Values of a list that another value of the list covers.
//!
//! Not here: values that only several others cover together.
//! Invariant: lists longer than [`COMPARED_MAX`], and values longer than [`COMPARED_LEN_MAX`], are not compared, for
//! every value meets every other.

use super::{FindingKind, Notes};
use crate::{
    facts::FactMap,
    pattern::{Language, Pattern},
};

pub(super) fn actions(list: &[String], notes: &mut Notes<'_>) {
    let language = Language { variables: false, wildcards: true };
    each_covered(
        list,
        |wide, text| Pattern::new(wide, language).matches_ignoring_case(text),
        |text| {
            notes.add(FindingKind::Suggestion, "REDUNDANT_ACTION", format!("another value covers `{text}`"));
        },
    );
}

pub(super) fn resources(list: &[String], notes: &mut Notes<'_>) {
    let none = FactMap::new();
    let covers = |wide: &str, text: &str| wide == "*" || Pattern::resource(wide, false).matches(text, &none);
    each_covered(list, covers, |text| {
        notes.add(FindingKind::Suggestion, "REDUNDANT_RESOURCE", format!("another value covers `{text}`"));
    });
}

/// A pattern whose only wildcards are stars covers another if it matches the other's text.
fn each_covered(list: &[String], covers: impl Fn(&str, &str) -> bool, mut note: impl FnMut(&str)) {
    if list.len() > COMPARED_MAX {
        return;
    }
    for (at, text) in list.iter().enumerate() {
        let covered = list.iter().enumerate().any(|(other, wide)| {
            let comparable = other != at && !wide.contains('?') && wide.len().max(text.len()) <= COMPARED_LEN_MAX;
            // Of two equal values the second is the one too many.
            comparable && covers(wide, text) && (other < at || !covers(text, wide))
        });
        if covered {
            note(text);
        }
    }
}

/// Longest list whose values are compared with each other.
const COMPARED_MAX: usize = 64;

/// Longest value that is compared, in bytes; an ARN of a key takes 75.
const COMPARED_LEN_MAX: usize = 128;
