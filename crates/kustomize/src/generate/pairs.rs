//! Keys and values of a generator: env files first, then literals, then files.

use super::Args;
use crate::error::{Error, Result, fail};
use crate::load::Loader;

type Pair = (String, Vec<u8>);

pub(super) fn load(args: &Args, loader: &Loader<'_>) -> Result<Vec<Pair>> {
    let list = |items: &[String]| format!("[{}]", items.join(" "));
    let mut pairs = Vec::new();
    for path in &args.envs {
        env_file(path, loader, &mut pairs)
            .map_err(|error| error.within(format_args!("env source files: {}", list(&args.envs))))?;
    }
    for literal in &args.literals {
        pairs.push(
            read_literal(literal)
                .map_err(|error| error.within(format_args!("literal sources {}", list(&args.literals))))?,
        );
    }
    for source in &args.files {
        pairs.push(
            file(source, loader)
                .map_err(|error| error.within(format_args!("file sources: {}", list(&args.files))))?,
        );
    }
    Ok(pairs)
}

fn env_file(path: &str, loader: &Loader<'_>, pairs: &mut Vec<Pair>) -> Result<()> {
    let content = loader.load(path)?;
    let mut lines: Vec<&[u8]> = content.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    for (at, line) in lines.into_iter().enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > 64 * 1024 {
            // Go's scanner stops at a line that is longer than its buffer, without a word.
            break;
        }
        let Ok(line) = std::str::from_utf8(line) else {
            let bytes: Vec<String> = line.iter().map(u8::to_string).collect();
            let text = String::from_utf8_lossy(line);
            fail!("line [{}] has invalid utf8 bytes : {text}", bytes.join(" "));
        };
        let line = if at == 0 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if !key.is_empty() {
            pairs.push((key.to_owned(), value.as_bytes().to_vec()));
        }
    }
    Ok(())
}

fn read_literal(literal: &str) -> Result<Pair> {
    let refused = || Error::new(format!("invalid literal source {literal}, expected key=value"));
    let (key, value) = literal.split_once('=').ok_or_else(refused)?;
    if key.is_empty() {
        return Err(refused());
    }
    let bytes = value.as_bytes();
    let quoted = bytes.len() >= 2 && bytes[0] == bytes[bytes.len() - 1] && matches!(bytes[0], b'"' | b'\'');
    let value = if quoted { &value[1..value.len() - 1] } else { value };
    Ok((key.to_owned(), value.as_bytes().to_vec()))
}

fn file(source: &str, loader: &Loader<'_>) -> Result<Pair> {
    let quote = crate::text::quote;
    let (key, path) = match source.matches('=').count() {
        0 => (source.trim_end_matches('/').rsplit('/').next().unwrap_or(source), source),
        1 => match source.split_once('=') {
            Some(("", path)) => {
                fail!("missing key name for file path {} in source {}", quote(path), quote(source))
            }
            Some((key, "")) => {
                fail!("missing file path for key name {} in source {}", quote(key), quote(source))
            }
            Some(pair) => pair,
            None => (source, source),
        },
        _ => fail!("source {} key name or file path contains '='", quote(source)),
    };
    Ok((key.to_owned(), loader.load(path)?.to_vec()))
}
