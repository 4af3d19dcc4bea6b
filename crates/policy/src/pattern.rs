//! Patterns with `*`, `?` and variables, cut into tokens once and matched many times.
//!
//! Not here: which wildcards and variables a place allows; the callers say so.
//! Invariants: a variable's value is literal; work never grows with the product of the lengths of pattern and value but
//! in steps of 64 positions at once; `?` is one Unicode scalar value and every character, line feed included, is ordinary.

mod states;

use std::borrow::Cow;

use crate::{
    facts::Facts,
    variable::{self, ARN_PARTS, Part, Variable},
};

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    tokens: Box<[Token]>,
    has_variables: bool,
    /// A run that stops at colons follows one that does not: one remembered run is not enough to match it.
    needs_states: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// `?`: one character, perhaps any but a colon.
    One { colon: bool },
    /// `*`: any characters, perhaps none, perhaps any but colons.
    Run { colon: bool },
    /// Characters that equal themselves.
    Text(Box<str>),
    /// The value with that number among [`Pieces::values`].
    Variable(usize, Variable),
}

/// What the text of a pattern may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Language {
    pub(crate) variables: bool,
    pub(crate) wildcards: bool,
}

impl Pattern {
    /// Compiles a pattern whose wildcards match every character.
    pub(crate) fn new(text: &str, language: Language) -> Self {
        let mut builder = Builder::default();
        for part in variable::parts(text, language.variables) {
            match part {
                Part::Char('*') if language.wildcards => builder.token(Token::Run { colon: true }),
                Part::Char('?') if language.wildcards => builder.token(Token::One { colon: true }),
                Part::Char(c) | Part::Escaped(c) => builder.char(c),
                Part::Variable(variable, _) => builder.variable(variable),
            }
        }
        builder.finish()
    }

    /// Compiles a pattern of the Resource element. Before the fifth colon wildcards stay inside their part, but a
    /// `*` that is the last character of its part may run past the colon; variables are known only behind it.
    ///
    /// Source: "IAM JSON policy elements: Resource" of the IAM user guide.
    pub(crate) fn resource(text: &str, variables: bool) -> Self {
        let mut builder = Builder::default();
        let mut colons = 0;
        let mut parts = variable::parts(text, variables).into_iter().peekable();
        while let Some(part) = parts.next() {
            let free = colons >= ARN_PARTS - 1;
            match part {
                Part::Char('*') => {
                    let ends_part = matches!(parts.peek(), None | Some(Part::Char(':')));
                    builder.token(Token::Run { colon: free || ends_part });
                }
                Part::Char('?') => builder.token(Token::One { colon: free }),
                Part::Char(c) => {
                    colons += usize::from(c == ':');
                    builder.char(c);
                }
                Part::Escaped(c) => builder.char(c),
                Part::Variable(variable, _) if free => builder.variable(variable),
                Part::Variable(_, text) => text.chars().for_each(|c| builder.char(c)),
            }
        }
        builder.finish()
    }

    /// Whether a value matches, with variables from `facts`. A variable without a value makes it match nothing.
    pub(crate) fn matches(&self, value: &str, facts: &dyn Facts) -> bool {
        self.resolve(facts).is_some_and(|pieces| pieces.matches::<Exact>(value))
    }

    /// Whether a value matches, ignoring the case of ASCII letters; for patterns without variables.
    pub(crate) fn matches_ignoring_case(&self, value: &str) -> bool {
        Pieces { tokens: &self.tokens, values: Vec::new(), needs_states: false }.matches::<IgnoreAsciiCase>(value)
    }

    /// The text, of a pattern that matches nothing but it.
    pub(crate) fn literal(&self) -> Option<&str> {
        match &*self.tokens {
            [] => Some(""),
            [Token::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Fills the variables; none if one has no value.
    pub(crate) fn resolve<'a>(&'a self, facts: &'a dyn Facts) -> Option<Pieces<'a>> {
        let values = if self.has_variables {
            self.variables().map(|variable| variable.value(facts)).collect::<Option<Vec<_>>>()?
        } else {
            Vec::new()
        };
        Some(Pieces { tokens: &self.tokens, values, needs_states: self.needs_states })
    }

    /// The variables, in the order of the text.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.tokens.iter().filter_map(|token| match token {
            Token::Variable(_, variable) => Some(variable),
            _ => None,
        })
    }
}

/// A pattern with its variables filled.
#[derive(Debug)]
pub(crate) struct Pieces<'a> {
    tokens: &'a [Token],
    values: Vec<Cow<'a, str>>,
    needs_states: bool,
}

#[derive(Debug, Clone, Copy)]
enum Piece<'a> {
    One { colon: bool },
    Run { colon: bool },
    Text(&'a str),
}

impl Pieces<'_> {
    fn piece(&self, at: usize) -> Option<Piece<'_>> {
        Some(match self.tokens.get(at)? {
            Token::One { colon } => Piece::One { colon: *colon },
            Token::Run { colon } => Piece::Run { colon: *colon },
            Token::Text(text) => Piece::Text(text),
            Token::Variable(slot, _) => Piece::Text(self.values.get(*slot)?),
        })
    }

    fn iter(&self) -> impl Iterator<Item = Piece<'_>> {
        (0..self.tokens.len()).filter_map(|at| self.piece(at))
    }

    /// The characters of a pattern without wildcards.
    pub(crate) fn text(&self) -> impl Iterator<Item = char> {
        self.iter().flat_map(|piece| match piece {
            Piece::Text(text) => text.chars(),
            Piece::One { .. } | Piece::Run { .. } => "".chars(),
        })
    }

    fn matches<C: Case>(&self, value: &str) -> bool {
        let quickly = if self.needs_states { None } else { self.matches_by_last_run::<C>(value) };
        quickly.unwrap_or_else(|| self.matches_by_states::<C>(value))
    }

    /// Follows all positions of the pattern that the value read so far can have reached.
    fn matches_by_states<C: Case>(&self, value: &str) -> bool {
        states::matches(self.iter(), value, C::fold)
    }

    /// Remembers the last run only. The earliest end of an earlier one is always the best, because a later one takes
    /// whatever the earlier could have; `needs_states` marks the patterns of which that is not true. None after
    /// [`STEPS_MAX`]: patterns can be made for which going back takes the product of the lengths.
    fn matches_by_last_run<C: Case>(&self, value: &str) -> Option<bool> {
        let (mut at, mut rest) = (0, value);
        let mut last_run: Option<(usize, &str, bool)> = None;
        for _ in 0..STEPS_MAX {
            let advanced = match self.piece(at) {
                None if rest.is_empty() => return Some(true),
                None => None,
                Some(Piece::One { colon }) => skip_one(rest, colon),
                Some(Piece::Run { colon }) => {
                    if colon && at + 1 == self.tokens.len() {
                        return Some(true);
                    }
                    last_run = Some((at + 1, rest, colon));
                    Some(rest)
                }
                Some(Piece::Text(text)) => C::strip(rest, text),
            };
            match (advanced, &mut last_run) {
                (Some(after), _) => (at, rest) = (at + 1, after),
                (None, Some((next, from, colon))) => {
                    let Some(longer) = skip_one(from, *colon) else { return Some(false) };
                    *from = longer;
                    (at, rest) = (*next, longer);
                }
                (None, None) => return Some(false),
            }
        }
        None
    }
}

/// How literal text is compared.
trait Case {
    /// A character in the form in which it is compared.
    fn fold(c: char) -> char;

    /// What is left of the value behind the text it begins with.
    fn strip<'v>(value: &'v str, text: &str) -> Option<&'v str>;
}

struct Exact;

impl Case for Exact {
    fn fold(c: char) -> char {
        c
    }

    fn strip<'v>(value: &'v str, text: &str) -> Option<&'v str> {
        value.strip_prefix(text)
    }
}

struct IgnoreAsciiCase;

impl Case for IgnoreAsciiCase {
    fn fold(c: char) -> char {
        c.to_ascii_lowercase()
    }

    fn strip<'v>(value: &'v str, text: &str) -> Option<&'v str> {
        let (head, tail) = value.split_at_checked(text.len())?;
        head.eq_ignore_ascii_case(text).then_some(tail)
    }
}

fn skip_one(value: &str, colon: bool) -> Option<&str> {
    let mut chars = value.chars();
    let c = chars.next()?;
    (colon || c != ':').then_some(chars.as_str())
}

#[derive(Default)]
struct Builder {
    tokens: Vec<Token>,
    text: String,
    variables: usize,
}

impl Builder {
    fn char(&mut self, c: char) {
        self.text.push(c);
    }

    fn token(&mut self, token: Token) {
        if !self.text.is_empty() {
            self.tokens.push(Token::Text(std::mem::take(&mut self.text).into()));
        }
        self.tokens.push(token);
    }

    fn variable(&mut self, variable: Variable) {
        self.token(Token::Variable(self.variables, variable));
        self.variables += 1;
    }

    fn finish(mut self) -> Pattern {
        if !self.text.is_empty() {
            self.tokens.push(Token::Text(self.text.into()));
        }
        let runs = self.tokens.iter().filter_map(|token| match token {
            Token::Run { colon } => Some(*colon),
            _ => None,
        });
        // A run without colons after one with colons.
        let needs_states = runs.skip_while(|colon| !colon).any(|colon| !colon);
        Pattern { tokens: self.tokens.into(), has_variables: self.variables > 0, needs_states }
    }
}

/// Most steps of the quick way, far more than any pattern takes that was written to say something.
const STEPS_MAX: usize = 1 << 14;

#[cfg(test)]
mod tests;
