//! `url`: places on the web, read as Go reads them.

use std::collections::HashMap;

use cel::Env;
use cel::common::types::{CelMap, CelMapKey, CelString, STRING_TYPE};
use cel::common::value::{CowVal, Val};
use sluice_gotmpl::{UrlParts, url_parts};

use super::{Added, Answer, Arguments, failed, kind, own, quoted, said, text, truth, words};

/// Values of a query that are read.
const QUERY_LIMIT: usize = 10_000;

#[derive(Debug, Clone)]
struct Url {
    scheme: String,
    host: String,
    hostname: String,
    escaped_path: String,
    query: String,
    text: String,
}

kind!(Url, URL, "kubernetes.URL");

impl PartialEq for Url {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// What stands in the first line of a request: an absolute path or a whole address.
fn parse(text: &str) -> Result<Url, String> {
    let why = |why: &str| format!("parse {}: {why}", quoted(text));
    if text.is_empty() {
        return Err(why("empty url"));
    }
    let is_rooted = text.starts_with('/') || text == "*";
    let parts = match url_parts(text) {
        Ok(parts) if is_rooted || !parts.scheme.is_empty() => parts,
        Ok(_) => return Err(why("invalid URI for request")),
        Err(_) if !is_rooted && !text.starts_with(':') && !has_scheme(text) => {
            return Err(why("invalid URI for request"));
        }
        Err(error) => return Err(error),
    };
    let UrlParts { scheme, host, hostname, escaped_path, query, text, .. } = parts;
    Ok(Url { scheme, host, hostname, escaped_path, query, text })
}

fn has_scheme(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// The port after the name of a host.
fn port(host: &str) -> &str {
    match host.rfind(':') {
        Some(at) if host[at + 1..].bytes().all(|byte| byte.is_ascii_digit()) => &host[at + 1..],
        _ => "",
    }
}

/// Words of a query with what is escaped in them, where that is well written.
fn unescaped(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                let (high, low) = (digit(bytes.get(at)?)?, digit(bytes.get(at + 1)?)?);
                out.push((high * 16 + low) as u8);
                at += 2;
            }
            other => out.push(*other),
        }
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

fn query<'b, 'v>(all: &Arguments<'b, 'v>) -> Answer<'b, 'v> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for pair in own::<Url>(all, 0)?.query.split('&').take(QUERY_LIMIT) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (false, Some(key), Some(value)) =
            (pair.is_empty() || pair.contains(';'), unescaped(key), unescaped(value))
        else {
            continue;
        };
        match found.iter_mut().find(|(name, _)| *name == key) {
            Some((_, values)) => values.push(value),
            None => found.push((key, vec![value])),
        }
    }
    let entry = |(key, values): (String, Vec<String>)| {
        let key = CelMapKey::String(CelString::from(key));
        (key, Box::new(words(values)) as Box<dyn Val>)
    };
    Ok(CowVal::owned(CelMap::from(found.into_iter().map(entry).collect::<HashMap<_, _>>())))
}

pub(super) fn extension(env: &mut Env) -> Added {
    env.add_type(URL.to_owned())?;
    let url = || URL.to_owned();
    env.add_overload("isURL", "is_url_string", vec![STRING_TYPE], |all| {
        truth(parse(text(&all, 0)?).is_ok())
    })?;
    env.add_overload("url", "string_to_url", vec![STRING_TYPE], |all| {
        let parsed = parse(text(&all, 0)?).map(CowVal::owned);
        parsed.map_err(|why| failed(format!("URL parse error during conversion from string: {why}")))
    })?;
    env.add_member_overload("getScheme", "url_get_scheme", url(), vec![], |all| {
        said(own::<Url>(&all, 0)?.scheme.as_str())
    })?;
    env.add_member_overload("getHost", "url_get_host", url(), vec![], |all| {
        said(own::<Url>(&all, 0)?.host.as_str())
    })?;
    env.add_member_overload("getHostname", "url_get_hostname", url(), vec![], |all| {
        said(own::<Url>(&all, 0)?.hostname.as_str())
    })?;
    env.add_member_overload("getPort", "url_get_port", url(), vec![], |all| {
        said(port(&own::<Url>(&all, 0)?.host))
    })?;
    env.add_member_overload("getEscapedPath", "url_get_escaped_path", url(), vec![], |all| {
        said(own::<Url>(&all, 0)?.escaped_path.as_str())
    })?;
    env.add_member_overload("getQuery", "url_get_query", url(), vec![], |all| query(&all))
}

/// What is wrong with a text that is no address.
pub(super) fn fault(text: &str) -> Option<String> {
    parse(text).err()
}
