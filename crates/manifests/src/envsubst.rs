//! `${variables}` in text, in all the forms of Flux's envsubst. `$v` without braces stays; `$$` is a `$`.

mod parse;
mod pattern;

use parse::Node;

/// Why a text could not be substituted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("bad substitution")]
    BadSubstitution,
    #[error("missing closing brace")]
    MissingBrace,
    #[error("unable to parse variable name")]
    VariableName,
    #[error("unable to parse substitution within function")]
    WithinFunction,
    #[error("unable to parse default function")]
    DefaultFunction,
    #[error("variable not set (strict mode): {}", quote(.0))]
    NotSet(String),
    #[error("substitutions are nested too deeply")]
    TooDeep,
    #[error("the result is larger than {0} bytes")]
    TooLarge(usize),
    #[error("slice bounds out of range")]
    OutOfRange,
}

fn quote(text: &str) -> String {
    format!("{text:?}")
}

/// The largest text that may come out.
const MAX_BYTES: usize = 64 << 20;

/// Substitutes in a text. `lookup` gives a variable's value, or nothing where that is an error.
pub fn substitute(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, Error> {
    if !text.contains('$') {
        return Ok(text.to_owned());
    }
    let nodes = parse::parse(text)?;
    let mut out = Vec::with_capacity(text.len());
    for node in &nodes {
        write(node, lookup, &mut out)?;
    }
    Ok(String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

fn write(node: &Node, lookup: &dyn Fn(&str) -> Option<String>, out: &mut Vec<u8>) -> Result<(), Error> {
    match node {
        Node::Text(text) => out.extend_from_slice(text.as_bytes()),
        Node::Function { variable, name, arguments } => {
            let mut values = Vec::with_capacity(arguments.len());
            for argument in arguments {
                let mut value = Vec::new();
                write(argument, lookup, &mut value)?;
                values.push(value);
            }
            let is_default = matches!(name.as_str(), "-" | "+" | "=" | "?" | ":-" | ":+" | ":=" | ":?");
            let value = match lookup(variable) {
                Some(value) => value,
                None if is_default => String::new(),
                None => return Err(Error::NotSet(variable.clone())),
            };
            let result = call(name, value, &values)?;
            out.extend_from_slice(&result);
        }
    }
    if out.len() > MAX_BYTES { Err(Error::TooLarge(MAX_BYTES)) } else { Ok(()) }
}

fn call(name: &str, value: String, arguments: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let first = arguments.first().map(Vec::as_slice);
    Ok(match (name, first) {
        (",", _) => case_first(&value, lower).into_bytes(),
        (",,", _) => value.chars().map(lower).collect::<String>().into_bytes(),
        ("^", _) => case_first(&value, upper).into_bytes(),
        ("^^", _) => value.chars().map(upper).collect::<String>().into_bytes(),
        ("#", None) => value.len().to_string().into_bytes(),
        ("#", Some(cut)) => pattern::cut_start(value.as_bytes(), cut, false),
        ("##", Some(cut)) => pattern::cut_start(value.as_bytes(), cut, true),
        ("%", Some(cut)) => pattern::cut_end(&value, cut, false),
        ("%%", Some(cut)) => pattern::cut_end(&value, cut, true),
        (":", Some(from)) => slice(value.into_bytes(), from, arguments.get(1).map(Vec::as_slice))?,
        ("/#" | "/%", _) if arguments.len() != 2 => value.into_bytes(),
        ("/#", Some(old)) => match value.as_bytes().strip_prefix(old) {
            Some(rest) => [&arguments[1], rest].concat(),
            None => value.into_bytes(),
        },
        ("/%", Some(old)) => match value.as_bytes().strip_suffix(old) {
            Some(rest) => [rest, &arguments[1]].concat(),
            None => value.into_bytes(),
        },
        ("/", Some(old)) => {
            replace(value.as_bytes(), old, arguments.get(1).map_or(&[], Vec::as_slice), false)?
        }
        ("//", Some(old)) => {
            replace(value.as_bytes(), old, arguments.get(1).map_or(&[], Vec::as_slice), true)?
        }
        ("##" | "%" | "%%" | ":" | "/" | "//", None) => value.into_bytes(),
        _ if value.is_empty() => arguments.concat(),
        _ => value.into_bytes(),
    })
}

/// Go changes case rune by rune: a letter that would become two stays.
fn one(letter: char, mut changed: impl Iterator<Item = char>) -> char {
    match (changed.next(), changed.next()) {
        (Some(changed), None) => changed,
        _ => letter,
    }
}

fn lower(letter: char) -> char {
    one(letter, letter.to_lowercase())
}

fn upper(letter: char) -> char {
    one(letter, letter.to_uppercase())
}

fn case_first(text: &str, change: fn(char) -> char) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => std::iter::once(change(first)).chain(letters).collect(),
        None => String::new(),
    }
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn slice(value: Vec<u8>, from: &[u8], length: Option<&[u8]>) -> Result<Vec<u8>, Error> {
    let size = value.len() as i64;
    let Some(mut from) = number(from) else { return Ok(value) };
    if from < 0 {
        from = from.saturating_add(size).max(0);
    }
    let rest = |from: i64| if from < size { value[from as usize..].to_vec() } else { Vec::new() };
    let Some(length) = length else { return Ok(rest(from)) };
    let Some(length) = number(length) else { return Ok(value) };
    let end = from.saturating_add(length);
    if end >= size {
        return Ok(rest(from));
    }
    // Go would panic on these bounds.
    if end < from {
        return Err(Error::OutOfRange);
    }
    Ok(value[from as usize..end as usize].to_vec())
}

fn replace(value: &[u8], old: &[u8], new: &[u8], all: bool) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    if old.is_empty() {
        // Go finds nothing before and after every letter.
        let letters = String::from_utf8_lossy(value).into_owned();
        out.extend_from_slice(new);
        for letter in letters.chars() {
            out.extend_from_slice(letter.to_string().as_bytes());
            if all {
                out.extend_from_slice(new);
            }
            if out.len() > MAX_BYTES {
                return Err(Error::TooLarge(MAX_BYTES));
            }
        }
        return Ok(out);
    }
    while let Some(at) = rest.windows(old.len()).position(|window| window == old) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(new);
        rest = &rest[at + old.len()..];
        if out.len() > MAX_BYTES {
            return Err(Error::TooLarge(MAX_BYTES));
        }
        if !all {
            break;
        }
    }
    out.extend_from_slice(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Result<String, Error> {
        let lookup = |name: &str| match name {
            "v" => Some("apple.tar.gz".to_owned()),
            "Up" => Some("Word".to_owned()),
            "empty" => Some(String::new()),
            _ => None,
        };
        substitute(text, &lookup)
    }

    #[test]
    fn every_form_works() {
        for (text, want) in [
            ("a ${v} b", "a apple.tar.gz b"),
            ("$v $${v} $$v", "$v ${v} $v"),
            ("${none:-x}", "x"),
            ("${none:=x}${none=y}", "xy"),
            ("${empty:-${v}}", "apple.tar.gz"),
            ("${v:-x}", "apple.tar.gz"),
            ("${#v}", "12"),
            ("${v^} ${v^^}", "Apple.tar.gz APPLE.TAR.GZ"),
            ("${Up,} ${Up,,}", "word word"),
            ("${v:6} ${v:6:3} ${v:0:5}", "tar.gz tar apple"),
            ("${v#*.} ${v##*.}", "tar.gz gz"),
            ("${v%.*} ${v%%.*}", "apple.tar apple"),
            ("${v/a/b} ${v//a/b}", "bpple.tar.gz bpple.tbr.gz"),
            ("${v/#apple/pear} ${v/%gz/xz}", "pear.tar.gz apple.tar.xz"),
            ("no variables", "no variables"),
            ("${none:-}", ""),
        ] {
            assert_eq!(run(text).as_deref(), Ok(want), "{text}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        assert_eq!(run("${missing}"), Err(Error::NotSet("missing".to_owned())));
        assert_eq!(run("${ v }"), Err(Error::VariableName));
        assert_eq!(run("${v"), Err(Error::MissingBrace));
        assert_eq!(run("${v-x}"), Err(Error::MissingBrace), "only with a colon, or `=`");
        assert_eq!(run("${v:}"), Err(Error::WithinFunction));
        assert_eq!(run("${missing}").unwrap_err().to_string(), "variable not set (strict mode): \"missing\"");
    }

    #[test]
    fn deep_nesting_is_refused() {
        let text = format!("{}x{}", "${a:-".repeat(100_000), "}".repeat(100_000));
        assert_eq!(run(&text), Err(Error::TooDeep));
    }
}
