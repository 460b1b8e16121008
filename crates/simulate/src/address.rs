//! Addresses: for LoadBalancer Services, for Ingresses, for Pods. The same object always gets the same one.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{Deed, text};

pub(crate) fn of_service(service: &Value, _now: Timestamp) -> Option<Deed> {
    if text(service, "/spec/type") == "LoadBalancer" { of_balancer(service) } else { None }
}

pub(crate) fn of_ingress(ingress: &Value, _now: Timestamp) -> Option<Deed> {
    of_balancer(ingress)
}

fn of_balancer(object: &Value) -> Option<Deed> {
    let has_address = object
        .pointer("/status/loadBalancer/ingress")
        .and_then(Value::as_array)
        .is_some_and(|addresses| !addresses.is_empty());
    if has_address || object.pointer("/metadata/deletionTimestamp").is_some() {
        return None;
    }
    let address = outside(text(object, "/metadata/uid"));
    Some(Deed::Status(json!({"loadBalancer": {"ingress": [{"ip": address}]}})))
}

/// An address as a cloud would give it: of the block that is kept for documentation and benchmarks.
fn outside(uid: &str) -> String {
    let [_, b, c, d] = hash(uid).to_be_bytes();
    format!("198.{}.{c}.{d}", 18 + (b & 1))
}

/// An address as a cluster network would give it.
pub(crate) fn inside(uid: &str) -> String {
    let [_, b, c, d] = hash(uid).to_be_bytes();
    format!("10.{}.{c}.{d}", 128 | b)
}

/// FNV-1a: short, and the same everywhere.
pub(crate) fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_load_balancer_gets_an_address_and_only_once() {
        let now = Timestamp::UNIX_EPOCH;
        let mut service = json!({"metadata": {"uid": "u"}, "spec": {"type": "ClusterIP"}});
        assert_eq!(of_service(&service, now), None);
        service["spec"]["type"] = "LoadBalancer".into();
        let Some(Deed::Status(status)) = of_service(&service, now) else { panic!("an address is due") };
        assert!(
            status["loadBalancer"]["ingress"][0]["ip"].as_str().is_some_and(|ip| ip.starts_with("198.1"))
        );
        service["status"] = status;
        assert_eq!(of_service(&service, now), None);
    }
}
