//! The form of messages: what fits, what is left out, and what is none.

use super::*;
use crate::decisions::{
    StatementNote,
    samples::{KEY, decision, demand},
};

#[test]
fn a_decision_comes_back_as_it_was() {
    let whole = decision(vec![demand(KEY)]);
    let packed = pack(whole.clone()).unwrap();
    assert_eq!(unpack(&packed), Some(whole));
}

/// What any version packed is read for ever; this was written by another implementation of DEFLATE.
#[test]
fn the_first_form_is_still_read() {
    let packed = URL_SAFE_NO_PAD.decode(FIRST_FORM).unwrap();
    assert_eq!(unpack(&packed), Some(decision(Vec::new())));
}

const FIRST_FORM: &str = "AV2Py2rDQAxFf8VoPSaJ00XRzpAsTFrIJlAoXYixmg6dhzsaY9LSf6_ipA96Fxp0OVfSfEDmt5GldD0gLK-\
     q53JzLrff7VUrMFBcYMClgTRwpuJS1OxrENywzaehKJL5eLFHqScdXzdqDtlF6wby6lOOSJOgo4C4UjWqtQpH4bwoTGFB3ln-\
     m5uPbLtNu31o7_d3299HKbKWRXZ8ulC77h_VrM-\
     Q92liBZ7JCxsIGqGj_gYOuhareWXlpIqpVDSWl5Tdu_IGeg4UewF8fDIg6heOP4M-vwA";

#[test]
fn nothing_else_is_read() {
    let packed = pack(decision(vec![demand(KEY)])).unwrap();
    for at in 0..packed.len() {
        assert_eq!(unpack(&packed[..at]), None, "{at}");
    }
    let other_version = [&[FORMAT + 1], &packed[1..]].concat();
    let of = |json: &[u8]| [[FORMAT].as_slice(), &compress_to_vec(json, 6)].concat();
    let bomb = of(&vec![b' '; UNPACKED_BYTES_MAX + 1]);
    assert!(bomb.len() < 1000, "short, and long when it is unpacked");
    for wrong in [other_version, bomb, of(b"{}"), of(b""), of(br#"{"requestId":1}"#), vec![FORMAT], Vec::new()] {
        assert_eq!(unpack(&wrong), None, "{wrong:?}");
    }
}

/// Whatever a decision holds, its message is short; what is left out of it is said.
#[test]
fn a_long_decision_is_shortened_and_says_so() {
    for (statements, noise) in [(1, 0), (40, 20), (400, 20), (3, 4000), (2000, 200)] {
        let mut long = demand(KEY);
        let pattern = long.documents[0].statements[1].clone();
        long.documents[0].statements.extend((0..statements).map(|index| StatementNote {
            index,
            sid: Some(noise_of(index, noise)),
            action: false,
            ..pattern.clone()
        }));
        let packed = pack(decision(vec![long.clone()])).unwrap();
        assert!(packed.len() <= PACKED_BYTES_MAX);
        assert!(URL_SAFE_NO_PAD.encode(vec![0; packed.len() + SEALED_OVERHEAD]).len() <= MESSAGE_CHARS_MAX);
        let read = unpack(&packed).unwrap();
        let is_whole = read.demands == [long];
        assert_eq!(read.shortened, !is_whole, "{statements} {noise}");
        assert_eq!(is_whole, statements == 1 || (statements, noise) == (40, 20), "{statements} {noise}");
        let kept = &read.demands[0].documents[0].statements;
        assert_eq!(kept[0].sid.as_deref(), Some("NotHere"), "what decided stays");
    }
}

/// Also names that nothing can shorten leave room for something.
#[test]
fn the_longest_names_fit_somehow() {
    let mut longest = decision(vec![demand(&format!("{KEY}{}", noise_of(1, 2048)))]);
    longest.principal = format!("arn:aws:iam::111122223333:user{}/{}", noise_of(2, 512), noise_of(3, 64));
    longest.message = Some(noise_of(4, 6000));
    let read = unpack(&pack(longest.clone()).unwrap()).unwrap();
    assert!(read.shortened);
    assert_eq!((read.principal, read.operation), (longest.principal, longest.operation));
}

/// Characters that do not compress well.
fn noise_of(seed: usize, length: usize) -> String {
    let mut state = seed as u64 + 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap())
    };
    (0..length).map(next).map(|c| if c == '"' || c == '\\' { 'x' } else { c }).collect()
}

#[test]
fn services_that_hand_it_out_in_their_text_say_what_it_is() {
    let message = AuthorizationMessage("abc".into());
    assert_eq!(message.sentence(), "Encoded authorization failure message: abc");
}
