//! Which commit a source wants: its reference, what the remote lists, and the revision that comes of it. Pure.

use sluice_version::{Constraint, Version};

use crate::object::ObjectId;
use crate::refs::Refs;

/// `spec.ref`; empty strings where nothing is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    pub branch: String,
    pub tag: String,
    pub semver: String,
    pub name: String,
    pub commit: String,
}

/// The branch of a source that names none.
pub const DEFAULT_BRANCH: &str = "master";

/// What a reference comes down to: the first of commit, name, tag, semver and branch that is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    Commit { commit: String, branch: Option<String> },
    Name(String),
    Tag(String),
    Semver(String),
    Branch(String),
}

impl Reference {
    pub fn choice(&self) -> Choice {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        if let Some(commit) = given(&self.commit) {
            Choice::Commit { commit, branch: given(&self.branch) }
        } else if let Some(name) = given(&self.name) {
            Choice::Name(name)
        } else if let Some(tag) = given(&self.tag) {
            Choice::Tag(tag)
        } else if let Some(range) = given(&self.semver) {
            Choice::Semver(range)
        } else {
            Choice::Branch(given(&self.branch).unwrap_or_else(|| DEFAULT_BRANCH.to_owned()))
        }
    }
}

impl Choice {
    /// The prefixes of names that must be listed to decide.
    pub fn prefixes(&self) -> Vec<String> {
        match self {
            Self::Commit { branch: Some(branch), .. } | Self::Branch(branch) => {
                vec![format!("refs/heads/{branch}")]
            }
            Self::Commit { branch: None, .. } => vec!["refs/heads/".to_owned()],
            Self::Name(name) => vec![name.strip_suffix("^{}").unwrap_or(name).to_owned()],
            Self::Tag(tag) => vec![format!("refs/tags/{tag}")],
            Self::Semver(_) => vec!["refs/tags/".to_owned()],
        }
    }
}

/// Why a reference names no commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    #[error("couldn't find remote ref {0:?}")]
    NotFound(String),
    #[error("semver parse error: {0}")]
    Range(String),
    #[error("no match found for semver: {0}")]
    NoMatch(String),
    #[error("unable to resolve ref '{0}' to a specific commit")]
    Unresolved(String),
    #[error("ref {0} is invalid; Git refs cannot begin or end with a slash '/'")]
    Slash(String),
}

/// A name and what it points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// `refs/heads/main`
    pub name: String,
    /// What to ask for: the tag object where the tag is annotated.
    pub want: ObjectId,
    pub commit: ObjectId,
}

impl Chosen {
    /// What a name of the listing points to.
    pub fn named(refs: &Refs, name: &str) -> Option<Self> {
        let target = refs.get(name)?;
        Some(Self { name: name.to_owned(), want: target.id, commit: target.commit() })
    }
}

/// The tags that satisfy a range and are the newest; several where versions are equal.
pub fn newest_tags(refs: &Refs, range: &str) -> Result<Vec<Chosen>, ChooseError> {
    let constraint = Constraint::parse(range).map_err(|error| ChooseError::Range(error.to_string()))?;
    let mut best: Vec<(Version, Chosen)> = Vec::new();
    for (tag, target) in refs.under("refs/tags/") {
        let Ok(version) = sluice_version::parse_dotted(tag) else { continue };
        if !constraint.check(&version) {
            continue;
        }
        let order = best.first().map_or(std::cmp::Ordering::Greater, |(kept, _)| version.cmp(kept));
        let chosen = Chosen { name: format!("refs/tags/{tag}"), want: target.id, commit: target.commit() };
        match order {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => best.push((version, chosen)),
            std::cmp::Ordering::Greater => best = vec![(version, chosen)],
        }
    }
    if best.is_empty() {
        return Err(ChooseError::NoMatch(range.to_owned()));
    }
    Ok(best.into_iter().map(|(_, chosen)| chosen).collect())
}

/// `main@sha1:…`, `refs/heads/main@sha1:…` with `whole_name`, `sha1:…` without a name.
pub fn revision(name: &str, whole_name: bool, commit: ObjectId) -> String {
    let shown = if whole_name {
        name
    } else {
        // The name without its first two segments; a name of fewer is not shown.
        name.splitn(3, '/').nth(2).unwrap_or_default()
    };
    if shown.is_empty() { format!("sha1:{commit}") } else { format!("{shown}@sha1:{commit}") }
}

/// A revision as it was written before `@sha1:` came into use, in the form of today.
pub fn modern_revision(revision: &str) -> String {
    if revision.is_empty() || revision.contains(':') {
        return revision.to_owned();
    }
    match revision.rsplit_once('/') {
        Some(("HEAD", hash)) => format!("sha1:{hash}"),
        Some((name, hash)) => format!("{name}@sha1:{hash}"),
        None => format!("sha1:{revision}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> ObjectId {
        digit.to_string().repeat(40).parse().unwrap()
    }

    fn reference(fields: [&str; 5]) -> Reference {
        let [branch, tag, semver, name, commit] = fields.map(str::to_owned);
        Reference { branch, tag, semver, name, commit }
    }

    #[test]
    fn the_most_exact_reference_wins() {
        let all = ["b", "t", "1.x", "refs/heads/n", "c"];
        for (hidden, want) in [
            (0, Choice::Commit { commit: "c".into(), branch: Some("b".into()) }),
            (1, Choice::Name("refs/heads/n".into())),
            (2, Choice::Tag("t".into())),
            (3, Choice::Semver("1.x".into())),
            (4, Choice::Branch("b".into())),
            (5, Choice::Branch("master".into())),
        ] {
            let mut fields = all;
            for gone in [4, 3, 1, 2, 0].into_iter().take(hidden) {
                fields[gone] = "";
            }
            assert_eq!(reference(fields).choice(), want);
        }
    }

    #[test]
    fn the_newest_tag_of_a_range_is_taken() {
        let mut refs = Refs::default();
        for (name, digit) in [
            ("refs/tags/v1.0.0", '1'),
            ("refs/tags/v1.2.0", '2'),
            ("refs/tags/v1.2.0^{}", '3'),
            ("refs/tags/v2.0.0-rc.1", '4'),
            ("refs/tags/nonsense", '5'),
            ("refs/heads/v9.0.0", '6'),
        ] {
            refs.put(name, id(digit)).unwrap();
        }
        let newest = newest_tags(&refs, "1.x").unwrap();
        assert_eq!(newest, [Chosen { name: "refs/tags/v1.2.0".into(), want: id('2'), commit: id('3') }]);
        assert_eq!(newest_tags(&refs, ">=3").unwrap_err().to_string(), "no match found for semver: >=3");
        assert!(newest_tags(&refs, "no range").unwrap_err().to_string().starts_with("semver parse error: "));
        refs.put("refs/tags/v1.2.0+build", id('7')).unwrap();
        assert_eq!(newest_tags(&refs, "1.x").unwrap().len(), 2);
    }

    #[test]
    fn revisions_are_written_as_upstream_writes_them() {
        let hex = "1".repeat(40);
        for (name, whole, want) in [
            ("refs/heads/main", false, format!("main@sha1:{hex}")),
            ("refs/heads/a/b", false, format!("a/b@sha1:{hex}")),
            ("refs/heads/main", true, format!("refs/heads/main@sha1:{hex}")),
            ("refs/pull/1/head", true, format!("refs/pull/1/head@sha1:{hex}")),
            ("", false, format!("sha1:{hex}")),
        ] {
            assert_eq!(revision(name, whole, id('1')), want);
        }
        assert_eq!(modern_revision("main/abc"), "main@sha1:abc");
        assert_eq!(modern_revision("HEAD/abc"), "sha1:abc");
        assert_eq!(modern_revision("main@sha1:abc"), "main@sha1:abc");
    }
}
