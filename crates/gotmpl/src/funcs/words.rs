//! Words: cases, wrapping, abbreviation.

use super::{Outcome, fixed};
use crate::call::{Function, Run, Type};
use crate::funcs::strings::{to_lower, to_upper};
use crate::text::Runes;
use crate::value::Value;

const S: Type = Type::String;
const I: Type = Type::Int;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("abbrev", &[I, S], |_, a| {
        let width = a.integer(0);
        Ok(if width < 4 { a.take(1) } else { Value::text(abbreviate(a.bytes(1), 0, width)) })
    }),
    fixed("abbrevboth", &[I, I, S], |_, a| {
        let (left, right) = (a.integer(0), a.integer(1));
        Ok(if right < 4 || left > 0 && right < 7 {
            a.take(2)
        } else {
            Value::text(abbreviate(a.bytes(2), left, right))
        })
    }),
    fixed("untitle", &[S], |_, a| Ok(Value::text(untitle(a.bytes(0))))),
    fixed("nospace", &[S], |_, a| Ok(Value::text(without_space(a.bytes(0))))),
    fixed("initials", &[S], |_, a| Ok(Value::text(initials(a.bytes(0))))),
    fixed("swapcase", &[S], |_, a| Ok(Value::text(swap_case(a.bytes(0))))),
    fixed("snakecase", &[S], |_, a| Ok(Value::text(lower_words(a.bytes(0), '_')))),
    fixed("kebabcase", &[S], |_, a| Ok(Value::text(lower_words(a.bytes(0), '-')))),
    fixed("camelcase", &[S], |_, a| Ok(Value::text(pascal_case(a.bytes(0))))),
    fixed("wrap", &[I, S], |run, a| wrap(run, a.integer(0), a.bytes(1), b"\n", false)),
    fixed("wrapWith", &[I, S, S], |run, a| wrap(run, a.integer(0), a.bytes(2), a.bytes(1), true)),
];

fn abbreviate(bytes: &[u8], offset: i64, width: i64) -> Vec<u8> {
    let length = bytes.len() as i64;
    if length <= width || bytes.is_empty() {
        return bytes.to_vec();
    }
    let cut = |from: i64, to: i64| {
        let at = |place: i64| usize::try_from(place).unwrap_or(0).min(bytes.len());
        &bytes[at(from)..at(to).max(at(from))]
    };
    let mut offset = offset.min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    if offset <= 4 {
        return [cut(0, width - 3), b"..."].concat();
    }
    if offset + width - 3 < length {
        let tail = abbreviate(cut(offset, length), 0, width - 3);
        return [b"...", tail.as_slice()].concat();
    }
    [b"...", cut(length - (width - 3), length)].concat()
}

fn untitle(bytes: &[u8]) -> String {
    let mut next = true;
    Runes(bytes)
        .map(|character| {
            if character.is_whitespace() {
                next = true;
                character
            } else if next {
                next = false;
                to_lower(character)
            } else {
                character
            }
        })
        .collect()
}

/// Takes each byte for a character, as the reference does.
fn without_space(bytes: &[u8]) -> Vec<u8> {
    let kept: String = bytes.iter().map(|&b| char::from(b)).filter(|c| !c.is_whitespace()).collect();
    if kept.chars().count() == bytes.len() { bytes.to_vec() } else { kept.into_bytes() }
}

fn initials(bytes: &[u8]) -> String {
    let mut gap = true;
    let mut out = String::new();
    for character in bytes.iter().map(|&b| char::from(b)) {
        if character.is_whitespace() {
            gap = true;
        } else if gap {
            out.push(character);
            gap = false;
        }
    }
    out
}

fn swap_case(bytes: &[u8]) -> String {
    let mut space = true;
    Runes(bytes)
        .map(|character| {
            if character.is_uppercase() {
                space = false;
                to_lower(character)
            } else if character.is_lowercase() {
                space = false;
                to_upper(character)
            } else {
                space = character.is_whitespace();
                character
            }
        })
        .collect()
}

fn is_connector(character: char) -> bool {
    character == '-' || character == '_' || character.is_whitespace()
}

fn pascal_case(bytes: &[u8]) -> String {
    let runes: Vec<char> = Runes(bytes).collect();
    let mut out = String::new();
    let Some(start) = runes.iter().position(|&c| !is_connector(c)) else {
        // Connectors alone: the last is written twice by the reference's special case.
        out.extend(&runes);
        out.extend(runes.last());
        return out;
    };
    out.extend(&runes[..start]);
    let mut first_upper = runes[start].is_uppercase();
    let mut current = to_upper(runes[start]);
    for &next in &runes[start + 1..] {
        let before = current;
        current = next;
        if is_connector(current) && is_connector(before) {
            out.push(before);
            continue;
        }
        if is_connector(before) {
            first_upper = current.is_uppercase();
            current = to_upper(current);
        } else {
            if first_upper {
                if current.is_uppercase() {
                    current = to_lower(current);
                } else {
                    first_upper = false;
                }
            }
            out.push(before);
        }
    }
    out.push(current);
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

fn is_punctuation(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, '!'..='#' | '%'..='*' | ','..='/' | ':' | ';' | '?' | '@' | '['..=']' | '_' | '{' | '}');
    }
    matches!(character, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{3001}'..='\u{3003}' | '\u{a1}' | '\u{a7}' | '\u{ab}' | '\u{b6}' | '\u{b7}' | '\u{bb}' | '\u{bf}')
}

/// Letters as the reference splits by: with case, not of scripts without.
fn is_alphabet(character: char) -> bool {
    if !character.is_alphabetic() {
        return false;
    }
    !matches!(character as u32, 0x3400..=0x4d85 | 0x4e00..=0x9fcc | 0x20000..=0x2b81d)
}

fn is_number(character: char) -> bool {
    character.is_numeric()
}

/// The first word of the runes, its kind and its length.
fn next_word(runes: &[char]) -> (Word, usize) {
    let Some(&first) = runes.first() else { return (Word::Invalid, 0) };
    let run = |from: usize, fits: &dyn Fn(char) -> bool| {
        from + runes[from..].iter().take_while(|&&c| fits(c)).count()
    };
    if is_connector(first) {
        return (Word::Connector, run(1, &is_connector));
    }
    if is_punctuation(first) {
        return (Word::Punctuation, run(1, &is_punctuation));
    }
    if first.is_uppercase() {
        match runes.get(1) {
            Some(&second) if second.is_uppercase() => {
                let end = run(2, &char::is_uppercase);
                // In `HTTPStatus` the S begins the next word.
                if runes.get(end).is_some_and(|&c| is_alphabet(c)) {
                    return (Word::Upper, end - 1);
                }
                return (Word::Upper, end);
            }
            Some(&second) if is_alphabet(second) => {
                return (Word::Upper, run(2, &|c| is_alphabet(c) && !c.is_uppercase()));
            }
            _ => return (Word::Upper, 1),
        }
    }
    if is_alphabet(first) {
        return (Word::Alphabet, run(1, &|c| is_alphabet(c) && !c.is_uppercase()));
    }
    if is_number(first) {
        return (Word::Number, run(1, &is_number));
    }
    let other = |c: char| !(is_connector(c) || is_alphabet(c) || is_number(c) || is_punctuation(c));
    (Word::Other, run(1, &other))
}

fn lower_words(bytes: &[u8], connector: char) -> String {
    let runes: Vec<char> = Runes(bytes).collect();
    let mut rest = &runes[..];
    let mut out = String::new();
    let take = |rest: &mut &[char]| -> (Word, Vec<char>) {
        let (kind, length) = next_word(rest);
        let word = rest[..length].to_vec();
        *rest = &rest[length..];
        (kind, word)
    };
    let push = |out: &mut String, kind: Word, word: &[char]| {
        if !matches!(kind, Word::Upper | Word::Connector) {
            out.extend(word);
            return;
        }
        out.extend(word.iter().map(|&c| if is_connector(c) { connector } else { to_lower(c) }));
    };
    let plain = |kind: Word| !matches!(kind, Word::Connector | Word::Punctuation);
    let (mut kind, mut word) = take(&mut rest);
    while !rest.is_empty() {
        if kind != Word::Connector {
            push(&mut out, kind, &word);
        }
        let (before, last) = (kind, word);
        (kind, word) = take(&mut rest);
        match before {
            Word::Number => {
                while matches!(kind, Word::Alphabet | Word::Number) {
                    push(&mut out, kind, &word);
                    (kind, word) = take(&mut rest);
                }
                if kind != Word::Invalid && plain(kind) {
                    out.push(connector);
                }
            }
            Word::Connector => push(&mut out, before, &last),
            Word::Punctuation => {}
            _ => {
                if kind != Word::Number {
                    if plain(kind) {
                        out.push(connector);
                    }
                    continue;
                }
                if rest.is_empty() {
                    continue;
                }
                let number = word;
                (kind, word) = take(&mut rest);
                if kind != Word::Alphabet {
                    // The number belongs to the word before it.
                    push(&mut out, Word::Number, &number);
                    if plain(kind) {
                        out.push(connector);
                    }
                    continue;
                }
                out.push(connector);
                push(&mut out, Word::Number, &number);
                while matches!(kind, Word::Alphabet | Word::Number) {
                    push(&mut out, kind, &word);
                    (kind, word) = take(&mut rest);
                }
                if kind != Word::Invalid && plain(kind) {
                    out.push(connector);
                }
            }
        }
    }
    push(&mut out, kind, &word);
    out
}

fn wrap(run: &Run<'_>, width: i64, bytes: &[u8], line_end: &[u8], cut_words: bool) -> Outcome {
    let line_end = if line_end.is_empty() { b"\n" } else { line_end };
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let mut out = Vec::new();
    let mut rest = bytes;
    while rest.len() > width {
        run.charge_bytes(line_end.len())?;
        if rest[0] == b' ' {
            rest = &rest[1..];
            continue;
        }
        if let Some(at) = rest[..=width].iter().rposition(|&b| b == b' ') {
            out.extend_from_slice(&rest[..at]);
            out.extend_from_slice(line_end);
            rest = &rest[at + 1..];
        } else if cut_words {
            out.extend_from_slice(&rest[..width]);
            out.extend_from_slice(line_end);
            rest = &rest[width..];
        } else if let Some(at) = rest[width..].iter().position(|&b| b == b' ') {
            out.extend_from_slice(&rest[..width + at]);
            out.extend_from_slice(line_end);
            rest = &rest[width + at + 1..];
        } else {
            out.extend_from_slice(rest);
            rest = b"";
        }
    }
    out.extend_from_slice(rest);
    Ok(Value::text(out))
}
