//! The rules of the built-in kinds, a file for those that belong together.

mod definition;
mod job;
mod pod;
mod workload;

use sluice_object::Object;

use crate::{Health, field};

pub use definition::custom_resource_definition;
pub use job::job;
pub use pod::{is_unschedulable, pod};
pub use workload::{daemon_set, deployment, replica_set, stateful_set};

pub fn service(object: &Object) -> Health {
    let is_load_balancer = field::text(object.fields(), "spec.type") == Some("LoadBalancer");
    if is_load_balancer && field::text(object.fields(), "spec.clusterIP").unwrap_or_default().is_empty() {
        return Health::in_progress("ClusterIP not set. Service type: LoadBalancer");
    }
    Health::current("Service is ready")
}

pub fn persistent_volume_claim(object: &Object) -> Health {
    match field::text(object.fields(), "status.phase") {
        Some("Bound") => Health::current("PVC is Bound"),
        phase => Health::in_progress(format!("PVC is not Bound. phase: {}", phase.unwrap_or("unknown"))),
    }
}
