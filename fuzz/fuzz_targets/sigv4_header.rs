//! What claims to be a signature, in header or query.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kanuki_testkit::fuzz::fuzz_sigv4_header(data);
});
