//! Patterns of paths as Go's filepath matches them: `*`, `?`, `[a-z]`, `\x`, none of them over a `/`.

use crate::error::{Error, Result};

/// Whether a text has anything that is not taken as it stands.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '\\'])
}

/// Whether a pattern names a path as a whole.
pub fn matches(pattern: &str, path: &str) -> Result<bool> {
    let pattern: Vec<char> = pattern.chars().collect();
    let tokens = read(&pattern).ok_or_else(|| Error::new("syntax error in pattern"))?;
    let path: Vec<char> = path.chars().collect();
    Ok(fits(&tokens, &path))
}

enum Token {
    Char(char),
    /// Any but `/`.
    One,
    Many,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

fn read(pattern: &[char]) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&char) = pattern.get(at) {
        at += 1;
        tokens.push(match char {
            '*' => Token::Many,
            '?' => Token::One,
            '\\' => {
                at += 1;
                Token::Char(*pattern.get(at - 1)?)
            }
            '[' => {
                let negated = pattern.get(at) == Some(&'^');
                at += usize::from(negated);
                let mut ranges = Vec::new();
                while pattern.get(at) != Some(&']') || ranges.is_empty() {
                    let low = class_char(pattern, &mut at)?;
                    let high = if pattern.get(at) == Some(&'-') {
                        at += 1;
                        class_char(pattern, &mut at)?
                    } else {
                        low
                    };
                    ranges.push((low, high));
                }
                at += 1;
                Token::Class { negated, ranges }
            }
            char => Token::Char(char),
        });
    }
    Some(tokens)
}

fn class_char(pattern: &[char], at: &mut usize) -> Option<char> {
    let mut char = *pattern.get(*at)?;
    if matches!(char, '-' | ']') {
        return None;
    }
    *at += 1;
    if char == '\\' {
        char = *pattern.get(*at)?;
        *at += 1;
    }
    Some(char)
}

/// Greedy with one step back to the last `*`: never more than the product of both lengths.
fn fits(tokens: &[Token], path: &[char]) -> bool {
    let (mut token, mut at) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        let met = match (tokens.get(token), path.get(at)) {
            (None, None) => return true,
            (Some(Token::Many), _) => {
                back = Some((token, at));
                token += 1;
                continue;
            }
            (Some(Token::Char(wanted)), Some(char)) => wanted == char,
            (Some(Token::One), Some(char)) => *char != '/',
            (Some(Token::Class { negated, ranges }), Some(char)) => {
                *char != '/' && ranges.iter().any(|(low, high)| (low..=high).contains(&char)) != *negated
            }
            _ => false,
        };
        if met {
            token += 1;
            at += 1;
            continue;
        }
        match back {
            Some((many, from)) if path.get(from).is_some_and(|char| *char != '/') => {
                back = Some((many, from + 1));
                token = many + 1;
                at = from + 1;
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_go() {
        for (pattern, path, want) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "a/b.yaml", false),
            ("a/*/c", "a/b/c", true),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("\\*", "*", true),
            ("a*b*c", "a1b2b3c", true),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, path), Ok(want), "{pattern} {path}");
        }
        for broken in ["[a", "[]a]", "a\\", "[-]"] {
            assert!(matches(broken, "a").is_err(), "{broken}");
        }
    }
}
