//! Paths and URLs.

use super::fixed;
use crate::call::{Function, Type};
use crate::value::Value;

const S: Type = Type::String;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("base", &[S], |_, a| Ok(Value::text(base(a.bytes(0))))),
    fixed("dir", &[S], |_, a| Ok(Value::text(dir(a.bytes(0))))),
    fixed("clean", &[S], |_, a| Ok(Value::text(clean(a.bytes(0))))),
    fixed("ext", &[S], |_, a| Ok(Value::text(ext(a.bytes(0))))),
    fixed("isAbs", &[S], |_, a| Ok(a.bytes(0).starts_with(b"/").into())),
    fixed("osBase", &[S], |_, a| Ok(Value::text(base(a.bytes(0))))),
    fixed("osDir", &[S], |_, a| Ok(Value::text(dir(a.bytes(0))))),
    fixed("osClean", &[S], |_, a| Ok(Value::text(clean(a.bytes(0))))),
    fixed("osExt", &[S], |_, a| Ok(Value::text(ext(a.bytes(0))))),
    fixed("osIsAbs", &[S], |_, a| Ok(a.bytes(0).starts_with(b"/").into())),
];

/// The last element; `.` of nothing, `/` of slashes alone.
fn base(path: &[u8]) -> &[u8] {
    if path.is_empty() {
        return b".";
    }
    let end = path.iter().rposition(|&b| b != b'/').map_or(0, |at| at + 1);
    if end == 0 {
        return b"/";
    }
    let start = path[..end].iter().rposition(|&b| b == b'/').map_or(0, |at| at + 1);
    &path[start..end]
}

fn dir(path: &[u8]) -> Vec<u8> {
    let end = path.iter().rposition(|&b| b == b'/').map_or(0, |at| at + 1);
    clean(&path[..end])
}

fn ext(path: &[u8]) -> &[u8] {
    let name = path.iter().rposition(|&b| b == b'/').map_or(0, |at| at + 1);
    path[name..].iter().rposition(|&b| b == b'.').map_or(b"", |at| &path[name + at..])
}

/// The shortest path that means the same.
pub(super) fn clean(path: &[u8]) -> Vec<u8> {
    if path.is_empty() {
        return b".".to_vec();
    }
    let rooted = path[0] == b'/';
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|&b| b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => match parts.last() {
                Some(&last) if last != b".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(part),
            },
            _ => parts.push(part),
        }
    }
    let mut out = if rooted { b"/".to_vec() } else { Vec::new() };
    out.extend_from_slice(&parts.join(&b'/'));
    if out.is_empty() {
        out.push(b'.');
    }
    out
}
