//! Version ranges: `>=1.2, <2 || ~3.1 || 4.x - 5`, parsed once and checked against many versions.

use crate::scan::{Mode, scan_version, skip_spaces};
use crate::version::{Version, compare_prerelease};

/// The longest range text that is read, and the most `||` groups in it.
pub const MAX_CONSTRAINT_LEN: usize = 512;
pub const MAX_CONSTRAINT_GROUPS: usize = 32;

/// Why a text is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    #[error("constraint string is too long (max {MAX_CONSTRAINT_LEN} bytes)")]
    TooLong,
    #[error("too many constraint groups (max {MAX_CONSTRAINT_GROUPS})")]
    TooManyGroups,
    #[error("improper constraint: {}", crate::number::quote(.0))]
    Improper(String),
    #[error("constraint parser error")]
    Parser,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// In the order in which the reference tries them; the second one is no text at all.
const OPERATORS: [(&str, Operator); 12] = [
    ("=", Operator::Equal),
    ("", Operator::Equal),
    ("!=", Operator::NotEqual),
    (">", Operator::Greater),
    ("<", Operator::Less),
    (">=", Operator::GreaterOrEqual),
    ("=>", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("=<", Operator::LessOrEqual),
    ("~", Operator::Tilde),
    ("~>", Operator::Tilde),
    ("^", Operator::Caret),
];

/// One comparison. `dirty` says that a part was missing or a wildcard; the other two say which.
#[derive(Debug, Clone)]
struct Comparison {
    operator: Operator,
    sign: &'static str,
    version: Version,
    original: String,
    minor_dirty: bool,
    patch_dirty: bool,
    dirty: bool,
}

#[derive(Debug, Clone)]
struct Group {
    comparisons: Vec<Comparison>,
    has_prerelease: bool,
}

/// A range: any of its groups, each of them wholly.
#[derive(Debug, Clone)]
pub struct Constraint {
    groups: Vec<Group>,
    include_prerelease: bool,
}

impl Constraint {
    pub fn parse(text: &str) -> Result<Self, ConstraintError> {
        if text.len() > MAX_CONSTRAINT_LEN {
            return Err(ConstraintError::TooLong);
        }
        let text = rewrite_hyphens(text);
        if text.split("||").count() > MAX_CONSTRAINT_GROUPS {
            return Err(ConstraintError::TooManyGroups);
        }
        let groups = text.split("||").map(parse_group).collect::<Result<_, _>>()?;
        Ok(Self { groups, include_prerelease: false })
    }

    /// Lets prereleases count even where the range names none.
    #[must_use]
    pub fn including_prereleases(mut self) -> Self {
        self.include_prerelease = true;
        self
    }

    pub fn check(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            let with_pre = self.include_prerelease || group.has_prerelease;
            group.comparisons.iter().all(|comparison| comparison.refusal(version, with_pre).is_none())
        })
    }

    /// Like `check`, with the reasons for a refusal.
    pub fn validate(&self, version: &Version) -> Result<(), Vec<String>> {
        let mut reasons = Vec::new();
        let mut prerelease_named = false;
        for group in &self.groups {
            let mut fits = true;
            let with_pre = self.include_prerelease || group.has_prerelease;
            for comparison in &group.comparisons {
                if !with_pre && !version.prerelease().is_empty() {
                    if !prerelease_named {
                        reasons.push(Refusal::Prerelease.text(version, ""));
                        prerelease_named = true;
                    }
                    fits = false;
                } else if let Some(refusal) = comparison.refusal(version, with_pre) {
                    reasons.push(refusal.text(version, &comparison.original));
                    fits = false;
                }
            }
            if fits {
                return Ok(());
            }
        }
        Err(reasons)
    }
}

impl std::fmt::Display for Constraint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, group) in self.groups.iter().enumerate() {
            if index > 0 {
                f.write_str(" || ")?;
            }
            for (index, comparison) in group.comparisons.iter().enumerate() {
                if index > 0 {
                    f.write_str(" ")?;
                }
                write!(f, "{}{}", comparison.sign, comparison.original)?;
            }
        }
        Ok(())
    }
}

/// Turns `1.2 - 2.0` into `>= 1.2, <= 2.0 ` wherever it stands.
fn rewrite_hyphens(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains('-') {
        return text.into();
    }
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if !text.is_char_boundary(at) {
            at += 1;
            continue;
        }
        match scan_hyphen_range(&text[at..]) {
            Some((low, high, length)) => {
                found.push((&text[at..at + length], low, high));
                at += length;
            }
            None => at += 1,
        }
    }
    let mut out = text.to_owned();
    for (whole, low, high) in found {
        out = out.replacen(whole, &format!(">= {low}, <= {high} "), 1);
    }
    out.into()
}

fn scan_hyphen_range(text: &str) -> Option<(&str, &str, usize)> {
    let (low, rest) = scan_version(skip_spaces(text), Mode::Wildcards)?;
    let after = skip_spaces(rest);
    if after.len() == rest.len() {
        return None;
    }
    let rest = after.strip_prefix('-')?;
    let after = skip_spaces(rest);
    if after.len() == rest.len() {
        return None;
    }
    let (high, rest) = scan_version(after, Mode::Wildcards)?;
    Some((low.text, high.text, text.len() - skip_spaces(rest).len()))
}

fn parse_group(text: &str) -> Result<Group, ConstraintError> {
    let improper = || ConstraintError::Improper(text.to_owned());
    let mut scanned = Vec::new();
    let mut rest = skip_spaces(text);
    loop {
        let (found, after) = OPERATORS
            .iter()
            .find_map(|&(sign, operator)| {
                let (parts, after) = scan_version(skip_spaces(rest.strip_prefix(sign)?), Mode::Wildcards)?;
                Some(((sign, operator, parts), after))
            })
            .ok_or_else(improper)?;
        scanned.push(found);
        let next = skip_spaces(after);
        if next.is_empty() {
            break;
        }
        rest = match next.strip_prefix(',') {
            Some(next) => skip_spaces(next),
            None if next.len() < after.len() => next,
            None => return Err(improper()),
        };
    }
    let comparisons = scanned
        .into_iter()
        .map(|(sign, operator, parts)| {
            let pre = parts.pre.map(|pre| format!("-{pre}")).unwrap_or_default();
            let (mut minor_dirty, mut patch_dirty) = (false, false);
            let minor = parts.minor.filter(|part| !is_wildcard(part));
            let patch = parts.patch.filter(|part| !is_wildcard(part));
            let (text, dirty) = if is_wildcard(parts.major) {
                (format!("0.0.0{pre}"), true)
            } else if let Some(minor) = minor {
                if patch.is_none() {
                    patch_dirty = true;
                    (format!("{}.{minor}.0{pre}", parts.major), true)
                } else {
                    (parts.text.to_owned(), false)
                }
            } else {
                minor_dirty = true;
                (format!("{}.0.0{pre}", parts.major), true)
            };
            Ok(Comparison {
                operator,
                sign,
                version: Version::parse(&text).map_err(|_| ConstraintError::Parser)?,
                original: parts.text.to_owned(),
                minor_dirty,
                patch_dirty,
                dirty,
            })
        })
        .collect::<Result<Vec<_>, ConstraintError>>()?;
    let has_prerelease = comparisons.iter().any(|comparison| !comparison.version.prerelease().is_empty());
    Ok(Group { comparisons, has_prerelease })
}

fn is_wildcard(part: &str) -> bool {
    matches!(part, "x" | "X" | "*")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Prerelease,
    Equal,
    NotEqual,
    LessOrEqual,
    GreaterOrEqual,
    Less,
    Greater,
    Major,
    MajorAndMinor,
    Minor,
    MinorOfZero,
    NotEqualOfZero,
}

impl Refusal {
    fn text(self, version: &Version, original: &str) -> String {
        let version = crate::number::quote(&version.to_string());
        let original = crate::number::quote(original);
        match self {
            Self::Prerelease => {
                format!(
                    "{version} is a prerelease version and the constraint is only looking for release versions"
                )
            }
            Self::Equal => format!("{version} is equal to {original}"),
            Self::NotEqual => format!("{version} is not equal to {original}"),
            Self::LessOrEqual => format!("{version} is less than or equal to {original}"),
            Self::GreaterOrEqual => format!("{version} is greater than or equal to {original}"),
            Self::Less => format!("{version} is less than {original}"),
            Self::Greater => format!("{version} is greater than {original}"),
            Self::Major => format!("{version} does not have same major version as {original}"),
            Self::MajorAndMinor => {
                format!("{version} does not have same major and minor version as {original}")
            }
            Self::Minor => format!("{version} does not have same minor version as {original}"),
            Self::MinorOfZero => format!(
                "{version} does not have same minor version as {original}. Expected minor versions to match when constraint major version is 0"
            ),
            Self::NotEqualOfZero => format!(
                "{version} does not equal {original}. Expect version and constraint to equal when major and minor versions are 0"
            ),
        }
    }
}

impl Comparison {
    /// Why `version` does not fit, or nothing when it does.
    fn refusal(&self, version: &Version, with_pre: bool) -> Option<Refusal> {
        if !version.prerelease().is_empty() && !with_pre {
            return Some(Refusal::Prerelease);
        }
        let bound = &self.version;
        match self.operator {
            Operator::Equal if self.dirty => self.tilde(version),
            Operator::Equal => (version != bound).then_some(Refusal::NotEqual),
            Operator::NotEqual => self.not_equal(version),
            Operator::Greater => {
                let fits = if !self.dirty {
                    version > bound
                } else if version.major() != bound.major() {
                    version.major() > bound.major()
                } else if self.minor_dirty {
                    false
                } else if self.patch_dirty {
                    version.minor() > bound.minor()
                } else {
                    version > bound
                };
                (!fits).then_some(Refusal::LessOrEqual)
            }
            Operator::Less => (version >= bound).then_some(Refusal::GreaterOrEqual),
            Operator::GreaterOrEqual => (version < bound).then_some(Refusal::Less),
            Operator::LessOrEqual => {
                let exceeds = if !self.dirty {
                    version > bound
                } else {
                    version.major() > bound.major()
                        || version.major() == bound.major()
                            && version.minor() > bound.minor()
                            && !self.minor_dirty
                };
                exceeds.then_some(Refusal::Greater)
            }
            Operator::Tilde => self.tilde(version),
            Operator::Caret => self.caret(version),
        }
    }

    fn not_equal(&self, version: &Version) -> Option<Refusal> {
        let bound = &self.version;
        if self.dirty {
            if bound.major() != version.major() || bound.minor() != version.minor() && !self.minor_dirty {
                return None;
            }
            if self.minor_dirty {
                return Some(Refusal::Equal);
            }
            if bound.patch() != version.patch() && !self.patch_dirty {
                return None;
            }
            if self.patch_dirty {
                let differs = compare_prerelease(version.prerelease(), bound.prerelease()).is_ne();
                return (!differs).then_some(Refusal::Equal);
            }
        }
        (version == bound).then_some(Refusal::Equal)
    }

    fn tilde(&self, version: &Version) -> Option<Refusal> {
        let bound = &self.version;
        if version < bound {
            return Some(Refusal::Less);
        }
        let zero = bound.major() == 0 && bound.minor() == 0 && bound.patch() == 0;
        if zero && !self.minor_dirty && !self.patch_dirty {
            return None;
        }
        if version.major() != bound.major() {
            return Some(Refusal::Major);
        }
        (version.minor() != bound.minor() && !self.minor_dirty).then_some(Refusal::MajorAndMinor)
    }

    fn caret(&self, version: &Version) -> Option<Refusal> {
        let bound = &self.version;
        if version < bound {
            return Some(Refusal::Less);
        }
        if bound.major() > 0 || self.minor_dirty {
            return (version.major() != bound.major()).then_some(Refusal::Major);
        }
        if version.major() > 0 {
            return Some(Refusal::Major);
        }
        if bound.minor() > 0 || self.patch_dirty {
            return (version.minor() != bound.minor()).then_some(Refusal::MinorOfZero);
        }
        if version.minor() > 0 {
            return Some(Refusal::Minor);
        }
        (version.patch() != bound.patch()).then_some(Refusal::NotEqualOfZero)
    }
}
