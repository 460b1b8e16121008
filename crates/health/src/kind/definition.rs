//! CustomResourceDefinition: established or not.

use sluice_object::Object;

use crate::{Computed, Health, conditions};

pub fn custom_resource_definition(object: &Object) -> Computed {
    for condition in conditions::of(object.fields())? {
        if condition.is("NamesAccepted", "False") {
            return Ok(Health::failed(condition.message));
        }
        if condition.is("Established", "False") && condition.reason != "Installing" {
            return Ok(Health::failed(condition.message));
        }
        if condition.is("Established", "True") {
            return Ok(Health::current("CRD is established"));
        }
    }
    Ok(Health::in_progress("Install in progress"))
}
