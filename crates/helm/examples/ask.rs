//! Renders charts one after another in one process, JSON lines in and JSON lines out, as `peers/ask/charts` does with
//! Helm's engine; `cargo xtask fuzz helm` compares the two.

#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};
use std::panic::AssertUnwindSafe;

use serde_json::{Map, Value, json};
use sluice_helm::build;
use sluice_helm::capabilities::Capabilities;
use sluice_helm::chart::{Chart, File, Limits};
use sluice_helm::family::Family;
use sluice_helm::manifest;
use sluice_helm::render::{ReleaseOptions, RenderCache, RenderOptions, render_cached};
use sluice_helm::schema;
use sluice_helm::values::as_floats;
use sluice_helm::values::graph::from_map;

/// The system's time zones; Go reads the same.
struct Zones;

impl sluice_gotmpl::Hooks for Zones {
    fn zone(&self, name: &str) -> Option<jiff::tz::TimeZone> {
        jiff::tz::TimeZone::get(name).ok()
    }
}

fn main() {
    std::thread::Builder::new().stack_size(build::STACK).spawn(run).unwrap().join().unwrap();
}

fn run() {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let mut cache = RenderCache::once();
        let told = match std::panic::catch_unwind(AssertUnwindSafe(|| answer(&asked, &mut cache))) {
            Ok(Ok(files)) => match asked.get("sort").and_then(Value::as_str) {
                Some(part) => sorted(files, part, &mut cache),
                None => json!({"o": files}),
            },
            Ok(Err(error)) => json!({"e": error}),
            Err(_) => json!({"e": "our engine panicked"}),
        };
        serde_json::to_writer(&mut out, &told).unwrap();
        out.write_all(b"\n").unwrap();
        out.flush().unwrap();
    }
}

/// What was printed, and what a release would hold of the files whose path holds `part`.
fn sorted(files: BTreeMap<String, String>, part: &str, cache: &mut RenderCache) -> Value {
    let chosen = files.iter().filter(|(name, _)| name.contains(part));
    let chosen = chosen.map(|(name, text)| (name.clone(), text.clone())).collect();
    match manifest::sort_rendered(chosen, manifest::INSTALL_ORDER, cache) {
        Err(error) => json!({"o": files, "s": error.to_string()}),
        Ok(sorted) => {
            let manifests: Vec<_> = sorted
                .manifests
                .iter()
                .map(|one| [&one.name, &one.api_version, &one.kind, &one.content])
                .collect();
            let hooks = sorted.hooks.iter().map(|hook| {
                let events: Vec<&str> = hook.events.iter().map(|event| event.as_str()).collect();
                let (delete, log) = (hook.delete_policies.join(" "), hook.output_log_policies.join(" "));
                let rest = format!("[{}] {} [{delete}] [{log}]", events.join(" "), hook.weight);
                [hook.path.clone(), hook.kind.clone(), hook.name.clone(), hook.manifest.clone(), rest]
            });
            json!({"o": files, "m": manifests, "h": hooks.collect::<Vec<_>>()})
        }
    }
}

fn answer(asked: &Value, cache: &mut RenderCache) -> Result<BTreeMap<String, String>, String> {
    let file = |(name, text): (&String, &Value)| File {
        name: name.clone(),
        data: text.as_str().unwrap().as_bytes().to_vec().into(),
        modified: None,
    };
    let files = asked["files"].as_object().unwrap().iter().map(file).collect();
    let chart = Chart::load(files, &Limits::default()).map_err(|error| error.to_string())?;
    let mut values = asked.get("values").cloned().unwrap_or(Value::Object(Map::new()));
    as_floats(&mut values);
    let given = from_map(values.as_object().unwrap());
    let mut family = Family::new(&chart);
    family
        .process_dependencies(&given)
        .map_err(|error| format!("chart dependencies processing failed: {error}"))?;
    let coalesced = family.coalesce(&given).map_err(|error| error.to_string())?;
    schema::validate(&family, &coalesced).map_err(|error| {
        format!("values don't meet the specifications of the schema(s) in the following chart(s):\n{error}")
    })?;
    let random = |bytes: &mut [u8]| {
        use std::io::Read as _;
        std::fs::File::open("/dev/urandom").and_then(|mut source| source.read_exact(bytes)).unwrap();
    };
    let capabilities = Capabilities::default();
    let budget = build::budget();
    let options = RenderOptions {
        release: ReleaseOptions {
            name: "rel".to_owned(),
            namespace: "default".to_owned(),
            revision: 1,
            is_upgrade: false,
        },
        capabilities: &capabilities,
        budget: &budget,
        now: jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC),
        random: &random,
        hooks: &Zones,
        strict: false,
        lint: false,
    };
    render_cached(&family, &coalesced, &options, cache).map_err(|error| error.to_string())
}
