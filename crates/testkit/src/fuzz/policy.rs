//! The harness for policy documents: whatever is stored can be shown and decided with.

use kanuki_policy::{Document, TEXT_CHARS_MAX, Target, size_without_white_space};

/// Reads the text as a document for every place it can be written for. What is accepted for one keeps its promises:
/// it is within the limit, and its statements lie in the text.
pub fn fuzz_policy_parse(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    assert!(size_without_white_space(text) <= text.chars().count(), "leaving out makes a text no longer");
    TARGETS.iter().filter(|target| accepts(**target, text)).count() > 0
}

fn accepts(target: Target, text: &str) -> bool {
    let document = match Document::parse(target, text) {
        Ok(document) => document,
        Err(malformed) => {
            assert!(!malformed.to_string().contains(['\n', '\r']), "an error has one line");
            return false;
        }
    };
    assert!(text.chars().count() <= TEXT_CHARS_MAX, "a document over the limit was accepted");
    assert_eq!(document.target(), target, "a document is for the place it was read for");
    let mut end = 0;
    for (index, statement) in document.statements().enumerate() {
        assert_eq!(statement.index, index, "statements are numbered in their order");
        let lies_in_text = text.get(statement.span.clone()).is_some_and(|it| it.starts_with('{') && it.ends_with('}'));
        assert!(
            lies_in_text && statement.span.start >= end,
            "a statement is a part of the text, behind the one before"
        );
        end = statement.span.end;
    }
    document.named_principals().for_each(|name| assert!(!name.is_empty(), "a principal has a name"));
    true
}

const TARGETS: &[Target] = &[
    Target::Identity,
    Target::KeyPolicy,
    Target::Resource,
    Target::ResourceControl,
    Target::ServiceControl,
    Target::Session,
    Target::Trust,
];
