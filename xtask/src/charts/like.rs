//! Whether an output is like two runs of the reference: equal wherever those two are equal.
//!
//! Where they differ, words stand against words: a word that differs between the runs may be another one of the same
//! length (of any length where theirs differ too), everything around it must be the same.

/// The characters that end a word.
const BETWEEN: &[char] = &[' ', '\t', '"', '\'', ',', ':', '@', '(', ')', '[', ']', '{', '}'];

/// A stretch of the output.
enum Part<'t> {
    Line(&'t str),
    Words(Vec<Word<'t>>),
    /// Lines that the runs do not agree on in number; so many at the most.
    Lines(usize),
}

enum Word<'t> {
    Same(&'t str),
    Any(Option<usize>),
    /// To the end of the line.
    Rest,
}

pub fn is_like(one: &str, other: &str, got: &str) -> bool {
    let parts = parts(one, other);
    let lines: Vec<&str> = got.split('\n').collect();
    matches(&parts, &lines)
}

fn parts<'t>(one: &'t str, other: &'t str) -> Vec<Part<'t>> {
    let (a, b): (Vec<&str>, Vec<&str>) = (one.split('\n').collect(), other.split('\n').collect());
    if a.len() == b.len() {
        return a.iter().zip(&b).map(|(a, b)| part(a, b)).collect();
    }
    let mut found = Vec::new();
    for op in similar::capture_diff_slices(similar::Algorithm::Myers, &a, &b) {
        let (old, new) = (&a[op.old_range()], &b[op.new_range()]);
        if old.len() == new.len() {
            found.extend(old.iter().zip(new).map(|(a, b)| part(a, b)));
        } else {
            found.push(Part::Lines(2 * old.len().max(new.len())));
        }
    }
    found
}

fn part<'t>(one: &'t str, other: &'t str) -> Part<'t> {
    if one == other {
        return Part::Line(one);
    }
    let (a, b) = (words(one), words(other));
    let mut found = Vec::new();
    for at in 0..a.len().max(b.len()) {
        match (a.get(at), b.get(at)) {
            (Some(a), Some(b)) if a == b => found.push(Word::Same(a)),
            (Some(a), Some(b)) if !a.starts_with(BETWEEN) && !b.starts_with(BETWEEN) => {
                found.push(Word::Any((a.len() == b.len()).then_some(a.len())));
            }
            _ => {
                found.push(Word::Rest);
                break;
            }
        }
    }
    Part::Words(found)
}

/// Words and, as words of their own, what stands between them.
fn words(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let end = if BETWEEN.contains(&first) {
            first.len_utf8()
        } else {
            rest.find(BETWEEN).unwrap_or(rest.len())
        };
        let (word, after) = rest.split_at(end);
        found.push(word);
        rest = after;
    }
    found
}

fn matches(parts: &[Part<'_>], lines: &[&str]) -> bool {
    let mut lines = lines;
    for (at, part) in parts.iter().enumerate() {
        let fits = match (part, lines.first()) {
            (Part::Lines(most), _) => {
                let mut counts = 0..=(*most).min(lines.len());
                return counts.any(|count| matches(&parts[at + 1..], &lines[count..]));
            }
            (Part::Line(want), Some(line)) => want == line,
            (Part::Words(want), Some(line)) => is_line_like(want, line),
            (_, None) => false,
        };
        if !fits {
            return false;
        }
        lines = &lines[1..];
    }
    lines.is_empty()
}

fn is_line_like(want: &[Word<'_>], line: &str) -> bool {
    let got = words(line);
    for (at, word) in want.iter().enumerate() {
        let found = got.get(at).copied();
        let fits = match word {
            Word::Rest => return found.is_some(),
            Word::Same(text) => found == Some(*text),
            Word::Any(Some(length)) => found.is_some_and(|found| found.len() == *length),
            Word::Any(None) => found.is_some(),
        };
        if !fits {
            return false;
        }
    }
    got.len() == want.len()
}

/// The first lines where ours is unlike Helm's, for a person.
pub fn difference(runs: &[String], got: &str) -> String {
    let a: Vec<&str> = runs[0].split('\n').collect();
    let b: Vec<&str> = got.split('\n').collect();
    let changing = |line: &&str| !runs[1..].iter().all(|run| run.split('\n').any(|other| other == *line));
    let mut told = String::new();
    let mut count = 0;
    for op in similar::capture_diff_slices(similar::Algorithm::Myers, &a, &b) {
        let (old, new) = (&a[op.old_range()], &b[op.new_range()]);
        if op.tag() == similar::DiffTag::Equal || old.len() == new.len() && old.iter().all(changing) {
            continue;
        }
        for (mark, lines) in [('-', old), ('+', new)] {
            for line in lines.iter().take(6) {
                told += &format!("{mark}{}\n", line.chars().take(200).collect::<String>());
            }
        }
        count += 1;
        if count == 6 {
            break;
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_between_runs_may_change() {
        let one = "a: b\npassword: \"Xy12\"\nlast: 1\n";
        let other = "a: b\npassword: \"qQ9z\"\nlast: 1\n";
        assert!(is_like(one, other, "a: b\npassword: \"0000\"\nlast: 1\n"));
        assert!(!is_like(one, other, "a: b\npassword: \"00000\"\nlast: 1\n"));
        assert!(!is_like(one, other, "a: b\npassword: 0000\nlast: 1\n"));
        assert!(!is_like(one, other, "a: c\npassword: \"0000\"\nlast: 1\n"));
        assert!(!is_like(one, other, "a: b\npassword: \"0000\"\nlast: 1\nmore\n"));
        let (one, other) = ("a\nb1\nb2\nz\n", "a\nc1\nz\n");
        assert!(is_like(one, other, "a\nx\ny\nw\nz\n"));
        assert!(!is_like(one, other, "a\nx\ny\nw\nv\n"));
    }
}
