//! `helm get values`: what a release was given, or what that became.

use serde_json::{Map, Value};

use crate::chart::Chart;
use crate::family::Family;
use crate::json;
use crate::release::Release;
use crate::values::coalesce::TypeMismatch;
use crate::values::graph::{from_map, to_map};

/// How it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Table,
    Json,
    Yaml,
}

/// The values of a release; `all` puts them over those of its chart.
pub fn values(release: &Release, all: bool) -> Result<Map<String, Value>, TypeMismatch> {
    if !all {
        return Ok(release.config.clone());
    }
    let empty = Chart::default();
    let chart = release.chart.as_ref().unwrap_or(&empty);
    Ok(to_map(&Family::new(chart).coalesce(&from_map(&release.config))?))
}

/// What is printed. No values at all are null, as Helm keeps them.
pub fn show(values: &Map<String, Value>, all: bool, format: Format) -> String {
    let value = if values.is_empty() && !all { Value::Null } else { Value::Object(values.clone()) };
    match format {
        Format::Json => format!("{}\n", json::encode(&value)),
        Format::Yaml => crate::values::encode(&value),
        Format::Table if all => format!("COMPUTED VALUES:\n{}", crate::values::encode(&value)),
        Format::Table => format!("USER-SUPPLIED VALUES:\n{}", crate::values::encode(&value)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_given_or_computed() {
        let chart = Chart { values: Some(json!({"a": 1.0, "b": 2.0})), ..Chart::default() };
        let config = json!({"b": 3.0}).as_object().unwrap().clone();
        let release = Release { chart: Some(chart), config, ..Release::default() };
        assert_eq!(
            show(&values(&release, false).unwrap(), false, Format::Table),
            "USER-SUPPLIED VALUES:\nb: 3\n"
        );
        assert_eq!(show(&values(&release, true).unwrap(), true, Format::Json), "{\"a\":1,\"b\":3}\n");
        assert_eq!(show(&Map::new(), false, Format::Yaml), "null\n");
    }
}
