//! Rules about the whole checkout that no compiler knows; each is a function from the tree to its findings.
//!
//! Not here: formatting and lints, which `cargo fmt` and `cargo clippy` judge.
//! Invariants: every rule has a test with a sample that breaks it; a note never fails a check.

mod arrows;
mod roots;
mod dead;
mod names;
mod text;
mod links;
mod attributes;
mod secrets;
mod operations;

use std::fmt;

pub(crate) use secrets::{OPENERS_FILE, list as secret_openers};

use crate::tree::Tree;

/// One thing that is wrong, or worth a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The file.
    pub(crate) path: String,
    /// The line, counted from 1; 0 for the whole file.
    pub(crate) line: usize,
    /// What is wrong and what to do instead.
    pub(crate) text: String,
}

impl Finding {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.into(), line, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, text } = self;
        if *line == 0 { write!(f, "{path}: {text}") } else { write!(f, "{path}:{line}: {text}") }
    }
}

type Rule = fn(&Tree) -> Vec<Finding>;

/// The rules in the order they are reported.
const RULES: &[Rule] = &[
    arrows::arrows,
    arrows::cryptography,
    dead::unreachable_files,
    names::module_files,
    names::vague_names,
    names::head_comments,
    names::crate_readmes,
    text::markers,
    text::trailing_space,
    text::machine_paths,
    text::ticket_numbers,
    links::links,
    attributes::expect_reasons,
    secrets::openers,
    operations::table,
];

/// Everything that is wrong with the tree.
pub(crate) fn findings(tree: &Tree) -> Vec<Finding> {
    RULES.iter().flat_map(|rule| rule(tree)).collect()
}

/// What is worth a look, but not wrong.
pub(crate) fn notes(tree: &Tree) -> Vec<Finding> {
    names::long_files(tree)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_checkout_is_tidy() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let tree = Tree::read(root).unwrap();
        assert!(tree.has("crates/types/src/lib.rs"), "the tree is the checkout");
        let findings: Vec<String> = findings(&tree).iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    }

    #[test]
    fn a_finding_names_its_place() {
        assert_eq!(Finding::new("a.rs", 3, "wrong").to_string(), "a.rs:3: wrong");
        assert_eq!(Finding::new("a.rs", 0, "wrong").to_string(), "a.rs: wrong");
    }
}
