//! The latest of a set of tags, as an ImagePolicy (and a Git or chart range) chooses it.

use crate::constraint::{Constraint, ConstraintError};
use crate::number::parse_float;
use crate::version::{Version, parse_dotted};

/// Why no tag was chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    #[error("version list argument cannot be empty")]
    Empty,
    #[error("unable to determine latest version from provided list")]
    NoneFits,
    #[error("failed to parse invalid numeric value '{0}'")]
    NotNumeric(String),
    #[error("invalid order argument provided: '{0}', must be one of: ASC, DESC")]
    Order(String),
    #[error(transparent)]
    Constraint(#[from] ConstraintError),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    #[default]
    Ascending,
    Descending,
}

impl Order {
    /// Reads `ASC` and `DESC`; nothing means ascending.
    pub fn parse(text: &str) -> Result<Self, ChoiceError> {
        match text {
            "" | "ASC" => Ok(Self::Ascending),
            "DESC" => Ok(Self::Descending),
            _ => Err(ChoiceError::Order(text.to_owned())),
        }
    }
}

/// A way of choosing.
#[derive(Debug, Clone)]
pub enum Policy {
    Semver(Constraint),
    Alphabetical(Order),
    Numerical(Order),
}

impl Policy {
    pub fn semver(range: &str) -> Result<Self, ChoiceError> {
        Ok(Self::Semver(Constraint::parse(range)?))
    }

    /// The chosen tag, as it was written.
    pub fn latest<'a>(&self, tags: &[&'a str]) -> Result<&'a str, ChoiceError> {
        let first = *tags.first().ok_or(ChoiceError::Empty)?;
        match self {
            Self::Semver(constraint) => latest_version(constraint, tags).ok_or(ChoiceError::NoneFits),
            Self::Alphabetical(Order::Ascending) => Ok(tags.iter().max().copied().unwrap_or(first)),
            Self::Alphabetical(Order::Descending) => Ok(tags.iter().min().copied().unwrap_or(first)),
            Self::Numerical(order) => latest_number(*order, tags),
        }
    }
}

fn latest_version<'a>(constraint: &Constraint, tags: &[&'a str]) -> Option<&'a str> {
    let mut latest: Option<(Version, &'a str)> = None;
    for &tag in tags {
        let Ok(version) = parse_dotted(tag) else { continue };
        if constraint.check(&version) && latest.as_ref().is_none_or(|(best, _)| version > *best) {
            latest = Some((version, tag));
        }
    }
    latest.map(|(_, tag)| tag)
}

fn latest_number<'a>(order: Order, tags: &[&'a str]) -> Result<&'a str, ChoiceError> {
    let mut latest: Option<(f64, &'a str)> = None;
    for &tag in tags {
        let number = match parse_float(tag) {
            Ok(number) => number,
            Err(_) => return Err(ChoiceError::NotNumeric(tag.to_owned())),
        };
        let worse = latest.is_some_and(|(best, _)| match order {
            Order::Ascending => number < best,
            Order::Descending => number > best,
        });
        if !worse {
            latest = Some((number, tag));
        }
    }
    latest.map(|(_, tag)| tag).ok_or(ChoiceError::Empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_version_in_range_is_chosen_as_it_was_written() {
        let policy = Policy::semver("^1.0").unwrap();
        assert_eq!(policy.latest(&["v1.0.0", "1.10.0", "1.9.0", "1.11", "2.0.0", "latest"]), Ok("1.10.0"));
        assert_eq!(policy.latest(&["1.2.0+a", "1.2.0+b"]), Ok("1.2.0+a"));
        assert_eq!(policy.latest(&["2.0.0"]), Err(ChoiceError::NoneFits));
        assert_eq!(policy.latest(&[]), Err(ChoiceError::Empty));
        assert!(Policy::semver("nope").is_err());
    }

    #[test]
    fn order_turns_the_choice_round() {
        assert_eq!(Policy::Alphabetical(Order::Ascending).latest(&["b", "a", "c"]), Ok("c"));
        assert_eq!(Policy::Alphabetical(Order::Descending).latest(&["b", "a", "c"]), Ok("a"));
        assert_eq!(Policy::Numerical(Order::Ascending).latest(&["9", "10", "1e1"]), Ok("1e1"));
        assert_eq!(Policy::Numerical(Order::Descending).latest(&["9", "10"]), Ok("9"));
        assert_eq!(
            Policy::Numerical(Order::Ascending).latest(&["9", "x"]),
            Err(ChoiceError::NotNumeric("x".to_owned()))
        );
        assert!(Order::parse("asc").is_err());
    }
}
