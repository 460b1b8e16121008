//! In whose name a Kustomization is applied.

use sluice_api::Kustomization;
use sluice_api::meta::reason;
use sluice_cluster::Cluster;
use sluice_runtime::Failure;

use super::retried;
use crate::Kustomize;

impl Kustomize {
    /// The service account whose rights are used; none for the controller's own.
    pub(super) fn service_account<'a>(&'a self, ks: &'a Kustomization) -> Option<&'a str> {
        let named = [ks.spec.service_account_name.as_str(), self.common.default_service_account.as_str()];
        named.into_iter().find(|name| !name.is_empty())
    }

    pub(super) fn identity(&self, ks: &Kustomization) -> Result<Cluster, Failure> {
        if ks.spec.kube_config.is_some() {
            let text = "failed to build kube client: spec.kubeConfig: applying to another cluster is not supported yet";
            return Err(retried(ks, reason::RECONCILIATION_FAILED, text));
        }
        Ok(match self.service_account(ks) {
            Some(name) => {
                self.cluster.impersonate(&format!("system:serviceaccount:{}:{name}", ks.metadata.namespace))
            }
            None => self.cluster.clone(),
        })
    }
}
