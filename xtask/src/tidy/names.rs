//! Names and heads of files: no `mod.rs`, no vague names, a comment at the top, a page for every crate.
//!
//! Not here: names inside the code.

use super::Finding;
use crate::tree::{Tree, folder, stem};

/// Names that say nothing about what is inside; each in its singular.
const VAGUE_NAMES: &[&str] = &["util", "common", "helper", "misc", "manager"];

/// Lines above which a file is worth a look.
const LONG_FILE_LINES: usize = 600;

/// A module `name` stands in `name.rs`, never in `name/mod.rs`.
pub(super) fn module_files(tree: &Tree) -> Vec<Finding> {
    let found = tree.paths().filter(|path| path.ends_with("/mod.rs"));
    found.map(|path| Finding::new(path, 0, format!("move this to `{}.rs`", folder(path)))).collect()
}

/// Neither a file nor a folder has a name that says nothing.
pub(super) fn vague_names(tree: &Tree) -> Vec<Finding> {
    let is_vague = |part: &str| VAGUE_NAMES.contains(&stem(part).strip_suffix('s').unwrap_or(stem(part)));
    let found = tree.paths().filter(|path| path.split('/').any(is_vague));
    found.map(|path| Finding::new(path, 0, "name the file after what is in it")).collect()
}

/// Every Rust file begins by saying what it is.
pub(super) fn head_comments(tree: &Tree) -> Vec<Finding> {
    let found = tree.texts_with(".rs").filter(|(_, text)| !text.starts_with("//! "));
    found.map(|(path, _)| Finding::new(path, 1, "begin the file with a `//!` comment that says what it is")).collect()
}

/// Every crate has a page.
pub(super) fn crate_readmes(tree: &Tree) -> Vec<Finding> {
    let crates = tree.paths().filter(|path| path.ends_with("/Cargo.toml")).map(folder);
    let found = crates.filter(|path| !tree.has(&format!("{path}/README.md")));
    found
        .map(|path| Finding::new(path, 0, "a crate has a README.md: purpose, what it must never do, entry points"))
        .collect()
}

/// Files of more than [`LONG_FILE_LINES`] lines.
pub(super) fn long_files(tree: &Tree) -> Vec<Finding> {
    tree.texts_with(".rs")
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LONG_FILE_LINES)
        .map(|(path, lines)| Finding::new(path, 0, format!("has {lines} lines; is it one matter?")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rule: fn(&Tree) -> Vec<Finding>, path: &str, text: &str) -> bool {
        !rule(&Tree::of(&[(path, text)])).is_empty()
    }

    #[test]
    fn a_mod_file_is_found() {
        assert!(found(module_files, "a/src/b/mod.rs", ""));
        assert!(!found(module_files, "a/src/b.rs", ""));
    }

    #[test]
    fn a_vague_name_is_found() {
        for path in ["a/src/utils.rs", "a/util/b.rs", "clients/common.py", "a/tests/helpers/x.rs", "key_x/manager.rs"] {
            assert!(found(vague_names, path, ""), "{path}");
        }
        assert!(!found(vague_names, "a/src/key_manager_utility.rs", ""));
    }

    #[test]
    fn a_missing_head_comment_is_found() {
        assert!(found(head_comments, "a/src/b.rs", "use std::fmt;\n//! Late."));
        assert!(found(head_comments, "a/src/b.rs", ""));
        assert!(!found(head_comments, "a/src/b.rs", "//! A thing.\n"));
    }

    #[test]
    fn a_crate_without_a_page_is_found() {
        assert!(found(crate_readmes, "crates/a/Cargo.toml", ""));
        let tree = Tree::of(&[("crates/a/Cargo.toml", ""), ("crates/a/README.md", "")]);
        assert!(crate_readmes(&tree).is_empty());
    }

    #[test]
    fn a_long_file_is_noted() {
        assert!(found(long_files, "a.rs", &"\n".repeat(601)));
        assert!(!found(long_files, "a.rs", &"\n".repeat(600)));
    }
}
