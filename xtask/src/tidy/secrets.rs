//! The list of places that open a secret: a change of it is a change to look at in a review.
//!
//! Not here: whether an opening is right; a reader judges that.
//! Invariant: code for tests does not count; everything else that says `expose` does.

use std::{collections::BTreeMap, fmt::Write as _};

use super::Finding;
use crate::{
    source::{blank, tokens, without_tests},
    tree::{Tree, stem},
};

/// Where the list is kept.
pub(crate) const OPENERS_FILE: &str = "xtask/secret-openers.txt";

/// The crates of tests and automation, and the file that defines the verb.
const NOT_COUNTED: &[&str] = &["crates/testkit/", "crates/types/src/secret.rs", "xtask/", "fuzz/"];

/// The verb that opens a secret; longer names that begin with it count too.
const VERB: &str = "expose";

const HEAD: &str =
    "# Places that open a secret, with their number in each file; `cargo xtask secret-openers` rewrites the list.\n";

/// The list is as the code is.
pub(super) fn openers(tree: &Tree) -> Vec<Finding> {
    let now = list(tree);
    match tree.text(OPENERS_FILE) {
        Some(kept) if kept == now => Vec::new(),
        _ => vec![Finding::new(OPENERS_FILE, 0, format!("look at what opens secrets and set the list to:\n{now}"))],
    }
}

/// The list as it has to be.
pub(crate) fn list(tree: &Tree) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (path, text) in tree.texts_with(".rs").filter(|(path, _)| is_counted(path)) {
        let count = openings(text);
        if count > 0 {
            counts.insert(path, count);
        }
    }
    let mut out = HEAD.to_owned();
    for (path, count) in counts {
        // Writing to a text cannot fail.
        let _ = writeln!(out, "{path} {count}");
    }
    out
}

fn is_counted(path: &str) -> bool {
    let for_tests = stem(path) == "tests" || path.contains("/tests/");
    !for_tests && !NOT_COUNTED.iter().any(|prefix| path.starts_with(prefix))
}

/// How often a secret is opened: the verb behind a dot or behind a path.
fn openings(text: &str) -> usize {
    let blanked = blank(text);
    let kept = without_tests(&tokens(&blanked));
    kept.windows(2)
        .filter(|pair| matches!(pair, [sign, word] if [".", ":"].contains(&sign.text) && is_verb(word.text)))
        .count()
}

fn is_verb(word: &str) -> bool {
    word == VERB || word.strip_prefix(VERB).is_some_and(|rest| rest.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str =
        "fn f() { a.expose(); b\n  .expose_secret(); c.map(S::expose); // d.expose()\n exposed.exposes(); }
        #[cfg(test)] mod tests { fn g() { e.expose() } }";

    #[test]
    fn openings_are_counted_and_tests_are_not() {
        assert_eq!(openings(CODE), 3);
        let tree =
            Tree::of(&[("crates/a/src/b.rs", CODE), ("crates/a/src/b/tests.rs", CODE), ("crates/a/tests/c.rs", CODE)]);
        assert_eq!(list(&tree).lines().skip(1).collect::<Vec<_>>(), ["crates/a/src/b.rs 3"]);
    }

    #[test]
    fn a_list_that_differs_or_is_missing_is_found() {
        let code = ("crates/a/src/b.rs", CODE);
        let good = list(&Tree::of(&[code]));
        assert!(openers(&Tree::of(&[code, (OPENERS_FILE, &good)])).is_empty());
        assert_eq!(openers(&Tree::of(&[code])).len(), 1);
        let found = openers(&Tree::of(&[code, (OPENERS_FILE, &good.replace('3', "2"))]));
        assert!(found.first().is_some_and(|finding| finding.text.contains("crates/a/src/b.rs 3")));
    }
}
