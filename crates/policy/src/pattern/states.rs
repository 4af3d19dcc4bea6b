//! Matching by all positions at once, 64 of them in a word: for patterns that need it, and for those made to cost much.
//!
//! Not here: cutting patterns. Invariants: work is at most the length of the value times a 64th of the pattern's; memory
//! is at most proportional to the pattern.

use std::collections::BTreeMap;

use super::Piece;

/// Whether the pieces make up the whole value; `fold` gives the form in which characters are compared.
pub(super) fn matches<'p>(pieces: impl Iterator<Item = Piece<'p>>, value: &str, fold: fn(char) -> char) -> bool {
    let units = Units::new(pieces, fold);
    let mut states = vec![0; units.runs.len()];
    set(&mut states, 0);
    pass_runs(&mut states, &units.runs);
    for c in value.chars() {
        states = units.after(&states, fold(c));
        if states.iter().all(|word| *word == 0) {
            return false;
        }
    }
    has(&states, units.length)
}

/// A pattern as sets of places: place n stands before its unit n, and the last place behind all units.
struct Units {
    length: usize,
    /// Where one character of any kind is taken.
    ones: Vec<u64>,
    /// Where one character but a colon is taken.
    bound_ones: Vec<u64>,
    /// Where any number is taken.
    runs: Vec<u64>,
    /// Those of them that take colons too.
    free_runs: Vec<u64>,
    /// Where each character is taken for itself.
    texts: BTreeMap<char, Places>,
}

/// Places of one character: a list while that is shorter than a set.
enum Places {
    Few(Vec<usize>),
    Many(Vec<u64>),
}

enum Unit {
    Char(char),
    One { colon: bool },
    Run { colon: bool },
}

impl Units {
    fn new<'p>(pieces: impl Iterator<Item = Piece<'p>>, fold: fn(char) -> char) -> Self {
        let mut units = Vec::new();
        for piece in pieces {
            match (piece, units.last_mut()) {
                (Piece::Text(text), _) => units.extend(text.chars().map(|c| Unit::Char(fold(c)))),
                (Piece::One { colon }, _) => units.push(Unit::One { colon }),
                // Two runs side by side are one.
                (Piece::Run { colon: true }, Some(Unit::Run { colon })) => *colon = true,
                (Piece::Run { .. }, Some(Unit::Run { .. })) => {}
                (Piece::Run { colon }, _) => units.push(Unit::Run { colon }),
            }
        }
        let empty = || vec![0; units.len() / WORD_BITS + 1];
        let (mut ones, mut bound_ones, mut runs, mut free_runs) = (empty(), empty(), empty(), empty());
        let mut lists: BTreeMap<char, Vec<usize>> = BTreeMap::new();
        for (place, unit) in units.iter().enumerate() {
            match unit {
                Unit::Char(c) => lists.entry(*c).or_default().push(place),
                Unit::One { colon: true } => set(&mut ones, place),
                Unit::One { colon: false } => set(&mut bound_ones, place),
                Unit::Run { colon } => {
                    set(&mut runs, place);
                    if *colon {
                        set(&mut free_runs, place);
                    }
                }
            }
        }
        let places = |list: Vec<usize>| {
            if list.len() <= runs.len() {
                return Places::Few(list);
            }
            let mut all = empty();
            list.into_iter().for_each(|place| set(&mut all, place));
            Places::Many(all)
        };
        let texts = lists.into_iter().map(|(c, list)| (c, places(list))).collect();
        Self { length: units.len(), ones, bound_ones, runs, free_runs, texts }
    }

    /// The places that are reached when one more character is read.
    fn after(&self, states: &[u64], c: char) -> Vec<u64> {
        let is_colon = c == ':';
        let stays = if is_colon { &self.free_runs } else { &self.runs };
        let of_char = self.texts.get(&c);
        let mut next = Vec::with_capacity(states.len());
        let mut carried = 0;
        for (word, state) in states.iter().enumerate() {
            let of = |set: &[u64]| set.get(word).copied().unwrap_or_default();
            let bound = if is_colon { 0 } else { of(&self.bound_ones) };
            let text = if let Some(Places::Many(set)) = of_char { of(set) } else { 0 };
            let moved = state & (of(&self.ones) | bound | text);
            next.push((moved << 1) | carried | (state & of(stays)));
            carried = moved >> (WORD_BITS - 1);
        }
        if let Some(Places::Few(list)) = of_char {
            list.iter().filter(|place| has(states, **place)).for_each(|place| set(&mut next, place + 1));
        }
        pass_runs(&mut next, &self.runs);
        next
    }
}

/// Reaches the places behind runs, which may take nothing. No two runs stand side by side.
fn pass_runs(states: &mut [u64], runs: &[u64]) {
    let mut carried = 0;
    for (state, runs) in states.iter_mut().zip(runs) {
        let passed = *state & runs;
        *state |= (passed << 1) | carried;
        carried = passed >> (WORD_BITS - 1);
    }
}

fn has(set: &[u64], place: usize) -> bool {
    set.get(place / WORD_BITS).is_some_and(|word| (word >> (place % WORD_BITS)) & 1 == 1)
}

fn set(set: &mut [u64], place: usize) {
    if let Some(word) = set.get_mut(place / WORD_BITS) {
        *word |= 1 << (place % WORD_BITS);
    }
}

const WORD_BITS: usize = 64;
