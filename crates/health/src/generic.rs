//! What holds for every kind: deletion, generations, and the conditions Reconciling, Stalled and Ready.

use sluice_object::Object;

use crate::{Computed, Health, Status, conditions, field};

/// What is asked before a kind's own rules; `None` if those are to be asked.
pub fn before(object: &Object) -> Result<Option<Health>, String> {
    let deleted = field::strict_text(object.fields(), "metadata.deletionTimestamp")
        .map_err(|error| format!("looking up metadata.deletionTimestamp from resource: {error}"))?;
    if deleted.is_some_and(|at| !at.is_empty()) {
        return Ok(Some(Health::new(Status::Terminating, "Resource scheduled for deletion")));
    }
    if let Some(generation) = generation(object)?
        && let Some(observed) = observed_generation(object)?
        && observed != generation
    {
        let kind = object.kind();
        return Ok(Some(Health::in_progress(format!(
            "{kind} generation is {generation}, but latest observed generation is {observed}"
        ))));
    }
    for condition in conditions::of(object.fields())? {
        if condition.is("Reconciling", "True") {
            return Ok(Some(Health::in_progress(condition.message)));
        }
        if condition.is("Stalled", "True") {
            return Ok(Some(Health::failed(condition.message)));
        }
    }
    Ok(None)
}

/// `metadata.generation`.
pub fn generation(object: &Object) -> Result<Option<i64>, String> {
    field::strict_number(object.fields(), "metadata.generation")
        .map_err(|error| format!("looking up metadata.generation from resource: {error}"))
}

/// `status.observedGeneration`.
pub fn observed_generation(object: &Object) -> Result<Option<i64>, String> {
    field::strict_number(object.fields(), "status.observedGeneration")
        .map_err(|error| format!("looking up status.observedGeneration from resource: {error}"))
}

/// Kinds without rules of their own: by the condition Ready, if there is one.
pub fn ready(object: &Object) -> Computed {
    for condition in
        conditions::of(object.fields())?.into_iter().filter(|condition| condition.kind == "Ready")
    {
        match condition.status {
            "True" => return Ok(Health::current("Resource is Ready")),
            "False" | "Unknown" => return Ok(Health::in_progress(condition.message)),
            _ => {}
        }
    }
    Ok(Health::current("Resource is current"))
}
