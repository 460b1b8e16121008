//! `bench loop [--size N] [--only many|chain|unhealthy] [--subject sluice|flux] [--audit FILE] [--gogc PERCENT]`: the
//! figures of BENCHMARKS.md on a real control plane; the audit log tells who asked its API server for what, and when;
//! `--gogc` has the plane's programs collect garbage less often (Go's own setting is 100). `bench memory`, `bench
//! apiserver` and `bench dev` are files of their own.

mod apiserver;
mod dev;
mod measure;
mod memory;
mod scene;
mod served;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_testkit::subject::Kind;

use self::measure::Figure;
use self::scene::Scene;

/// Who is measured, and where the API server's audit log goes.
pub struct Bench {
    pub kind: Kind,
    pub audit: Option<PathBuf>,
    pub gogc: Option<u32>,
}

impl Bench {
    /// Flux is given the workers of its own benchmark.
    fn concurrent(&self) -> &'static [&'static str] {
        if self.kind == Kind::Flux { &["--concurrent=20"] } else { &[] }
    }
}

pub fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let mut words = arguments.iter();
    match words.next().map(String::as_str) {
        Some("loop") => {}
        Some("apiserver") => return apiserver::run(&arguments[1..]),
        Some("dev") => return dev::run(&arguments[1..]),
        Some("memory") => return memory::run(&arguments[1..]),
        _ => return Err("bench loop, memory, apiserver and dev are all there is".to_owned()),
    }
    let (mut size, mut subject, mut only, mut audit, mut gogc) = (1000, None, None, None, None);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--size" => size = value.parse().map_err(|_| "--size needs a number")?,
            "--subject" => subject = Some(value.clone()),
            "--only" => only = Some(value.clone()),
            "--audit" => audit = Some(PathBuf::from(value)),
            "--gogc" => gogc = Some(value.parse().map_err(|_| "--gogc needs a number")?),
            other => return Err(format!("{other} is not known")),
        }
    }
    let kind = match subject {
        Some(subject) => Kind::parse(&subject)?,
        None => release()?,
    };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let figures = runtime.block_on(measure(&Bench { kind, audit, gogc }, size, only.as_deref()))?;
    for figure in &figures {
        println!("{figure}");
    }
    Ok(if figures.iter().all(Figure::is_met) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What would be shipped, which `cargo xtask bench` has just built.
fn release_program() -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| sluice_testkit::peers::workspace().join("target"), PathBuf::from);
    let program = target.join("release/sluice");
    if program.is_file() { Ok(program) } else { Err(format!("{} is not built", program.display())) }
}

fn release() -> Result<Kind, String> {
    let arguments = vec!["run".to_owned(), "all".to_owned()];
    Ok(Kind::Program { program: release_program()?, arguments })
}

async fn measure(bench: &Bench, size: usize, only: Option<&str>) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    let is_wanted = |what: &str| only.is_none_or(|only| only == what);
    if is_wanted("many") {
        figures.extend(many(bench, size).await?);
    }
    if is_wanted("chain") {
        figures.push(chain(bench).await?);
    }
    if is_wanted("unhealthy") {
        figures.extend(unhealthy(bench).await?);
    }
    if figures.is_empty() {
        return Err("--only is many, chain or unhealthy".to_owned());
    }
    Ok(figures)
}

/// Many at once, then one of them with nothing to do.
async fn many(bench: &Bench, size: usize) -> Result<Vec<Figure>, String> {
    let scene = Scene::set(bench, bench.concurrent(), size, 0).await?;
    let (begun, others) = (scene.usage(), scene.others());
    let requests = scene.requests().await;
    let took = scene.create_and_wait(0..size, |_| json!({})).await?;
    let (used, after) = (scene.usage(), scene.others());
    let sent = scene.requests().await - requests;
    let scale = size as f64 / 1000.0;
    let seconds = used.processor_seconds - begun.processor_seconds;
    let mut figures = vec![
        Figure::seconds(&format!("{size} Kustomizations, creation to all Ready"), took, 40.0 * scale),
        Figure::new("controllers' peak memory", used.peak_memory_mib, "MiB", 120.0),
        Figure::new("controllers' processor time", seconds, "s", 10.0 * scale),
        Figure::new("requests", sent, "", 17_500.0 * scale),
    ];
    for ((name, before), (_, after)) in others.iter().zip(after) {
        figures.push(Figure::new(&format!("processor time of {name}"), after - before, "s", f64::INFINITY));
    }
    figures.extend(scene.nothing_to_do(0).await?);
    Ok(figures)
}

/// Ten in a row by `dependsOn`, created last first.
async fn chain(bench: &Bench) -> Result<Figure, String> {
    let scene = Scene::set(bench, bench.concurrent(), 10, 0).await?;
    let after =
        |at: usize| if at == 0 { json!({}) } else { json!({"dependsOn": [{"name": scene::name(at - 1)}]}) };
    let took = scene.create_and_wait((0..10).rev(), after).await?;
    Ok(Figure::new("a hop of a chain of 10", took.as_secs_f64() * 1000.0 / 10.0, "ms", 200.0))
}

/// What those that never get healthy cost the others.
async fn unhealthy(bench: &Bench) -> Result<Vec<Figure>, String> {
    let healthy = {
        let scene = Scene::set(bench, &[], 117, 0).await?;
        scene.create_and_wait(0..117, |_| json!({})).await?
    };
    let scene = Scene::set(bench, &[], 128, 11).await?;
    let others = scene.create_and_wait_for(0..128, |_| json!({}), 11).await?;
    let bar = healthy.as_secs_f64() * 1.1;
    Ok(vec![
        Figure::seconds("117 Kustomizations alone", healthy, f64::INFINITY),
        Figure::seconds("the same beside 11 that never get healthy", others, bar),
    ])
}

/// Where waiting is given up.
const PATIENCE: Duration = Duration::from_mins(20);

/// An application of four objects, healthy at once or never.
fn application(name: &str, is_healthy: bool) -> Vec<Value> {
    let labels = json!({"app": name});
    vec![
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "replicas": usize::from(!is_healthy),
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "example.com/app:1"}]}},
        }}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name},
        "spec": {"rules": [{"host": format!("{name}.example.com"), "http": {"paths": [{
            "path": "/", "pathType": "Prefix",
            "backend": {"service": {"name": name, "port": {"name": "http"}}},
        }]}}]}}),
    ]
}
