//! A range: groups joined by `||`, each a list of comparisons that must all hold; hyphen ranges become two of them.

use std::cmp::Ordering;

use crate::version::{Pieces, Version, compare_prerelease, scan};

const MAX_LENGTH: usize = 512;
const MAX_GROUPS: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    #[error("constraint string is too long (max {MAX_LENGTH} bytes)")]
    TooLong,
    #[error("too many constraint groups (max {MAX_GROUPS})")]
    TooManyGroups,
    #[error("improper constraint: {0:?}")]
    Improper(String),
    #[error("constraint parser error")]
    Unreadable,
}

/// A range as read.
#[derive(Debug, Clone)]
pub struct Constraint {
    groups: Vec<Group>,
    include_prerelease: bool,
}

#[derive(Debug, Clone)]
struct Group {
    comparisons: Vec<Comparison>,
    /// One of the comparisons names a prerelease, so prereleases are looked at.
    names_prerelease: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    TildeOrEqual,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

#[derive(Debug, Clone)]
struct Comparison {
    operator: Operator,
    version: Version,
    /// Some part is missing or a wildcard.
    dirty: bool,
    minor_dirty: bool,
    patch_dirty: bool,
}

impl Constraint {
    pub fn parse(text: &str) -> Result<Self, ConstraintError> {
        if text.len() > MAX_LENGTH {
            return Err(ConstraintError::TooLong);
        }
        let text = rewrite_hyphens(text);
        let parts: Vec<&str> = text.split("||").collect();
        if parts.len() > MAX_GROUPS {
            return Err(ConstraintError::TooManyGroups);
        }
        let groups = parts.into_iter().map(parse_group).collect::<Result<_, _>>()?;
        Ok(Self { groups, include_prerelease: false })
    }

    /// Looks at prereleases even where the range names none.
    #[must_use]
    pub fn with_prereleases(mut self, include: bool) -> Self {
        self.include_prerelease = include;
        self
    }

    pub fn check(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            let prerelease_allowed = self.include_prerelease || group.names_prerelease;
            (version.pre.is_empty() || prerelease_allowed)
                && group.comparisons.iter().all(|comparison| comparison.holds(version))
        })
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c)
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'|' | b'x' | b'X' | b'*')
}

fn skip_spaces(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii() && is_space(c as u8))
}

/// `A - B` becomes `>= A, <= B `, wherever it stands.
fn rewrite_hyphens(text: &str) -> String {
    let mut out = text.to_owned();
    let mut at = 0;
    while at < text.len() {
        if !text.is_char_boundary(at) {
            at += 1;
            continue;
        }
        let rest = &text[at..];
        if let Some((length, low, high)) = hyphen_range(rest) {
            out = out.replacen(&rest[..length], &format!(">= {low}, <= {high} "), 1);
            at += length;
        } else {
            at += 1;
        }
    }
    out
}

fn hyphen_range(text: &str) -> Option<(usize, &str, &str)> {
    let start = skip_spaces(text);
    let low = scan(start, is_part)?.whole;
    let after = &start[low.len()..];
    let dash = skip_spaces(after);
    if dash.len() == after.len() {
        return None;
    }
    let tail = dash.strip_prefix('-')?;
    let start = skip_spaces(tail);
    if start.len() == tail.len() {
        return None;
    }
    let high = scan(start, is_part)?.whole;
    let end = skip_spaces(&start[high.len()..]);
    Some((text.len() - end.len(), low, high))
}

fn parse_group(text: &str) -> Result<Group, ConstraintError> {
    let improper = || ConstraintError::Improper(text.to_owned());
    let mut comparisons = Vec::new();
    let mut rest = skip_spaces(text);
    loop {
        let (operator, after) = parse_operator(rest).ok_or_else(improper)?;
        let after = skip_spaces(after);
        let pieces = scan(after, is_part).ok_or_else(improper)?;
        let after = &after[pieces.whole.len()..];
        comparisons.push((operator, pieces));
        rest = skip_spaces(after);
        if rest.is_empty() {
            break;
        }
        if let Some(next) = rest.strip_prefix(',') {
            rest = skip_spaces(next);
        } else if rest.len() == after.len() {
            return Err(improper());
        }
    }
    let comparisons: Vec<Comparison> = comparisons
        .into_iter()
        .map(|(operator, pieces)| Comparison::from_pieces(operator, &pieces))
        .collect::<Result<_, _>>()?;
    let names_prerelease = comparisons.iter().any(|comparison| !comparison.version.pre.is_empty());
    Ok(Group { comparisons, names_prerelease })
}

fn parse_operator(text: &str) -> Option<(Operator, &str)> {
    let length = text.bytes().position(|byte| !matches!(byte, b'=' | b'!' | b'<' | b'>' | b'~' | b'^'));
    let (sign, rest) = text.split_at(length.unwrap_or(text.len()));
    let operator = match sign {
        "" | "=" => Operator::TildeOrEqual,
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        "<" => Operator::Less,
        ">=" | "=>" => Operator::GreaterOrEqual,
        "<=" | "=<" => Operator::LessOrEqual,
        "~" | "~>" => Operator::Tilde,
        "^" => Operator::Caret,
        _ => return None,
    };
    Some((operator, rest))
}

fn is_wildcard(part: Option<&str>) -> bool {
    matches!(part, None | Some("x" | "X" | "*"))
}

impl Comparison {
    fn from_pieces(operator: Operator, pieces: &Pieces<'_>) -> Result<Self, ConstraintError> {
        let pre = pieces.pre.map(|pre| format!("-{pre}")).unwrap_or_default();
        let (mut dirty, mut minor_dirty, mut patch_dirty) = (true, false, false);
        let text = if is_wildcard(Some(pieces.major)) {
            format!("0.0.0{pre}")
        } else if is_wildcard(pieces.minor) {
            minor_dirty = true;
            format!("{}.0.0{pre}", pieces.major)
        } else if is_wildcard(pieces.patch) {
            patch_dirty = true;
            format!("{}.{}.0{pre}", pieces.major, pieces.minor.unwrap_or_default())
        } else {
            dirty = false;
            pieces.whole.to_owned()
        };
        let version = Version::parse(&text).map_err(|_| ConstraintError::Unreadable)?;
        Ok(Self { operator, version, dirty, minor_dirty, patch_dirty })
    }

    fn holds(&self, version: &Version) -> bool {
        let bound = &self.version;
        let order = version.compare(bound);
        match self.operator {
            Operator::TildeOrEqual if !self.dirty => order == Ordering::Equal,
            Operator::TildeOrEqual | Operator::Tilde => self.tilde(version),
            Operator::NotEqual => self.not_equal(version),
            Operator::Greater if !self.dirty => order == Ordering::Greater,
            Operator::Greater => match version.major.cmp(&bound.major) {
                Ordering::Greater => true,
                Ordering::Less => false,
                Ordering::Equal if self.minor_dirty => false,
                Ordering::Equal if self.patch_dirty => version.minor > bound.minor,
                Ordering::Equal => order == Ordering::Greater,
            },
            Operator::Less => order == Ordering::Less,
            Operator::GreaterOrEqual => order != Ordering::Less,
            Operator::LessOrEqual if !self.dirty => order != Ordering::Greater,
            Operator::LessOrEqual => {
                version.major < bound.major
                    || version.major == bound.major && (version.minor <= bound.minor || self.minor_dirty)
            }
            Operator::Caret => self.caret(version),
        }
    }

    fn tilde(&self, version: &Version) -> bool {
        let bound = &self.version;
        if version.compare(bound) == Ordering::Less {
            return false;
        }
        if (bound.major, bound.minor, bound.patch) == (0, 0, 0) && !self.minor_dirty && !self.patch_dirty {
            return true;
        }
        version.major == bound.major && (version.minor == bound.minor || self.minor_dirty)
    }

    fn not_equal(&self, version: &Version) -> bool {
        let bound = &self.version;
        if self.dirty {
            if bound.major != version.major {
                return true;
            }
            if self.minor_dirty {
                return false;
            }
            if bound.minor != version.minor {
                return true;
            }
            if self.patch_dirty {
                return compare_prerelease(&version.pre, &bound.pre) != Ordering::Equal;
            }
            if bound.patch != version.patch {
                return true;
            }
        }
        version.compare(bound) != Ordering::Equal
    }

    fn caret(&self, version: &Version) -> bool {
        let bound = &self.version;
        if version.compare(bound) == Ordering::Less {
            return false;
        }
        if bound.major > 0 || self.minor_dirty {
            return version.major == bound.major;
        }
        if version.major > 0 {
            return false;
        }
        if bound.minor > 0 || self.patch_dirty {
            return version.minor == bound.minor;
        }
        version.minor == 0 && bound.patch == version.patch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_as_the_reference_says() {
        for (range, version, want) in [
            ("*", "1.2.3", true),
            ("*", "1.2.3-beta", false),
            (">0.0.0-0", "1.2.3-beta", true),
            ("=2.0.0", "1.2.3", false),
            ("4.1", "4.1.9", true),
            ("4.1.3", "4.1.3", true),
            ("!=4.1", "4.1.0", false),
            ("!=4.x", "5.1.0", true),
            (">1.1", "1.1.5", false),
            (">1.1", "1.2.0", true),
            ("<0", "0.0.0-alpha", false),
            (">=11.1.3 <13", "12.0.1", true),
            ("<=11", "11.9.9", true),
            ("1.1 - 2", "1.5.0", true),
            ("1.5.0 - 4.5", "4.6.0", false),
            ("^0.2.3", "0.2.9", true),
            ("^0.0.3", "0.0.4", false),
            ("^0.0", "0.0.9", true),
            ("^0", "0.9.0", true),
            ("^1.2.x", "1.9.0", true),
            ("~1.2.3", "1.3.0", false),
            ("~>1", "1.9.0", true),
            ("^1.2.0-0", "1.3.0-rc.1", true),
            ("1.x || >=2.5.0 || 5.0.0 - 7.2.3", "7.2.3", true),
            (">= 1.16.0-0", "v1.30.0-gke.5", true),
            (">=1.2,<2", "1.9", true),
        ] {
            let constraint = Constraint::parse(range).unwrap();
            assert_eq!(constraint.check(&Version::parse(version).unwrap()), want, "{range} {version}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for range in ["", "foo", ">=1.2<3", "1.2.3.4", "1.2,", "=>>1", "1.2 -", "||", "1||2||"] {
            assert!(Constraint::parse(range).is_err(), "{range}");
        }
        assert_eq!(Constraint::parse("1 |").unwrap_err(), ConstraintError::Unreadable);
    }

    #[test]
    fn any_text_ends_in_an_answer() {
        for text in ["é - é", "1 - é", "\u{a0}1", "1|2", "*.*.*", "v", "~v1 ", "1 - 2 - 3"] {
            let _ = Constraint::parse(text);
        }
    }
}
