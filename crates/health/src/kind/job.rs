//! Job, as Flux judges it: as wanted when it is complete or suspended, not as soon as it runs.

use sluice_object::Object;

use crate::{Computed, Health, conditions, field};

pub fn job(object: &Object) -> Computed {
    if field::flag(object.fields(), "spec.suspend") == Some(true) {
        return Ok(Health::current("Job is suspended"));
    }
    let parallelism = field::number(object.fields(), "spec.parallelism", 1);
    let completions = field::number(object.fields(), "spec.completions", parallelism);
    let active = field::number(object.fields(), "status.active", 0);
    let succeeded = field::number(object.fields(), "status.succeeded", 0);
    let failed = field::number(object.fields(), "status.failed", 0);
    for condition in conditions::of(object.fields())? {
        if condition.is("Complete", "True") {
            return Ok(Health::current(format!("Job Completed. succeeded: {succeeded}/{completions}")));
        }
        if condition.is("Failed", "True") {
            return Ok(Health::failed(format!("Job Failed. failed: {failed}/{completions}")));
        }
    }
    if field::text(object.fields(), "status.startTime").unwrap_or_default().is_empty() {
        return Ok(Health::in_progress(format!("Job not started. active: 0/{parallelism}")));
    }
    Ok(Health::in_progress(format!(
        "Job in progress. success:{succeeded}, active: {active}, failed: {failed}"
    )))
}
