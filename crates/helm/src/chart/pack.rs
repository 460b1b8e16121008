//! A chart into an archive, laid out as Helm lays it out. The same chart gives the same bytes: times come from the files
//! or from the caller, never from a clock.

use std::io::Write;

use flate2::{Compression, GzBuilder};
use jiff::Timestamp;
use serde_json::Value;

use super::{API_V1, API_V2, Chart, File, Lock, Metadata};

/// Helm's mark in the gzip header.
const MARK: &[u8] = b"rr\x28\x00aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo=";

/// Why a chart could not be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("chart validation: {0}")]
    Invalid(#[from] super::ValidationError),
    #[error("{0:?} is not a valid chart name")]
    Name(String),
    #[error("invalid JSON in values.schema.json")]
    Schema,
    #[error("cannot write the archive")]
    Write(#[from] std::io::Error),
}

/// `name-version.tgz`.
pub fn file_name(metadata: &Metadata) -> String {
    format!("{}-{}.tgz", metadata.name, metadata.version)
}

/// The bytes of the archive. `modified` is the time of files that have none of their own.
pub fn pack(chart: &Chart, modified: Timestamp) -> Result<Vec<u8>, PackError> {
    chart.metadata.clone().validate()?;
    let encoder = GzBuilder::new().extra(MARK).comment("Helm").write(Vec::new(), Compression::default());
    let mut writer = Writer { archive: tar::Builder::new(encoder), modified };
    writer.chart(chart, "")?;
    Ok(writer.archive.into_inner()?.finish()?)
}

struct Writer<W: Write> {
    archive: tar::Builder<W>,
    modified: Timestamp,
}

impl<W: Write> Writer<W> {
    fn chart(&mut self, chart: &Chart, prefix: &str) -> Result<(), PackError> {
        let metadata = &chart.metadata;
        if metadata.name.contains('/') {
            return Err(PackError::Name(metadata.name.clone()));
        }
        let base = format!("{prefix}{}", metadata.name);
        self.file(&format!("{base}/Chart.yaml"), chartfile(metadata).as_bytes(), chart.modified)?;
        if let (API_V2, Some(lock)) = (metadata.api_version.as_str(), &chart.lock) {
            let generated = lock.generated.parse().ok();
            self.file(&format!("{base}/Chart.lock"), lockfile(lock).as_bytes(), generated)?;
        }
        for file in chart.raw.iter().filter(|file| file.name == "values.yaml") {
            self.file(&format!("{base}/values.yaml"), &file.data, file.modified)?;
        }
        if let Some(schema) = &chart.schema {
            if serde_json::from_slice::<serde::de::IgnoredAny>(schema).is_err() {
                return Err(PackError::Schema);
            }
            self.file(&format!("{base}/values.schema.json"), schema, chart.schema_modified)?;
        }
        for File { name, data, modified } in chart.templates.iter().chain(&chart.files) {
            self.file(&format!("{base}/{name}"), data, *modified)?;
        }
        for inner in &chart.dependencies {
            self.chart(inner, &format!("{base}/charts/"))?;
        }
        Ok(())
    }

    fn file(&mut self, name: &str, data: &[u8], modified: Option<Timestamp>) -> Result<(), PackError> {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(data.len() as u64);
        let seconds = modified.unwrap_or(self.modified).as_second();
        header.set_mtime(u64::try_from(seconds).unwrap_or_default());
        if header.set_path(name).is_err() {
            header = gnu(&header);
        }
        self.archive.append_data(&mut header, name, data)?;
        Ok(())
    }
}

/// The same header in the format that can carry any length of name.
fn gnu(header: &tar::Header) -> tar::Header {
    let mut long = tar::Header::new_gnu();
    long.set_entry_type(header.entry_type());
    long.set_mode(0o644);
    long.set_size(header.size().unwrap_or_default());
    long.set_mtime(header.mtime().unwrap_or_default());
    long
}

/// `Chart.yaml` as Helm writes it; v1 charts keep their dependencies elsewhere.
pub fn chartfile(metadata: &Metadata) -> String {
    let mut value = metadata.to_value();
    if let (API_V1, Value::Object(map)) = (metadata.api_version.as_str(), &mut value) {
        map.remove("dependencies");
    }
    crate::values::encode(&value)
}

/// `Chart.lock` as Helm writes it.
pub fn lockfile(lock: &Lock) -> String {
    crate::values::encode(&lock.to_value())
}
