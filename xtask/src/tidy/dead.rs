//! Finds Rust files that no `mod` declaration reaches: code that compiles nowhere and misleads its readers.
//!
//! Not here: unused items inside a module; the compiler finds those.
//! Invariant: `#[path]` is refused, so that the place of a module follows from its name alone.

use std::collections::BTreeSet;

use super::{Finding, roots::roots};
use crate::{
    source::{Token, after, blank, table_entries, tokens},
    tree::{Tree, folder, join, stem},
};

/// Every `.rs` file is a root or is declared by a file that is reached.
pub(super) fn unreachable_files(tree: &Tree) -> Vec<Finding> {
    let roots: BTreeSet<String> = roots(tree).into_iter().filter(|path| tree.text(path).is_some()).collect();
    let mut reached = roots.clone();
    let mut open: Vec<String> = roots.iter().cloned().collect();
    let mut out = Vec::new();
    while let Some(path) = open.pop() {
        let blanked = blank(tree.text(&path).unwrap_or_default());
        let tokens = tokens(&blanked);
        out.extend(path_attributes(&path, &tokens));
        let base =
            if roots.contains(&path) { folder(&path).into() } else { format!("{}/{}", folder(&path), stem(&path)) };
        for module in declared(&tokens) {
            let places = [format!("{module}.rs"), format!("{module}/mod.rs")];
            let place = places.iter().filter_map(|file| join(&base, file)).find(|file| tree.text(file).is_some());
            if let Some(place) = place.filter(|place| reached.insert(place.clone())) {
                open.push(place);
            }
        }
    }
    let dead = tree.paths().filter(|path| path.ends_with(".rs") && !reached.contains(*path));
    out.extend(dead.map(|path| Finding::new(path, 0, "no module declares this file; declare or delete it")));
    out
}

/// The modules declared without a body, each with the inline modules around it: `outer/inner`.
fn declared(tokens: &[Token<'_>]) -> Vec<String> {
    let mut out: Vec<String> = table_entries(tokens).map(|(module, _)| module.text.to_owned()).collect();
    // One entry for each open brace: the inline module's name, or nothing for any other block.
    let mut open: Vec<Option<&str>> = Vec::new();
    let mut rest = tokens;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first.text, tail) {
            ("mod", [name, sign, behind @ ..]) if sign.text == ";" => {
                let around = open.iter().flatten().copied();
                out.push(around.chain([name.text]).collect::<Vec<_>>().join("/"));
                rest = behind;
            }
            ("mod", [name, sign, behind @ ..]) if sign.text == "{" => {
                open.push(Some(name.text));
                rest = behind;
            }
            ("{", _) => open.push(None),
            ("}", _) => {
                open.pop();
            }
            _ => {}
        }
    }
    out
}

fn path_attributes(path: &str, tokens: &[Token<'_>]) -> Vec<Finding> {
    let starts = (0..tokens.len()).filter_map(|at| tokens.get(at..));
    starts
        .filter(|rest| after(rest, &["#", "[", "path", "="]).is_some())
        .filter_map(|rest| rest.first())
        .map(|token| Finding::new(path, token.line, "a module stands where its name says; do not use `#[path]`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: (&str, &str) = ("a/Cargo.toml", "[package]\nname = \"a\"");

    fn dead(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = [MANIFEST].into_iter().chain(files.iter().copied()).collect();
        unreachable_files(&Tree::of(&files)).into_iter().map(|finding| finding.path).collect()
    }

    #[test]
    fn a_file_that_nothing_declares_is_found() {
        assert_eq!(dead(&[("a/src/lib.rs", "// mod b;\n"), ("a/src/b.rs", "")]), ["a/src/b.rs"]);
        assert!(dead(&[("a/src/lib.rs", "pub(crate) mod b;"), ("a/src/b.rs", "")]).is_empty());
    }

    #[test]
    fn a_file_declared_by_a_dead_file_is_dead() {
        let files = [("a/src/lib.rs", ""), ("a/src/b.rs", "mod c;"), ("a/src/b/c.rs", "")];
        assert_eq!(dead(&files), ["a/src/b.rs", "a/src/b/c.rs"]);
    }

    #[test]
    fn nested_and_inline_modules_are_followed() {
        let files = [
            ("a/src/main.rs", "mod b; fn f() { } mod outer { fn g() {} mod inner; }"),
            ("a/src/b.rs", "#[cfg(test)] mod tests;"),
            ("a/src/b/tests.rs", ""),
            ("a/src/outer/inner.rs", ""),
            ("a/tests/t.rs", "mod part;"),
            ("a/tests/part.rs", ""),
        ];
        assert_eq!(dead(&files), Vec::<String>::new());
    }

    #[test]
    fn the_right_name_at_the_wrong_place_is_dead() {
        let files = [("a/src/lib.rs", "mod b;"), ("a/src/b.rs", "mod c;"), ("a/src/b/c.rs", ""), ("a/src/c.rs", "")];
        assert_eq!(dead(&files), ["a/src/c.rs"]);
    }

    #[test]
    fn the_table_of_operations_declares_its_modules() {
        let files = [
            ("a/src/lib.rs", "mod kms;"),
            ("a/src/kms.rs", "operations! { /// First.\n get Get, put Put, }"),
            ("a/src/kms/get.rs", ""),
            ("a/src/kms/put.rs", ""),
            ("a/src/kms/list.rs", ""),
        ];
        assert_eq!(dead(&files), ["a/src/kms/list.rs"]);
    }

    #[test]
    fn a_path_attribute_is_found() {
        let found = dead(&[("a/src/lib.rs", "#[path = \"c.rs\"] mod b;")]);
        assert_eq!(found, ["a/src/lib.rs"]);
    }
}
