//! Makes a case that differs smaller as long as it still differs.
//!
//! It knows nothing of templates but their words: whatever is left out must only leave a difference behind.

use serde_json::Value;

use super::compose::Case;

/// The most questions that one case is worth.
const MOST: usize = 600;

type Differs<'d> = &'d mut dyn FnMut(&Case) -> Result<bool, String>;

pub fn shrink(case: Case, differs: Differs<'_>) -> Result<Case, String> {
    let mut best = case;
    let mut asked = 0;
    loop {
        let before = size(&best);
        without_files(&mut best, differs, &mut asked)?;
        without_words(&mut best, differs, &mut asked)?;
        without_values(&mut best, differs, &mut asked)?;
        if size(&best) == before || asked >= MOST {
            return Ok(best);
        }
    }
}

fn size(case: &Case) -> usize {
    case.question().len()
}

/// Takes the candidate where it still differs.
fn take(best: &mut Case, candidate: Case, differs: Differs<'_>, asked: &mut usize) -> Result<bool, String> {
    if *asked >= MOST {
        return Ok(false);
    }
    *asked += 1;
    let is_taken = differs(&candidate)?;
    if is_taken {
        *best = candidate;
    }
    Ok(is_taken)
}

fn without_files(best: &mut Case, differs: Differs<'_>, asked: &mut usize) -> Result<(), String> {
    for name in best.files.keys().cloned().collect::<Vec<_>>() {
        if name != "Chart.yaml" {
            let mut candidate = best.clone();
            candidate.files.remove(&name);
            take(best, candidate, differs, asked)?;
        }
    }
    Ok(())
}

fn without_words(best: &mut Case, differs: Differs<'_>, asked: &mut usize) -> Result<(), String> {
    for name in best.files.keys().filter(|name| name.contains("templates/")).cloned().collect::<Vec<_>>() {
        let mut words = words(&best.files[&name]);
        let mut length = words.len().div_ceil(2);
        while length > 0 {
            let mut at = 0;
            while at < words.len() && *asked < MOST {
                let mut fewer = words.clone();
                fewer.drain(at..(at + length).min(fewer.len()));
                let mut candidate = best.clone();
                candidate.files.insert(name.clone(), fewer.concat());
                if take(best, candidate, differs, asked)? {
                    words = fewer;
                } else {
                    at += length;
                }
            }
            length = if length == 1 { 0 } else { length.div_ceil(2) };
        }
    }
    Ok(())
}

/// Actions and groups in parentheses come apart into words; texts stay whole.
fn words(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text;
    let mut is_inside = false;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("{{") || rest.starts_with("}}") {
            is_inside = rest.starts_with("{{");
            2
        } else if is_inside && matches!(first, '"' | '`') {
            end_of_text(rest, first)
        } else if first.is_alphanumeric() || matches!(first, '$' | '.' | '_') {
            rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '$' | '.' | '_')).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(length);
        found.push(word.to_owned());
        rest = after;
    }
    found
}

fn end_of_text(rest: &str, mark: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == mark && !is_escaped {
            return at + 1;
        }
        is_escaped = mark == '"' && c == '\\' && !is_escaped;
    }
    rest.len()
}

fn without_values(best: &mut Case, differs: Differs<'_>, asked: &mut usize) -> Result<(), String> {
    for key in best.values.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect::<Vec<_>>() {
        let mut candidate = best.clone();
        candidate.values.as_object_mut().expect("values are a map").remove(&key);
        take(best, candidate, differs, asked)?;
    }
    for name in ["values.yaml", "charts/sub/values.yaml"] {
        let Some(Ok(Value::Object(mut values))) = best.files.get(name).map(|text| serde_json::from_str(text))
        else {
            continue;
        };
        for key in values.keys().cloned().collect::<Vec<_>>() {
            let mut fewer = values.clone();
            fewer.remove(&key);
            let mut candidate = best.clone();
            candidate.files.insert(name.to_owned(), Value::Object(fewer.clone()).to_string());
            if take(best, candidate, differs, asked)? {
                values = fewer;
            }
        }
    }
    Ok(())
}
