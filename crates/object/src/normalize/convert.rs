//! Reads JSON into a Go type and prints it again, in one pass.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Number, Value};

use super::quantity;
use super::table::{Field, Shape, Table, Type};

/// The value does not fit the type.
pub struct Mismatch;

type Converted = Result<Value, Mismatch>;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

/// A whole object of type `of`.
pub fn object(table: &Table, of: usize, fields: &Map<String, Value>) -> Result<Map<String, Value>, Mismatch> {
    let mut out = Map::new();
    print_struct(table, of, Some(fields), &mut out)?;
    Ok(out)
}

fn print_struct(
    table: &Table,
    of: usize,
    fields: Option<&Map<String, Value>>,
    out: &mut Map<String, Value>,
) -> Result<(), Mismatch> {
    for field in table.fields(of) {
        if field.name.is_empty() {
            let Type::Struct(inlined) = field.of else { continue };
            print_struct(table, inlined, fields, out)?;
            continue;
        }
        let given = fields.and_then(|fields| fields.get(field.name)).filter(|value| !value.is_null());
        if let Some(value) = print_field(table, field, given)? {
            out.insert(field.name.to_owned(), value);
        }
    }
    Ok(())
}

/// `None` if Go leaves the field out.
fn print_field(table: &Table, field: &Field, given: Option<&Value>) -> Result<Option<Value>, Mismatch> {
    let value = match (field.shape, given) {
        (Shape::Plain, given) => plain(table, field.of, given)?,
        (_, None) => Value::Null,
        (Shape::Pointer, Some(given)) => return plain(table, field.of, Some(given)).map(Some),
        (Shape::List, Some(given)) => list(table, field.of, given)?,
        (Shape::Map, Some(given)) => map(given, |value| plain(table, field.of, value))?,
        (Shape::MapOfLists, Some(given)) => {
            map(given, |value| value.map_or(Ok(Value::Null), |value| list(table, field.of, value)))?
        }
    };
    let omitted = (field.omit_empty && is_empty(field, &value)) || (field.omit_zero && value.is_null());
    Ok((!omitted).then_some(value))
}

/// Go's rule for `omitempty`: structs are never empty, and neither is what prints as one.
fn is_empty(field: &Field, value: &Value) -> bool {
    match field.shape {
        Shape::Plain => match field.of {
            Type::Text => value == "",
            Type::Bool => value == false,
            Type::Int32 | Type::Int64 => value == 0,
            Type::Bytes => value.is_null() || value == "",
            Type::Quantity
            | Type::IntOrString
            | Type::Raw
            | Type::Time
            | Type::MicroTime
            | Type::Struct(_) => false,
        },
        Shape::Pointer => value.is_null(),
        Shape::List => value.as_array().is_none_or(Vec::is_empty),
        Shape::Map | Shape::MapOfLists => value.as_object().is_none_or(Map::is_empty),
    }
}

fn list(table: &Table, of: Type, given: &Value) -> Converted {
    let items = given.as_array().ok_or(Mismatch)?;
    let items = items.iter().map(|item| plain(table, of, (!item.is_null()).then_some(item)));
    items.collect::<Result<_, _>>().map(Value::Array)
}

fn map(given: &Value, mut convert: impl FnMut(Option<&Value>) -> Converted) -> Converted {
    let fields = given.as_object().ok_or(Mismatch)?;
    let fields =
        fields.iter().map(|(key, value)| Ok((key.clone(), convert((!value.is_null()).then_some(value))?)));
    fields.collect::<Result<_, _>>().map(Value::Object)
}

/// A value of a type without pointer, list or map around it; an absent one is Go's zero value.
fn plain(table: &Table, of: Type, given: Option<&Value>) -> Converted {
    let Some(given) = given else { return zero(table, of) };
    match (of, given) {
        (Type::Text, Value::String(_)) | (Type::Bool, Value::Bool(_)) | (Type::Raw, _) => Ok(given.clone()),
        (Type::Int32, Value::Number(number)) => Ok(i64::from(integer(number)? as i32).into()),
        (Type::Int64, Value::Number(number)) => Ok(integer(number)?.into()),
        (Type::Quantity, Value::String(text)) => {
            quantity::canonical(text.trim()).map(Value::from).map_err(|_| Mismatch)
        }
        (Type::Quantity, Value::Number(number)) => {
            quantity::canonical(&number_text(number)).map(Value::from).map_err(|_| Mismatch)
        }
        (Type::IntOrString, Value::String(_)) => Ok(given.clone()),
        (Type::IntOrString, Value::Number(number)) => {
            i32::try_from(integer(number)?).map(Value::from).map_err(|_| Mismatch)
        }
        (Type::Bytes, Value::String(text)) => bytes(text),
        (Type::Time, Value::String(text)) => time(text, false),
        (Type::MicroTime, Value::String(text)) => time(text, true),
        (Type::Struct(of), Value::Object(fields)) => {
            let mut out = Map::new();
            print_struct(table, of, Some(fields), &mut out)?;
            Ok(Value::Object(out))
        }
        _ => Err(Mismatch),
    }
}

fn zero(table: &Table, of: Type) -> Converted {
    Ok(match of {
        Type::Text => "".into(),
        Type::Bool => false.into(),
        Type::Int32 | Type::Int64 | Type::IntOrString => 0.into(),
        Type::Quantity => "0".into(),
        Type::Bytes | Type::Raw | Type::Time | Type::MicroTime => Value::Null,
        Type::Struct(of) => {
            let mut out = Map::new();
            print_struct(table, of, None, &mut out)?;
            Value::Object(out)
        }
    })
}

/// A whole number; a fraction of zero is none.
fn integer(number: &Number) -> Result<i64, Mismatch> {
    if let Some(whole) = number.as_i64() {
        return Ok(whole);
    }
    let float = number.as_f64().ok_or(Mismatch)?;
    let in_range = float.fract() == 0.0 && float.abs() < 9.2e18;
    if in_range { Ok(float as i64) } else { Err(Mismatch) }
}

/// A number as Go's JSON writes it.
fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if !number.is_i64() && !number.is_u64() => {
            let magnitude = float.abs();
            if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
                let text = format!("{float:e}");
                let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let sign = if exponent.starts_with('-') { '-' } else { '+' };
                let digits = exponent.trim_start_matches('-');
                // Go writes at least two digits after a plus, and drops one zero after a minus.
                let width = if sign == '-' { 1 } else { 2 };
                format!("{mantissa}e{sign}{digits:0>width$}")
            } else {
                format!("{float}")
            }
        }
        _ => number.to_string(),
    }
}

fn bytes(text: &str) -> Converted {
    let compact: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = BASE64.decode(compact).map_err(|_| Mismatch)?;
    Ok(BASE64.encode(bytes).into())
}

fn time(text: &str, micro: bool) -> Converted {
    if !is_rfc3339(text, micro) {
        return Err(Mismatch);
    }
    let at: jiff::Timestamp = text.parse().map_err(|_| Mismatch)?;
    // Go's zero time prints as null.
    if text.starts_with("0001-01-01T00:00:00")
        && at.as_second() == -62_135_596_800
        && at.subsec_nanosecond() == 0
    {
        return Ok(Value::Null);
    }
    Ok(if micro {
        format!("{at:.6}")
    } else {
        format!("{:.0}", jiff::Timestamp::from_second(seconds(at)).map_err(|_| Mismatch)?)
    }
    .into())
}

/// The second in which an instant lies, counted from below.
fn seconds(at: jiff::Timestamp) -> i64 {
    at.as_nanosecond().div_euclid(1_000_000_000) as i64
}

/// `2006-01-02T15:04:05`, a fraction (exactly six digits if `micro`), and `Z` or `+07:00`.
fn is_rfc3339(text: &str, micro: bool) -> bool {
    let bytes = text.as_bytes();
    let Some((head, mut rest)) = bytes.split_at_checked(19) else { return false };
    let head_fits = head.iter().zip(b"0000-00-00T00:00:00").all(|(byte, want)| match want {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    });
    let mut digits = 0;
    if let [b'.', after @ ..] = rest {
        digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return false;
        }
        rest = &after[digits..];
    }
    let zone_fits = match rest {
        b"Z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()),
        _ => false,
    };
    head_fits && zone_fits && (!micro || digits == 6) && digits <= 30
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_deployment_prints_what_go_prints() {
        let table = Table::get();
        let of = table.kind("apps/v1", "Deployment").unwrap();
        let mut printed = Map::new();
        assert!(print_struct(table, of, None, &mut printed).is_ok());
        let want = serde_json::json!({"metadata": {}, "status": {},
            "spec": {"selector": null, "strategy": {}, "template": {"metadata": {}, "spec": {"containers": null}}}});
        assert_eq!(Value::Object(printed), want);
    }

    #[test]
    fn floats_are_written_as_go_writes_them() {
        for (float, want) in
            [(0.5, "0.5"), (1e21, "1e+21"), (1e-7, "1e-7"), (1.5e-9, "1.5e-9"), (123456.75, "123456.75")]
        {
            assert_eq!(number_text(&Number::from_f64(float).unwrap()), want);
        }
    }
}
