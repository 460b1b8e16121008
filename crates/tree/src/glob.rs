//! Matching one path segment against a shell pattern, with the rules of Go's `path/filepath.Match`.
//!
//! `*` is any run of characters, `?` one, `[a-z]` and `[^a-z]` classes, `\` takes the next character literally.
//! A pattern is only found to be malformed where the match gets to the bad place, as upstream does.

/// The pattern is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// Longest pattern that is looked at: matching takes time in pattern times name.
const LONGEST: usize = 4096;

/// A pattern that is read once and asked often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    Name(String),
    /// `*` and an ending.
    Ending(String),
    Other(String),
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Self {
        if text.len() > LONGEST {
            return Self::Other(text.to_owned());
        }
        let ending = text.strip_prefix('*');
        let letters = ending.unwrap_or(text);
        let is_plain = !letters.bytes().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'));
        match (is_plain, ending) {
            (true, Some(ending)) => Self::Ending(ending.to_owned()),
            (true, None) => Self::Name(text.to_owned()),
            (false, _) => Self::Other(text.to_owned()),
        }
    }

    /// Whether the whole of `name` matches. Neither holds a `/`.
    pub(crate) fn matches(&self, name: &str) -> Result<bool, BadPattern> {
        match self {
            Self::Name(letters) => Ok(name == letters),
            Self::Ending(letters) => Ok(name.ends_with(letters)),
            Self::Other(pattern) => match_any(pattern, name),
        }
    }
}

fn match_any(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    if pattern.len() > LONGEST {
        return Err(BadPattern);
    }
    let mut pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let mut at = 0;
    loop {
        if pattern.is_empty() {
            return Ok(at == name.len());
        }
        let stars = pattern.iter().take_while(|c| **c == '*').count();
        let length = chunk_length(&pattern[stars..]);
        let chunk: Vec<char> = pattern[stars..stars + length].to_vec();
        pattern.drain(..stars + length);
        if stars > 0 && chunk.is_empty() {
            return Ok(true);
        }
        let last = pattern.is_empty();
        if let Some(end) = match_chunk(&chunk, &name, at)?
            && (!last || end == name.len())
        {
            at = end;
            continue;
        }
        let mut found = None;
        if stars > 0 {
            for start in at + 1..=name.len() {
                if let Some(end) = match_chunk(&chunk, &name, start)? {
                    if last && end != name.len() {
                        continue;
                    }
                    found = Some(end);
                    break;
                }
            }
        }
        match found {
            Some(end) => at = end,
            None => return Ok(false),
        }
    }
}

/// How far the part without a `*` goes.
fn chunk_length(pattern: &[char]) -> usize {
    let mut inside = false;
    let mut i = 0;
    while i < pattern.len() {
        match pattern[i] {
            '\\' => i += usize::from(i + 1 < pattern.len()),
            '[' => inside = true,
            ']' => inside = false,
            '*' if !inside => return i,
            _ => {}
        }
        i += 1;
    }
    pattern.len()
}

/// Matches a part without `*` at `at`; where it ends, or none. Goes on over the pattern after a mismatch to find bad syntax.
fn match_chunk(chunk: &[char], name: &[char], at: usize) -> Result<Option<usize>, BadPattern> {
    let mut at = at;
    let mut failed = false;
    let mut i = 0;
    while i < chunk.len() {
        failed |= at >= name.len();
        match chunk[i] {
            '[' => {
                let given = if failed { None } else { Some(name[at]) };
                at += usize::from(!failed);
                i += 1;
                let negated = chunk.get(i) == Some(&'^');
                i += usize::from(negated);
                let mut hit = false;
                let mut ranges = 0;
                loop {
                    if chunk.get(i) == Some(&']') && ranges > 0 {
                        i += 1;
                        break;
                    }
                    let low = class_character(chunk, &mut i)?;
                    let mut high = low;
                    if chunk.get(i) == Some(&'-') {
                        i += 1;
                        high = class_character(chunk, &mut i)?;
                    }
                    hit |= given.is_some_and(|c| low <= c && c <= high);
                    ranges += 1;
                }
                failed |= hit == negated;
            }
            '?' => {
                failed |= !failed && name[at] == '/';
                at += usize::from(!failed);
                i += 1;
            }
            mut literal => {
                if literal == '\\' {
                    i += 1;
                    literal = *chunk.get(i).ok_or(BadPattern)?;
                }
                failed |= !failed && name[at] != literal;
                at += usize::from(!failed);
                i += 1;
            }
        }
    }
    Ok(if failed { None } else { Some(at) })
}

fn class_character(chunk: &[char], i: &mut usize) -> Result<char, BadPattern> {
    let mut c = *chunk.get(*i).ok_or(BadPattern)?;
    if c == '-' || c == ']' {
        return Err(BadPattern);
    }
    if c == '\\' {
        *i += 1;
        c = *chunk.get(*i).ok_or(BadPattern)?;
    }
    *i += 1;
    if *i >= chunk.len() { Err(BadPattern) } else { Ok(c) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> Result<bool, BadPattern> {
        Pattern::parse(pattern).matches(name)
    }

    /// Answers recorded from Go 1.26's `path/filepath.Match` on names without a separator.
    #[test]
    fn answers_as_go_does() {
        for line in include_str!("../tests/corpus/glob.tsv").lines() {
            let mut fields = line.split('\t');
            let (pattern, name, want) =
                (fields.next().unwrap(), fields.next().unwrap(), fields.next().unwrap());
            let got = match matches(pattern, name) {
                Ok(true) => "yes",
                Ok(false) => "no",
                Err(BadPattern) => "bad",
            };
            assert_eq!(got, want, "pattern {pattern:?} name {name:?}");
        }
    }
}
