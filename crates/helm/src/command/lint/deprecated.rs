//! Kinds that Kubernetes gives up, in the words of its own warnings. `cd peers/ask/helm && go run . deprecated` wrote the
//! list: `APIVERSION KIND DEPRECATED [UNAVAILABLE [REPLACEMENT]]`.

use crate::capabilities::KubeVersion;

const KINDS: &str = include_str!("deprecated.txt");

/// The warning for a kind that is given up in that version of Kubernetes, or was before it.
pub fn warning(api_version: &str, kind: &str, version: &KubeVersion) -> Option<String> {
    let line = KINDS.lines().find_map(|line| {
        line.strip_prefix(api_version)?.strip_prefix(' ')?.strip_prefix(kind)?.strip_prefix(' ')
    })?;
    let mut words = line.splitn(3, ' ');
    let (since, until, instead) = (words.next()?, words.next(), words.next());
    let (major, minor) = since.split_once('.')?;
    let number = |text: &str| text.parse::<u32>().ok();
    if (number(major)?, number(minor)?) > (number(&version.major)?, number(&version.minor)?) {
        return None;
    }
    let mut text = format!("{api_version} {kind} is deprecated in v{since}+");
    if let Some(until) = until.filter(|until| *until != "-") {
        text += &format!(", unavailable in v{until}+");
    }
    if let Some(instead) = instead {
        text += &format!("; use {instead}");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_from_the_version_on_that_gives_them_up() {
        let version = |minor: &str| KubeVersion {
            major: "1".to_owned(),
            minor: minor.to_owned(),
            ..crate::capabilities::Capabilities::default().kube_version
        };
        let ingress = |minor| warning("extensions/v1beta1", "Ingress", &version(minor));
        assert_eq!(ingress("13"), None);
        assert_eq!(
            ingress("14").unwrap(),
            "extensions/v1beta1 Ingress is deprecated in v1.14+, unavailable in v1.22+; use networking.k8s.io/v1 Ingress"
        );
        assert_eq!(warning("apps/v1", "Deployment", &version("36")), None);
        assert_eq!(
            warning("v1", "ComponentStatus", &version("36")).unwrap(),
            "v1 ComponentStatus is deprecated in v1.19+"
        );
    }
}
