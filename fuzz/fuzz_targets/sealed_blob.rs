//! Sealed blobs, offered to a real keeper.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kanuki_testkit::fuzz::fuzz_sealed_blob(data);
});
