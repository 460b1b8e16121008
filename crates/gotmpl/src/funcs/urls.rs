//! URLs, taken apart and put together as Go's net/url does.

use super::{Outcome, fixed};
use crate::call::{Arguments, Function, Run, Type};
use crate::error::Error;
use crate::quote::quote;
use crate::value::{Map, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("urlParse", &[Type::String], |run, a| {
        run.charge(a.bytes(0).len())?;
        let url = Url::parse(a.bytes(0)).map_err(|error| {
            Error::new(format!("unable to parse url: parse {}: {error}", quote(a.bytes(0))))
        })?;
        Ok(Value::map([
            ("scheme", Value::text(url.scheme)),
            ("hostname", Value::text(hostname(&url.host))),
            ("host", Value::text(url.host)),
            ("path", Value::text(url.path)),
            ("query", Value::text(url.query)),
            ("opaque", Value::text(url.opaque)),
            ("fragment", Value::text(url.fragment)),
            ("userinfo", Value::text(url.user.map(|user| user.to_text()).unwrap_or_default())),
        ]))
    }),
    fixed("urlJoin", &[Type::Map], join),
];

/// What a schema's formats and CEL ask of an address.
pub struct UrlParts {
    pub scheme: String,
    pub host: String,
    pub hostname: String,
    pub path: String,
    /// The path as it was written, where that is a way to write it.
    pub escaped_path: String,
    pub query: String,
    /// All of it, as Go prints it.
    pub text: String,
}

/// Reads an address as Go does.
pub fn url_parts(text: &str) -> Result<UrlParts, String> {
    let url =
        Url::parse(text.as_bytes()).map_err(|error| format!("parse {}: {error}", quote(text.as_bytes())))?;
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(UrlParts {
        scheme: lossy(&url.scheme),
        hostname: lossy(&hostname(&url.host)),
        host: lossy(&url.host),
        path: lossy(&url.path),
        escaped_path: lossy(&url.escaped_path()),
        query: lossy(&url.query),
        text: lossy(&url.to_text()),
    })
}

#[derive(Default)]
struct Url {
    scheme: Vec<u8>,
    opaque: Vec<u8>,
    user: Option<User>,
    host: Vec<u8>,
    path: Vec<u8>,
    raw_path: Vec<u8>,
    query: Vec<u8>,
    force_query: bool,
    fragment: Vec<u8>,
    omit_host: bool,
}

struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    User,
    Host,
    Zone,
    Fragment,
}

fn should_escape(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() {
        return false;
    }
    if matches!(part, Part::Host | Part::Zone)
        && matches!(
            byte,
            b'!' | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'['
                | b']'
                | b'<'
                | b'>'
                | b'"'
        )
    {
        return false;
    }
    match byte {
        b'-' | b'_' | b'.' | b'~' => return false,
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match part {
            Part::Path => return byte == b'?',
            Part::User => return matches!(byte, b'@' | b'/' | b'?' | b':'),
            Part::Fragment => return false,
            _ => {}
        },
        _ => {}
    }
    !(part == Part::Fragment && matches!(byte, b'!' | b'(' | b')' | b'*'))
}

fn escape(bytes: &[u8], part: Part) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        if should_escape(byte, part) {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        } else {
            out.push(byte);
        }
    }
    out
}

fn unescape(bytes: &[u8], part: Part) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte == b'%' {
            let code = bytes.get(at + 1..at + 3).and_then(|digits| {
                let high = char::from(digits[0]).to_digit(16)?;
                let low = char::from(digits[1]).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()
            });
            let Some(code) = code else {
                let end = (at + 3).min(bytes.len());
                return Err(format!("invalid URL escape {}", quote(&bytes[at..end])));
            };
            if part == Part::Host && code < 0x80 && &bytes[at..at + 3] != b"%25" {
                return Err(format!("invalid URL escape {}", quote(&bytes[at..at + 3])));
            }
            out.push(code);
            at += 3;
            continue;
        }
        if matches!(part, Part::Host | Part::Zone) && byte < 0x80 && should_escape(byte, part) {
            return Err(format!("invalid character {} in host name", quote(&bytes[at..=at])));
        }
        out.push(byte);
        at += 1;
    }
    Ok(out)
}

impl User {
    fn to_text(&self) -> Vec<u8> {
        let mut out = escape(&self.name, Part::User);
        if let Some(password) = &self.password {
            out.push(b':');
            out.extend(escape(password, Part::User));
        }
        out
    }
}

fn is_good_port(port: &[u8]) -> bool {
    port.is_empty() || port[0] == b':' && port[1..].iter().all(u8::is_ascii_digit)
}

fn hostname(host: &[u8]) -> Vec<u8> {
    let mut name = host;
    if let Some(colon) = host.iter().rposition(|&b| b == b':')
        && is_good_port(&host[colon..])
    {
        name = &host[..colon];
    }
    if name.starts_with(b"[") && name.ends_with(b"]") {
        name = &name[1..name.len() - 1];
    }
    name.to_vec()
}

impl Url {
    fn parse(text: &[u8]) -> Result<Self, String> {
        let (body, fragment) = match text.iter().position(|&b| b == b'#') {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => (text, &b""[..]),
        };
        if body.iter().any(|&b| b < b' ' || b == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut url = Self::default();
        if body == b"*" {
            url.path = b"*".to_vec();
        } else {
            url.parse_body(body)?;
        }
        url.fragment = unescape(fragment, Part::Fragment)?;
        Ok(url)
    }

    fn parse_body(&mut self, body: &[u8]) -> Result<(), String> {
        let (scheme, mut rest) = split_scheme(body)?;
        self.scheme = scheme.to_ascii_lowercase();
        if rest.ends_with(b"?") && rest.iter().position(|&b| b == b'?') == Some(rest.len() - 1) {
            self.force_query = true;
            rest = &rest[..rest.len() - 1];
        } else if let Some(at) = rest.iter().position(|&b| b == b'?') {
            self.query = rest[at + 1..].to_vec();
            rest = &rest[..at];
        }
        if !rest.starts_with(b"/") {
            if !self.scheme.is_empty() {
                self.opaque = rest.to_vec();
                return Ok(());
            }
            let segment = rest.split(|&b| b == b'/').next().unwrap_or_default();
            if segment.contains(&b':') {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        if (!self.scheme.is_empty() || !rest.starts_with(b"///")) && rest.starts_with(b"//") {
            let after = &rest[2..];
            let end = after.iter().position(|&b| b == b'/').unwrap_or(after.len());
            self.authority(&after[..end])?;
            rest = &after[end..];
        } else if !self.scheme.is_empty() && rest.starts_with(b"/") {
            self.omit_host = true;
        }
        self.path = unescape(rest, Part::Path)?;
        self.raw_path = rest.to_vec();
        Ok(())
    }

    fn escaped_path(&self) -> Vec<u8> {
        let is_good = |byte: &u8| b"!$&'()*+,;=:@[]%".contains(byte) || !should_escape(*byte, Part::Path);
        if self.path == b"*" || self.raw_path.iter().all(is_good) {
            return if self.raw_path.is_empty() { self.path.clone() } else { self.raw_path.clone() };
        }
        escape(&self.path, Part::Path)
    }

    fn authority(&mut self, authority: &[u8]) -> Result<(), String> {
        let host = match authority.iter().rposition(|&b| b == b'@') {
            None => authority,
            Some(at) => {
                let user = &authority[..at];
                let good = |b: &u8| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(b);
                let host = &authority[at + 1..];
                let parsed = parse_host(host)?;
                if !user.iter().all(good) {
                    return Err("net/url: invalid userinfo".to_owned());
                }
                self.user = Some(match user.iter().position(|&b| b == b':') {
                    None => User { name: unescape(user, Part::User)?, password: None },
                    Some(at) => User {
                        name: unescape(&user[..at], Part::User)?,
                        password: Some(unescape(&user[at + 1..], Part::User)?),
                    },
                });
                self.host = parsed;
                return Ok(());
            }
        };
        self.host = parse_host(host)?;
        Ok(())
    }

    fn to_text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if !self.opaque.is_empty() {
            out.extend_from_slice(&self.opaque);
        } else {
            if !self.scheme.is_empty() || !self.host.is_empty() || self.user.is_some() {
                if self.omit_host && self.host.is_empty() && self.user.is_none() {
                    // The authority was left out before too.
                } else {
                    if !self.host.is_empty() || !self.path.is_empty() || self.user.is_some() {
                        out.extend_from_slice(b"//");
                    }
                    if let Some(user) = &self.user {
                        out.extend(user.to_text());
                        out.push(b'@');
                    }
                    out.extend(escape(&self.host, Part::Host));
                }
            }
            let path = escape(&self.path, Part::Path);
            if !path.is_empty() && path[0] != b'/' && !self.host.is_empty() {
                out.push(b'/');
            }
            if out.is_empty()
                && path.split(|&b| b == b'/').next().is_some_and(|segment| segment.contains(&b':'))
            {
                out.extend_from_slice(b"./");
            }
            out.extend(path);
        }
        if self.force_query || !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(escape(&self.fragment, Part::Fragment));
        }
        out
    }
}

fn split_scheme(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (index, &byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if index > 0 => {}
            b':' if index == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&text[..index], &text[index + 1..])),
            _ => return Ok((b"", text)),
        }
    }
    Ok((b"", text))
}

fn parse_host(host: &[u8]) -> Result<Vec<u8>, String> {
    if host.starts_with(b"[") {
        let Some(close) = host.iter().rposition(|&b| b == b']') else {
            return Err("missing ']' in host".to_owned());
        };
        let port = &host[close + 1..];
        if !is_good_port(port) {
            return Err(format!("invalid port {} after host", quote(port)));
        }
        if let Some(zone) = crate::lex::find(&host[..close], b"%25") {
            let mut out = unescape(&host[..zone], Part::Host)?;
            out.extend(unescape(&host[zone..close], Part::Zone)?);
            out.extend(unescape(&host[close..], Part::Host)?);
            return Ok(out);
        }
    } else if let Some(colon) = host.iter().rposition(|&b| b == b':') {
        let port = &host[colon..];
        if !is_good_port(port) {
            return Err(format!("invalid port {} after host", quote(port)));
        }
    }
    unescape(host, Part::Host)
}

fn text_of(map: &Map, key: &str) -> Result<Vec<u8>, Error> {
    match map.get(key.as_bytes()) {
        None => Ok(Vec::new()),
        Some(Value::Str(text)) => Ok(text.to_vec()),
        Some(Value::Nil) => Err(super::lists::nil_dereference()),
        Some(other) => Err(Error::new(format!(
            "unable to parse {key} key, must be of type string, but {} found",
            other.kind_name()
        ))),
    }
}

fn join(_: &Run<'_>, arguments: &mut Arguments) -> Outcome {
    let map = arguments.map(0);
    let mut url = Url {
        scheme: text_of(&map, "scheme")?,
        host: text_of(&map, "host")?,
        path: text_of(&map, "path")?,
        query: text_of(&map, "query")?,
        opaque: text_of(&map, "opaque")?,
        fragment: text_of(&map, "fragment")?,
        ..Url::default()
    };
    let user = text_of(&map, "userinfo")?;
    if !user.is_empty() {
        let whole = [b"proto://", user.as_slice(), b"@host"].concat();
        let parsed = Url::parse(&whole).map_err(|error| {
            Error::new(format!("unable to parse userinfo in dict: parse {}: {error}", quote(&whole)))
        })?;
        url.user = parsed.user;
    }
    Ok(Value::text(url.to_text()))
}
