//! A chart with values into what a release holds: manifest, hooks, notes. The one way for `template`, install and upgrade.

mod post_render;

use std::collections::BTreeMap;

use jiff::Zoned;
use serde_json::{Map, Value};
use sluice_budget::Budget;
use sluice_gotmpl::Hooks;

use crate::capabilities::Capabilities;
use crate::chart::{API_V3, Chart, Crd};
use crate::family::{Family, FamilyError, is_compatible};
use crate::manifest::{self, Ahead, Heads, Hook, INSTALL_ORDER, Manifest, ManifestError, NOTES};
use crate::release;
use crate::render::{
    Given, ReleaseOptions, RenderCache, RenderError, RenderOptions, Trace, in_halves, render_traced,
};
use crate::schema::{self, SchemaError};
use crate::values::coalesce::TypeMismatch;
use crate::values::graph::{Table, from_map, to_map};

pub use post_render::{PostRender, PostRenderError, Strategy};

/// The stack that a thread needs on which charts are built: the deepest build, with debug frames. Only what is used of it
/// is ever taken.
pub const STACK: usize = 256 << 20;

/// How many levels templates may nest, counting branches and calls: as many as the stack has room for.
const DEPTH: u32 = if cfg!(debug_assertions) { 8_000 } else { 60_000 };

/// The limits of one build: each template a thousand times within itself as in Helm, and within many branches.
pub fn budget() -> Budget {
    Budget::new(500_000_000, 1 << 30, DEPTH)
}

/// What a build may use and how it differs from the plain one.
pub struct BuildOptions<'a> {
    pub release: ReleaseOptions,
    pub capabilities: &'a Capabilities,
    pub budget: &'a Budget,
    pub now: Zoned,
    pub random: &'a dyn Fn(&mut [u8]),
    pub hooks: &'a dyn Hooks,
    pub skip_schema_validation: bool,
    /// The definitions in `crds/` come first in the manifest.
    pub include_crds: bool,
    /// The notes of all charts, not of the outermost alone.
    pub subchart_notes: bool,
    pub hide_secrets: bool,
    pub strategy: Strategy,
}

/// What came of a build.
#[derive(Debug, Clone, Default)]
pub struct Built {
    /// The text that a release stores: every document with its source.
    pub manifest: String,
    pub manifests: Vec<Manifest>,
    pub hooks: Vec<Hook>,
    pub notes: String,
    pub crds: Vec<Crd>,
    /// The chart as a release stores it: dependencies decided, values imported.
    pub chart: Chart,
    /// What Helm would log.
    pub warnings: Vec<String>,
}

/// Why a build failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BuildError {
    #[error("invalid chart apiVersion")]
    ApiVersion,
    #[error("release name check failed: release name {0:?}: no name provided")]
    NoName(String),
    #[error(
        "release name check failed: release name {0:?}: invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53"
    )]
    Name(String),
    #[error("chart dependencies processing failed: {0}")]
    Dependencies(#[from] FamilyError),
    #[error("{0}")]
    Values(#[from] TypeMismatch),
    #[error("values don't meet the specifications of the schema(s) in the following chart(s):\n{0}")]
    Schema(#[from] SchemaError),
    #[error("chart requires kubeVersion: {want} which is incompatible with Kubernetes {have}")]
    KubeVersion { want: String, have: String },
    #[error("{0}")]
    Render(#[from] RenderError),
    #[error("{error}")]
    Manifest { error: ManifestError, rendered: BTreeMap<String, String> },
    #[error("{0}")]
    PostRender(#[from] PostRenderError),
}

impl BuildError {
    /// Whether Helm got as far as making a release, and so offers `--debug`.
    pub fn has_release(&self) -> bool {
        matches!(
            self,
            Self::KubeVersion { .. } | Self::Render(_) | Self::Manifest { .. } | Self::PostRender(_)
        )
    }
}

/// Builds a chart.
pub fn build(
    chart: &Chart,
    values: &Map<String, Value>,
    options: &BuildOptions<'_>,
    post_render: Option<PostRender<'_>>,
) -> Result<Built, BuildError> {
    build_cached(chart, values, options, post_render, &mut RenderCache::once())
}

/// Builds a chart whose templates may have been parsed before.
pub fn build_cached(
    chart: &Chart,
    values: &Map<String, Value>,
    options: &BuildOptions<'_>,
    post_render: Option<PostRender<'_>>,
    cache: &mut RenderCache,
) -> Result<Built, BuildError> {
    build_traced(chart, values, options, post_render, cache, None)
}

/// The same; with `trace`, it is told where the pieces of the output came from.
pub fn build_traced(
    chart: &Chart,
    values: &Map<String, Value>,
    options: &BuildOptions<'_>,
    post_render: Option<PostRender<'_>>,
    cache: &mut RenderCache,
    trace: Option<Trace<'_>>,
) -> Result<Built, BuildError> {
    let (built, family) = build_unstored(chart, values, options, post_render, cache, trace)?;
    Ok(Built { manifest: joined(&built, options), chart: stored_chart(&family), ..built })
}

/// The text that a release stores.
fn joined(built: &Built, options: &BuildOptions<'_>) -> String {
    let size = |document: &Manifest| document.name.len() + document.content.len() + 20;
    let mut text = String::with_capacity(built.manifests.iter().map(size).sum());
    let mut add = |name: &str, content: &str| {
        for part in ["---\n# Source: ", name, "\n", content, "\n"] {
            text.push_str(part);
        }
    };
    if options.include_crds {
        for crd in &built.crds {
            add(&crd.filename, &String::from_utf8_lossy(&crd.data));
        }
    }
    for document in &built.manifests {
        let is_hidden = options.hide_secrets && document.kind == "Secret" && document.api_version == "v1";
        let content =
            if is_hidden { "# HIDDEN: The Secret output has been suppressed" } else { &document.content };
        add(&document.name, content);
    }
    text
}

/// The same without the chart and the joined text, which only a release stores.
pub(crate) fn build_unstored<'c>(
    chart: &'c Chart,
    values: &Map<String, Value>,
    options: &BuildOptions<'_>,
    post_render: Option<PostRender<'_>>,
    cache: &mut RenderCache,
    trace: Option<Trace<'_>>,
) -> Result<(Built, Family<'c>), BuildError> {
    if chart.metadata.api_version == API_V3 {
        return Err(BuildError::ApiVersion);
    }
    let name = &options.release.name;
    if name.is_empty() {
        return Err(BuildError::NoName(name.clone()));
    }
    if !release::is_valid_name(name) {
        return Err(BuildError::Name(name.clone()));
    }
    let BuildOptions { release, capabilities, budget, now, .. } = options;
    let is_for_two = post_render.is_none() && trace.is_none();
    let second =
        is_for_two.then(|| cache.second(chart, values, release, capabilities, now, budget)).flatten();
    let (family, coalesced) = prepared(chart, values, options)?;
    let halves = second.and_then(|second| {
        let given = Given { family: &family, values: &coalesced, release, capabilities, now, budget };
        in_halves(&given, &second, cache)
    });
    let (files, ahead) = match halves {
        Some(halves) => halves,
        None => {
            let render_options = RenderOptions {
                release: release.clone(),
                capabilities,
                budget,
                now: now.clone(),
                random: options.random,
                hooks: options.hooks,
                strict: false,
                lint: false,
            };
            let files = render_traced(&family, &coalesced, &render_options, cache, trace)?;
            // What is done to files after the render is done to their text.
            let refused = if post_render.is_none() { std::mem::take(&mut cache.refused) } else { Vec::new() };
            (files, refused)
        }
    };
    sorted(family, files, ahead, options, post_render, &mut cache.heads)
}

/// Files that are printed into what a release holds.
fn sorted<'c>(
    mut family: Family<'c>,
    mut files: BTreeMap<String, String>,
    ahead: Vec<Ahead>,
    options: &BuildOptions<'_>,
    post_render: Option<PostRender<'_>>,
    heads: &mut Heads,
) -> Result<(Built, Family<'c>), BuildError> {
    let notes = take_notes(&mut files, &family.name(Family::ROOT), options.subchart_notes);
    if let Some(post_render) = post_render {
        files = post_render::run(files, options.strategy, post_render)?;
    }
    let sorted = match manifest::sort_cached(files, INSTALL_ORDER, heads, ahead) {
        Ok(sorted) => sorted,
        Err((error, rendered)) => return Err(BuildError::Manifest { error, rendered }),
    };
    family.warnings.extend(sorted.skipped);
    let warnings = std::mem::take(&mut family.warnings);
    let crds = family.crds();
    let chart = Chart::default();
    let built = Built {
        manifest: String::new(),
        manifests: sorted.manifests,
        hooks: sorted.hooks,
        notes,
        crds,
        chart,
        warnings,
    };
    Ok((built, family))
}

/// The charts as this run has them, with their values.
fn prepared<'c>(
    chart: &'c Chart,
    values: &Map<String, Value>,
    options: &BuildOptions<'_>,
) -> Result<(Family<'c>, Table), BuildError> {
    let mut family = Family::new(chart);
    family.warnings.extend(chart.warnings.iter().cloned());
    let given = from_map(values);
    family.process_dependencies(&given)?;
    let coalesced = family.coalesce(&given)?;
    if !options.skip_schema_validation {
        schema::validate(&family, &coalesced)?;
    }
    let kube_version = &options.capabilities.kube_version;
    let wanted = &family.metadata(Family::ROOT).kube_version;
    if !wanted.is_empty() && !is_compatible(wanted, kube_version.for_range()) {
        return Err(BuildError::KubeVersion { want: wanted.clone(), have: kube_version.version.clone() });
    }
    Ok((family, coalesced))
}

/// The text of rendered files that could not be sorted, for `--debug`.
pub fn show_rendered(files: &BTreeMap<String, String>) -> String {
    let shown = files.iter().filter(|(_, content)| !content.trim().is_empty());
    shown.map(|(name, content)| format!("---\n# Source: {name}\n{content}\n")).collect::<Vec<_>>().concat()
}

fn take_notes(files: &mut BTreeMap<String, String>, chart: &str, all: bool) -> String {
    let own = format!("{chart}/templates/{NOTES}");
    let mut notes: Vec<String> = Vec::new();
    files.retain(|name, content| {
        if !name.ends_with(NOTES) {
            return true;
        }
        if all || *name == own {
            notes.push(std::mem::take(content));
        }
        false
    });
    notes.retain(|text| !text.is_empty());
    notes.join("\n")
}

fn stored_chart(family: &Family<'_>) -> Chart {
    let chart = family.chart(Family::ROOT);
    Chart {
        metadata: family.metadata(Family::ROOT),
        lock: chart.lock.clone(),
        templates: chart.templates.clone(),
        values: family.values(Family::ROOT).map(|table| Value::Object(to_map(&table))),
        schema: chart.schema.clone(),
        schema_modified: chart.schema_modified,
        files: chart.files.clone(),
        modified: chart.modified,
        ..Chart::default()
    }
}
