//! `sluice helm explain`: for a line of the output, the template and its line, what it was included through, and the keys
//! of the values that were read for it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sluice_gotmpl::trace::{Guard, Piece, Place};
use sluice_yaml::{Limits, Node, parse_first};

use super::Environment;
use super::template::{TemplateArgs, TemplateError, template_traced};
use crate::chart::Chart;
use crate::render::RenderCache;

/// Where one line comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Of the output, counted from 1.
    pub line: usize,
    pub text: String,
    /// The file that printed it, then the templates that were included, the innermost last.
    pub places: Vec<Place>,
    pub keys: Vec<String>,
    pub guards: Vec<Guard>,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ExplainError {
    #[error("{0}")]
    Template(#[from] TemplateError),
    #[error("the output has {0} lines")]
    NoLine(usize),
    #[error("no object of the output has {0}")]
    NoField(String),
    #[error("{field} is in {count} objects; say which: {first}:{field}")]
    Ambiguous { field: String, count: usize, first: String },
    #[error("line {0} is no template's: it separates documents or names their file")]
    NoTemplate(usize),
}

/// What one file printed, and from where.
type Printed = BTreeMap<String, (Vec<u8>, Vec<Piece>)>;

/// Explains a line by its number, or a field by its path: `spec.replicas`, `Deployment/web:spec.template.spec.containers[0].image`.
pub fn explain(
    chart: &Chart,
    values: &Map<String, Value>,
    args: &TemplateArgs,
    environment: &Environment<'_>,
    path: &str,
) -> Result<Origin, ExplainError> {
    let printed = RefCell::new(Printed::new());
    let trace = |name: &str, out: &[u8], pieces: Vec<Piece>| {
        printed.borrow_mut().insert(name.to_owned(), (out.to_vec(), pieces));
    };
    let output =
        template_traced(chart, values, args, environment, None, &mut RenderCache::once(), Some(&trace))?;
    let text = output.text.to_string();
    let documents = documents(&text);
    let line = match path.parse::<usize>() {
        Ok(line) => line,
        Err(_) => field_line(&documents, path)?,
    };
    let lines: Vec<&str> = text.lines().collect();
    let text = *line.checked_sub(1).and_then(|at| lines.get(at)).ok_or(ExplainError::NoLine(lines.len()))?;
    let document = documents.iter().rfind(|document| document.first <= line);
    let document = document.filter(|document| line < document.first + document.text.lines().count());
    let document = document.ok_or(ExplainError::NoTemplate(line))?;
    let printed = printed.borrow();
    let (out, pieces) = printed.get(document.file).ok_or(ExplainError::NoTemplate(line))?;
    let offset = place_of(out, document, line - document.first).ok_or(ExplainError::NoTemplate(line))?;
    let mut origin =
        Origin { line, text: text.to_owned(), places: Vec::new(), keys: Vec::new(), guards: Vec::new() };
    follow(&mut origin, out, pieces, offset, text.trim());
    Ok(origin)
}

/// A document of the output.
struct Document<'o> {
    file: &'o str,
    text: &'o str,
    /// The line of the output at which its text begins.
    first: usize,
    /// How many documents of the same file and text come before it.
    earlier: usize,
}

fn documents(output: &str) -> Vec<Document<'_>> {
    const HEAD: &str = "# Source: ";
    let lines: Vec<&str> = output.split_inclusive('\n').collect();
    let mut starts = vec![0];
    for line in &lines {
        starts.push(starts[starts.len() - 1] + line.len());
    }
    let is_head = |at: usize| {
        lines[at].trim_end() == "---" && lines.get(at + 1).is_some_and(|next| next.starts_with(HEAD))
    };
    let heads: Vec<usize> = (0..lines.len()).filter(|at| is_head(*at)).collect();
    let mut found: Vec<Document<'_>> = Vec::new();
    for (index, at) in heads.iter().enumerate() {
        let end = heads.get(index + 1).copied().unwrap_or(lines.len());
        let first = (at + 2).min(end);
        let file = lines[at + 1][HEAD.len()..].trim_end();
        let text = output[starts[first]..starts[end]].trim_end();
        let earlier = found.iter().filter(|known| known.file == file && known.text == text).count();
        found.push(Document { file, text, first: first + 1, earlier });
    }
    found
}

/// Where in a file's output a line of a document stands. What was blanked after printing makes both differ; then the first
/// line with the same text counts.
fn place_of(out: &[u8], document: &Document<'_>, line: usize) -> Option<usize> {
    let wanted = document.text.lines().nth(line)?;
    let before: usize = document.text.split_inclusive('\n').take(line).map(str::len).sum();
    let text = String::from_utf8_lossy(out);
    let at = match text.match_indices(document.text).nth(document.earlier) {
        Some((at, _)) => at + before,
        None => text.find(wanted)?,
    };
    Some(at + (wanted.len() - wanted.trim_start().len()))
}

/// The piece of an output at an offset, and where the piece begins.
fn piece_at(pieces: &[Piece], offset: usize) -> Option<(&Piece, usize)> {
    let mut start = 0;
    for piece in pieces {
        if offset < piece.end {
            return Some((piece, start));
        }
        start = piece.end;
    }
    None
}

fn gather(origin: &mut Origin, piece: &Piece) {
    for key in &piece.keys {
        if !origin.keys.contains(key) {
            origin.keys.push(key.clone());
        }
    }
}

/// Goes down through what was included, as long as the line is found there.
fn follow(origin: &mut Origin, out: &[u8], pieces: &[Piece], offset: usize, line: &str) {
    let Some((piece, start)) = piece_at(pieces, offset) else { return };
    // All pieces on the line have read something for it.
    let end =
        out[offset..].iter().position(|byte| *byte == b'\n').map_or(out.len(), |length| offset + length);
    let mut begin = 0;
    for near in pieces {
        if begin < end.max(offset + 1) && near.end > offset {
            gather(origin, near);
            // What was called within the line is part of it.
            for call in &near.calls {
                let text = call.output.to_lossy();
                if !text.trim().is_empty() && line.contains(text.trim()) {
                    call.pieces.iter().for_each(|piece| gather(origin, piece));
                }
            }
        }
        begin = near.end;
    }
    origin.guards.extend(piece.guards.iter().cloned());
    let mut place = piece.place.clone();
    if piece.is_text {
        place.line += out[start..offset].split(|byte| *byte == b'\n').count() - 1;
    }
    origin.places.extend(piece.via.iter().cloned());
    origin.places.push(place);
    for call in &piece.calls {
        let text = call.output.to_lossy();
        let Some(at) = text.lines().position(|inner| !line.is_empty() && inner.trim() == line) else {
            continue;
        };
        let before: usize = text.split_inclusive('\n').take(at).map(str::len).sum();
        let indent = text[before..].len() - text[before..].trim_start().len();
        return follow(origin, &call.output, &call.pieces, before + indent, line);
    }
}

/// The line of the output at which a field stands.
fn field_line(documents: &[Document<'_>], path: &str) -> Result<usize, ExplainError> {
    let (object, field) = match path.split_once(':') {
        Some((object, field)) => (Some(object), field),
        None => (None, path),
    };
    let steps = steps(field);
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    for document in documents {
        let Ok(Some(parsed)) = parse_first(document.text, Limits::default()) else { continue };
        let name = format!(
            "{}/{}",
            parsed.root.str_at(&["kind"]).unwrap_or_default(),
            parsed.root.str_at(&["metadata", "name"]).unwrap_or_default()
        );
        if object.is_none_or(|object| object == name)
            && let Some(line) = key_line(&parsed.root, &steps)
        {
            found.push((name, document.first + line as usize - 1));
        }
    }
    match found.as_slice() {
        [] => Err(ExplainError::NoField(path.to_owned())),
        [(_, line)] => Ok(*line),
        [(first, _), ..] if object.is_none() => {
            Err(ExplainError::Ambiguous { field: field.to_owned(), count: found.len(), first: first.clone() })
        }
        [(_, line), ..] => Ok(*line),
    }
}

/// The line of the key, or of the item.
fn key_line(root: &Node, steps: &[&str]) -> Option<u32> {
    let (last, before) = steps.split_last()?;
    let holder = root.at(before)?;
    let value = root.at(steps)?;
    let key = holder.map().and_then(|entries| entries.iter().find(|(key, _)| key.as_str() == Some(last)));
    Some(key.map_or(value.line, |(key, _)| key.line))
}

/// `a.b[0].c` as `a`, `b`, `[0]`, `c`.
fn steps(field: &str) -> Vec<String> {
    let mut steps = Vec::new();
    for part in field.trim_start_matches('.').split('.') {
        let (name, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
        if !name.is_empty() {
            steps.push(name.to_owned());
        }
        while let Some(end) = rest.find(']') {
            steps.push(rest[..=end].to_owned());
            rest = &rest[end + 1..];
        }
    }
    steps
}

impl std::fmt::Display for Origin {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let values = |keys: &[String]| {
            keys.iter().map(|key| key.trim_start_matches(".Values.")).collect::<Vec<_>>().join(", ")
        };
        writeln!(out, "line {}: {}", self.line, self.text.trim())?;
        for (depth, place) in self.places.iter().enumerate() {
            let how = if depth == 0 { "printed by" } else { "through" };
            write!(out, "{how} {}:{}", place.file, place.line)?;
            if place.template != place.file {
                write!(out, " ({})", place.template)?;
            }
            writeln!(out)?;
        }
        if !self.keys.is_empty() {
            writeln!(out, "values: {}", values(&self.keys))?;
        }
        for guard in self.guards.iter().filter(|guard| !guard.keys.is_empty()) {
            writeln!(out, "depends on {} at {}:{}", values(&guard.keys), guard.place.file, guard.place.line)?;
        }
        Ok(())
    }
}
