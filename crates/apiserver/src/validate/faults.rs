//! What is found wrong, field by field, and the checks that many fields share.

use std::fmt::{self, Display};
use std::net::IpAddr;

use serde_json::Value;

use crate::status::Cause;

pub const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
pub const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const NAME_PART: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const WILDCARD: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const PERCENT: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
pub const IP: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
pub const CIDR: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/// Where a field is. It is only written down when there is something to tell.
pub type Path<'a> = fmt::Arguments<'a>;

/// A field below a path.
pub fn field<'a>(path: Path<'a>, key: &'a str) -> impl Display {
    fmt::from_fn(move |out| write!(out, "{path}.{key}"))
}

/// What is wrong with one object.
pub struct Faults<'a> {
    pub object: &'a Value,
    pub causes: Vec<Cause>,
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

pub fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

impl<'a> Faults<'a> {
    pub fn new(object: &'a Value) -> Self {
        Faults { object, causes: Vec::new() }
    }

    pub fn required(&mut self, path: impl Display, why: &str) {
        self.causes.push(Cause::required(&path.to_string(), why));
    }

    pub fn invalid(&mut self, path: impl Display, value: &Value, why: &str) {
        self.causes.push(Cause::invalid(&path.to_string(), value, why));
    }

    pub fn forbidden(&mut self, path: impl Display, why: &str) {
        self.causes.push(Cause::new("FieldValueForbidden", &path.to_string(), format!("Forbidden: {why}")));
    }

    pub fn duplicate(&mut self, path: impl Display, value: &Value) {
        self.causes.push(Cause::new(
            "FieldValueDuplicate",
            &path.to_string(),
            format!("Duplicate value: {value}"),
        ));
    }

    pub fn not_found(&mut self, path: impl Display, value: &Value) {
        self.causes.push(Cause::new("FieldValueNotFound", &path.to_string(), format!("Not found: {value}")));
    }

    /// One of some words; an absent one is not looked at.
    pub fn one_of(&mut self, path: impl Display, value: &Value, known: &[&str]) {
        if !value.is_null() && !known.iter().any(|word| value == word) {
            let known: Vec<String> = known.iter().map(|word| (*word).to_owned()).collect();
            self.causes.push(Cause::unsupported(&path.to_string(), value, &known));
        }
    }

    /// A number that is not negative.
    pub fn not_negative(&mut self, path: impl Display, value: &Value) {
        if value.as_i64().is_some_and(|number| number < 0) {
            self.invalid(&path, value, "must be greater than or equal to 0");
        }
    }

    pub fn port(&mut self, path: impl Display, value: &Value) {
        match value {
            Value::Number(number) if !(1..=65_535).contains(&number.as_i64().unwrap_or(0)) => {
                self.invalid(&path, value, "must be between 1 and 65535, inclusive");
            }
            Value::String(name) => {
                for why in port_name(name) {
                    self.invalid(&path, value, why);
                }
            }
            _ => {}
        }
    }

    pub fn subdomain(&mut self, path: impl Display, value: &Value) {
        let name = value.as_str().unwrap_or_default();
        if name.len() > 253 {
            self.invalid(&path, value, "must be no more than 253 characters");
        }
        if !is_subdomain(name) {
            self.invalid(&path, value, SUBDOMAIN);
        }
    }

    pub fn label(&mut self, path: impl Display, value: &Value) {
        let name = value.as_str().unwrap_or_default();
        if name.len() > 63 {
            self.invalid(&path, value, "must be no more than 63 characters");
        } else if name.contains('.') && is_subdomain(name) {
            self.invalid(&path, value, "must not contain dots");
        } else if !is_label(name) {
            self.invalid(&path, value, LABEL);
        }
    }

    /// A host of a rule, perhaps with a star before it.
    pub fn wildcard(&mut self, path: impl Display, value: &Value) {
        let host = value.as_str().unwrap_or_default();
        if host.contains('*') {
            if !host.strip_prefix("*.").is_some_and(is_subdomain) {
                self.invalid(&path, value, WILDCARD);
            }
        } else {
            self.subdomain(path, value);
        }
    }

    /// A key of labels, annotations and selectors.
    pub fn qualified(&mut self, path: impl Display, key: &str) {
        for why in qualified_faults(key) {
            self.invalid(&path, &key.into(), &why);
        }
    }

    pub fn labels(&mut self, path: impl Display, map: &Value) {
        for (key, value) in map.as_object().into_iter().flatten() {
            self.qualified(&path, key);
            for why in label_value_faults(value.as_str().unwrap_or_default()) {
                self.invalid(&path, value, why);
            }
        }
    }

    /// A label selector's parts.
    pub fn selector(&mut self, path: impl Display, selector: &Value) {
        self.labels(format_args!("{path}.matchLabels"), &selector["matchLabels"]);
        for (index, one) in items(selector, "matchExpressions").iter().enumerate() {
            let at = format_args!("{path}.matchExpressions[{index}]");
            let has_values = !items(one, "values").is_empty();
            match text(one, "operator") {
                "In" | "NotIn" if !has_values => {
                    self.required(
                        format_args!("{at}.values"),
                        "must be specified when `operator` is 'In' or 'NotIn'",
                    );
                }
                "Exists" | "DoesNotExist" if has_values => {
                    let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                    self.forbidden(format_args!("{at}.values"), why);
                }
                "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
                _ => {
                    self.invalid(
                        format_args!("{at}.operator"),
                        &one["operator"],
                        "not a valid selector operator",
                    );
                }
            }
            self.qualified(format_args!("{at}.key"), text(one, "key"));
        }
    }

    /// A count or a share: a number, or a text like `25%`.
    pub fn share(&mut self, path: impl Display, value: &Value) {
        match value {
            Value::String(text) => match text.strip_suffix('%').and_then(|number| number.parse::<u64>().ok())
            {
                None => self.invalid(&path, value, PERCENT),
                Some(number) if number > 100 => self.invalid(&path, value, "must not be greater than 100%"),
                Some(_) => {}
            },
            value => self.not_negative(path, value),
        }
    }

    pub fn address(&mut self, path: impl Display, value: &Value) {
        if value.as_str().is_some_and(|text| text.parse::<IpAddr>().is_err()) {
            self.invalid(&path, value, IP);
        }
    }
}

pub fn is_label(name: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = name.as_bytes();
    let is_part = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(is_part)
}

pub fn is_subdomain(name: &str) -> bool {
    name.split('.').all(is_label)
}

fn is_name_part(name: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// What is wrong with the value of a label.
pub fn label_value_faults(text: &str) -> Vec<&'static str> {
    let mut out = Vec::new();
    if text.len() > 63 {
        out.push("must be no more than 63 bytes");
    }
    if !text.is_empty() && !is_name_part(text) {
        out.push(LABEL_VALUE);
    }
    out
}

/// What is wrong with `name` or `prefix/name`.
pub fn qualified_faults(key: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut parts = key.split('/');
    let name = match (parts.next(), parts.next(), parts.next()) {
        (Some(name), None, _) => name,
        (Some(prefix), Some(name), None) => {
            if prefix.is_empty() {
                out.push("prefix part must be non-empty".to_owned());
            } else if !is_subdomain(prefix) {
                out.push(format!("prefix part {SUBDOMAIN}"));
            }
            name
        }
        _ => {
            out.push(format!(
                "a valid label key {NAME_PART} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ));
            return out;
        }
    };
    if name.is_empty() {
        out.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        out.push("name part must be no more than 63 bytes".to_owned());
    }
    if !is_name_part(name) {
        out.push(format!("name part {NAME_PART}"));
    }
    out
}

/// What is wrong with the name of a port.
pub fn port_name(name: &str) -> Vec<&'static str> {
    let mut out = Vec::new();
    if name.len() > 15 {
        out.push("must be no more than 15 characters");
    }
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') || name.is_empty() {
        out.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
    } else if !name.bytes().any(|b| b.is_ascii_lowercase()) {
        out.push("must contain at least one letter (a-z)");
    }
    if name.contains("--") {
        out.push("must not contain consecutive hyphens");
    }
    if name.starts_with('-') || name.ends_with('-') {
        out.push("must not begin or end with a hyphen");
    }
    out
}
