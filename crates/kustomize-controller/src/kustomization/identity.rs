//! Where and in whose name a Kustomization is applied.

use sluice_api::Kustomization;
use sluice_api::meta::reason;
use sluice_cluster::{Cluster, Index};
use sluice_runtime::{Failure, Told, clock};

use super::retried;
use crate::{Kustomize, OWNER_LABEL};

/// The cluster that objects go to, in the name that applies them.
pub(super) struct Target {
    pub(super) cluster: Cluster,
    /// What is known of the objects there. Another cluster is watched only where something waits, and for that run.
    pub(super) index: Index,
    pub(super) is_remote: bool,
}

impl Kustomize {
    /// The service account whose rights are used; none for the controller's own.
    pub(super) fn service_account<'a>(&'a self, ks: &'a Kustomization) -> Option<&'a str> {
        let named = [ks.spec.service_account_name.as_str(), self.common.default_service_account.as_str()];
        named.into_iter().find(|name| !name.is_empty())
    }

    pub(super) async fn target(&self, ks: &Kustomization) -> Result<Target, Failure> {
        let home = || (self.cluster.clone(), self.index.clone(), false);
        let (cluster, index, is_remote) = match &ks.spec.kube_config {
            None => home(),
            Some(reference) => {
                let cluster = self.remote(ks, reference).await.map_err(|text| {
                    let told = Told::WarningOf(format!("failed to build kube client: {text}"));
                    retried(ks, reason::RECONCILIATION_FAILED, text).telling(told)
                })?;
                let index = Index::unwatched(cluster.clone(), OWNER_LABEL, clock::now);
                (cluster, index, true)
            }
        };
        let cluster = match self.service_account(ks) {
            Some(name) => {
                cluster.impersonate(&format!("system:serviceaccount:{}:{name}", ks.metadata.namespace))
            }
            None => cluster,
        };
        Ok(Target { cluster, index, is_remote })
    }
}
