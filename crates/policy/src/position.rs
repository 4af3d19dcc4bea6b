//! Lines and columns of a text.
//!
//! Not here: what stands there. Invariant: a place behind the end of the text, or inside of a character, is the place of
//! the next character before it, so that nothing can fail.

/// A place in a text as people count it: lines from 1, and in the line characters from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column: how many characters of the line end at this place, and one more.
    pub column: usize,
}

impl Position {
    /// The place at a number of bytes from the start of the text.
    #[must_use]
    pub fn at(text: &str, bytes: usize) -> Self {
        let before = text.char_indices().take_while(|(place, c)| place + c.len_utf8() <= bytes).map(|(_, c)| c);
        before.fold(Self { line: 1, column: 1 }, |Self { line, column }, c| match c {
            '\n' => Self { line: line + 1, column: 1 },
            _ => Self { line, column: column + 1 },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let text = "ab\n\u{e9}c\r\nd";
        let found: Vec<_> = (0..=text.len() + 1)
            .map(|bytes| Position::at(text, bytes))
            .map(|Position { line, column }| (line, column))
            .collect();
        let expected = [(1, 1), (1, 2), (1, 3), (2, 1), (2, 1), (2, 2), (2, 3), (2, 4), (3, 1), (3, 2), (3, 2)];
        assert_eq!(found, expected);
    }
}
