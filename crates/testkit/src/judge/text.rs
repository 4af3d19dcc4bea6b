//! Patterns of the judge: variables, wildcards, and where a wildcard stops.
//!
//! Not here: speed; matching fills a table of pattern times text.
//! Rule: "IAM policy elements: Variables and tags" and "IAM JSON policy elements: Resource" of the IAM user guide.

use super::{ARN_PARTS, Context, Values};

/// How far wildcards of a text reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wildcards {
    /// Over everything.
    Everywhere,
    /// There are none: a star is a star.
    None,
}

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// This character.
    Just(char),
    /// Exactly one, of any kind or any but a colon.
    One { colon: bool },
    /// Any number.
    Run { colon: bool },
}

/// The pieces of a pattern, unless a variable in it has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Tokens(Vec<Token>),
    Unresolved,
}

/// A pattern without variables against a whole text.
pub(super) fn glob(pattern: &str, text: &str, wildcards: Wildcards) -> bool {
    match value_tokens(pattern, None, wildcards) {
        Found::Tokens(tokens) => matches(&tokens, text),
        Found::Unresolved => false,
    }
}

/// The pieces of a condition value. Without a context `${…}` is plain text.
pub(super) fn value_tokens(pattern: &str, context: Option<&Context>, wildcards: Wildcards) -> Found {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        if let (Some(context), Some((inside, behind))) = (context, variable(rest)) {
            let Some(value) = resolve(inside, context) else { return Found::Unresolved };
            tokens.extend(value.chars().map(Token::Just));
            rest = behind;
            continue;
        }
        tokens.push(match (c, wildcards) {
            ('*', Wildcards::Everywhere) => Token::Run { colon: true },
            ('?', Wildcards::Everywhere) => Token::One { colon: true },
            (other, _) => Token::Just(other),
        });
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    Found::Tokens(tokens)
}

/// The pieces of a value of the Resource element: a wildcard in the first five parts stays in its part, but for a star
/// at a part's end; variables stand in the sixth part only.
pub(super) fn resource_tokens(pattern: &str, context: Option<&Context>) -> Found {
    let parts = arn_parts(pattern);
    let mut tokens = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            tokens.push(Token::Just(':'));
        }
        if number + 1 == ARN_PARTS {
            match value_tokens(part, context, Wildcards::Everywhere) {
                Found::Tokens(more) => tokens.extend(more),
                Found::Unresolved => return Found::Unresolved,
            }
            continue;
        }
        let last = part.chars().count().saturating_sub(1);
        tokens.extend(part.chars().enumerate().map(|(at, c)| match c {
            '*' => Token::Run { colon: at == last },
            '?' => Token::One { colon: false },
            other => Token::Just(other),
        }));
    }
    Found::Tokens(tokens)
}

/// At most six parts, divided at colons that stand outside of variables.
pub(super) fn arn_parts(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut open) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '$' if text.get(at..).is_some_and(|rest| rest.starts_with("${")) => open = true,
            '}' => open = false,
            ':' if !open && parts.len() + 1 < ARN_PARTS => {
                parts.push(text.get(from..at).unwrap_or_default());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(from..).unwrap_or_default());
    parts
}

/// Whether the pieces make up the whole text.
pub(super) fn matches(tokens: &[Token], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    // The n-th is true if the pieces so far can make up the first n characters.
    let mut open = vec![false; text.len() + 1];
    open.iter_mut().take(1).for_each(|none| *none = true);
    for token in tokens {
        open = after(*token, &open, &text);
    }
    open.last() == Some(&true)
}

/// The row of the table below `open`, with one piece more.
fn after(token: Token, open: &[bool], text: &[char]) -> Vec<bool> {
    let mut next = vec![matches!(token, Token::Run { .. }) && open.first() == Some(&true)];
    for (c, (before, here)) in text.iter().zip(open.iter().zip(open.iter().skip(1))) {
        let grown = next.last() == Some(&true);
        next.push(match token {
            Token::Run { colon } => *here || (grown && (colon || *c != ':')),
            Token::One { colon } => *before && (colon || *c != ':'),
            Token::Just(own) => *before && own == *c,
        });
    }
    next
}

/// What stands in the braces at the start of a text, and what follows them.
fn variable(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("${")?.split_once('}')
}

/// The value of a variable: its own characters, the request's value, or its default.
fn resolve(inside: &str, context: &Context) -> Option<String> {
    if ["*", "?", "$"].contains(&inside) {
        return Some(inside.into());
    }
    let (name, default) = match inside.split_once(", '") {
        Some((name, rest)) => (name, Some(rest.strip_suffix('\'')?)),
        None => (inside, None),
    };
    match lookup(context, name) {
        Some(Values::One(value)) => Some(value.clone()),
        // The key is there, so its default is not asked for; and a list is no value.
        Some(Values::Many(_)) => None,
        None => default.map(Into::into),
    }
}

/// The value of a key, whose name ignores case. A list without values is no value.
pub(super) fn lookup<'a>(context: &'a Context, name: &str) -> Option<&'a Values> {
    let found = context.iter().find(|(key, _)| key.to_lowercase() == name.to_lowercase()).map(|(_, values)| values);
    found.filter(|values| !matches!(values, Values::Many(list) if list.is_empty()))
}
