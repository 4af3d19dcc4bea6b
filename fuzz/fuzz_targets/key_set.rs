//! Sets of keys of identity providers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kanuki_testkit::fuzz::fuzz_key_set(data);
});
