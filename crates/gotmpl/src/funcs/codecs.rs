//! JSON and YAML, there and back.

use sluice_yaml::json::{YamlWriter, natural_order};
use sluice_yaml::{Node, SequenceIndent, Style, emit_with};

use super::{Outcome, fixed};
use crate::call::{Arguments, Function, Run, Type};
use crate::error::Error;
use crate::json::{self, Layout, json_kind};
use crate::text::to_lossy;
use crate::value::{Elements, List, MAX_DEPTH, Map, Value, marshalled, marshalled_in_json};

const ANY: Type = Type::Any;
const S: Type = Type::String;

/// sprig's, of which Helm hides some.
pub(super) const SPRIG: &[Function] = &[
    fixed("toJson", &[ANY], |_, a| {
        Ok(Value::text(json::encode(a.value(0), Layout::Compact, true).unwrap_or_default()))
    }),
    fixed("mustToJson", &[ANY], |_, a| json::encode(a.value(0), Layout::Compact, true).map(Value::text)),
    fixed("toPrettyJson", &[ANY], |_, a| {
        Ok(Value::text(json::encode(a.value(0), Layout::Pretty, true).unwrap_or_default()))
    }),
    fixed("mustToPrettyJson", &[ANY], |_, a| json::encode(a.value(0), Layout::Pretty, true).map(Value::text)),
    fixed("toRawJson", &[ANY], |_, a| json::encode(a.value(0), Layout::Compact, false).map(Value::text)),
    fixed("mustToRawJson", &[ANY], |_, a| json::encode(a.value(0), Layout::Compact, false).map(Value::text)),
    fixed("fromJson", &[S], |run, a| {
        run.charge(a.bytes(0).len())?;
        Ok(json::decode(a.bytes(0)).map(|decoded| decoded.value).unwrap_or_default())
    }),
    fixed("mustFromJson", &[S], |run, a| {
        run.charge(a.bytes(0).len())?;
        let decoded = json::decode(a.bytes(0))?;
        match decoded.complaint {
            Some(complaint) => Err(complaint),
            None => Ok(decoded.value),
        }
    }),
];

pub(super) const HELM: &[Function] = &[
    fixed("toYaml", &[ANY], |run, a| Ok(Value::text(to_yaml(run, a.value(0))?.unwrap_or_default()))),
    fixed("mustToYaml", &[ANY], |run, a| to_yaml(run, a.value(0))?.map(Value::text)),
    fixed("toYamlPretty", &[ANY], |run, a| {
        run.charge(1)?;
        if holds_complex(a.value(0), 0) {
            return Err(Error::new("cannot marshal type: complex128"));
        }
        Ok(Value::text(to_node(run, a.value(0), 0).map(|node| pretty(&node)).unwrap_or_default()))
    }),
    fixed("toToml", &[ANY], |run, a| {
        run.charge(1)?;
        match crate::toml::encode(a.value(0)) {
            Ok(text) => Ok(text.into()),
            Err(error) if a.value(0).is_nil() => Err(error),
            Err(error) => Ok(error.to_string().into()),
        }
    }),
    fixed("mustToToml", &[ANY], |run, a| {
        run.charge(1)?;
        crate::toml::encode(a.value(0)).map(Value::from)
    }),
    fixed("fromToml", &[S], |run, a| {
        run.charge(a.bytes(0).len())?;
        run.charge_bytes(a.bytes(0).len() * 4)?;
        Ok(crate::toml::decode_or_error(a.bytes(0)))
    }),
    fixed("fromYaml", &[S], |run, a| from_yaml(run, a, Wanted::Map)),
    fixed("fromYamlArray", &[S], |run, a| from_yaml(run, a, Wanted::List)),
    fixed("fromJson", &[S], |run, a| {
        run.charge(a.bytes(0).len())?;
        Ok(settle(
            json::decode(a.bytes(0)).map(|decoded| (decoded.value, decoded.complaint)),
            Wanted::Map,
            "",
        ))
    }),
    fixed("fromJsonArray", &[S], |run, a| {
        run.charge(a.bytes(0).len())?;
        Ok(settle(
            json::decode(a.bytes(0)).map(|decoded| (decoded.value, decoded.complaint)),
            Wanted::List,
            "",
        ))
    }),
];

/// Go's sigs yaml Marshal without its last line break. The inner error is the marshaller's, the outer a limit's.
pub(crate) fn to_yaml(run: &Run<'_>, value: &Value) -> Result<Result<String, Error>, Error> {
    let mut writer = YamlWriter::new();
    match write(run, &mut writer, value, 0) {
        Ok(()) => {}
        Err(error) if error.is_limit() => return Err(error),
        Err(error) => return Ok(Err(Error::new(format!("error marshaling into JSON: {error}")))),
    }
    Ok(match writer.try_finish() {
        Ok(mut text) => {
            if text.ends_with('\n') {
                text.pop();
            }
            Ok(text)
        }
        Err(error) => Err(Error::new(error.to_string())),
    })
}

fn write(run: &Run<'_>, writer: &mut YamlWriter, value: &Value, depth: u32) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(json::cycle(value));
    }
    run.charge(1)?;
    match value {
        Value::Nil => writer.null(),
        Value::Bool(flag) => writer.bool(*flag),
        Value::Int(_, number) => writer.int(*number),
        Value::Uint(_, number) => writer.uint(*number),
        Value::Float(number) => {
            json::float(*number)?;
            writer.float(*number);
        }
        Value::Complex(_) => return Err(Error::new("json: unsupported type: complex128")),
        Value::Str(text) => {
            run.charge_bytes(text.len())?;
            writer.string(&text.to_lossy());
        }
        Value::Bytes(bytes) if bytes.is_nil() => writer.null(),
        Value::Bytes(bytes) => writer.string(&crate::encode::base64(bytes)),
        Value::List(list) if list.is_nil() => writer.null(),
        Value::List(list) => {
            writer.begin_sequence(list.items().len());
            for item in list.items() {
                write(run, writer, item, depth + 1)?;
            }
            writer.end();
        }
        Value::Map(map) if map.is_nil() => writer.null(),
        Value::Map(map) => {
            let map = map.borrow();
            let mut entries: Vec<(std::borrow::Cow<'_, str>, &Value)> =
                map.iter().map(|(key, item)| (to_lossy(key), item)).collect();
            entries.sort_by(|(left, _), (right, _)| natural_order(left, right));
            writer.begin_mapping(entries.len());
            for (key, item) in entries {
                writer.key(&key);
                write(run, writer, item, depth + 1)?;
            }
            writer.end();
        }
        Value::Object(object) => write(run, writer, &marshalled_in_json(&**object)?, depth + 1)?,
    }
    Ok(())
}

/// The value as yaml v3 sees it: no way through JSON, so floats keep their Go text.
/// The one kind that ends the reference's writer.
fn holds_complex(value: &Value, depth: u32) -> bool {
    match value {
        Value::Complex(_) => true,
        Value::List(list) if depth < MAX_DEPTH => {
            list.items().iter().any(|item| holds_complex(item, depth + 1))
        }
        Value::Map(map) if depth < MAX_DEPTH => {
            map.borrow().values().any(|item| holds_complex(item, depth + 1))
        }
        _ => false,
    }
}

fn to_node(run: &Run<'_>, value: &Value, depth: u32) -> Option<Node> {
    if depth > MAX_DEPTH || run.charge(1).is_err() {
        return None;
    }
    Some(match value {
        Value::Nil => Node::null(),
        Value::Bool(flag) => Node::bool(*flag),
        Value::Int(_, number) => Node::int(*number),
        Value::Uint(_, number) => Node::scalar(number.to_string()),
        Value::Float(number) => Node::scalar(if number.is_nan() {
            ".nan".to_owned()
        } else if number.is_infinite() {
            if *number > 0.0 { "+.inf" } else { "-.inf" }.to_owned()
        } else {
            crate::float::format_float(*number, b'g', -1)
        }),
        Value::Complex(_) => return None,
        Value::Str(text) if std::str::from_utf8(text).is_err() => {
            let mut node = Node::string(crate::encode::base64(text));
            (node.tag, node.tagged) = (sluice_yaml::Tag::Binary, true);
            node
        }
        Value::Str(text) => string_node(&text.to_lossy()),
        Value::Bytes(bytes) => Node::sequence(bytes.iter().map(|byte| Node::int(i64::from(*byte))).collect()),
        Value::List(list) => Node::sequence(
            list.items().iter().map(|item| to_node(run, item, depth + 1)).collect::<Option<_>>()?,
        ),
        Value::Map(map) => {
            let map = map.borrow();
            let mut entries: Vec<(std::borrow::Cow<'_, str>, &Value)> =
                map.iter().map(|(key, item)| (to_lossy(key), item)).collect();
            entries.sort_by(|(left, _), (right, _)| natural_order(left, right));
            Node::mapping(
                entries
                    .into_iter()
                    .map(|(key, item)| Some((string_node(&key), to_node(run, item, depth + 1)?)))
                    .collect::<Option<_>>()?,
            )
        }
        Value::Object(object) => match marshalled(&**object) {
            Value::Str(text) if object.type_name() == "time.Time" => Node::scalar(text.to_lossy().as_ref()),
            other => to_node(run, &other, depth + 1)?,
        },
    })
}

/// Words that YAML 1.1 took for booleans, and its numbers to base 60, are quoted.
fn string_node(text: &str) -> Node {
    const OLD_BOOLS: [&str; 16] =
        ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF"];
    let node = Node::string(text);
    if OLD_BOOLS.contains(&text) || is_base_60(text) {
        return node.with_style(Style::DoubleQuoted);
    }
    node
}

fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) || !unsigned.contains(':') {
        return false;
    }
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut parts = whole.split(':');
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    parts.next().is_some_and(digits)
        && digits(fraction)
        && parts.all(|part| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']))
}

fn pretty(node: &Node) -> String {
    let mut text = emit_with(node, SequenceIndent::Wide);
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

/// What a function that never fails is to return.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Map,
    List,
}

/// The wanted kind, or one that holds the error as Helm's functions do; `before` goes before a complaint of the kind.
pub(super) fn settle(read: Result<(Value, Option<Error>), Error>, wanted: Wanted, before: &str) -> Value {
    let failed = |map: Map, error: String| match wanted {
        Wanted::Map => {
            map.insert("Error", error.into());
            Value::Map(map)
        }
        Wanted::List => Value::list(vec![error.into()]),
    };
    let (value, complaint) = match read {
        Ok(read) => read,
        Err(error) => return failed(Map::new(), error.to_string()),
    };
    match (wanted, value) {
        (Wanted::Map, Value::Map(map)) => match complaint {
            Some(complaint) => failed(map, format!("{before}{complaint}")),
            None => Value::Map(map),
        },
        (Wanted::List, Value::List(list)) => match complaint {
            Some(complaint) => failed(Map::new(), format!("{before}{complaint}")),
            None => Value::List(list),
        },
        (Wanted::Map, Value::Nil) => Value::Map(Map::nil()),
        (Wanted::List, Value::Nil) => Value::List(List::nil(Elements::Any)),
        (_, other) => {
            let type_name = if wanted == Wanted::Map { "map[string]interface {}" } else { "[]interface {}" };
            let kind = json_kind(&other);
            failed(
                Map::new(),
                format!("{before}json: cannot unmarshal {kind} into Go value of type {type_name}"),
            )
        }
    }
}

fn from_yaml(run: &Run<'_>, arguments: &mut Arguments, wanted: Wanted) -> Outcome {
    let text = arguments.bytes(0);
    run.charge(text.len())?;
    run.charge_bytes(text.len() * 4)?;
    let read = match sluice_yaml::json::from_yaml(text) {
        Ok(serde_json::Value::Null) => {
            let empty = if wanted == Wanted::Map { Value::Map(Map::new()) } else { Value::list(Vec::new()) };
            Ok((empty, None))
        }
        Ok(json) => Ok((Value::from_json(&json), None)),
        Err(error) => Err(Error::new(format!("error converting YAML to JSON: {error}"))),
    };
    Ok(settle(read, wanted, "error unmarshaling JSON: while decoding JSON: "))
}
