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
    /// The beginning of every text.
    const START: Self = Self { line: 1, column: 1 };

    /// The places at numbers of bytes from the start of the text, of which none is smaller than the one before: the
    /// text is walked through once, however many there are.
    pub fn of_each(text: &str, places: impl IntoIterator<Item = usize>) -> Vec<Self> {
        let mut chars = text.char_indices().map(|(place, c)| (place + c.len_utf8(), c)).peekable();
        let mut here = Self::START;
        let mut advance = |bytes| {
            while let Some((_, c)) = chars.next_if(|(end, _)| *end <= bytes) {
                here = match c {
                    '\n' => Self { line: here.line + 1, column: 1 },
                    _ => Self { column: here.column + 1, ..here },
                };
            }
            here
        };
        places.into_iter().map(&mut advance).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let text = "ab\n\u{e9}c\r\nd";
        let found = Position::of_each(text, 0..=text.len() + 1);
        let found: Vec<_> = found.into_iter().map(|Position { line, column }| (line, column)).collect();
        let expected = [(1, 1), (1, 2), (1, 3), (2, 1), (2, 1), (2, 2), (2, 3), (2, 4), (3, 1), (3, 2), (3, 2)];
        assert_eq!(found, expected);
    }
}
