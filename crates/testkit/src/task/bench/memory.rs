//! `bench memory [--size N] [--budget SIZE]`: N Kustomizations, half of them large, in 40 repositories, under a memory
//! budget: all get Ready, and the controllers never have more than 1.3 times the budget.

use std::process::ExitCode;
use std::time::Instant;

use futures::StreamExt;
use serde_json::Value;
use sluice_testkit::api::Api;
use sluice_testkit::mixed::Mixed;
use sluice_testkit::plane::{Options as PlaneOptions, Plane};
use sluice_testkit::subject::{Options, Subject};
use sluice_testkit::trace::replay::Stage;

use super::measure::Figure;
use super::scene::ready_after;
use super::{PATIENCE, release};

const NS: &str = "bench";
const GROUPS: usize = 40;
/// The objects of a large one together.
const LARGE: usize = 300 << 10;
const AT_A_TIME: usize = 16;

pub fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let (mut size, mut budget) = (2000, 256_u32);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--size" => size = value.parse().map_err(|_| "--size needs a number")?,
            "--budget" => {
                let mib = value.strip_suffix("Mi").and_then(|mib| mib.parse().ok());
                budget = mib.ok_or("--budget needs an amount such as 128Mi")?;
            }
            other => return Err(format!("{other} is not known")),
        }
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let figures = runtime.block_on(measure(size, budget))?;
    for figure in &figures {
        println!("{figure}");
    }
    Ok(if figures.iter().all(Figure::is_met) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(size: usize, budget: u32) -> Result<Vec<Figure>, String> {
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    let kind = release()?;
    let mixed = Mixed::make(GROUPS, size / GROUPS, LARGE).map_err(|error| failed(&error))?;
    let plane = tokio::task::block_in_place(|| Plane::start(&PlaneOptions::default()));
    let plane = plane.map_err(|error| failed(&error))?;
    Stage::prepare(&plane, &kind).await?;
    let flags = vec![format!("--memory-budget={budget}Mi")];
    let options = Options { flags, ..Options::default() };
    let mut subject = Subject::start(&kind, &plane, &options).map_err(|error| failed(&error))?;
    let api = plane.api();
    api.create_namespace(NS).await.map_err(|error| failed(&error))?;
    let begun = Instant::now();
    create(&api, "source.toolkit.fluxcd.io/v1", "GitRepository", mixed.sources()).await?;
    let kustomizations = mixed.kustomizations(NS);
    let count = kustomizations.len();
    let collection = create(&api, "kustomize.toolkit.fluxcd.io/v1", "Kustomization", kustomizations).await?;
    let took = tokio::time::timeout(PATIENCE, ready_after(api, collection, count, begun)).await;
    let took = took.map_err(|_| format!("not Ready in time; {:?}", subject.ended()))?;
    let used = subject.usage();
    let most = f64::from(budget) * 1.3;
    let seconds = used.processor_seconds;
    let ended = subject.ended();
    Ok(vec![
        Figure::seconds(
            &format!("{count} Kustomizations, half of them large, to all Ready"),
            took,
            f64::INFINITY,
        ),
        Figure::new(&format!("peak memory with a budget of {budget} MiB"), used.peak_memory_mib, "MiB", most),
        Figure::new("processor time", seconds, "s", f64::INFINITY),
        Figure::new("controllers that ended", f64::from(u8::from(ended.is_some())), "", 0.0),
    ])
}

/// Creates objects; gives the path of their collection.
async fn create(api: &Api, version: &str, kind: &str, objects: Vec<Value>) -> Result<String, String> {
    let resource = api.resource(version, kind).await.map_err(|error| error.to_string())?;
    let collection = resource.path(Some(NS), None);
    let created = futures::stream::iter(objects).map(|object| {
        let (api, collection) = (api.clone(), collection.clone());
        async move { api.create(&collection, &object).await.map(|_| ()) }
    });
    let results: Vec<_> = created.buffered(AT_A_TIME).collect().await;
    for result in results {
        result.map_err(|error| error.to_string())?;
    }
    Ok(collection)
}
