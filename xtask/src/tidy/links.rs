//! Relative links of Markdown files lead to files that exist.
//!
//! Not here: links into the web, and headings inside a file.

use super::Finding;
use crate::tree::{Tree, folder, join};

/// Every relative link has a target.
pub(super) fn links(tree: &Tree) -> Vec<Finding> {
    let mut out = Vec::new();
    for (path, text) in tree.texts_with(".md") {
        for (line, target) in targets(text) {
            // A link from the root is one from the top of the checkout.
            let from = if target.starts_with('/') { "" } else { folder(path) };
            let file = target.split_once('#').map_or(target.as_str(), |(file, _)| file);
            let exists = file.is_empty() || join(from, file).is_some_and(|file| tree.has(&file));
            if !exists {
                out.push(Finding::new(path, line, format!("the link to `{target}` leads nowhere")));
            }
        }
    }
    out
}

/// The relative targets of `[text](target)` and `[name]: target`, with their lines; code is not read.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    let mut in_code = false;
    for (number, line) in text.lines().enumerate() {
        let fence = line.trim_start();
        if fence.starts_with("```") || fence.starts_with("~~~") {
            in_code = !in_code;
            continue;
        }
        if in_code {
            continue;
        }
        // What stands between single quotation marks of code is every second part.
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        let inline = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
        let defined = prose.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
        let clean = inline.chain(defined).filter_map(|target| target.split_whitespace().next());
        let clean = clean.map(|target| target.trim_start_matches('<').trim_end_matches('>'));
        out.extend(clean.filter(|target| !is_absolute(target)).map(|target| (number + 1, target.to_owned())));
    }
    out
}

fn is_absolute(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str) -> Vec<usize> {
        let tree = Tree::of(&[("docs/a.md", text), ("docs/b.md", ""), ("README.md", "")]);
        links(&tree).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_broken_link_is_found() {
        assert_eq!(broken("x\n[a](c.md) [b](b.md)"), [2]);
        assert_eq!(broken("[a](b.md) and [c](../../README.md)"), [1]);
        assert_eq!(broken("[ref]: missing.md"), [1]);
        assert_eq!(broken("![picture](picture.svg \"title\")"), [1]);
        assert_eq!(broken("[`code`](c.md)"), [1]);
    }

    #[test]
    fn good_links_are_not() {
        let text = "[a](b.md#part) [b](../README.md) [c](#here) [d](https://example.com/x) [e](.) [f](/docs/b.md)";
        assert_eq!(broken(text), [0; 0]);
    }

    #[test]
    fn code_is_not_read() {
        assert_eq!(broken("`[a](c.md)`\n```\n[a](c.md)\n```\n"), [0; 0]);
    }
}
