//! Shell patterns: `*`, `?`, `[a-z]`, `[^a]`, `\x`. A `*` also takes `/`.

/// A pattern that means nothing.
struct Bad;

/// True when the whole text fits.
fn fits(pattern: &[u8], text: &[u8]) -> Result<bool, Bad> {
    // The place to go back to when a later part does not fit: after the last star.
    let (mut at, mut from) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        if at < pattern.len() && pattern[at] == b'*' {
            at += 1;
            back = Some((at, from));
            continue;
        }
        if at == pattern.len() && from == text.len() {
            return Ok(true);
        }
        let step =
            if at < pattern.len() && from < text.len() { one(&pattern[at..], &text[from..])? } else { None };
        if let Some((in_pattern, in_text)) = step {
            at += in_pattern;
            from += in_text;
            continue;
        }
        match back {
            Some((star, place)) if place < text.len() => {
                back = Some((star, place + 1));
                (at, from) = (star, place + 1);
            }
            _ => return Ok(false),
        }
    }
}

/// How much of pattern and text one element takes.
fn one(pattern: &[u8], text: &[u8]) -> Result<Option<(usize, usize)>, Bad> {
    let letter = |bytes: &[u8]| -> (char, usize) {
        match std::str::from_utf8(&bytes[..bytes.len().min(4)]) {
            Ok(text) => text.chars().next().map_or(('\u{fffd}', 1), |letter| (letter, letter.len_utf8())),
            Err(error) if error.valid_up_to() > 0 => {
                let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                valid.chars().next().map_or(('\u{fffd}', 1), |letter| (letter, letter.len_utf8()))
            }
            Err(_) => ('\u{fffd}', 1),
        }
    };
    match pattern[0] {
        b'?' => Ok(Some((1, letter(text).1))),
        b'[' => {
            let (wanted, size) = letter(text);
            let mut at = 1;
            let negated = pattern.get(at) == Some(&b'^');
            at += usize::from(negated);
            let (mut found, mut ranges) = (false, 0);
            loop {
                if pattern.get(at) == Some(&b']') && ranges > 0 {
                    at += 1;
                    break;
                }
                let end = |at: usize| -> Result<(char, usize), Bad> {
                    let mut at = at;
                    match pattern.get(at) {
                        None | Some(b'-' | b']') => return Err(Bad),
                        Some(b'\\') => at += 1,
                        _ => {}
                    }
                    if at >= pattern.len() {
                        return Err(Bad);
                    }
                    let (letter, size) = letter(&pattern[at..]);
                    if at + size >= pattern.len() { Err(Bad) } else { Ok((letter, at + size)) }
                };
                let (low, next) = end(at)?;
                at = next;
                let mut high = low;
                if pattern.get(at) == Some(&b'-') {
                    (high, at) = end(at + 1)?;
                }
                found |= low <= wanted && wanted <= high;
                ranges += 1;
            }
            Ok((found != negated).then_some((at, size)))
        }
        b'\\' => match pattern.get(1) {
            None => Err(Bad),
            Some(byte) => Ok((*byte == text[0]).then_some((2, 1))),
        },
        byte => Ok((byte == text[0]).then_some((1, 1))),
    }
}

/// Cuts what fits the pattern off the start: the longest part, or the shortest that is not empty.
pub(super) fn cut_start(text: &[u8], pattern: &[u8], longest: bool) -> Vec<u8> {
    let mut found = 0;
    for end in (1..=text.len()).rev() {
        match fits(pattern, &text[..end]) {
            Err(Bad) => return text.to_vec(),
            Ok(true) => {
                found = end;
                if longest {
                    break;
                }
            }
            Ok(false) => {}
        }
    }
    text[found..].to_vec()
}

/// As `cut_start`, at the end: both are turned around letter by letter, the pattern as it stands.
pub(super) fn cut_end(text: &str, pattern: &[u8], longest: bool) -> Vec<u8> {
    let turn = |text: &str| text.chars().rev().collect::<String>();
    let pattern = turn(&String::from_utf8_lossy(pattern));
    let cut = cut_start(turn(text).as_bytes(), pattern.as_bytes(), longest);
    turn(&String::from_utf8_lossy(&cut)).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit() {
        let check = |pattern: &str, text: &str| fits(pattern.as_bytes(), text.as_bytes()).unwrap_or(false);
        assert!(check("a*c", "abbc") && check("*", "") && check("a?c", "abc") && check("[a-c]x", "bx"));
        assert!(!check("[^a]x", "ax") && !check("a", "ab") && !check("[", "a"));
    }
}
