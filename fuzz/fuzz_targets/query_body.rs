//! Forms, as the operation reads them that they mean.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kanuki_testkit::fuzz::fuzz_query_body(data);
});
