//! Attestation documents, and payloads in an envelope that is right.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kanuki_testkit::fuzz::fuzz_attestation(data);
});
