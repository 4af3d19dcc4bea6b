//! Advice about policies, and showing them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kanuki_testkit::fuzz::fuzz_policy_findings(data);
});
