//! `.helmignore`: Go's path patterns, one a line; a leading `!` turns a rule round, a trailing `/` wants a folder.
//!
//! Not git's rules: `**` is refused, and a `!` rule ignores everything that it does not match.

/// Why a rules file was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreError {
    #[error("double-star (**) syntax is not supported")]
    DoubleStar,
    #[error("syntax error in pattern")]
    BadPattern,
}

/// The rules of one chart folder.
#[derive(Debug, Clone, Default)]
pub struct IgnoreRules {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    /// Checked.
    pattern: Vec<char>,
    negate: bool,
    folder_only: bool,
    scope: Scope,
}

/// What of the path the pattern is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    WholePath,
    LastName,
}

impl IgnoreRules {
    /// Reads a rules file; hidden files in `templates/` are always ignored.
    pub fn parse(text: &str) -> Result<Self, IgnoreError> {
        let mut rules = Self::default();
        for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines() {
            rules.add(line)?;
        }
        Ok(rules.with_defaults())
    }

    /// The rules of a chart without a rules file.
    pub fn defaults() -> Self {
        Self::default().with_defaults()
    }

    fn with_defaults(mut self) -> Self {
        self.rules.push(Rule {
            pattern: "templates/.?*".chars().collect(),
            negate: false,
            folder_only: false,
            scope: Scope::WholePath,
        });
        self
    }

    fn add(&mut self, line: &str) -> Result<(), IgnoreError> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line.contains("**") {
            return Err(IgnoreError::DoubleStar);
        }
        match_pattern(line, "abc")?;
        let (negate, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let (folder_only, line) = line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
        let (pattern, scope) = match line.strip_prefix('/') {
            Some(rest) => (rest, Scope::WholePath),
            None if line.contains('/') => (line, Scope::WholePath),
            None => (line, Scope::LastName),
        };
        let pattern: Vec<char> = pattern.chars().collect();
        check_pattern(&pattern)?;
        self.rules.push(Rule { pattern, negate, folder_only, scope });
        Ok(())
    }

    /// Whether the path, relative to the chart, stays out.
    pub fn ignores(&self, path: &str, is_folder: bool) -> bool {
        if matches!(path, "" | "." | "./") {
            return false;
        }
        let path: Vec<char> = path.chars().collect();
        let last = path.rsplit(|character| *character == '/').next().unwrap_or(&path);
        self.rules.iter().any(|rule| {
            let wrong_kind = rule.folder_only && !is_folder;
            let matches =
                || is_match(&rule.pattern, if rule.scope == Scope::LastName { last } else { &path });
            if rule.negate { wrong_kind || !matches() } else { !wrong_kind && matches() }
        })
    }
}

/// Go's `filepath.Match`: `*` and `?` stop at `/`, `[a-z]` classes, `\` escapes.
pub fn match_pattern(pattern: &str, name: &str) -> Result<bool, IgnoreError> {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    check_pattern(&pattern)?;
    Ok(is_match(&pattern, &name))
}

/// Whether a checked pattern takes a name.
fn is_match(pattern: &[char], name: &[char]) -> bool {
    // Backtracking to the last star only: linear in the product of both lengths.
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        if p < pattern.len() && pattern[p] == '*' {
            p += 1;
            star = Some((p, n));
            continue;
        }
        if p < pattern.len() && n < name.len() {
            let (matched, next) = match_one(pattern, p, name[n]);
            if matched {
                p = next;
                n += 1;
                continue;
            }
        } else if p == pattern.len() && n == name.len() {
            return true;
        }
        match star {
            Some((after, taken)) if taken < name.len() && name[taken] != '/' => {
                star = Some((after, taken + 1));
                p = after;
                n = taken + 1;
            }
            _ => return false,
        }
    }
}

fn check_pattern(pattern: &[char]) -> Result<(), IgnoreError> {
    let mut at = 0;
    while at < pattern.len() {
        at = match pattern[at] {
            '\\' if at + 1 == pattern.len() => return Err(IgnoreError::BadPattern),
            '\\' => at + 2,
            '[' => class_end(pattern, at)?,
            _ => at + 1,
        };
    }
    Ok(())
}

/// The index after a class that starts at `at`.
fn class_end(pattern: &[char], at: usize) -> Result<usize, IgnoreError> {
    let mut next = at + 1;
    if pattern.get(next) == Some(&'^') {
        next += 1;
    }
    let mut ranges = 0;
    loop {
        match pattern.get(next) {
            Some(']') if ranges > 0 => return Ok(next + 1),
            None => return Err(IgnoreError::BadPattern),
            Some(_) => {}
        }
        next = class_bound(pattern, next)?.1;
        if pattern.get(next) == Some(&'-') {
            next = class_bound(pattern, next + 1)?.1;
        }
        ranges += 1;
    }
}

fn class_bound(pattern: &[char], at: usize) -> Result<(char, usize), IgnoreError> {
    let (found, next) = match pattern.get(at) {
        None | Some('-' | ']') => return Err(IgnoreError::BadPattern),
        Some('\\') => (*pattern.get(at + 1).ok_or(IgnoreError::BadPattern)?, at + 2),
        Some(character) => (*character, at + 1),
    };
    if next >= pattern.len() { Err(IgnoreError::BadPattern) } else { Ok((found, next)) }
}

/// Whether the pattern element at `at` takes `character`, and where the next element starts. The pattern is checked.
fn match_one(pattern: &[char], at: usize, character: char) -> (bool, usize) {
    match pattern[at] {
        '?' => (character != '/', at + 1),
        '\\' => (pattern.get(at + 1) == Some(&character), at + 2),
        '[' => {
            let mut next = at + 1;
            let negated = pattern.get(next) == Some(&'^');
            if negated {
                next += 1;
            }
            let (mut found, mut ranges) = (false, 0);
            while !(pattern.get(next) == Some(&']') && ranges > 0) {
                let Ok((low, after)) = class_bound(pattern, next) else { return (false, pattern.len()) };
                let (high, after) = if pattern.get(after) == Some(&'-') {
                    match class_bound(pattern, after + 1) {
                        Ok(bound) => bound,
                        Err(_) => return (false, pattern.len()),
                    }
                } else {
                    (low, after)
                };
                found |= (low..=high).contains(&character);
                next = after;
                ranges += 1;
            }
            (found != negated, next + 1)
        }
        plain => (plain == character, at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_go() {
        for (pattern, name, want) in [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*c", "abc", true),
            ("a*", "ab/c", false),
            ("a*/b", "abc/b", true),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", false),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[^b-d]", "abc", false),
            ("a\\*b", "a*b", true),
            ("a???b", "a☺b", false),
            ("[\\]a]", "]", true),
            ("*x", "xxx", true),
            ("", "", true),
        ] {
            assert_eq!(match_pattern(pattern, name), Ok(want), "{pattern} {name}");
        }
        for pattern in ["[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a\\", "a["] {
            assert_eq!(match_pattern(pattern, "a"), Err(IgnoreError::BadPattern), "{pattern}");
        }
    }

    #[test]
    fn rules_keep_files_out() {
        let rules = IgnoreRules::parse("# c\n*.bak\n/root.txt\ndocs/\na/*.md\n").unwrap();
        for (path, folder, want) in [
            ("x.bak", false, true),
            ("sub/x.bak", false, true),
            ("root.txt", false, true),
            ("sub/root.txt", false, false),
            ("docs", true, true),
            ("docs", false, false),
            ("a/x.md", false, true),
            ("a/b/x.md", false, false),
            ("templates/.hidden", false, true),
            ("", false, false),
        ] {
            assert_eq!(rules.ignores(path, folder), want, "{path}");
        }
        let rules = IgnoreRules::parse("!keep.txt\n").unwrap();
        assert!(rules.ignores("other.txt", false));
        assert!(!rules.ignores("keep.txt", false));
        assert_eq!(IgnoreRules::parse("a/**").unwrap_err(), IgnoreError::DoubleStar);
        assert_eq!(IgnoreRules::parse("[").unwrap_err(), IgnoreError::BadPattern);
    }
}
