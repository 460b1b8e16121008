//! The CustomResourceDefinitions of our kinds, as `cargo xtask codegen` writes them (a new one begins as an empty file).

macro_rules! crd {
    ($name:literal) => {
        ($name, include_str!(concat!("../crds/", $name)))
    };
}

/// File name and YAML text of each, sorted by file name.
pub const ALL: &[(&str, &str)] = &[
    crd!("helm.toolkit.fluxcd.io_helmreleases.yaml"),
    crd!("image.toolkit.fluxcd.io_imagepolicies.yaml"),
    crd!("image.toolkit.fluxcd.io_imagerepositories.yaml"),
    crd!("image.toolkit.fluxcd.io_imageupdateautomations.yaml"),
    crd!("kustomize.toolkit.fluxcd.io_kustomizations.yaml"),
    crd!("notification.toolkit.fluxcd.io_alerts.yaml"),
    crd!("notification.toolkit.fluxcd.io_providers.yaml"),
    crd!("notification.toolkit.fluxcd.io_receivers.yaml"),
    crd!("source.extensions.fluxcd.io_artifactgenerators.yaml"),
    crd!("source.toolkit.fluxcd.io_buckets.yaml"),
    crd!("source.toolkit.fluxcd.io_externalartifacts.yaml"),
    crd!("source.toolkit.fluxcd.io_gitrepositories.yaml"),
    crd!("source.toolkit.fluxcd.io_helmcharts.yaml"),
    crd!("source.toolkit.fluxcd.io_helmrepositories.yaml"),
    crd!("source.toolkit.fluxcd.io_ocirepositories.yaml"),
];
