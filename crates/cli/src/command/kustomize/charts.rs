//! Charts of kustomizations, rendered by our Helm engine: from the files beside them, or from a chart repository.

use std::sync::Arc;

use sluice_gotmpl::{Context, Functions, MissingKey, NoHooks, Templates, Value};
use sluice_helm::build;
use sluice_helm::chart::{Chart, Limits, archive, folder};
use sluice_helm::command::Environment;
use sluice_helm::command::template::{TemplateArgs, template};
use sluice_helm::index::Index;
use sluice_helm::values::options::Options;
use sluice_kustomize::file::HelmChart;
use sluice_kustomize::{Ask, ChartRequest, Charts};
use sluice_tree::{Memory, Tree};

use super::remote;
use crate::command::helm::source;

/// What the flags say to all charts.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub api_versions: Vec<String>,
    pub kube_version: Option<String>,
    pub debug: bool,
}

pub struct LocalCharts<'a> {
    pub wanted: &'a Wanted,
    pub offline: bool,
    /// The engine's thread is not one of the runtime's: it may wait there for a fetch.
    pub runtime: tokio::runtime::Handle,
}

impl LocalCharts<'_> {
    fn fetch(&self, address: &str) -> Result<bytes::Bytes, String> {
        let bases = remote::bases();
        self.runtime.block_on(async {
            let mut answering = bases.answering();
            answering.answer(vec![Ask::File(address.to_owned())]).await.map_err(|error| error.to_string())?;
            answering.answers().files.get(address).cloned().unwrap_or_else(|| Err("not fetched".to_owned()))
        })
    }
}

impl Charts for LocalCharts<'_> {
    fn pull(&self, chart: &HelmChart) -> Result<Arc<dyn Tree>, String> {
        let (name, repo) = (&chart.name, chart.repo.trim_end_matches('/'));
        let refused = |why: &str| {
            Err(format!(
                "chart {name} of {repo} is not among the files, and {why}: put it into the chart home"
            ))
        };
        if self.offline {
            return refused("--offline fetches nothing");
        }
        if !repo.starts_with("https://") && !repo.starts_with("http://") {
            return refused("only repositories over HTTP are fetched");
        }
        let told = |error: String| format!("chart {name} of {repo}: {error}");
        let index = self.fetch(&format!("{repo}/index.yaml")).map_err(told)?;
        let index = Index::load(&index).map_err(|error| told(error.to_string()))?;
        let version = if chart.version.is_empty() && chart.devel { ">0.0.0-0" } else { &chart.version };
        let found = index.choose(name, version).map_err(|error| told(error.to_string()))?;
        let Some(url) = found.urls.iter().flatten().next() else {
            return Err(told("the index names no address".to_owned()));
        };
        let url = if url.contains("://") { url.clone() } else { format!("{repo}/{url}") };
        let data = self.fetch(&url).map_err(told)?;
        archive::check_content(&url, &data).map_err(|error| told(error.to_string()))?;
        let mut tree = Memory::default();
        for file in archive::unpack(&data, &Limits::default()).map_err(|error| told(error.to_string()))? {
            tree.insert(&file.name, file.data).map_err(|error| told(error.to_string()))?;
        }
        Ok(Arc::new(tree))
    }

    fn render(&self, request: &ChartRequest<'_>) -> Result<String, String> {
        let chart = request.chart;
        let loaded = folder::load(request.tree, request.path, &Limits::default());
        let loaded: Chart = loaded.map_err(|error| error.to_string())?;
        let files = request.values.iter().map(|(name, text)| (name.clone(), text.to_vec())).collect();
        let values = Options { files, ..Options::default() };
        let values = values
            .merge(&|name| Err(format!("open {name}: no such file or directory")))
            .map_err(|error| error.to_string())?;
        let kube_version = Some(chart.kube_version.clone()).filter(|version| !version.is_empty());
        let (budget, random) = (build::budget(), |bytes: &mut [u8]| source::random(bytes));
        let now = crate::clock::now();
        let environment = Environment { budget: &budget, now, random: &random, hooks: &NoHooks };
        let name = match (chart.release_name.as_str(), chart.name_template.as_str()) {
            // Helm makes no other one up where nothing is installed.
            ("", "") => "release-name".to_owned(),
            ("", template) => release_name(template, &environment)?,
            (name, "") => name.to_owned(),
            _ => return Err("cannot set --name-template and also specify a name".to_owned()),
        };
        let namespace = if chart.namespace.is_empty() { "default" } else { &chart.namespace };
        let args = TemplateArgs {
            name,
            namespace: namespace.to_owned(),
            kube_version: kube_version.or_else(|| self.wanted.kube_version.clone()),
            api_versions: if chart.api_versions.is_empty() {
                self.wanted.api_versions.clone()
            } else {
                chart.api_versions.clone()
            },
            include_crds: chart.include_crds,
            skip_tests: chart.skip_tests,
            no_hooks: chart.skip_hooks,
            debug: chart.debug || self.wanted.debug,
            ..TemplateArgs::default()
        };
        let output =
            template(&loaded, &values, &args, &environment, None).map_err(|error| error.to_string())?;
        output.error.map_or(Ok(output.text.to_string()), Err)
    }
}

/// The name that a template makes.
fn release_name(text: &str, environment: &Environment<'_>) -> Result<String, String> {
    let told = |error: sluice_gotmpl::Error| error.to_string();
    let mut templates = Templates::new(Functions::Sprig, MissingKey::default());
    templates.parse("name-template", text.as_bytes()).map_err(told)?;
    let context = Context {
        budget: environment.budget,
        now: environment.now.clone(),
        random: environment.random,
        hooks: environment.hooks,
        lint: false,
    };
    let mut name = Vec::new();
    templates.execute("name-template", &Value::Nil, &mut name, &context).map_err(told)?;
    String::from_utf8(name).map_err(|_| "the release's name is not UTF-8".to_owned())
}
