//! What a chart may ask of the cluster: its version, the kinds it serves, and which Helm renders.

/// A Kubernetes version as charts see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeVersion {
    /// As the cluster says it, `v1.33.4-gke.1245000`.
    pub version: String,
    /// Without what follows the numbers; ranges are held against this.
    pub normalized: String,
    pub major: String,
    pub minor: String,
}

/// Why a text is no Kubernetes version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KubeVersionError {
    #[error("could not parse {0:?} as version")]
    Unreadable(String),
    #[error("illegal version string {0:?}")]
    TooShort(String),
    #[error("illegal zero-prefixed version component {component:?} in {text:?}")]
    ZeroPrefixed { component: String, text: String },
    #[error(
        "illegal non-numeric version component {component:?} in {text:?}: strconv.ParseUint: parsing {component:?}: value out of range"
    )]
    OutOfRange { component: String, text: String },
}

impl KubeVersion {
    pub fn parse(text: &str) -> Result<Self, KubeVersionError> {
        let unreadable = || KubeVersionError::Unreadable(text.to_owned());
        let trimmed = text.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
        let trimmed = trimmed.strip_prefix('v').unwrap_or(trimmed);
        let mut components: Vec<&str> = Vec::new();
        let mut rest = trimmed;
        loop {
            let length = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
            if length == 0 {
                break;
            }
            components.push(&rest[..length]);
            match rest[length..].strip_prefix('.') {
                Some(next) => rest = next,
                None => break,
            }
        }
        if components.is_empty() || text.contains('\n') {
            return Err(unreadable());
        }
        if components.len() < 2 {
            return Err(KubeVersionError::TooShort(text.to_owned()));
        }
        if components[0].starts_with('0') && components[0] != "0" {
            let component = components[0].to_owned();
            return Err(KubeVersionError::ZeroPrefixed { component, text: text.to_owned() });
        }
        let mut numbers = Vec::with_capacity(components.len());
        for component in components {
            let number: u64 = component.parse().map_err(|_| KubeVersionError::OutOfRange {
                component: component.to_owned(),
                text: text.to_owned(),
            })?;
            numbers.push(number.to_string());
        }
        Ok(Self {
            version: if text.starts_with('v') { text.to_owned() } else { format!("v{text}") },
            normalized: format!("v{}", numbers.join(".")),
            major: numbers[0].clone(),
            minor: numbers[1].clone(),
        })
    }

    /// What a range is held against.
    pub fn for_range(&self) -> &str {
        if self.normalized.is_empty() { &self.version } else { &self.normalized }
    }
}

/// Which Helm a chart believes to run in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelmVersion {
    pub version: String,
    pub git_commit: String,
    pub git_tree_state: String,
    pub go_version: String,
    pub kube_client_version: String,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    pub kube_version: KubeVersion,
    /// Group versions, and `group/version/Kind` where a cluster was asked.
    pub api_versions: Vec<String>,
    pub helm_version: HelmVersion,
}

impl Default for Capabilities {
    /// What Helm 4.2.4 says without a cluster.
    fn default() -> Self {
        Self {
            kube_version: KubeVersion {
                version: "v1.36.0".to_owned(),
                normalized: "v1.36.0".to_owned(),
                major: "1".to_owned(),
                minor: "36".to_owned(),
            },
            api_versions: DEFAULT_API_VERSIONS.iter().map(|version| (*version).to_owned()).collect(),
            helm_version: HelmVersion {
                version: "v4.2".to_owned(),
                git_commit: String::new(),
                git_tree_state: String::new(),
                go_version: "go1.26.8".to_owned(),
                kube_client_version: "v1.36".to_owned(),
            },
        }
    }
}

/// The group versions that client-go 0.36 knows, in its order.
pub const DEFAULT_API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha2",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubernetes_versions_are_read() {
        let version = KubeVersion::parse("1.33.4-gke.1245000").unwrap();
        assert_eq!((version.version.as_str(), version.for_range()), ("v1.33.4-gke.1245000", "v1.33.4"));
        assert_eq!((version.major.as_str(), version.minor.as_str()), ("1", "33"));
        assert_eq!(KubeVersion::parse("v1.30").unwrap().normalized, "v1.30");
        for text in ["", "x", "1", "01.2", "1.99999999999999999999"] {
            assert!(KubeVersion::parse(text).is_err(), "{text}");
        }
    }
}
