//! The serialisation of the encryption context.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kanuki_testkit::fuzz::fuzz_encryption_context(data);
});
