//! Which files a source leaves out of its artifact: `.sourceignore` files, `spec.ignore` and what is always left out.
//!
//! The grammar is gitignore's as the Flux libraries read it (they differ from git in small ways, which the corpus pins):
//! the last pattern that matches decides, a folder that is left out does not take its files along unless a pattern
//! names it, `**` works only as a whole segment, and the extra defaults apply only where nobody wrote any pattern.

use crate::glob;

/// The file that holds patterns, in any folder.
pub const FILE_NAME: &str = ".sourceignore";

const ALWAYS: &[&str] = &[".git/", ".gitignore", ".gitmodules", ".gitattributes"];

const DEFAULTS: &[&str] = &[
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
];

/// Most patterns that one source may have: every file is tested against each of them.
pub const MOST_PATTERNS: usize = 10_000;
/// A line longer than this ends the reading of its file, as the line reader upstream does.
const LONGEST_LINE: usize = 64 * 1024;

/// There are too many patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {MOST_PATTERNS} ignore patterns")]
pub struct TooMany;

/// One line, and the folder that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    domain: Vec<String>,
    segments: Vec<Segment>,
    includes: bool,
    folders_only: bool,
    has_slash: bool,
}

/// What stands between two slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    glob: glob::Pattern,
    stars: Stars,
}

/// What a segment is besides a pattern of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stars {
    Empty,
    /// `**`: any folders.
    Folders,
    /// `**` among other letters: never matches.
    Inside,
    Single,
}

impl Segment {
    fn parse(text: &str) -> Self {
        let stars = match text {
            "" => Stars::Empty,
            "**" => Stars::Folders,
            text if text.contains("**") => Stars::Inside,
            _ => Stars::Single,
        };
        Self { glob: glob::Pattern::parse(text), stars }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Unmatched,
    Excluded,
    Included,
}

impl Pattern {
    /// Reads one line that is neither empty nor a comment. `domain` is the folder, as segments, empty for the root.
    pub fn parse(line: &str, domain: &[&str]) -> Self {
        let (includes, mut text) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        if !text.ends_with("\\ ") {
            text = text.trim_end_matches(' ');
        }
        let mut folders_only = false;
        if let Some(rest) = text.strip_suffix('/') {
            folders_only = true;
            text = rest;
        }
        Self {
            domain: domain.iter().map(|segment| (*segment).to_owned()).collect(),
            segments: text.split('/').map(Segment::parse).collect(),
            includes,
            folders_only,
            has_slash: text.contains('/'),
        }
    }

    fn judge(&self, path: &[&str], is_folder: bool) -> Verdict {
        if path.len() <= self.domain.len() || self.domain.iter().zip(path).any(|(a, b)| a != b) {
            return Verdict::Unmatched;
        }
        let path = &path[self.domain.len()..];
        let matched =
            if self.has_slash { self.match_path(path, is_folder) } else { self.match_name(path, is_folder) };
        match (matched, self.includes) {
            (false, _) => Verdict::Unmatched,
            (true, true) => Verdict::Included,
            (true, false) => Verdict::Excluded,
        }
    }

    fn match_name(&self, path: &[&str], is_folder: bool) -> bool {
        for (i, name) in path.iter().enumerate() {
            match self.segments[0].glob.matches(name) {
                Err(_) => return false,
                Ok(false) => {}
                Ok(true) => return !(self.folders_only && !is_folder && i == path.len() - 1),
            }
        }
        false
    }

    fn match_path(&self, path: &[&str], is_folder: bool) -> bool {
        let mut path = path;
        let mut matched = false;
        let mut anywhere = false;
        for (i, segment) in self.segments.iter().enumerate() {
            match segment.stars {
                Stars::Empty => {
                    anywhere = false;
                    continue;
                }
                Stars::Folders if i == self.segments.len() - 1 => break,
                Stars::Folders => {
                    anywhere = true;
                    continue;
                }
                Stars::Inside => return false,
                Stars::Single if path.is_empty() => return false,
                Stars::Single => {}
            }
            if anywhere {
                anywhere = false;
                while let Some((name, rest)) = path.split_first() {
                    path = rest;
                    match segment.glob.matches(name) {
                        Err(_) => return false,
                        Ok(true) => {
                            matched = true;
                            break;
                        }
                        Ok(false) if path.is_empty() => matched = false,
                        Ok(false) => {}
                    }
                }
            } else {
                if segment.glob.matches(path[0]) != Ok(true) {
                    return false;
                }
                matched = true;
                path = &path[1..];
            }
        }
        matched && !(self.folders_only && !is_folder && path.is_empty())
    }
}

/// The rules of one source, weakest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
}

impl Ignore {
    /// Leaves nothing out.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// What a Git source leaves out: `written` are the patterns of its files and its spec, in that order.
    pub fn of_source(written: Vec<Pattern>) -> Self {
        let mut patterns: Vec<Pattern> = ALWAYS.iter().map(|line| Pattern::parse(line, &[])).collect();
        if written.is_empty() {
            patterns.extend(DEFAULTS.iter().map(|line| Pattern::parse(line, &[])));
        } else {
            patterns.extend(written);
        }
        Self { patterns }
    }

    /// Only the given patterns, without anything that is always left out (Bucket).
    pub fn only(written: Vec<Pattern>) -> Self {
        Self { patterns: written }
    }

    /// Whether the file or folder stays out. The root itself never does.
    pub fn excludes(&self, path: &str, is_folder: bool) -> bool {
        if path.is_empty() {
            return false;
        }
        let segments: Vec<&str> = path.split('/').collect();
        for pattern in self.patterns.iter().rev() {
            match pattern.judge(&segments, is_folder) {
                Verdict::Unmatched => {}
                Verdict::Excluded => return true,
                Verdict::Included => return false,
            }
        }
        false
    }
}

/// The patterns of one text. `folder` is where it applies (`""` is the root); `sofar` is what they are added to.
pub fn read_patterns(text: &[u8], folder: &str, sofar: &mut Vec<Pattern>) -> Result<(), TooMany> {
    let domain: Vec<&str> = if folder.is_empty() { Vec::new() } else { folder.split('/').collect() };
    for line in text.split(|byte| *byte == b'\n') {
        if line.len() >= LONGEST_LINE {
            break;
        }
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        if sofar.len() >= MOST_PATTERNS {
            return Err(TooMany);
        }
        sofar.push(Pattern::parse(&line, &domain));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each case: `= name`, pattern lines `folder: pattern`, then `? path` or `? path/` and what upstream's matcher said.
    #[test]
    fn answers_as_upstream_does() {
        let mut cases = 0;
        let mut patterns = Vec::new();
        for line in include_str!("../tests/corpus/ignore.txt").lines() {
            if line.starts_with("= ") {
                patterns.clear();
            } else if let Some(rest) = line.strip_prefix("+ ") {
                let (folder, text) = rest.split_once('\t').unwrap();
                read_patterns(text.as_bytes(), folder, &mut patterns).unwrap();
            } else if let Some(rest) = line.strip_prefix("? ") {
                let (path, want) = rest.split_once('\t').unwrap();
                let ignore = Ignore::of_source(patterns.clone());
                let got = ignore.excludes(path.trim_end_matches('/'), path.ends_with('/'));
                assert_eq!(got, want == "out", "{path} with {patterns:?}");
                cases += 1;
            }
        }
        assert!(cases > 500, "the corpus has {cases} cases");
    }

    #[test]
    fn too_many_patterns_are_refused() {
        let text = "a\n".repeat(MOST_PATTERNS + 1);
        assert_eq!(read_patterns(text.as_bytes(), "", &mut Vec::new()), Err(TooMany));
    }
}
