//! The harness for policy documents: whatever is stored can be shown and decided with.

use kanuki_policy::{Document, TEXT_CHARS_MAX, Target, findings, rewrite_principals, size_without_white_space};

/// Reads the text as a document for every place it can be written for. What is accepted for one keeps its promises:
/// it is within the limit, and its statements lie in the text.
pub fn fuzz_policy_parse(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    assert!(size_without_white_space(text) <= text.chars().count(), "leaving out makes a text no longer");
    TARGETS.iter().filter(|target| accepts(**target, text)).count() > 0
}

/// Looks a text through as a policy of every place. Advice is about statements that there are, says something, and is
/// no longer than what it is about; and showing a document with no principal replaced changes no byte.
pub fn fuzz_policy_findings(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    assert_eq!(rewrite_principals(text, |_| None), text, "nothing was replaced, and the text is another");
    let mut is_advised = false;
    for target in TARGETS {
        let statements = Document::parse(*target, text).ok().map(|document| document.statements().count());
        for finding in findings(*target, text) {
            is_advised |= statements.is_some();
            assert!(!finding.code.is_empty() && !finding.details.is_empty(), "advice says something: {finding:?}");
            assert!(!finding.details.contains(['\n', '\r']), "advice has one line: {finding:?}");
            assert!(finding.details.len() <= text.len() * 2 + WORDS_BYTES_MAX, "advice is longer than its matter");
            if let (Some(count), Some(index)) = (statements, finding.statement) {
                assert!(index < count, "advice about a statement that is not there: {finding:?}");
            }
        }
    }
    is_advised
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

/// Longer than the words of any advice, without what it repeats.
const WORDS_BYTES_MAX: usize = 1024;

const TARGETS: &[Target] = &[
    Target::Identity,
    Target::KeyPolicy,
    Target::Resource,
    Target::ResourceControl,
    Target::ServiceControl,
    Target::Session,
    Target::Trust,
];
