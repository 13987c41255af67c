#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| halfbuilt_fuzz::listing::check(bytes));
