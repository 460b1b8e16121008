//! The formats of strings that schemas may ask for, judged as Helm's library judges them, each with what is wrong.
//!
//! Formats that are not here are not checked there either.

use std::net::Ipv6Addr;

use sluice_gotmpl::quote::quote_rune;

type Verdict = Result<(), String>;
type Check = fn(&str) -> Verdict;

/// Every format with its check.
pub const FORMATS: &[(&str, Check)] = &[
    ("date", date),
    ("date-time", date_time),
    ("duration", duration),
    ("email", email),
    ("hostname", hostname),
    ("ipv4", ipv4),
    ("ipv6", ipv6),
    ("iri", uri),
    ("iri-reference", uri_reference),
    ("json-pointer", pointer),
    ("period", period),
    ("relative-json-pointer", relative_pointer),
    ("semver", semver),
    ("time", time),
    ("uri", uri),
    ("uri-reference", uri_reference),
    ("uuid", uuid),
];

/// What is wrong with a text, if that is known.
pub fn problem(format: &str, text: &str) -> Option<String> {
    let (_, check) = FORMATS.iter().find(|known| known.0 == format)?;
    check(text).err()
}

fn wrong(text: impl Into<String>) -> Verdict {
    Err(text.into())
}

fn within(what: &str, verdict: Verdict) -> Verdict {
    verdict.map_err(|text| format!("invalid {what}: {text}"))
}

/// A number as Go's Atoi reads it.
fn number(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("strconv.Atoi: parsing {text:?}: invalid syntax"));
    }
    text.parse().map_err(|_| format!("strconv.Atoi: parsing {text:?}: value out of range"))
}

fn ipv4(text: &str) -> Verdict {
    let groups: Vec<&str> = text.split('.').collect();
    if groups.len() != 4 {
        return wrong("expected four decimals");
    }
    for group in groups {
        if group.len() > 1 && group.starts_with('0') {
            return wrong("leading zeros");
        }
        if !(0..=255).contains(&number(group)?) {
            return wrong("decimal must be between 0 and 255");
        }
    }
    Ok(())
}

fn ipv6(text: &str) -> Verdict {
    if !text.contains(':') {
        return wrong("missing colon");
    }
    let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    if zone == Some("") {
        return wrong(format!("ParseAddr({text:?}): zone must be a non-empty string"));
    }
    if address.parse::<Ipv6Addr>().is_err() {
        return wrong(format!("ParseAddr({text:?}): {}", ipv6_problem(address)));
    }
    if zone.is_some() { wrong("zone id is not a part of ipv6 address") } else { Ok(()) }
}

/// Why Go refuses an address: the first group from the left that does not fit.
fn ipv6_problem(address: &str) -> String {
    let told = |text: &str, rest: &str| format!("{text} (at {rest:?})");
    let mut groups = 0;
    let mut rest = address;
    let mut is_shortened = rest.starts_with("::");
    if is_shortened {
        rest = &rest[2..];
    }
    while groups < 8 {
        let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        match digits {
            0 => return told("each colon-separated field must have at least one digit", rest),
            1..=4 => {}
            _ => return told("each group must have 4 or less digits", rest),
        }
        let after = &rest[digits..];
        if after.starts_with('.') {
            return match groups {
                0..6 if !is_shortened => {
                    told("embedded IPv4 address must replace the final 2 fields of the address", rest)
                }
                0..=6 => "IPv4 field has value >255".to_owned(),
                _ => told("too many hex fields to fit an embedded IPv4 at the end of the address", rest),
            };
        }
        groups += 1;
        if after.is_empty() {
            break;
        }
        let Some(next) = after.strip_prefix(':') else {
            return told("unexpected character, want colon", after);
        };
        if next.is_empty() {
            return told("colon must be followed by more characters", after);
        }
        rest = next;
        if let Some(next) = rest.strip_prefix(':') {
            if is_shortened {
                return told("multiple :: in address", rest);
            }
            is_shortened = true;
            rest = next;
            if rest.is_empty() {
                break;
            }
        }
    }
    if groups < 8 {
        return "address string too short".to_owned();
    }
    if is_shortened {
        return "the :: must expand to at least one field of zeros".to_owned();
    }
    told("trailing garbage after address", rest)
}

fn hostname(text: &str) -> Verdict {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.len() > 253 {
        return wrong("more than 253 characters long");
    }
    for label in text.split('.') {
        if label.is_empty() || label.len() > 63 {
            return wrong("label must be 1 to 63 characters long");
        }
        if label.starts_with('-') {
            return wrong("label starts with hyphen");
        }
        if label.ends_with('-') {
            return wrong("label ends with hyphen");
        }
        if let Some(bad) = label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            return wrong(format!("invalid character {}", quote_rune(bad, false)));
        }
    }
    Ok(())
}

fn email(text: &str) -> Verdict {
    if text.len() > 254 {
        return wrong("more than 255 characters long");
    }
    let Some((local, domain)) = text.rsplit_once('@') else { return wrong("missing @") };
    if local.len() > 64 {
        return wrong("local part more than 64 characters long");
    }
    if local.len() > 1 && local.starts_with('"') {
        let end = local.char_indices().last().map_or(1, |(at, _)| at);
        if local[1..end.max(1)].contains(['\\', '"']) {
            return wrong("backslash and quote are not allowed within quoted local part");
        }
    } else {
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(*c);
        if local.starts_with('.') {
            return wrong("starts with dot");
        }
        if local.ends_with('.') {
            return wrong("ends with dot");
        }
        if local.contains("..") {
            return wrong("consecutive dots");
        }
        if let Some(bad) = local.chars().find(|c| !is_plain(c)) {
            return wrong(format!("invalid character {}", quote_rune(bad, false)));
        }
    }
    match domain.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(address) => match address.strip_prefix("IPv6:") {
            Some(address) => within("ipv6 address", ipv6(address)),
            None => within("ipv4 address", ipv4(address)),
        },
        None => within("domain", hostname(domain)),
    }
}

fn uuid(text: &str) -> Verdict {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths = [8, 4, 4, 4, 12];
    if groups.len() != lengths.len() {
        return wrong("must have 5 elements");
    }
    for (at, (group, length)) in groups.iter().zip(lengths).enumerate() {
        if group.len() != length {
            return wrong(format!("element {} must be {length} characters long", at + 1));
        }
        if let Some(bad) = group.chars().find(|c| !c.is_ascii_hexdigit()) {
            return wrong(format!("non-hex character {}", quote_rune(bad, false)));
        }
    }
    Ok(())
}

fn duration(text: &str) -> Verdict {
    let Some(rest) = text.strip_prefix('P') else { return wrong("must start with P") };
    if rest.is_empty() {
        return wrong("nothing after P");
    }
    if let Some(weeks) = rest.strip_suffix('W') {
        return match weeks {
            "" => wrong("no number in week"),
            weeks if weeks.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
            _ => wrong("invalid week"),
        };
    }
    for (at, part) in rest.split('T').enumerate() {
        if at != 0 && part.is_empty() {
            return wrong("no time elements");
        }
        let Some(all) = ["YMD", "HMS"].get(at) else { return wrong("more than one T") };
        let (mut units, mut part) = (*all, part);
        while !part.is_empty() {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                return wrong("missing number");
            }
            let Some(unit) = part[digits..].chars().next() else { return wrong("missing unit") };
            // The reference looks at one byte.
            let byte = char::from(part.as_bytes()[digits]);
            let Some(place) = units.find(byte) else {
                let what = if all.contains(byte) { "out of order" } else { "" };
                return match what {
                    "" => wrong(format!("invalid unit {}", quote_rune(byte, false))),
                    what => wrong(format!("unit {} {what}", quote_rune(byte, false))),
                };
            };
            units = &units[place + 1..];
            part = &part[digits + unit.len_utf8()..];
        }
    }
    Ok(())
}

fn date(text: &str) -> Verdict {
    sluice_gotmpl::date_problem("2006-01-02", text).map_or(Ok(()), Err)
}

fn time(text: &str) -> Verdict {
    let bytes = text.as_bytes();
    if bytes.len() < 9 {
        return wrong("less than 9 characters long");
    }
    if bytes[2] != b':' || bytes[5] != b':' {
        return wrong("missing colon in correct place");
    }
    let part = |from: usize, to: usize, wrongly: &str, below: &str| -> Result<i64, String> {
        let found =
            text.get(from..to).and_then(|part| number(part).ok()).ok_or_else(|| wrongly.to_owned())?;
        if found < 0 { Err(below.to_owned()) } else { Ok(found) }
    };
    let hms = |from, to| part(from, to, "invalid hour/min/sec", "non-positive hour/min/sec");
    let (hour, minute, second) = (hms(0, 2)?, hms(3, 5)?, hms(6, 8)?);
    if hour > 23 || minute > 59 || second > 60 {
        return wrong("hour/min/sec out of range");
    }
    let mut at = 8;
    if bytes[8] == b'.' {
        let digits = bytes[9..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return wrong("no digits in second fraction");
        }
        at = 9 + digits;
    }
    let (mut hour, mut minute) = (hour, minute);
    if !matches!(&bytes[at..], b"z" | b"Z") {
        if bytes.len() - at != 6 {
            return wrong("offset must be 6 characters long");
        }
        let sign = match bytes[at] {
            b'+' => -1,
            b'-' => 1,
            _ => return wrong("offset must begin with plus/minus"),
        };
        if bytes[at + 3] != b':' {
            return wrong("missing colon in offset in correct place");
        }
        let offset =
            |from, to| part(from, to, "invalid hour/min in offset", "non-positive hour/min in offset");
        let (hours, minutes) = (offset(at + 1, at + 3)?, offset(at + 4, at + 6)?);
        if hours > 23 || minutes > 59 {
            return wrong("hour/min in offset out of range");
        }
        let mut together = hour * 60 + minute + sign * (hours * 60 + minutes);
        if together < 0 {
            together += 24 * 60;
        }
        (hour, minute) = (together / 60, together % 60);
    }
    if second >= 60 && (hour != 23 || minute != 59) {
        return wrong("invalid leap second");
    }
    Ok(())
}

fn date_time(text: &str) -> Verdict {
    if text.len() < 20 {
        return wrong("less than 20 characters long");
    }
    if !matches!(text.as_bytes()[10], b't' | b'T') {
        return wrong("11th character must be t or T");
    }
    within("date element", date(&text[..10]))?;
    within("time element", time(&text[11..]))
}

fn period(text: &str) -> Verdict {
    let Some((start, end)) = text.split_once('/') else { return wrong("missing slash") };
    if start.starts_with('P') {
        within("start duration", duration(start))?;
        return within("end date-time", date_time(end));
    }
    within("start date-time", date_time(start))?;
    if end.starts_with('P') {
        within("end duration", duration(end))
    } else {
        within("end date-time", date_time(end))
    }
}

fn pointer(text: &str) -> Verdict {
    if text.is_empty() {
        return Ok(());
    }
    if !text.starts_with('/') {
        return wrong("not starting with /");
    }
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '~' && !rest.next_if(|c| matches!(c, '0' | '1')).is_some_and(|_| true) {
            return wrong("~ must be followed by 0 or 1");
        }
    }
    Ok(())
}

fn relative_pointer(text: &str) -> Verdict {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return wrong("must start with non-negative integer");
    }
    if digits > 1 && text.starts_with('0') {
        return wrong("starts with zero");
    }
    let rest = &text[digits..];
    if rest == "#" { Ok(()) } else { pointer(rest) }
}

fn semver(text: &str) -> Verdict {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    if build == Some("") {
        return wrong("build is empty");
    }
    let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
    for (part, what) in [(build, "build"), (pre, "pre-release")] {
        for word in part.iter().flat_map(|part| part.split('.')) {
            if word.is_empty() {
                return wrong(format!("{what} identifier is empty"));
            }
            if let Some(bad) = word.chars().find(|c| !is_word(*c)) {
                return wrong(format!("invalid character {} in {what} identifier", quote_rune(bad, false)));
            }
            let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
            if what == "pre-release" && is_number && word.len() > 1 && word.starts_with('0') {
                return wrong("pre-release numeric identifier starts with zero");
            }
        }
    }
    let numbers: Vec<&str> = core.split('.').collect();
    if numbers.len() != 3 {
        return wrong("versionCore must have 3 numbers separated by dot");
    }
    for (name, number) in ["major", "minor", "patch"].iter().zip(numbers) {
        if number.is_empty() {
            return wrong(format!("{name} is empty"));
        }
        if number.len() > 1 && number.starts_with('0') {
            return wrong(format!("{name} starts with zero"));
        }
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return wrong(format!("{name} contains non-digit"));
        }
    }
    Ok(())
}

/// Go's reading of the address, and whether it has a scheme.
fn address(text: &str) -> Result<bool, String> {
    let found = sluice_gotmpl::url_parts(text)?;
    if found.hostname.contains(':') {
        if !found.host.contains('[') || !found.host.contains(']') {
            return Err("ipv6 address not enclosed in brackets".to_owned());
        }
        within("ipv6 address", ipv6(&found.hostname))?;
    }
    Ok(!found.scheme.is_empty())
}

fn uri(text: &str) -> Verdict {
    if address(text)? { Ok(()) } else { wrong("relative url") }
}

fn uri_reference(text: &str) -> Verdict {
    if text.contains('\\') {
        return wrong("contains \\");
    }
    address(text).map(|_| ())
}
