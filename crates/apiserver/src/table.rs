//! Tables: what `kubectl get` prints, made where the objects are.
//!
//! The columns of built-in kinds were recorded; their cells, and what a CRD's `additionalPrinterColumns` say, are computed
//! here. The words are the real server's.

mod column;
mod pod;
mod policy;
mod row;
mod storage;
mod workload;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::row::Row;
use crate::core::Clock;
use crate::facts::facts;
use crate::registry::Resource;

/// Which part of its object each row carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Include {
    None,
    Metadata,
    Object,
}

/// How a table of some resource is made.
#[derive(Clone)]
pub struct Tabular {
    pub resource: Resource,
    pub clock: Clock,
    pub include: Include,
    /// Of the group of tables.
    pub version: String,
}

impl Tabular {
    /// A table around objects, with what its list says of itself.
    pub fn table(&self, metadata: Value, objects: &[Value], with_columns: bool) -> Value {
        let now = (self.clock)();
        let rows: Vec<Value> = objects.iter().map(|object| self.row(object, now)).collect();
        let columns = if with_columns { columns(&self.resource) } else { Value::Null };
        json!({
            "kind": "Table", "apiVersion": format!("meta.k8s.io/{}", self.version), "metadata": metadata,
            "columnDefinitions": columns, "rows": rows,
        })
    }

    fn row(&self, object: &Value, now: Timestamp) -> Value {
        let mut out = json!({ "cells": cells(&self.resource, object, now) });
        match self.include {
            Include::None => out["object"] = Value::Null,
            Include::Object => out["object"] = object.clone(),
            Include::Metadata => {
                out["object"] = json!({
                    "kind": "PartialObjectMetadata", "apiVersion": format!("meta.k8s.io/{}", self.version),
                    "metadata": internal(&self.resource.kind, &object["metadata"]),
                });
            }
        }
        if self.resource.is("", "pods") {
            let phase = object["status"]["phase"].as_str().unwrap_or_default();
            let message = match phase {
                "Succeeded" => "The pod has completed successfully.",
                "Failed" => "The pod failed.",
                _ => return out,
            };
            out["conditions"] =
                json!([{ "type": "Completed", "status": "True", "reason": phase, "message": message }]);
        }
        out
    }
}

/// Metadata as the server keeps it: what only a version of a kind has is no part of it.
pub fn internal(kind: &str, metadata: &Value) -> Value {
    let mut metadata = metadata.clone();
    if kind == "DaemonSet"
        && let Some(notes) = metadata["annotations"].as_object_mut()
    {
        notes.remove("deprecated.daemonset.template.generation");
        if notes.is_empty() {
            metadata.as_object_mut().into_iter().for_each(|fields| drop(fields.remove("annotations")));
        }
    }
    metadata
}

/// The definitions of a resource's columns.
pub fn columns(resource: &Resource) -> Value {
    if resource.is_custom {
        let name =
            json!({ "name": "Name", "type": "string", "format": "name", "description": "", "priority": 0 });
        let others = resource.printer_columns.iter().map(column::definition);
        return std::iter::once(name).chain(others).collect();
    }
    let known = facts().columns(&resource.group, &resource.version, &resource.plural);
    let columns = known.iter().map(|column| {
        json!({
            "name": column.0, "type": column.1, "format": column.2, "description": "", "priority": column.3,
        })
    });
    columns.collect()
}

/// One object's cells, as many as there are columns.
fn cells(resource: &Resource, object: &Value, now: Timestamp) -> Vec<Value> {
    let row = Row { object, now };
    if resource.is_custom {
        let others = resource.printer_columns.iter().map(|written| column::cell(written, object, now));
        return std::iter::once(row.name()).chain(others).collect();
    }
    workload::cells(resource, &row)
        .or_else(|| storage::cells(resource, &row))
        .or_else(|| policy::cells(resource, &row))
        .unwrap_or_else(|| vec![row.name(), object["metadata"]["creationTimestamp"].clone()])
}
