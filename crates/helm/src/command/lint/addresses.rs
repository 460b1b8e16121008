//! Which texts Helm takes for a maintainer's e-mail address and URL.

use std::sync::LazyLock;

use regex::Regex;
use sluice_gotmpl::url_parts;

/// Letters beyond ASCII that an address may hold.
fn is_foreign(c: char) -> bool {
    matches!(c, '\u{a0}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{ffef}')
}

/// `name@domain`, with at least one dot in the domain; the name may stand in quotes.
pub fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.rsplit_once('@') else { return false };
    is_name(name) && is_domain(domain.strip_suffix('.').unwrap_or(domain))
}

fn is_name(name: &str) -> bool {
    if let Some(quoted) = name.strip_prefix('"') {
        return is_quoted(quoted);
    }
    let is_sign = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_foreign(c);
    name.split('.').all(|part| !part.is_empty() && part.chars().all(is_sign))
}

/// Behind a quote Helm's pattern wants pairs of a single sign and a quote.
fn is_quoted(mut rest: &str) -> bool {
    const BLANKS: [char; 2] = [' ', '\t'];
    while !rest.is_empty() {
        let inner = rest.trim_start_matches(BLANKS);
        let mut signs = inner.chars();
        let is_plain = |c: char| {
            c.is_ascii() && !matches!(c, '\0' | '\t' | '\n' | '\r' | ' ' | '"' | '\\') || is_foreign(c)
        };
        if !signs.next().is_some_and(is_plain) {
            return false;
        }
        let behind = signs.as_str().trim_start_matches(BLANKS);
        match behind.strip_prefix('"') {
            Some(next) => rest = next,
            None => return false,
        }
    }
    true
}

fn is_domain(domain: &str) -> bool {
    let Some((head, last)) = domain.rsplit_once('.') else { return false };
    let is_letter = |c: char| c.is_ascii_alphabetic() || is_foreign(c);
    let is_end = |c: char| is_letter(c) || c.is_ascii_digit();
    let is_made = |text: &str, is_edge: &dyn Fn(char) -> bool, inner: &str| {
        text.starts_with(is_edge)
            && text.ends_with(is_edge)
            && text.chars().all(|c| is_end(c) || inner.contains(c))
    };
    is_made(head, &is_end, "-._~") && is_made(last, &is_letter, "-_~")
}

/// The host of a URL that is no address of numbers; the alternatives overlap as those of Helm's pattern do.
static HOST: LazyLock<Regex> = LazyLock::new(|| {
    let (plain, wide) = ("[a-zA-Z0-9]", "[a-zA-Z0-9\\x{a1}-\\x{ffff}]");
    let front = format!(
        "{plain}[a-zA-Z0-9_-]*{plain}(?:[-.]{plain}+)*|www\\.|{plain}+(?:[-_.]?{plain})*{plain}\\.{plain}+"
    );
    Regex::new(&format!("^(?:{front})?(?:{wide}+-{{0,2}})*{wide}+(?:\\.[a-zA-Z\\x{{a1}}-\\x{{ffff}}]+)?$"))
        .expect("the pattern is fixed")
});

const SCHEMES: &[&str] = &["ftp", "tcp", "udp", "ws", "wss", "http", "https"];

pub fn is_url(text: &str) -> bool {
    if text.len() <= 3 || text.chars().count() >= 2083 || text.starts_with('.') {
        return false;
    }
    let has_scheme = !text.contains(':') || text.contains("://");
    let full = if has_scheme { text.to_owned() } else { format!("http://{text}") };
    let Ok(parts) = url_parts(&full) else { return false };
    let is_hostless = parts.host.is_empty() && !parts.path.is_empty() && !parts.path.contains('.');
    if parts.host.starts_with('.') || is_hostless {
        return false;
    }
    // A person may stand before the host: anything without blanks, to an `@`.
    let scheme = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)?.strip_prefix("://"));
    let behind_people = text.match_indices('@').map(|(at, _)| text.split_at(at));
    let behind_people = behind_people
        .filter(|(person, _)| !person.is_empty() && !person.contains(is_blank))
        .map(|(_, rest)| &rest[1..]);
    [Some(text), scheme].into_iter().flatten().chain(behind_people).any(is_place)
}

/// What Go's `\s` matches.
fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\x0c' | '\r' | ' ')
}

/// A host with its port and what follows.
fn is_place(text: &str) -> bool {
    let (host, rest) = text.split_at(text.find(['/', '?', '#']).unwrap_or(text.len()));
    if rest.contains(is_blank) {
        return false;
    }
    let is_port = |port: &str| (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
    let host = match host.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        _ => host,
    };
    [Some(host), host.strip_suffix('.')].into_iter().flatten().any(is_host)
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let numbers = host.parse::<std::net::Ipv4Addr>().map(|address| address.octets()[0]);
    HOST.is_match(host) || numbers.is_ok_and(|first| matches!(first, 1..=223 | 240..=255))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_and_refused_as_by_helm() {
        let text = include_str!("../../../tests/corpus/addresses.jsonl");
        let mut wrong = Vec::new();
        for line in text.lines() {
            let (text, email, url): (String, bool, bool) = serde_json::from_str(line).unwrap();
            if (is_email(&text), is_url(&text)) != (email, url) {
                wrong.push(line);
            }
        }
        assert!(text.lines().count() > 3000);
        assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    }
}
