//! Rust source as a list of tokens: what a rule needs to look at code without seeing comments and literals.
//!
//! Not here: a parser. A token is a word or one sign; a literal is its two quotation marks with nothing between.
//! Invariant: the line of each token is its line in the file.

/// A word or a sign, with its line, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// The word, or one sign.
    pub(crate) text: &'a str,
    /// The line, counted from 1.
    pub(crate) line: usize,
}

/// The source with the content of comments and literals replaced by spaces; line breaks stay.
pub(crate) fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_word = false;
    while let Some(first) = rest.chars().next() {
        let length = comment(rest).or_else(|| literal(rest, in_word)).unwrap_or(0);
        let Some((item, tail)) = rest.split_at_checked(length.max(first.len_utf8())) else { break };
        if length == 0 {
            out.push(first);
            in_word = is_word(first);
        } else {
            let quote = if item.starts_with('/') { ' ' } else { '"' };
            out.push(quote);
            out.extend(item.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            out.push(quote);
            in_word = false;
        }
        rest = tail;
    }
    out
}

/// The tokens of a blanked source.
pub(crate) fn tokens(blanked: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    for (number, line) in blanked.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let Some((text, tail)) = rest.split_at_checked(word.max(first.len_utf8())) else { break };
            out.push(Token { text, line: number + 1 });
            rest = tail.trim_start();
        }
    }
    out
}

/// The tokens outside of `#[cfg(test)] mod name { … }`.
pub(crate) fn without_tests<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    const HEAD: &[&str] = &["#", "[", "cfg", "(", "test", ")", "]"];
    let mut out = Vec::with_capacity(tokens.len());
    let mut rest = tokens;
    while let Some((first, tail)) = rest.split_first() {
        rest = match after(rest, HEAD) {
            Some([module, _, brace, body @ ..]) if module.text == "mod" && brace.text == "{" => behind_block(body),
            _ => {
                out.push(*first);
                tail
            }
        };
    }
    out
}

/// What follows, if the tokens begin with these texts.
pub(crate) fn after<'t, 'a>(tokens: &'t [Token<'a>], texts: &[&str]) -> Option<&'t [Token<'a>]> {
    let (head, tail) = tokens.split_at_checked(texts.len())?;
    head.iter().zip(texts).all(|(token, text)| token.text == *text).then_some(tail)
}

/// The lines `module Operation,` of the server's one table macro, `operations! { … }`, which declares the modules.
pub(crate) fn table_entries<'t, 'a>(
    tokens: &'t [Token<'a>],
) -> impl Iterator<Item = (Token<'a>, Token<'a>)> + use<'t, 'a> {
    let bodies = (0..tokens.len()).filter_map(|at| after(tokens.get(at..)?, &["operations", "!", "{"]));
    let bodies = bodies.map(|body| body.split(|token| token.text == "}").next().unwrap_or_default());
    bodies.flat_map(|body| body.split(|token| token.text == ",")).filter_map(|line| match line {
        [module, operation] => Some((*module, *operation)),
        _ => None,
    })
}

/// What follows the block whose opening brace stands just before these tokens.
fn behind_block<'t, 'a>(tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    let mut depth = 1_usize;
    let mut rest = tokens;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first.text {
            "{" => depth += 1,
            "}" if depth == 1 => break,
            "}" => depth -= 1,
            _ => {}
        }
    }
    rest
}

/// The length of the comment that the text begins with.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    let mut rest = text.strip_prefix("/*")?;
    let mut depth = 1_usize;
    while depth > 0 {
        let close = rest.find("*/").unwrap_or(rest.len());
        let open = rest.find("/*").unwrap_or(rest.len());
        depth = if open < close { depth + 1 } else { depth - 1 };
        rest = rest.split_at_checked(open.min(close) + 2).map_or("", |(_, tail)| tail);
    }
    Some(text.len() - rest.len())
}

/// The length of the literal that the text begins with: raw text, text or a character. A lifetime is none.
fn literal(text: &str, in_word: bool) -> Option<usize> {
    if let Some(tail) = text.strip_prefix(['b', 'c']).filter(|_| !in_word).or(Some(text))
        && let Some(raw) = tail.strip_prefix('r').filter(|_| !in_word)
        && let Some(body) = raw.trim_start_matches('#').strip_prefix('"')
    {
        let close = format!("\"{}", "#".repeat(raw.len() - body.len() - 1));
        let end = body.find(&close).map_or(body.len(), |at| at + close.len());
        return Some(text.len() - body.len() + end);
    }
    if let Some(body) = text.strip_prefix('"') {
        return Some(1 + closed(body, '"'));
    }
    let body = text.strip_prefix('\'')?;
    let mut chars = body.chars();
    match (chars.next()?, chars.next()) {
        ('\\', _) => Some(1 + closed(body, '\'')),
        (c, Some('\'')) => Some(2 + c.len_utf8()),
        _ => None,
    }
}

/// The length up to and with the closing quotation mark, escapes skipped.
fn closed(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    body.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(&blank(text)).iter().map(|token| token.text.to_owned()).collect()
    }

    #[test]
    fn comments_and_literals_vanish() {
        let text = r####"a /* b /* c */ d */ e // f
            g("h \" i", r#"j " k"#, br"l", b'm', '\'', 'n', '"') o"####;
        assert_eq!(words(text).join(""), r#"aeg("","","",b"","","","")o"#);
    }

    #[test]
    fn a_lifetime_is_no_literal() {
        assert_eq!(
            words("fn f<'a>(x: &'a str) -> &'static str").join(" "),
            "fn f < ' a > ( x : & ' a str ) - > & ' static str"
        );
    }

    #[test]
    fn a_word_that_ends_in_r_starts_no_raw_text() {
        assert_eq!(words(r#"for"x" y r#type z"#).join(" "), "for \" \" y r # type z");
    }

    #[test]
    fn lines_are_kept() {
        let text = "a\n/* \n */ \"\n\" b";
        assert_eq!(tokens(&blank(text)).last().map(|token| (token.text, token.line)), Some(("b", 4)));
    }

    #[test]
    fn an_open_comment_or_literal_ends_with_the_file() {
        for text in ["/* a", "/*/", "\"a", "r#\"a\"", "'\\", "\"\\"] {
            assert!(!words(text).iter().any(|word| word == "a"), "{text}");
        }
    }

    #[test]
    fn test_modules_are_cut_out_and_nothing_else() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { c() } }\nfn d() {}\n#[cfg(test)] fn e() {}";
        let blanked = blank(text);
        let all = tokens(&blanked);
        let kept: Vec<&str> = without_tests(&all).iter().map(|token| token.text).collect();
        assert!(kept.contains(&"d") && kept.contains(&"e"));
        assert!(!kept.contains(&"b") && !kept.contains(&"c"));
    }
}
