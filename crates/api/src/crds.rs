//! The CustomResourceDefinitions of our kinds, as `cargo xtask codegen` writes them.

macro_rules! crd {
    ($name:literal) => {
        ($name, include_str!(concat!("../crds/", $name)))
    };
}

/// File name and YAML text of each, sorted by file name.
pub const ALL: &[(&str, &str)] = &[
    crd!("kustomize.toolkit.fluxcd.io_kustomizations.yaml"),
    crd!("source.extensions.fluxcd.io_artifactgenerators.yaml"),
    crd!("source.toolkit.fluxcd.io_buckets.yaml"),
    crd!("source.toolkit.fluxcd.io_externalartifacts.yaml"),
    crd!("source.toolkit.fluxcd.io_gitrepositories.yaml"),
    crd!("source.toolkit.fluxcd.io_helmcharts.yaml"),
    crd!("source.toolkit.fluxcd.io_helmrepositories.yaml"),
    crd!("source.toolkit.fluxcd.io_ocirepositories.yaml"),
];
