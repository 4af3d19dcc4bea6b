//! Tokens of identity providers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kanuki_testkit::fuzz::fuzz_web_token(data);
});
