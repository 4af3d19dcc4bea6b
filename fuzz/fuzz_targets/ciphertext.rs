//! The layout of symmetric ciphertexts.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kanuki_testkit::fuzz::fuzz_ciphertext(data);
});
