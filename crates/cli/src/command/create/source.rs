//! `sluice create source`.

mod bucket;
mod chart;
mod git;
mod helm;
mod oci;
mod verify;

use sluice_api::meta::Duration;

use super::{CommonArgs, Draft};
use crate::error::{CliError, CliResult};

/// Create or update sources
///
/// The create source sub-commands generate sources.
#[derive(Debug, clap::Args)]
pub struct SourceArgs {
    #[command(subcommand)]
    what: What,
    /// Set a timeout for fetch operations performed by source-controller (e.g. 'git clone' or 'helm repo update')
    #[arg(long, global = true, value_name = "DURATION")]
    fetch_timeout: Option<Duration>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Git(git::GitArgs),
    Oci(oci::OciArgs),
    Helm(helm::HelmArgs),
    Chart(chart::ChartArgs),
    Bucket(bucket::BucketArgs),
}

impl SourceArgs {
    pub(super) fn draft(&self, common: &CommonArgs) -> CliResult<(&str, Draft)> {
        let (name, mut draft) = match &self.what {
            What::Git(args) => args.draft(common)?,
            What::Oci(args) => args.draft(common)?,
            What::Helm(args) => args.draft(common)?,
            What::Chart(args) => return args.draft(common),
            What::Bucket(args) => args.draft(common)?,
        };
        draft.spec = draft.spec.duration("timeout", self.fetch_timeout);
        Ok((name, draft))
    }
}

/// The scheme of a URL, by Go's reading of it.
fn scheme(url: &str) -> CliResult<&str> {
    let failed = |why: &str| Err(CliError::new(format!("git URL parse failed: parse {url:?}: {why}")));
    let Some((scheme, _)) = url.split_once(':') else { return Ok("") };
    let mut letters = scheme.chars();
    match letters.next() {
        None => return failed("missing protocol scheme"),
        Some(first) if !first.is_ascii_alphabetic() => {
            return if scheme.contains('/') {
                Ok("")
            } else {
                failed("first path segment in URL cannot contain colon")
            };
        }
        Some(_) => {}
    }
    if letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')) {
        return Ok(scheme);
    }
    if scheme.contains('/') { Ok("") } else { failed("first path segment in URL cannot contain colon") }
}

#[cfg(test)]
mod tests {
    use super::scheme;

    #[test]
    fn schemes_are_read_as_go_does() {
        assert_eq!(scheme("ftp://x").ok(), Some("ftp"));
        assert_eq!(scheme("x/y").ok(), Some(""));
        let error = scheme("git@github.com:org/repository").expect_err("not a URL").error;
        assert!(error.ends_with("first path segment in URL cannot contain colon"), "{error}");
    }
}
