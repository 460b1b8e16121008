//! Any bytes as a packed chart, and as the files that a chart begins with.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sluice_helm::chart::{Chart, File, Limits};

fuzz_target!(|data: &[u8]| {
    let limits = Limits { archive_bytes: 1 << 20, file_bytes: 1 << 18, files: 100, ..Limits::default() };
    let _ = Chart::load_archive(data, &limits);
    let (first, rest) = data.split_at(data.len() / 2);
    let file = |name: &str, data: &[u8]| File {
        name: name.into(),
        data: Bytes::copy_from_slice(data),
        modified: None,
    };
    let chartfile = b"apiVersion: v2\nname: app\nversion: 1.0.0\n";
    let _ = Chart::load(vec![file("Chart.yaml", first), file("values.yaml", rest)], &limits);
    let _ = Chart::load(
        vec![file("Chart.yaml", chartfile), file("values.yaml", first), file("Chart.lock", rest)],
        &limits,
    );
});
