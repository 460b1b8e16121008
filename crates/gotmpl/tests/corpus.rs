//! Every recorded template, compared with what the reference printed or failed with.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // tests

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sluice_budget::Budget;
use sluice_gotmpl::{Context, Functions, Hooks, MissingKey, Templates, Value};

/// The system's time zones; Go reads the same.
struct Zones;

impl Hooks for Zones {
    fn zone(&self, name: &str) -> Option<jiff::tz::TimeZone> {
        jiff::tz::TimeZone::get(name).ok()
    }
}

fn render(text: &[u8], data: &Value, now: &jiff::Zoned, plain: bool) -> Result<Vec<u8>, String> {
    let (functions, missing_key) =
        if plain { (Functions::Text, MissingKey::Invalid) } else { (Functions::Helm, MissingKey::Zero) };
    let mut templates = Templates::new(functions, missing_key);
    templates.parse("x", text).map_err(|error| error.to_string())?;
    let budget = Budget::new(50_000_000, 1 << 28, 1200);
    let state = std::cell::Cell::new(1_u64);
    let random = |bytes: &mut [u8]| {
        for byte in bytes {
            state.set(state.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
            *byte = (state.get() >> 33) as u8;
        }
    };
    let cx = Context { budget: &budget, now: now.clone(), random: &random, hooks: &Zones, lint: false };
    let mut out = Vec::new();
    templates.execute("x", data, &mut out, &cx).map_err(|error| error.to_string())?;
    Ok(out)
}

fn base64(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.bytes().filter(|b| *b != b'=') {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
            .iter()
            .position(|b| *b == byte)
            .unwrap();
        bits = bits << 6 | u32::try_from(value).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xff) as u8);
        }
    }
    out
}

/// Known differences: the template, then why.
fn known() -> BTreeMap<String, String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/differs.toml");
    std::fs::read_to_string(path)
        .unwrap_or_default()
        .lines()
        .filter_map(|line| {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                return None;
            }
            // Keys are templates as JSON strings, so that any text fits on a line.
            let mut values = serde_json::Deserializer::from_str(line).into_iter::<serde_json::Value>();
            let key = values.next()?.ok()?.as_str()?.to_owned();
            let reason = line[values.byte_offset()..].trim_start_matches([' ', '=']).to_owned();
            Some((key, reason))
        })
        .collect()
}

fn compare() {
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus"));
    let known = known();
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    let (mut agree, mut differ, mut report, mut agreeing_known) = (0, 0, String::new(), Vec::new());
    for path in files {
        if path.ends_with("certificates.jsonl") && !cfg!(feature = "certificates") {
            println!("certificates are skipped without their feature");
            continue;
        }
        let mut data = serde_json::Value::Null;
        let mut now = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            if let Some(given) = record.get("data") {
                data = given.clone();
                let told: jiff::Timestamp = record["now"].as_str().unwrap().parse().unwrap();
                now = told.to_zoned(jiff::tz::TimeZone::UTC);
                continue;
            }
            let text = record["t"].as_str().unwrap();
            let want = match (record["o"].as_str(), record["b"].as_str()) {
                (Some(out), _) => Ok(out.as_bytes().to_vec()),
                (None, Some(out)) => Ok(base64(out)),
                _ => Err(record["e"].as_str().unwrap().to_owned()),
            };
            let got = render(text.as_bytes(), &Value::from_json(&data), &now, record["p"] == true);
            if got == want {
                agree += 1;
                if known.contains_key(text) {
                    agreeing_known.push(text.to_owned());
                }
                continue;
            }
            differ += 1;
            if known.contains_key(text) {
                continue;
            }
            let show = |result: &Result<Vec<u8>, String>| match result {
                Ok(out) => format!("ok  {:?}", String::from_utf8_lossy(out)),
                Err(error) => format!("err {error}"),
            };
            writeln!(report, "{text:?}\n  want {}\n  got  {}", show(&want), show(&got)).unwrap();
        }
    }
    println!("{agree} agree, {differ} differ, {} of them known", known.len());
    if let Some(path) = option_env!("GOTMPL_REPORT") {
        std::fs::write(path, &report).unwrap();
    }
    assert!(agreeing_known.is_empty(), "no longer different: {agreeing_known:?}");
    let count = report.lines().count() / 3;
    assert!(
        report.is_empty(),
        "{count} differ, the first of them:\n{}",
        report.lines().take(60).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn every_recorded_template_agrees_with_the_reference() {
    std::thread::Builder::new().stack_size(256 << 20).spawn(compare).unwrap().join().unwrap();
}
