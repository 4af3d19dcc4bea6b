//! Exceptions to a lint say why they are made.

use super::Finding;
use crate::{
    source::{Token, after, blank, tokens},
    tree::Tree,
};

/// Every `#[expect(…)]` and `#![expect(…)]` has a reason.
pub(super) fn expect_reasons(tree: &Tree) -> Vec<Finding> {
    let mut out = Vec::new();
    for (path, text) in tree.texts_with(".rs") {
        let blanked = blank(text);
        let tokens = tokens(&blanked);
        for rest in (0..tokens.len()).filter_map(|at| tokens.get(at..)) {
            let reasonless = after(rest, &["[", "expect", "("]).is_some_and(|body| !has_reason(body));
            if let Some(first) = rest.first().filter(|_| reasonless) {
                out.push(Finding::new(path, first.line, "an exception to a lint says why: `reason = \"…\"`"));
            }
        }
    }
    out
}

/// Whether `reason =` stands before the attribute's end. Lints and reasons hold no brackets.
fn has_reason(body: &[Token<'_>]) -> bool {
    let attribute = body.split(|token| token.text == "]").next().unwrap_or_default();
    attribute.windows(2).any(|pair| pair.iter().map(|token| token.text).eq(["reason", "="]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<usize> {
        expect_reasons(&Tree::of(&[("a.rs", text)])).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_missing_reason_is_found() {
        assert_eq!(found("\n#[expect(dead_code)]\nfn f() { let reason = 1; }"), [2]);
        assert_eq!(found("#![expect(\n    dead_code,\n)]"), [1]);
        assert_eq!(found("#[expect(dead_code, reason = \"later [x]\")]"), [0; 0]);
        assert_eq!(found("fn f() { \"#[expect(dead_code)]\"; x.expect(1) }"), [0; 0]);
    }
}
