//! The table of a service's operations holds operations of its API, each in the file of its name.
//!
//! Not here: files that the table does not declare, which are dead; the order of the table, which the server's own
//! tests check; the page `docs/compat/kms.md`.

use super::Finding;
use crate::{
    api,
    source::{blank, table_entries, tokens},
    tree::Tree,
};

/// The table of KMS.
const KMS_TABLE: &str = "crates/server/src/operations/kms.rs";

/// Each line of the table is `create_key CreateKey`, and the API has that operation.
pub(super) fn table(tree: &Tree) -> Vec<Finding> {
    let Some(list) = tree.text(api::KMS_OPERATIONS_FILE) else {
        return vec![Finding::new(api::KMS_OPERATIONS_FILE, 0, "the list of the API's operations is missing")];
    };
    let known: Vec<&str> = api::names(list).collect();
    let blanked = blank(tree.text(KMS_TABLE).unwrap_or_default());
    let tokens = tokens(&blanked);
    let mut out = Vec::new();
    if table_entries(&tokens).next().is_none() {
        out.push(Finding::new(KMS_TABLE, 0, "has no table `operations! { … }`"));
    }
    for (module, operation) in table_entries(&tokens) {
        if !known.contains(&operation.text) {
            let text = format!("KMS has no operation `{}`", operation.text);
            out.push(Finding::new(KMS_TABLE, operation.line, text));
        } else if module.text != api::snake_case(operation.text) {
            let text = format!("the file of `{}` is `{}.rs`", operation.text, api::snake_case(operation.text));
            out.push(Finding::new(KMS_TABLE, module.line, text));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(table_text: &str) -> Vec<usize> {
        let tree = Tree::of(&[(api::KMS_OPERATIONS_FILE, "# Head\nCreateKey\nSign\n"), (KMS_TABLE, table_text)]);
        table(&tree).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_line_that_is_no_operation_is_found() {
        assert_eq!(found("operations! {\n    create_key CreateKey,\n    sign Sign,\n}"), [0; 0]);
        assert_eq!(found("operations! {\n    create_key CreateKey,\n    get_thing GetThing,\n}"), [3]);
        assert_eq!(found("operations! {\n    createkey CreateKey,\n}"), [2]);
        assert_eq!(found("mod create_key;"), [0], "no table");
        assert_eq!(table(&Tree::of(&[])).len(), 1, "no list");
    }
}
