//! The patterns of `.Files.Glob`: `*` within a folder, `**` across folders, `?`, `[a-z]`, `[!ab]`, `{a,b}`, `\` escapes.

use std::collections::BTreeSet;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Text(Vec<char>),
    Single,
    Any,
    Super,
    Range { low: char, high: char, not: bool },
    Chars { chars: Vec<char>, not: bool },
    Choice(Vec<Vec<Term>>),
}

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    terms: Vec<Term>,
}

const MAX_NESTING: usize = 100;

impl Glob {
    /// Nothing where the text is no pattern.
    pub fn parse(text: &str) -> Option<Self> {
        let characters: Vec<char> = text.chars().collect();
        let mut parser = Parser { characters: &characters, at: 0 };
        let terms = parser.sequence(0)?;
        Some(Self { terms })
    }

    /// What matches every name.
    pub fn everything() -> Self {
        Self { terms: vec![Term::Super] }
    }

    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        ends(&self.terms, &name, BTreeSet::from([0])).contains(&name.len())
    }
}

/// Where a match of `terms` may end when it begins at one of `starts`.
fn ends(terms: &[Term], name: &[char], starts: BTreeSet<usize>) -> BTreeSet<usize> {
    let mut places = starts;
    for term in terms {
        let mut next = BTreeSet::new();
        for at in places {
            let one = |accept: bool| accept.then_some(at + 1);
            match (term, name.get(at)) {
                (Term::Text(text), _) => {
                    if name[at..].starts_with(text) {
                        next.insert(at + text.len());
                    }
                }
                (Term::Any, _) => {
                    let run = name[at..].iter().take_while(|character| **character != '/').count();
                    next.extend(at..=at + run);
                }
                (Term::Super, _) => next.extend(at..=name.len()),
                (Term::Choice(choices), _) => {
                    for choice in choices {
                        next.extend(ends(choice, name, BTreeSet::from([at])));
                    }
                }
                (Term::Single, Some(character)) => next.extend(one(*character != '/')),
                (Term::Range { low, high, not }, Some(character)) => {
                    next.extend(one((low..=high).contains(&character) != *not));
                }
                (Term::Chars { chars, not }, Some(character)) => {
                    next.extend(one(chars.contains(character) != *not));
                }
                (_, None) => {}
            }
        }
        places = next;
        if places.is_empty() {
            break;
        }
    }
    places
}

struct Parser<'a> {
    characters: &'a [char],
    at: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<char> {
        let found = self.characters.get(self.at).copied();
        self.at += usize::from(found.is_some());
        found
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn sequence(&mut self, depth: usize) -> Option<Vec<Term>> {
        if depth > MAX_NESTING {
            return None;
        }
        let mut terms = Vec::new();
        while let Some(character) = self.peek() {
            match character {
                ',' | '}' if depth > 0 => break,
                '*' => {
                    self.next();
                    if self.peek() == Some('*') {
                        self.next();
                        terms.push(Term::Super);
                    } else {
                        terms.push(Term::Any);
                    }
                }
                '?' => {
                    self.next();
                    terms.push(Term::Single);
                }
                '[' => {
                    self.next();
                    terms.push(self.class()?);
                }
                '{' => {
                    self.next();
                    let mut choices = vec![self.sequence(depth + 1)?];
                    while self.next() == Some(',') {
                        choices.push(self.sequence(depth + 1)?);
                    }
                    terms.push(Term::Choice(choices));
                }
                _ => {
                    let text = self.text(if depth > 0 {
                        &['?', '*', '[', '{', '}', ',']
                    } else {
                        &['?', '*', '[', '{']
                    });
                    terms.push(Term::Text(text));
                }
            }
        }
        Some(terms)
    }

    fn text(&mut self, stops: &[char]) -> Vec<char> {
        let mut text = Vec::new();
        while let Some(character) = self.peek() {
            if character == '\\' {
                self.next();
                text.extend(self.next());
            } else if stops.contains(&character) {
                break;
            } else {
                self.next();
                text.push(character);
            }
        }
        text
    }

    fn class(&mut self) -> Option<Term> {
        let not = self.peek() == Some('!');
        if not {
            self.next();
        }
        let first = self.next()?;
        if self.peek() == Some('-') {
            self.next();
            let high = self.next()?;
            return (self.next() == Some(']') && first <= high).then_some(Term::Range {
                low: first,
                high,
                not,
            });
        }
        self.at -= 1;
        let chars = self.text(&[']']);
        (self.next() == Some(']') && !chars.is_empty()).then_some(Term::Chars { chars, not })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match() {
        for (pattern, name, want) in [
            ("config/*", "config/a.toml", true),
            ("config/*", "config/x/a.toml", false),
            ("config/**", "config/x/a.toml", true),
            ("**.toml", "config/x/a.toml", true),
            ("*.{yaml,yml}", "a.yml", true),
            ("*.{yaml,yml}", "a.json", false),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[abc]", "d", false),
            ("[!abc]", "d", true),
            ("a\\*", "a*", true),
            ("{a*,b}{1,2}", "axx2", true),
            ("", "", true),
        ] {
            assert_eq!(Glob::parse(pattern).unwrap().matches(name), want, "{pattern} {name}");
        }
        for pattern in ["[", "[]", "[a", "[c-a]", "[a-z0-9]"] {
            assert_eq!(Glob::parse(pattern), None, "{pattern}");
        }
        assert!(Glob::everything().matches("a/b"));
        assert_eq!(Glob::parse(&"{".repeat(1000)), None);
    }
}
