//! `helm template`: manifests and hooks as text, or as files.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, IoSlice, Write};

use serde_json::{Map, Value};
use sluice_gotmpl::{Context, Functions, MissingKey, Templates};

use super::{Environment, InstallableError, check_installable};
use crate::build::{BuildError, BuildOptions, Built, PostRender, Strategy, build_unstored, show_rendered};
use crate::capabilities::{Capabilities, KubeVersion, KubeVersionError};
use crate::chart::Chart;
use crate::chart::ignore::match_pattern;
use crate::manifest::{self, Hook, HookEvent};
use crate::render::{ReleaseOptions, RenderCache, Trace};

/// The flags that change the output.
#[derive(Debug, Clone, Default)]
pub struct TemplateArgs {
    pub name: String,
    pub namespace: String,
    pub kube_version: Option<String>,
    pub api_versions: Vec<String>,
    pub include_crds: bool,
    pub is_upgrade: bool,
    pub skip_tests: bool,
    pub no_hooks: bool,
    pub show_only: Vec<String>,
    pub skip_schema_validation: bool,
    /// Prints what was rendered also when it is no YAML.
    pub debug: bool,
    /// Gives files instead of text.
    pub to_files: bool,
}

/// A file of `--output-dir`: path and text. The same path may come again, to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    pub path: String,
    pub text: String,
}

/// A text in the pieces that it is made of, which are not copied together.
#[derive(Debug, Clone, Default)]
pub struct Pieces(Vec<Cow<'static, str>>);

impl Pieces {
    fn document(&mut self, path: String, content: String) {
        self.0.extend(["---\n# Source: ".into(), path.into(), "\n".into(), content.into(), "\n".into()]);
    }

    /// Takes blanks off at both ends.
    fn trim(&mut self) {
        while let Some(last) = self.0.last_mut() {
            let length = last.trim_end().len();
            if length > 0 {
                if length < last.len() {
                    last.to_mut().truncate(length);
                }
                break;
            }
            self.0.pop();
        }
        let blank = self.0.iter().take_while(|piece| piece.trim_start().is_empty()).count();
        self.0.drain(..blank);
        if let Some(first) = self.0.first_mut() {
            let blanks = first.len() - first.trim_start().len();
            if blanks > 0 {
                first.to_mut().drain(..blanks);
            }
        }
    }

    /// Writes the text, many pieces at a time where the writer can.
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut slices: Vec<IoSlice<'_>> =
            self.0.iter().map(|piece| IoSlice::new(piece.as_bytes())).collect();
        let mut rest = &mut slices[..];
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            match out.write_vectored(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => IoSlice::advance_slices(&mut rest, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl fmt::Display for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| f.write_str(piece))
    }
}

impl From<String> for Pieces {
    fn from(text: String) -> Self {
        Self(vec![text.into()])
    }
}

/// What is printed.
#[derive(Debug, Clone, Default)]
pub struct TemplateOutput {
    pub text: Pieces,
    /// Files of `crds/`.
    pub definitions: Vec<OutputFile>,
    pub files: Vec<OutputFile>,
    pub warnings: Vec<String>,
    /// An error to end with after the text, with `--debug`.
    pub error: Option<String>,
}

/// Why nothing is printed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TemplateError {
    #[error("invalid kube version '{text}': {error}")]
    KubeVersion { text: String, error: KubeVersionError },
    #[error("{0}")]
    Installable(#[from] InstallableError),
    #[error("{0}\n\nUse --debug flag to render out invalid YAML")]
    Rendered(BuildError),
    #[error("{0}")]
    Build(BuildError),
    #[error("could not find template {0} in chart")]
    NoTemplate(String),
}

impl TemplateError {
    /// What Helm would log before it tells the error.
    pub fn name_check(&self) -> Option<String> {
        let Self::Build(error @ (BuildError::Name(_) | BuildError::NoName(_))) = self else { return None };
        error.to_string().strip_prefix("release name check failed: ").map(str::to_owned)
    }
}

/// The name that a template gives to a release.
pub fn name_from_template(text: &str, environment: &Environment<'_>) -> Result<String, String> {
    let mut templates = Templates::new(Functions::Sprig, MissingKey::Invalid);
    templates.parse("name-template", text.as_bytes()).map_err(|error| error.to_string())?;
    let cx = Context {
        budget: environment.budget,
        now: environment.now.clone(),
        random: environment.random,
        hooks: environment.hooks,
        lint: false,
    };
    let mut out = Vec::new();
    templates
        .execute("name-template", &sluice_gotmpl::Value::Nil, &mut out, &cx)
        .map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Renders a chart.
pub fn template(
    chart: &Chart,
    values: &Map<String, Value>,
    args: &TemplateArgs,
    environment: &Environment<'_>,
    post_render: Option<PostRender<'_>>,
) -> Result<TemplateOutput, TemplateError> {
    template_traced(chart, values, args, environment, post_render, &mut RenderCache::once(), None)
}

/// The same, with what earlier renders left; with `trace`, it is told where the pieces of the output came from.
pub fn template_traced(
    chart: &Chart,
    values: &Map<String, Value>,
    args: &TemplateArgs,
    environment: &Environment<'_>,
    post_render: Option<PostRender<'_>>,
    cache: &mut RenderCache,
    trace: Option<Trace<'_>>,
) -> Result<TemplateOutput, TemplateError> {
    let capabilities = capabilities(args)?;
    let warning = check_installable(chart)?;
    let options = BuildOptions {
        release: ReleaseOptions {
            name: args.name.clone(),
            namespace: args.namespace.clone(),
            revision: 1,
            is_upgrade: args.is_upgrade,
        },
        capabilities: &capabilities,
        budget: environment.budget,
        now: environment.now.clone(),
        random: environment.random,
        hooks: environment.hooks,
        skip_schema_validation: args.skip_schema_validation,
        include_crds: args.include_crds,
        subchart_notes: false,
        hide_secrets: false,
        strategy: Strategy::default(),
    };
    let mut built = match build_unstored(chart, values, &options, post_render, cache, trace) {
        Ok((built, _)) => built,
        Err(error) if error.has_release() && args.debug => {
            let text = match &error {
                BuildError::Manifest { rendered, .. } => show_rendered(rendered),
                _ => String::new(),
            };
            let text = format!("{}\n", text.trim()).into();
            return Ok(TemplateOutput { text, error: Some(error.to_string()), ..TemplateOutput::default() });
        }
        Err(error) if error.has_release() => return Err(TemplateError::Rendered(error)),
        Err(error) => return Err(TemplateError::Build(error)),
    };
    let warnings = std::mem::take(&mut built.warnings);
    let mut output = if args.to_files { files(&built, args) } else { text(built, args)? };
    output.warnings.splice(0..0, warning.into_iter().chain(warnings));
    Ok(output)
}

fn capabilities(args: &TemplateArgs) -> Result<Capabilities, TemplateError> {
    let mut capabilities = Capabilities::default();
    if let Some(text) = args.kube_version.as_ref().filter(|text| !text.is_empty()) {
        capabilities.kube_version = KubeVersion::parse(text)
            .map_err(|error| TemplateError::KubeVersion { text: text.clone(), error })?;
    }
    capabilities.api_versions.extend(args.api_versions.iter().cloned());
    Ok(capabilities)
}

/// The hooks that are printed.
fn hooks<'b>(built: &'b Built, args: &'b TemplateArgs) -> impl Iterator<Item = &'b Hook> {
    let is_test = |hook: &Hook| hook.events.contains(&HookEvent::Test);
    built.hooks.iter().filter(move |hook| !(args.no_hooks || (args.skip_tests && is_test(hook))))
}

fn text(mut built: Built, args: &TemplateArgs) -> Result<TemplateOutput, TemplateError> {
    let mut text = Pieces::default();
    for crd in built.crds.iter().filter(|_| args.include_crds) {
        text.document(crd.filename.clone(), String::from_utf8_lossy(&crd.data).into_owned());
    }
    for document in std::mem::take(&mut built.manifests) {
        text.document(document.name, document.content);
    }
    text.trim();
    text.0.push("\n".into());
    for hook in hooks(&built, args) {
        text.document(hook.path.clone(), hook.manifest.clone());
    }
    if !args.show_only.is_empty() {
        text = only(&text.to_string(), &args.show_only)?.into();
    }
    Ok(TemplateOutput { text, ..TemplateOutput::default() })
}

/// The documents that came from the wanted templates.
fn only(text: &str, wanted: &[String]) -> Result<String, TemplateError> {
    let documents = manifest::split(text);
    let mut out = String::new();
    for pattern in wanted {
        let mut missing = true;
        for document in &documents {
            let Some(path) = source(document) else { continue };
            if match_pattern(pattern, path) == Ok(true) {
                out.push_str(&format!("---\n{document}\n"));
                missing = false;
            }
        }
        if missing {
            return Err(TemplateError::NoTemplate(pattern.clone()));
        }
    }
    Ok(out)
}

/// What follows the chart's name in the first `# Source: ` comment.
fn source(document: &str) -> Option<&str> {
    let mut rest = document;
    loop {
        let at = rest.find("# Source: ")?;
        rest = &rest[at + "# Source: ".len()..];
        let line = rest.lines().next().unwrap_or_default();
        match line.split_once('/') {
            Some((chart, path)) if !chart.is_empty() && !path.is_empty() => return Some(path),
            _ => {}
        }
    }
}

fn files(built: &Built, args: &TemplateArgs) -> TemplateOutput {
    let file = |path: &str, content: &str| OutputFile {
        path: path.to_owned(),
        text: format!("---\n# Source: {path}\n{content}\n"),
    };
    let crds = built.crds.iter().filter(|_| args.include_crds);
    let definitions = crds.map(|crd| file(&crd.filename, &String::from_utf8_lossy(&crd.data))).collect();
    let manifests = built.manifests.iter().map(|document| file(&document.name, &document.content));
    let files = manifests.chain(hooks(built, args).map(|hook| file(&hook.path, &hook.manifest)));
    TemplateOutput {
        text: "\n".to_owned().into(),
        definitions,
        files: files.collect(),
        ..TemplateOutput::default()
    }
}
