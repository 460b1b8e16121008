//! `format`: the named formats of names, labels, addresses and times, and what is wrong with a text that lacks one.

use cel::Env;
use cel::common::types::{CelOptional, STRING_TYPE};
use cel::common::value::{CowVal, Val};
use jiff::civil::Date;

use super::{Added, Answer, Arguments, kind, own, text, words};

/// One format: what it is called, and what is wrong with a text.
#[derive(Debug, Clone)]
struct Format {
    name: &'static str,
    faults: fn(&str) -> Vec<String>,
}

kind!(Format, FORMAT, "kubernetes.NamedFormat");

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

const FORMATS: &[Format] = &[
    Format { name: "dns1123Label", faults: label },
    Format { name: "dns1123Subdomain", faults: subdomain },
    Format { name: "dns1035Label", faults: old_label },
    Format { name: "qualifiedName", faults: qualified },
    Format { name: "dns1123LabelPrefix", faults: |text| label(&prefix(text)) },
    Format { name: "dns1123SubdomainPrefix", faults: |text| subdomain(&prefix(text)) },
    Format { name: "dns1035LabelPrefix", faults: |text| old_label(&prefix(text)) },
    Format { name: "labelValue", faults: label_value },
    Format { name: "uri", faults: |text| super::url::fault(text).into_iter().collect() },
    Format { name: "uuid", faults: |text| fault(is_uuid(text), "does not match the UUID format") },
    Format { name: "byte", faults: |text| fault(is_base64(text), "invalid base64") },
    Format { name: "date", faults: |text| fault(is_date(text), "invalid date") },
    Format { name: "datetime", faults: |text| fault(is_datetime(text), "invalid datetime") },
];

fn fault(is_good: bool, why: &str) -> Vec<String> {
    if is_good { Vec::new() } else { vec![why.to_owned()] }
}

/// A name that goes on after a dash.
fn prefix(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => {
            let mut cut: String = rest.to_owned();
            cut.pop();
            cut + "a"
        }
        _ => text.to_owned(),
    }
}

fn is_label(text: &str) -> bool {
    let is_edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(is_edge) && text.ends_with(is_edge) && text.chars().all(|c| is_edge(c) || c == '-')
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_name(text: &str) -> bool {
    let is_edge = |c: char| c.is_ascii_alphanumeric();
    text.starts_with(is_edge)
        && text.ends_with(is_edge)
        && text.chars().all(|c| is_edge(c) || "-_.".contains(c))
}

fn too_long(text: &str, most: usize, unit: &str) -> Option<String> {
    (text.len() > most).then(|| format!("must be no more than {most} {unit}"))
}

fn label(text: &str) -> Vec<String> {
    let mut out: Vec<String> = too_long(text, 63, "characters").into_iter().collect();
    if !is_label(text) {
        out.push(if is_subdomain(text) {
            "must not contain dots".to_owned()
        } else {
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
             and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
             '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
                .to_owned()
        });
    }
    out
}

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
    '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

fn subdomain(text: &str) -> Vec<String> {
    let mut out: Vec<String> = too_long(text, 253, "characters").into_iter().collect();
    out.extend((!is_subdomain(text)).then(|| SUBDOMAIN.to_owned()));
    out
}

fn old_label(text: &str) -> Vec<String> {
    let mut out: Vec<String> = too_long(text, 63, "characters").into_iter().collect();
    if !is_label(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        out.push(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
             character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
             validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
                .to_owned(),
        );
    }
    out
}

const NAME: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
    alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

fn qualified(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts[..] {
        [name] => name,
        ["", name] => {
            out.push("prefix part must be non-empty".to_owned());
            name
        }
        [before, name] => {
            out.extend(subdomain(before).into_iter().map(|why| format!("prefix part {why}")));
            name
        }
        _ => {
            let hint = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a valid label key {NAME} {hint}")];
        }
    };
    if name.is_empty() {
        out.push("name part must be non-empty".to_owned());
    } else if let Some(why) = too_long(name, 63, "bytes") {
        out.push(format!("name part {why}"));
    }
    out.extend((!is_name(name)).then(|| format!("name part {NAME}")));
    out
}

fn label_value(text: &str) -> Vec<String> {
    let mut out: Vec<String> = too_long(text, 63, "bytes").into_iter().collect();
    if !text.is_empty() && !is_name(text) {
        out.push(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must \
             start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used \
             for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
                .to_owned(),
        );
    }
    out
}

fn is_uuid(text: &str) -> bool {
    let mut rest = text;
    for (index, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix('-').unwrap_or(rest);
        }
        let Some((part, after)) = rest.split_at_checked(length) else { return false };
        if !part.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    !text.is_empty()
        && text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(is_digit)
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<Date>().is_ok()
}

/// A date and a time with its zone.
fn is_datetime(text: &str) -> bool {
    let Some((date, time)) = text.split_once(['T', 't']) else { return false };
    let digits = |text: &str, most: u32| {
        text.len() == 2
            && text.bytes().all(|b| b.is_ascii_digit())
            && text.parse::<u32>().is_ok_and(|n| n <= most)
    };
    let end = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(end);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let clock: Vec<&str> = clock.split(':').collect();
    let is_zone = match zone {
        "Z" | "z" => true,
        _ => zone
            .get(1..)
            .and_then(|zone| zone.split_once(':'))
            .is_some_and(|(h, m)| digits(h, 23) && digits(m, 59)),
    };
    is_date(date)
        && matches!(clock[..], [h, m, s] if digits(h, 23) && digits(m, 59) && digits(s, 59))
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
        && is_zone
}

fn optional<'b, 'v>(value: Option<Box<dyn Val + 'v>>) -> Answer<'b, 'v> {
    Ok(CowVal::owned(value.map_or_else(CelOptional::none, CelOptional::of)))
}

fn named<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    let wanted = text(&all, 0)?;
    let found = FORMATS.iter().find(|format| format.name == wanted);
    optional(found.map(|format| Box::new(format.clone()) as Box<dyn Val>))
}

fn validate<'b, 'v>(all: Arguments<'b, 'v>) -> Answer<'b, 'v> {
    let faults = (own::<Format>(&all, 0)?.faults)(text(&all, 1)?);
    optional((!faults.is_empty()).then(|| Box::new(words(faults)) as Box<dyn Val>))
}

pub(super) fn extension(env: &mut Env) -> Added {
    env.add_type(FORMAT.to_owned())?;
    macro_rules! constants {
        ($($at:literal)*) => {$(
            let name = format!("format.{}", FORMATS[$at].name);
            env.add_overload(&name, &name, vec![], |_| Ok(CowVal::owned(FORMATS[$at].clone())))?;
        )*};
    }
    constants!(0 1 2 3 4 5 6 7 8 9 10 11 12);
    env.add_overload("format.named", "format-named", vec![STRING_TYPE], named)?;
    env.add_member_overload("validate", "format-validate", FORMAT.to_owned(), vec![STRING_TYPE], validate)
}
