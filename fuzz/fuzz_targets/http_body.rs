//! Bodies of requests, in every protocol, up to the members of each operation.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kanuki_testkit::fuzz::fuzz_http_body(data);
});
