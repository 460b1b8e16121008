//! `format`: what the text of a field has to look like.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine;

use super::super::faults::is_label;

/// Whether a text has a format; an unknown format takes every text.
pub fn fits(format: &str, text: &str) -> bool {
    match format {
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "date" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        "duration" => duration(text),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => cidr(text),
        "mac" => mac(text),
        "byte" => base64::engine::general_purpose::STANDARD.decode(text).is_ok(),
        "uuid" | "uuid3" | "uuid4" | "uuid5" => uuid(text, format),
        "uri" => uri(text),
        "hostname" => hostname(text),
        "email" => email(text),
        _ => true,
    }
}

fn cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let Ok(bits) = bits.parse::<u8>() else { return false };
    (address.parse::<Ipv4Addr>().is_ok() && bits <= 32)
        || (address.parse::<Ipv6Addr>().is_ok() && bits <= 128)
}

fn mac(text: &str) -> bool {
    let parts: Vec<&str> = text.split([':', '-']).collect();
    matches!(parts.len(), 6 | 8)
        && parts.iter().all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn uuid(text: &str, format: &str) -> bool {
    let plain: String = text.chars().filter(|c| *c != '-').collect();
    plain.len() == 32
        && plain.bytes().all(|byte| byte.is_ascii_hexdigit())
        && format.strip_prefix("uuid").is_none_or(|version| version.is_empty() || plain[12..13] == *version)
}

/// As Go's `url.ParseRequestURI` takes it.
fn uri(text: &str) -> bool {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte > b' ' && byte != 0x7f);
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    let has_scheme = scheme.is_some_and(|scheme| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    });
    plain && (text.starts_with('/') || has_scheme)
}

fn hostname(text: &str) -> bool {
    let lower = text.to_lowercase();
    text.len() <= 255 && !text.is_empty() && lower.split('.').all(is_label)
}

fn email(text: &str) -> bool {
    let Some((user, host)) = text.rsplit_once('@') else { return false };
    let is_word = |c: char| !c.is_whitespace() && !"<>()[],;:\\\"".contains(c);
    !user.is_empty() && !host.is_empty() && user.chars().all(is_word) && host.chars().all(is_word)
}

/// As Go writes it, or in words: `3 days`.
fn duration(text: &str) -> bool {
    const UNITS: &[&str] = &["ns", "us", "\u{b5}s", "\u{3bc}s", "ms", "s", "m", "h"];
    const WORDS: &[&str] = &[
        "d", "w", "day", "days", "week", "weeks", "hour", "hours", "minute", "minutes", "second", "seconds",
    ];
    let mut rest = text.trim_start_matches(['+', '-']);
    if rest == "0" {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        if number == 0 {
            return false;
        }
        rest = rest[number..].trim_start();
        let unit = rest.find(|c: char| c.is_ascii_digit() || c == ' ').unwrap_or(rest.len());
        if !UNITS.contains(&&rest[..unit]) && !WORDS.contains(&&rest[..unit]) {
            return false;
        }
        rest = rest[unit..].trim_start();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart() {
        for (format, good, bad) in [
            ("date-time", "2020-01-01T00:00:00Z", "2020-01-01"),
            ("date", "2020-01-31", "2020-01-32"),
            ("duration", "1h30m", "1x"),
            ("ipv4", "10.0.0.1", "10.0.0"),
            ("ipv6", "::1", "10.0.0.1"),
            ("cidr", "10.0.0.0/8", "10.0.0.0/33"),
            ("mac", "00:00:5e:00:53:01", "00:00:5e"),
            ("byte", "YQ==", "!"),
            ("uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6ba7b810"),
            ("uri", "https://example.com/x", "x y"),
            ("hostname", "example.com", "-"),
            ("email", "a@example.com", "a"),
        ] {
            assert!(fits(format, good), "{format} {good}");
            assert!(!fits(format, bad), "{format} {bad}");
        }
    }
}
