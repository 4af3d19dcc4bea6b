//! Patterns against values, and against a table oracle.

use proptest::prelude::*;

use super::*;
use crate::facts::FactMap;

const GLOB: Language = Language { variables: false, wildcards: true };

fn glob(pattern: &str, value: &str) -> bool {
    Pattern::new(pattern, GLOB).matches(value, &FactMap::new())
}

fn resource(pattern: &str, value: &str) -> bool {
    Pattern::resource(pattern, false).matches(value, &FactMap::new())
}

/// The rule as a table: does `units[..i]` match `value[..j]`?
fn oracle(units: &[(char, bool)], value: &str, ignore_case: bool) -> bool {
    let value: Vec<char> = value.chars().collect();
    let mut table = vec![vec![false; value.len() + 1]; units.len() + 1];
    table[0][0] = true;
    for (i, &(unit, colon)) in units.iter().enumerate() {
        for j in 0..=value.len() {
            let inside = |c: char| colon || c != ':';
            table[i + 1][j] = match unit {
                '*' => table[i][j] || (j > 0 && table[i + 1][j - 1] && inside(value[j - 1])),
                '?' => j > 0 && table[i][j - 1] && inside(value[j - 1]),
                c if ignore_case => j > 0 && table[i][j - 1] && c.eq_ignore_ascii_case(&value[j - 1]),
                c => j > 0 && table[i][j - 1] && c == value[j - 1],
            };
        }
    }
    table[units.len()][value.len()]
}

/// Which units of a Resource pattern may take colons, written down once more from the rule.
fn resource_units(pattern: &str) -> Vec<(char, bool)> {
    let chars: Vec<char> = pattern.chars().collect();
    let unit = |at: usize| {
        let sixth = chars[..at].iter().filter(|c| **c == ':').count() >= 5;
        let last = chars[at] == '*' && matches!(chars.get(at + 1), None | Some(':'));
        (chars[at], sixth || last)
    };
    (0..chars.len()).map(unit).collect()
}

proptest! {
    #[test]
    fn globs_equal_the_oracle(pattern in "[ab*?:é]{0,12}", value in "[ab:é]{0,12}") {
        let units: Vec<_> = pattern.chars().map(|c| (c, true)).collect();
        prop_assert_eq!(glob(&pattern, &value), oracle(&units, &value, false));
    }

    #[test]
    fn globs_that_ignore_case_equal_the_oracle(pattern in "[aBé*?]{0,10}", value in "[abABé]{0,10}") {
        let units: Vec<_> = pattern.chars().map(|c| (c, true)).collect();
        let found = Pattern::new(&pattern, GLOB).matches_ignoring_case(&value);
        prop_assert_eq!(found, oracle(&units, &value, true));
    }

    #[test]
    fn resource_patterns_equal_the_oracle(pattern in "[ab*?:]{0,14}", value in "[ab:]{0,14}") {
        prop_assert_eq!(resource(&pattern, &value), oracle(&resource_units(&pattern), &value, false));
    }

    /// Both matchers give the same answer where both may be used.
    #[test]
    fn states_equal_last_run(pattern in "[ab*?:]{0,14}", value in "[ab:]{0,14}") {
        let facts = FactMap::new();
        let pattern = Pattern::resource(&pattern, false);
        let pieces = pattern.resolve(&facts).unwrap();
        if !pattern.needs_states {
            prop_assert_eq!(Some(pieces.matches_by_states::<Exact>(&value)), pieces.matches_by_last_run::<Exact>(&value));
        }
    }

    /// Also over the ends of words, and ignoring case.
    #[test]
    fn states_equal_the_oracle(pattern in "[aBé*?:]{0,200}", value in "[aAbBé:]{0,200}") {
        let units: Vec<_> = pattern.chars().map(|c| (c, true)).collect();
        let facts = FactMap::new();
        let compiled = Pattern::new(&pattern, GLOB);
        let pieces = compiled.resolve(&facts).unwrap();
        prop_assert_eq!(pieces.matches_by_states::<Exact>(&value), oracle(&units, &value, false));
        prop_assert_eq!(pieces.matches_by_states::<IgnoreAsciiCase>(&value), oracle(&units, &value, true));
    }
}

#[test]
fn a_stopped_run_behind_a_free_one_needs_all_states() {
    // The first `*` has to take more than its earliest end, or the second would meet the colon.
    let pattern = Pattern::resource("a*:b*c:d", false);
    assert!(pattern.needs_states);
    assert!(resource("a*:b*c:d", "ax:b:bc:d"));
    assert!(!resource("a*:b*c:d", "ax:b:c:e"));
}

#[test]
fn values_of_variables_are_literal() {
    let facts: FactMap = [("a:b", "*?${a:b}")].into_iter().collect();
    let pattern = Pattern::new("${a:b}*", Language { variables: true, wildcards: true });
    assert!(pattern.matches("*?${a:b}x", &facts));
    assert!(!pattern.matches("abc", &facts));
}

#[test]
fn patterns_that_go_back_too_often_are_followed_by_all_positions() {
    for (pattern, value, expected) in [
        (format!("*{}b", "?a".repeat(2_000)), "xa".repeat(4_000), false),
        (format!("*{}b", "?a".repeat(2_000)), "xa".repeat(4_000) + "b", true),
        (format!("*{}b", "?".repeat(4_000)), "x".repeat(8_000), false),
        (format!("*{}b*", "a".repeat(300)), "a".repeat(20_000), false),
    ] {
        let facts = FactMap::new();
        let compiled = Pattern::new(&pattern, GLOB);
        assert_eq!(compiled.resolve(&facts).unwrap().matches_by_last_run::<Exact>(&value), None, "{expected}");
        assert_eq!(compiled.matches(&value, &facts), expected);
    }
}

#[test]
fn crafted_patterns_are_fast() {
    // Exponential work would never end here, and cubic work would take minutes.
    let stars = "*a".repeat(2_000);
    let value = "a".repeat(1_999) + "b";
    assert!(!glob(&stars, &value));
    assert!(!resource(&format!("x*:{stars}"), &format!("x:{value}")));
}
