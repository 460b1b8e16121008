//! What becomes of a PersistentVolumeClaim: a volume that is made for it, which kube-controller-manager then binds.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{Deed, text};

pub(crate) fn deed(claim: &Value, _now: Timestamp) -> Option<Deed> {
    let is_pending = matches!(text(claim, "/status/phase"), "" | "Pending");
    if !is_pending
        || claim.pointer("/metadata/deletionTimestamp").is_some()
        || !text(claim, "/spec/volumeName").is_empty()
    {
        return None;
    }
    let metadata = &claim["metadata"];
    let uid = text(claim, "/metadata/uid");
    let mut spec = json!({
        "accessModes": claim["spec"]["accessModes"],
        "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": uid,
        },
        "hostPath": {"path": format!("/simulated/{uid}")},
        "persistentVolumeReclaimPolicy": "Retain",
    });
    for key in ["storageClassName", "volumeMode"] {
        if let Some(value) = claim["spec"].get(key) {
            spec[key] = value.clone();
        }
    }
    let volume = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": format!("simulated-{uid}")},
        "spec": spec,
    });
    Some(Deed::Create("v1", "PersistentVolume", volume))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_claim_gets_a_volume_of_its_own() {
        let mut claim = json!({
            "metadata": {"name": "a", "namespace": "n", "uid": "u"},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}},
        });
        let Some(Deed::Create(_, kind, volume)) = deed(&claim, Timestamp::UNIX_EPOCH) else {
            panic!("a volume is due")
        };
        assert_eq!(kind, "PersistentVolume");
        assert_eq!(volume["spec"]["claimRef"]["uid"], "u");
        assert_eq!(volume["spec"]["storageClassName"], "fast");
        claim["status"]["phase"] = "Bound".into();
        assert_eq!(deed(&claim, Timestamp::UNIX_EPOCH), None);
    }
}
