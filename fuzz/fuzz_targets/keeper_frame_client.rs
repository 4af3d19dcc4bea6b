//! What the server reads from its keeper.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kanuki_testkit::fuzz::fuzz_keeper_frame_client(data);
});
