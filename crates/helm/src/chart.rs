//! A chart as loaded: metadata, templates, values, files and the charts within, immutable and shareable between threads.
//!
//! Loading takes files, wherever they come from; what Helm changes while it renders lives in `dependency`.

pub mod archive;
pub mod folder;
pub mod ignore;
pub mod metadata;
pub mod pack;
pub(crate) mod typed;

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use crate::values;
pub use metadata::{Dependency, Lock, Maintainer, Metadata, ValidationError};

pub const API_V1: &str = "v1";
pub const API_V2: &str = "v2";
pub const API_V3: &str = "v3";

/// One file of a chart; the name is relative to the chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub data: Bytes,
    pub modified: Option<Timestamp>,
}

/// Bounds of loading. Helm's own are `archive_bytes` and `file_bytes`, an archive at a time.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of one archive, unpacked.
    pub archive_bytes: u64,
    /// Of one file.
    pub file_bytes: u64,
    /// Of all archives within one chart together, unpacked.
    pub total_bytes: u64,
    /// Files in one archive or folder.
    pub files: usize,
    /// Charts within charts.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            archive_bytes: 100 << 20,
            file_bytes: 5 << 20,
            total_bytes: 400 << 20,
            files: 50_000,
            depth: 200,
        }
    }
}

/// A definition in `crds/`.
#[derive(Debug, Clone)]
pub struct Crd {
    /// Relative to its chart.
    pub name: String,
    /// With the path of the chart before it.
    pub filename: String,
    pub data: Bytes,
}

/// Why a chart could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    #[error("{0}")]
    Archive(#[from] archive::ArchiveError),
    #[error("{0}")]
    Folder(#[from] folder::FolderError),
    #[error("cannot load {file}: {text}")]
    Unreadable { file: &'static str, text: String },
    #[error("Chart.yaml file is missing")]
    MissingMetadata,
    #[error("{0}")]
    Invalid(#[from] ValidationError),
    #[error("unsupported chart version")]
    UnsupportedVersion,
    #[error("unable to detect chart version, no Chart.yaml found")]
    NoVersion,
    #[error("error unpacking subchart tar in {parent}: expected {want}, got {got}")]
    MisnamedArchive { parent: String, want: String, got: String },
    #[error("error unpacking subchart {name} in {parent}: {error}")]
    Subchart { name: String, parent: String, error: Box<ChartError> },
    #[error("charts lie more than {0} deep within charts")]
    TooDeep(usize),
    #[error("the archives within the chart hold more than {0} bytes")]
    TooLarge(u64),
}

/// A chart with everything in it.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// All files in the order they came.
    pub raw: Vec<File>,
    pub metadata: Metadata,
    pub lock: Option<Lock>,
    pub templates: Vec<File>,
    /// `values.yaml`, an object; none without the file.
    pub values: Option<Value>,
    pub schema: Option<Bytes>,
    pub schema_modified: Option<Timestamp>,
    pub files: Vec<File>,
    pub modified: Option<Timestamp>,
    /// The charts in `charts/`, by folder or archive name.
    pub dependencies: Vec<Chart>,
    /// What Helm would log while loading.
    pub warnings: Vec<String>,
}

/// State of one load, shared by the charts within.
struct Load<'a> {
    limits: &'a Limits,
    unpacked: u64,
    /// v3 charts are read by slightly other rules, and so are all charts in them.
    third: bool,
}

impl Chart {
    /// Loads a chart from its files; says which generation of charts it is by its `apiVersion`.
    pub fn load(files: Vec<File>, limits: &Limits) -> Result<Self, ChartError> {
        let Some(chartfile) = files.iter().find(|file| file.name == "Chart.yaml") else {
            return Err(ChartError::NoVersion);
        };
        let (third, _) = told_first(&chartfile.data)?;
        Load { limits, unpacked: 0, third }.files(files, 0)
    }

    /// Loads a chart from a packed one.
    pub fn load_archive(data: &[u8], limits: &Limits) -> Result<Self, ChartError> {
        Self::load(archive::unpack(data, limits)?, limits)
    }

    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Whether `type` says library, in any case.
    pub fn is_library(&self) -> bool {
        self.metadata.kind.eq_ignore_ascii_case("library")
    }

    /// So many bytes of templates are worth a second thread.
    pub const LARGE: usize = 256 << 10;

    /// Whether the templates of this chart and those within are many bytes.
    pub fn is_large(&self) -> bool {
        self.template_bytes() >= Self::LARGE
    }

    fn template_bytes(&self) -> usize {
        let own: usize = self.templates.iter().map(|template| template.data.len()).sum();
        own + self.dependencies.iter().map(Self::template_bytes).sum::<usize>()
    }

    /// The definitions in `crds/` of this chart and those within, in order.
    pub fn crds(&self) -> Vec<Crd> {
        let mut found = Vec::new();
        self.collect_crds(self.name(), &mut found);
        found
    }

    fn collect_crds(&self, path: &str, found: &mut Vec<Crd>) {
        found.extend(own_crds(&self.files, path));
        for chart in &self.dependencies {
            chart.collect_crds(&format!("{path}/charts/{}", chart.name()), found);
        }
    }
}

/// The definitions in one chart's `crds/`.
pub(crate) fn own_crds<'a>(files: &'a [File], path: &'a str) -> impl Iterator<Item = Crd> + 'a {
    files.iter().filter(|file| file.name.starts_with("crds/") && has_manifest_extension(&file.name)).map(
        move |file| Crd {
            name: file.name.clone(),
            filename: archive::clean_path(&format!("{path}/{}", file.name)),
            data: file.data.clone(),
        },
    )
}

fn has_manifest_extension(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.rsplit_once('.').is_some_and(|(_, extension)| {
        ["yaml", "yml", "json"].iter().any(|known| known.eq_ignore_ascii_case(extension))
    })
}

/// Go's `filepath.Ext`.
pub(crate) fn extension(name: &str) -> &str {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.rfind('.').map_or("", |at| &last[at..])
}

fn unreadable(file: &'static str, text: String) -> ChartError {
    ChartError::Unreadable { file, text }
}

/// Whether `Chart.yaml` is that of a v3 chart, and the name that it gives to the chart, right or wrong.
fn told_first(chartfile: &[u8]) -> Result<(bool, String), ChartError> {
    let document = values::decode(chartfile).map_err(|text| unreadable("Chart.yaml", text))?;
    let third = match api_version(&document)?.as_str() {
        "" | API_V1 | API_V2 => false,
        API_V3 => true,
        _ => return Err(ChartError::UnsupportedVersion),
    };
    let name = document.get("name").and_then(Value::as_str).unwrap_or_default();
    Ok((third, name.to_owned()))
}

fn api_version(document: &Value) -> Result<String, ChartError> {
    let mut only = Metadata::default();
    if let Value::Object(map) = document {
        let kept = map.iter().filter(|(key, _)| key.eq_ignore_ascii_case("apiVersion"));
        let kept = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
        only.read_over(&Value::Object(kept)).map_err(|text| {
            unreadable("Chart.yaml", text.replace("Metadata.apiVersion", "chartBase.apiVersion"))
        })?;
    } else if !document.is_null() {
        only.read_over(document)
            .map_err(|text| unreadable("Chart.yaml", text.replace("v2.Metadata", "loader.chartBase")))?;
    }
    Ok(only.api_version)
}

impl Load<'_> {
    fn files(&mut self, files: Vec<File>, depth: usize) -> Result<Chart, ChartError> {
        if depth > self.limits.depth {
            return Err(ChartError::TooDeep(self.limits.depth));
        }
        let mut chart = Chart::default();
        let mut has_metadata = false;
        for file in files.iter().filter(|file| file.name == "Chart.yaml") {
            has_metadata = true;
            let document = values::decode(&file.data).map_err(|text| unreadable("Chart.yaml", text))?;
            chart.metadata.read_over(&document).map_err(|text| unreadable("Chart.yaml", text))?;
            if chart.metadata.api_version.is_empty() {
                (if self.third { API_V3 } else { API_V1 }).clone_into(&mut chart.metadata.api_version);
            }
            chart.modified = file.modified;
        }
        let mut within: BTreeMap<String, Vec<File>> = BTreeMap::new();
        for file in &files {
            self.place(&mut chart, file, &mut has_metadata, &mut within)?;
        }
        chart.raw = files;
        if !has_metadata {
            return Err(ChartError::MissingMetadata);
        }
        chart.metadata.validate()?;
        for (name, files) in within {
            if name.starts_with(['_', '.']) {
                continue;
            }
            let loaded = self.subchart(&name, files, depth, &chart.metadata.name)?;
            chart.dependencies.push(loaded);
        }
        Ok(chart)
    }

    fn place(
        &mut self,
        chart: &mut Chart,
        file: &File,
        has_metadata: &mut bool,
        within: &mut BTreeMap<String, Vec<File>>,
    ) -> Result<(), ChartError> {
        match file.name.as_str() {
            "Chart.yaml" => {}
            "Chart.lock" => chart.lock = Some(read_lock("Chart.lock", &file.data)?),
            "values.yaml" => {
                let read = values::load(&file.data).map_err(|text| unreadable("values.yaml", text))?;
                chart.values = Some(read);
            }
            "values.schema.json" => {
                chart.schema = Some(file.data.clone());
                chart.schema_modified = file.modified;
            }
            "requirements.yaml" if !self.third => {
                *has_metadata = true;
                if chart.metadata.api_version != API_V1 {
                    chart.warnings.push(
                        "Warning: Dependencies are handled in Chart.yaml since apiVersion \"v2\". We recommend migrating dependencies to Chart.yaml.".to_owned(),
                    );
                }
                let document =
                    values::decode(&file.data).map_err(|text| unreadable("requirements.yaml", text))?;
                chart.metadata.read_over(&document).map_err(|text| unreadable("requirements.yaml", text))?;
                if chart.metadata.api_version == API_V1 {
                    chart.files.push(file.clone());
                }
            }
            "requirements.lock" if !self.third => {
                chart.lock = Some(read_lock("requirements.lock", &file.data)?);
                *has_metadata = true;
                if chart.metadata.api_version != API_V1 {
                    chart.warnings.push(
                        "Warning: Dependency locking is handled in Chart.lock since apiVersion \"v2\". We recommend migrating to Chart.lock.".to_owned(),
                    );
                }
                if chart.metadata.api_version == API_V1 {
                    chart.files.push(file.clone());
                }
            }
            name if name.starts_with("templates/") => chart.templates.push(file.clone()),
            name => match name.strip_prefix("charts/") {
                Some(_) if extension(name) == ".prov" => chart.files.push(file.clone()),
                Some(rest) => {
                    let first = rest.split('/').next().unwrap_or(rest);
                    let inner = File { name: rest.to_owned(), ..file.clone() };
                    within.entry(first.to_owned()).or_default().push(inner);
                }
                None => chart.files.push(file.clone()),
            },
        }
        Ok(())
    }

    fn subchart(
        &mut self,
        name: &str,
        files: Vec<File>,
        depth: usize,
        parent: &str,
    ) -> Result<Chart, ChartError> {
        let files = if extension(name) == ".tgz" {
            let file = &files[0];
            if file.name != name {
                return Err(ChartError::MisnamedArchive {
                    parent: parent.to_owned(),
                    want: name.to_owned(),
                    got: file.name.clone(),
                });
            }
            archive::unpack(&file.data, self.limits).map_err(ChartError::from).and_then(|files| {
                self.unpacked += files.iter().map(|file| file.data.len() as u64).sum::<u64>();
                if self.unpacked > self.limits.total_bytes {
                    return Err(ChartError::TooLarge(self.limits.total_bytes));
                }
                Ok(files)
            })
        } else {
            // Files that lie in charts/ beside the charts belong to none.
            let prefix = name.len() + 1;
            let inner = files.into_iter().filter(|file| file.name.len() > prefix);
            Ok(inner.map(|file| File { name: file.name[prefix..].to_owned(), ..file }).collect())
        };
        files.and_then(|files| self.files(files, depth + 1)).map_err(|error| match error {
            deep @ (ChartError::TooDeep(_) | ChartError::TooLarge(_)) => deep,
            error => ChartError::Subchart {
                name: name.to_owned(),
                parent: parent.to_owned(),
                error: Box::new(error),
            },
        })
    }
}

fn read_lock(file: &'static str, data: &[u8]) -> Result<Lock, ChartError> {
    let document = values::decode(data).map_err(|text| unreadable(file, text))?;
    Lock::read(&document).map_err(|text| unreadable(file, text))
}
