//! What no text of the checkout may hold: leftover markers, trailing space, machine paths, ticket numbers.
//!
//! Not here: spelling and style of prose.
//! Invariant: the samples of this file are built from parts, so that the rules can read their own source.

use super::Finding;
use crate::tree::Tree;

/// Words in capitals that mark unfinished work.
const MARKERS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];

/// Folders of one person's or one machine's disk.
const MACHINE_FOLDERS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// Where the folders of people lie.
const PEOPLE_FOLDER: &str = concat!("/ho", "me/");

/// Words that name an entry of a tracker when a number follows.
const TRACKER_WORDS: &[&str] = &["issue", "ticket", "pull request"];

/// Golden data is kept byte for byte, generated files are not ours to shape.
const UNSHAPED: &[&str] = &["vectors/", "LICENSE"];

/// Unfinished work is not left behind.
pub(super) fn markers(tree: &Tree) -> Vec<Finding> {
    by_line(tree, |line| {
        let found = MARKERS.iter().find(|marker| words(line).any(|word| word == **marker))?;
        Some(format!("finish it or file it; `{found}` does not stay"))
    })
}

/// No line ends with a space.
pub(super) fn trailing_space(tree: &Tree) -> Vec<Finding> {
    let mut found =
        by_line(tree, |line| line.ends_with([' ', '\t', '\r']).then(|| "the line ends with a space".into()));
    found.retain(|finding| !UNSHAPED.iter().any(|prefix| finding.path.starts_with(prefix)));
    found
}

/// No path of one person's machine.
pub(super) fn machine_paths(tree: &Tree) -> Vec<Finding> {
    by_line(tree, |line| {
        let own = MACHINE_FOLDERS.iter().any(|folder| starts_a_path(line, folder).next().is_some());
        let person = starts_a_path(line, PEOPLE_FOLDER).any(names_a_person);
        (own || person).then(|| "a path of one machine does not belong here".into())
    })
}

/// No number of a tracker's entry: the text says itself what it means.
pub(super) fn ticket_numbers(tree: &Tree) -> Vec<Finding> {
    by_line(tree, |line| {
        let line = line.to_lowercase();
        let found = TRACKER_WORDS.iter().any(|word| {
            line.match_indices(word).filter_map(|(at, _)| line.get(at + word.len()..)).any(begins_with_number)
        });
        found.then(|| "say what it is about; a ticket's number tells the reader nothing".into())
    })
}

fn by_line(tree: &Tree, judge: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let mut out = Vec::new();
    for (path, text) in tree.texts() {
        // `lines` would hide a carriage return.
        for (number, line) in text.split('\n').enumerate() {
            out.extend(judge(line).map(|found| Finding::new(path, number + 1, found)));
        }
    }
    out
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// What follows the folder, wherever it begins a path and is not in the middle of one.
fn starts_a_path<'a>(line: &'a str, folder: &'a str) -> impl Iterator<Item = &'a str> {
    line.match_indices(folder).filter_map(move |(at, _)| {
        let before = line.get(..at)?.chars().next_back();
        let inside = before.is_some_and(|c| c.is_alphanumeric() || ".-_*}>~".contains(c));
        if inside { None } else { line.get(at + folder.len()..) }
    })
}

fn names_a_person(rest: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || ".-_".contains(c));
    rest.split_once('/').is_some_and(|(name, _)| is_name(name))
}

/// A number, perhaps behind a space and a number sign; a version with a dot is none.
fn begins_with_number(rest: &str) -> bool {
    let rest = rest.strip_prefix('s').unwrap_or(rest).trim_start_matches([' ', '-', '#']);
    let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    behind.len() < rest.len() && !behind.starts_with(|c: char| c.is_alphanumeric() || c == '.')
        || behind.len() < rest.len() && (behind == "." || behind.starts_with(". "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rule: fn(&Tree) -> Vec<Finding>, text: &str) -> Vec<usize> {
        rule(&Tree::of(&[("docs/a.md", text)])).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_marker_is_found() {
        for marker in MARKERS {
            assert_eq!(found(markers, &format!("fine\n// {marker}: later")), [2]);
            assert_eq!(found(markers, &format!("{marker}S and a{marker}")), [0; 0]);
        }
    }

    #[test]
    fn a_trailing_space_is_found_outside_golden_data() {
        assert_eq!(found(trailing_space, "a \nb\t\nc\r\nd\n"), [1, 2, 3]);
        assert!(trailing_space(&Tree::of(&[("vectors/a.txt", "a \n")])).is_empty());
    }

    #[test]
    fn a_machine_path_is_found() {
        let people = [PEOPLE_FOLDER, "bob/x"].concat();
        for path in [MACHINE_FOLDERS[0], MACHINE_FOLDERS[1], &people] {
            assert_eq!(found(machine_paths, &format!("see `{path}`")), [1], "{path}");
            assert_eq!(found(machine_paths, &format!("bucket{path}")), [0; 0], "{path}");
        }
        assert_eq!(found(machine_paths, &[PEOPLE_FOLDER, "${aws:username}/*"].concat()), [0; 0]);
    }

    #[test]
    fn a_ticket_number_is_found() {
        for (word, number) in
            [("issue", " #12"), ("Issue", " 12."), ("ticket", "-7"), ("issues", " 3, 4"), ("pull request", " 5")]
        {
            assert_eq!(found(ticket_numbers, &[word, number].concat()), [1], "{word}{number}");
        }
        for text in ["issue", "issued 12", "issue a token", "the issue 1.5 has", "issue 2fa"] {
            assert_eq!(found(ticket_numbers, text), [0; 0], "{text}");
        }
    }
}
