//! Charts in OCI registries: which blob of a manifest is what, by media type. The registry is the caller's.

use serde_json::Value;

pub const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
pub const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
pub const PROVENANCE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";
/// What Helm gave charts before they had a media type of their own.
pub const OLD_CHART: &str = "application/tar+gzip";

/// One blob as a manifest names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    pub media_type: String,
    pub digest: String,
    pub size: u64,
}

/// The blobs of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers {
    pub config: Blob,
    pub chart: Blob,
    /// Absent where the chart was not signed.
    pub provenance: Option<Blob>,
    /// What Helm would warn of.
    pub warning: Option<String>,
}

/// Why a manifest is none of a chart, in Helm's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OciError {
    #[error("the manifest cannot be read: {0}")]
    Unreadable(String),
    #[error("manifest does not contain minimum number of descriptors ({wanted}), descriptors found: {found}")]
    TooFew { wanted: usize, found: usize },
    #[error("could not load config with mediatype {CONFIG}")]
    NoConfig,
    #[error("manifest does not contain a layer with mediatype {0}")]
    NoLayer(&'static str),
}

/// The blobs of a chart's manifest; of several with one media type the last counts, and others are no part of it.
pub fn layers(manifest: &[u8], needs_provenance: bool) -> Result<Layers, OciError> {
    let manifest: Value =
        serde_json::from_slice(manifest).map_err(|error| OciError::Unreadable(error.to_string()))?;
    let all = manifest.get("layers").and_then(Value::as_array).into_iter().flatten();
    let known = manifest.get("config").into_iter().chain(all).filter_map(blob);
    let known: Vec<Blob> = known.filter(|blob| is_known(&blob.media_type, needs_provenance)).collect();
    let wanted = 2 + usize::from(needs_provenance);
    if known.len() < wanted {
        return Err(OciError::TooFew { wanted, found: known.len() });
    }
    let last =
        |types: &[&str]| known.iter().rev().find(|blob| types.contains(&blob.media_type.as_str())).cloned();
    let config = last(&[CONFIG]).ok_or(OciError::NoConfig)?;
    let chart = last(&[CHART, OLD_CHART]).ok_or(OciError::NoLayer(CHART))?;
    let provenance = last(&[PROVENANCE]);
    if needs_provenance && provenance.is_none() {
        return Err(OciError::NoLayer(PROVENANCE));
    }
    let is_old = known.iter().any(|blob| blob.media_type == OLD_CHART);
    let warning = is_old.then(|| format!("Warning: chart media type {OLD_CHART} is deprecated"));
    Ok(Layers { config, chart, provenance, warning })
}

fn is_known(media_type: &str, needs_provenance: bool) -> bool {
    matches!(media_type, CONFIG | CHART | OLD_CHART) || needs_provenance && media_type == PROVENANCE
}

fn blob(value: &Value) -> Option<Blob> {
    Some(Blob {
        media_type: value.get("mediaType")?.as_str()?.to_owned(),
        digest: value.get("digest")?.as_str()?.to_owned(),
        size: value.get("size")?.as_u64()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(config: &str, layers_given: &[&str], needs_provenance: bool) -> Result<Layers, String> {
        let blob =
            |at: usize, kind: &str| json!({"mediaType": kind, "digest": format!("sha256:{at}"), "size": at});
        let all: Vec<Value> = layers_given.iter().enumerate().map(|(at, kind)| blob(at + 1, kind)).collect();
        let manifest = json!({"schemaVersion": 2, "config": blob(0, config), "layers": all}).to_string();
        layers(manifest.as_bytes(), needs_provenance).map_err(|error| error.to_string())
    }

    #[test]
    fn blobs_are_told_by_their_types() {
        let found = of(CONFIG, &["text/plain", CHART, PROVENANCE], true).unwrap();
        assert_eq!((found.config.size, found.chart.size), (0, 2));
        assert_eq!(found.provenance.unwrap().digest, "sha256:3");
        assert_eq!(found.warning, None);
        let plain = of(CONFIG, &[CHART, PROVENANCE], false).unwrap();
        assert_eq!((plain.chart.size, plain.provenance), (1, None));
        let old = of(CONFIG, &[OLD_CHART], false).unwrap();
        assert_eq!(old.chart.media_type, OLD_CHART);
        assert_eq!(old.warning.unwrap(), "Warning: chart media type application/tar+gzip is deprecated");
        assert_eq!(of(CONFIG, &[CHART, OLD_CHART], false).unwrap().chart.size, 2);
    }

    #[test]
    fn manifests_that_lack_something_are_refused_in_helms_words() {
        for (config, given, needs_provenance, want) in [
            (
                CONFIG,
                &[][..],
                false,
                "manifest does not contain minimum number of descriptors (2), descriptors found: 1",
            ),
            (
                "a/b",
                &[CHART],
                false,
                "manifest does not contain minimum number of descriptors (2), descriptors found: 1",
            ),
            (
                CONFIG,
                &[CHART],
                true,
                "manifest does not contain minimum number of descriptors (3), descriptors found: 2",
            ),
            (
                "a/b",
                &[CHART, CHART],
                false,
                "could not load config with mediatype application/vnd.cncf.helm.config.v1+json",
            ),
            (
                CONFIG,
                &[CONFIG],
                false,
                "manifest does not contain a layer with mediatype application/vnd.cncf.helm.chart.content.v1.tar+gzip",
            ),
            (
                CONFIG,
                &[CHART, CHART],
                true,
                "manifest does not contain a layer with mediatype application/vnd.cncf.helm.chart.provenance.v1.prov",
            ),
        ] {
            assert_eq!(of(config, given, needs_provenance).unwrap_err(), want);
        }
        assert!(layers(b"[", false).unwrap_err().to_string().starts_with("the manifest cannot be read: "));
        assert!(layers(b"{\"layers\": [{}, 1, {\"mediaType\": 2}]}", false).is_err());
    }
}
