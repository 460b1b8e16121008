//! `semver`: versions, strictly as semver.org has them.

use std::cmp::Ordering;

use cel::Env;
use cel::common::types::{BOOL_TYPE, CelBool, STRING_TYPE};
use cel::common::value::CowVal;

use super::{Added, Answer, Arguments, argument, failed, kind, own, quoted, text, truth, whole};

#[derive(Debug, Clone)]
struct Semver {
    numbers: [u64; 3],
    before: Vec<Part>,
}

/// A part of what stands after `-`; numbers are less than words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Word(String),
}

kind!(Semver, SEMVER, "kubernetes.Semver");

impl PartialEq for Semver {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other).is_eq()
    }
}

fn number(text: &str, name: &str, unlike: &str) -> Result<u64, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("Invalid character(s) found in {name} number {}", quoted(text)));
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(format!("{unlike} number must not contain leading zeroes {}", quoted(text)));
    }
    text.parse().map_err(|_| format!("strconv.ParseUint: parsing {}: value out of range", quoted(text)))
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl Semver {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("Version string empty".to_owned());
        }
        let parts: Vec<&str> = text.splitn(3, '.').collect();
        let [major, minor, rest] = parts[..] else {
            return Err("No Major.Minor.Patch elements found".to_owned());
        };
        let (major, minor) = (number(major, "major", "Major")?, number(minor, "minor", "Minor")?);
        let (rest, build) = rest.split_once('+').map_or((rest, None), |(rest, build)| (rest, Some(build)));
        let (patch, before) =
            rest.split_once('-').map_or((rest, None), |(patch, before)| (patch, Some(before)));
        let patch = number(patch, "patch", "Patch")?;
        let before =
            before.map(|all| all.split('.').map(Part::parse).collect::<Result<_, _>>()).transpose()?;
        for part in build.into_iter().flat_map(|build| build.split('.')) {
            if part.is_empty() {
                return Err("Build meta data is empty".to_owned());
            }
            if !is_word(part) {
                return Err(format!("Invalid character(s) found in build meta data {}", quoted(part)));
            }
        }
        Ok(Self { numbers: [major, minor, patch], before: before.unwrap_or_default() })
    }

    /// `v1.02` is `1.2.0`.
    fn tolerant(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let shortened = |part: &str| {
            let rest = part.trim_start_matches('0');
            if part.len() < 2 || rest.starts_with(|c: char| c.is_ascii_digit()) {
                return if part.len() < 2 { part.to_owned() } else { rest.to_owned() };
            }
            format!("0{rest}")
        };
        let mut parts: Vec<String> = text.splitn(3, '.').map(shortened).collect();
        if parts.len() < 3 && parts.last().is_some_and(|last| last.contains(['+', '-'])) {
            return Err("short version cannot contain PreRelease/Build meta data".to_owned());
        }
        parts.resize(3, "0".to_owned());
        Self::parse(&parts.join("."))
    }

    fn compare(&self, other: &Self) -> Ordering {
        let by_release = other.before.is_empty().cmp(&self.before.is_empty()).reverse();
        self.numbers.cmp(&other.numbers).then(by_release).then_with(|| self.before.cmp(&other.before))
    }
}

impl Part {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("Prerelease is empty".to_owned());
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return number(text, "", "Numeric PreRelease version")
                .map(Part::Number)
                .map_err(|why| why.replace("version number must", "version must"));
        }
        if is_word(text) {
            return Ok(Part::Word(text.to_owned()));
        }
        Err(format!("Invalid character(s) found in prerelease {}", quoted(text)))
    }
}

fn parsed(all: &Arguments<'_, '_>) -> Result<Result<Semver, String>, cel::ExecutionError> {
    let written = text(all, 0)?;
    let is_tolerant =
        all.len() > 1 && argument(all, 1)?.downcast_ref::<CelBool>().is_some_and(|flag| *flag.inner());
    Ok(if is_tolerant { Semver::tolerant(written) } else { Semver::parse(written) })
}

fn made<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    parsed(&all)?.map(CowVal::owned).map_err(failed)
}

fn is_one<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    truth(parsed(&all)?.is_ok())
}

fn compared(all: &Arguments<'_, '_>) -> Result<Ordering, cel::ExecutionError> {
    Ok(own::<Semver>(all, 0)?.compare(own(all, 1)?))
}

fn part<'b, 'v>(all: &Arguments<'b, 'v>, at: usize) -> Answer<'b, 'v> {
    whole(own::<Semver>(all, 0)?.numbers[at] as i64)
}

pub(super) fn extension(env: &mut Env) -> Added {
    env.add_type(SEMVER.to_owned())?;
    let (semver, other) = (|| SEMVER.to_owned(), || vec![SEMVER.to_owned()]);
    env.add_overload("isSemver", "is_semver_string", vec![STRING_TYPE], is_one)?;
    env.add_overload("isSemver", "is_semver_string_bool", vec![STRING_TYPE, BOOL_TYPE], is_one)?;
    env.add_overload("semver", "string_to_semver", vec![STRING_TYPE], made)?;
    env.add_overload("semver", "string_bool_to_semver", vec![STRING_TYPE, BOOL_TYPE], made)?;
    env.add_member_overload("isGreaterThan", "semver_is_greater_than", semver(), other(), |all| {
        truth(compared(&all)?.is_gt())
    })?;
    env.add_member_overload("isLessThan", "semver_is_less_than", semver(), other(), |all| {
        truth(compared(&all)?.is_lt())
    })?;
    env.add_member_overload("compareTo", "semver_compare_to", semver(), other(), |all| {
        whole(compared(&all)? as i64)
    })?;
    env.add_member_overload("major", "semver_major", semver(), vec![], |all| part(&all, 0))?;
    env.add_member_overload("minor", "semver_minor", semver(), vec![], |all| part(&all, 1))?;
    env.add_member_overload("patch", "semver_patch", semver(), vec![], |all| part(&all, 2))
}
