//! Dates and durations. The time and the local zone are the caller's.

use std::any::Any;
use std::borrow::Cow;

use super::{Outcome, fixed};
use crate::call::{Arguments, Function, Run, Signature, Type};
use crate::error::Error;
use crate::time::{DAYS, MONTHS, Time, Zone, duration_text, parse, parse_duration, readable, seconds_of};
use crate::value::{IntKind, Object, Value};

const ANY: Type = Type::Any;
const S: Type = Type::String;
const T: Type = Type::Time;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("now", &[], |run, _| Ok(Value::object(TimeObject(Time::of(&run.cx.now))))),
    fixed("date", &[S, ANY], |run, a| Ok(told(run, &a.lossy(0), a.value(1), "Local"))),
    fixed("dateInZone", &[S, ANY, S], |run, a| Ok(told(run, &a.lossy(0), a.value(1), &a.lossy(2)))),
    fixed("date_in_zone", &[S, ANY, S], |run, a| Ok(told(run, &a.lossy(0), a.value(1), &a.lossy(2)))),
    fixed("htmlDate", &[ANY], |run, a| Ok(told(run, "2006-01-02", a.value(0), "Local"))),
    fixed("htmlDateInZone", &[ANY, S], |run, a| Ok(told(run, "2006-01-02", a.value(0), &a.lossy(1)))),
    fixed("dateModify", &[S, T], |_, a| modify(a, false)),
    fixed("date_modify", &[S, T], |_, a| modify(a, false)),
    fixed("mustDateModify", &[S, T], |_, a| modify(a, true)),
    fixed("must_date_modify", &[S, T], |_, a| modify(a, true)),
    fixed("toDate", &[S, S], |run, a| {
        Ok(Value::object(TimeObject(
            parse(&a.lossy(0), &a.lossy(1), &local(run)).unwrap_or_else(|_| Time::zero()),
        )))
    }),
    fixed("mustToDate", &[S, S], |run, a| {
        Ok(Value::object(TimeObject(parse(&readable(a.bytes(0)), &readable(a.bytes(1)), &local(run))?)))
    }),
    fixed("unixEpoch", &[T], |_, a| {
        Ok(time_of(a.value(0)).unwrap_or_else(Time::zero).seconds.to_string().into())
    }),
    fixed("ago", &[ANY], |run, a| {
        let now = Time::of(&run.cx.now);
        let since = now.since(&instant(run, a.value(0), false));
        let rounded = round_to_second(since);
        Ok(duration_text(rounded).into())
    }),
    fixed("duration", &[ANY], |_, a| {
        let seconds = match a.value(0) {
            Value::Str(text) => crate::number::parse_int(&text.to_lossy(), 10).unwrap_or(0),
            Value::Int(IntKind::Int64, number) => *number,
            _ => 0,
        };
        Ok(duration_text(seconds.wrapping_mul(1_000_000_000)).into())
    }),
    fixed("durationRound", &[ANY], |run, a| {
        let nanos = match a.value(0) {
            Value::Str(text) => parse_duration(&text.to_lossy()).unwrap_or(0),
            Value::Int(IntKind::Int64, number) => *number,
            other => match time_of(other) {
                Some(time) => Time::of(&run.cx.now).since(&time),
                None => 0,
            },
        };
        Ok(rough(nanos.unsigned_abs()).into())
    }),
];

/// The largest unit that is exceeded, and how often.
fn rough(nanos: u64) -> String {
    const HOUR: u64 = 3_600_000_000_000;
    for (unit, name) in [
        (HOUR * 24 * 365, "y"),
        (HOUR * 24 * 30, "mo"),
        (HOUR * 24, "d"),
        (HOUR, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
    ] {
        if nanos > unit {
            return format!("{}{name}", nanos / unit);
        }
    }
    "0s".to_owned()
}

fn round_to_second(nanos: i64) -> i64 {
    const SECOND: i64 = 1_000_000_000;
    let rest = nanos % SECOND;
    if rest.abs() * 2 >= SECOND { nanos - rest + SECOND * nanos.signum() } else { nanos - rest }
}

fn local(run: &Run<'_>) -> Zone {
    Zone::Rules(run.cx.now.time_zone().clone())
}

/// A time behind a value.
pub(crate) fn time_of(value: &Value) -> Option<Time> {
    let Value::Object(object) = value else { return None };
    object.as_any().downcast_ref::<TimeObject>().map(|time| time.0.clone())
}

/// What a date function makes of its argument: a time, seconds, or else now.
fn instant(run: &Run<'_>, value: &Value, with_int32: bool) -> Time {
    if let Some(time) = time_of(value) {
        return time;
    }
    match value {
        Value::Int(kind, seconds)
            if matches!(kind, IntKind::Int | IntKind::Int64) || with_int32 && *kind == IntKind::Int32 =>
        {
            Time { seconds: *seconds, nanos: 0, zone: local(run) }
        }
        _ => Time::of(&run.cx.now),
    }
}

fn told(run: &Run<'_>, layout: &str, value: &Value, zone: &str) -> Value {
    let mut time = instant(run, value, true);
    time.zone = match zone {
        "Local" => local(run),
        "" | "UTC" => Zone::utc(),
        _ => run.cx.hooks.zone(zone).map_or_else(Zone::utc, Zone::Rules),
    };
    time.format(layout).into()
}

fn modify(arguments: &Arguments, strict: bool) -> Outcome {
    let time = time_of(arguments.value(1)).unwrap_or_else(Time::zero);
    let time = match parse_duration(&readable(arguments.bytes(0))) {
        Ok(nanos) => time.add(nanos),
        Err(error) if strict => return Err(error),
        Err(_) => time,
    };
    Ok(Value::object(TimeObject(time)))
}

pub(crate) struct TimeObject(pub Time);

/// A month or a day of the week: a number that prints as its name.
struct Named {
    type_name: &'static str,
    name: &'static str,
}

impl Object for Named {
    fn type_name(&self) -> Cow<'static, str> {
        self.type_name.into()
    }

    fn kind(&self) -> &'static str {
        "int"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self) -> Option<String> {
        Some(self.name.to_owned())
    }

    fn method(&self, name: &str) -> Option<Signature> {
        (name == "String").then_some(Signature { parameters: &[], variadic: false })
    }

    fn call(&self, _: &Run<'_>, _: &str, _: &mut Arguments) -> Result<Value, Error> {
        Ok(self.name.into())
    }

    fn marshal(&self) -> Option<Value> {
        let names: &[&str] = if self.type_name == "time.Month" { &MONTHS } else { &DAYS };
        let offset = usize::from(self.type_name == "time.Month");
        names.iter().position(|name| *name == self.name).map(|index| Value::int((index + offset) as i64))
    }
}

impl Object for TimeObject {
    fn type_name(&self) -> Cow<'static, str> {
        "time.Time".into()
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self) -> Option<String> {
        Some(self.0.to_text())
    }

    fn marshal(&self) -> Option<Value> {
        Some(self.0.format("2006-01-02T15:04:05.999999999Z07:00").into())
    }

    fn json_refusal(&self) -> Option<&'static str> {
        if !(0..=9999).contains(&self.0.civil().year) {
            return Some("Time.MarshalJSON: year outside of range [0,9999]");
        }
        let is_far = self.0.offset().1.abs() >= 24 * 3600;
        is_far.then_some("Time.MarshalJSON: timezone hour outside of range [0,23]")
    }

    fn method(&self, name: &str) -> Option<Signature> {
        let parameters: &'static [Type] = match name {
            "Year" | "Month" | "Day" | "Hour" | "Minute" | "Second" | "Nanosecond" | "Weekday"
            | "YearDay" | "Unix" | "UnixMilli" | "UnixMicro" | "UnixNano" | "UTC" | "Local" | "IsZero"
            | "String" => &[],
            "Format" => &[S],
            "AddDate" => &[Type::Int, Type::Int, Type::Int],
            "Before" | "After" | "Equal" => &[T],
            _ => return None,
        };
        Some(Signature { parameters, variadic: false })
    }

    fn call(&self, run: &Run<'_>, name: &str, arguments: &mut Arguments) -> Result<Value, Error> {
        let time = &self.0;
        let civil = time.civil();
        let nanos = i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
        let whole = |value: i128| Ok(Value::int64(value as i64));
        let number = |value: i64| Ok(Value::int(value));
        match name {
            "Year" => number(civil.year),
            "Day" => number(civil.day),
            "Hour" => number(civil.hour),
            "Minute" => number(civil.minute),
            "Second" => number(civil.second),
            "Nanosecond" => number(i64::from(time.nanos)),
            "YearDay" => number(civil.year_day),
            "Month" => Ok(Value::object(Named {
                type_name: "time.Month",
                name: MONTHS[usize::try_from(civil.month - 1).unwrap_or(0)],
            })),
            "Weekday" => Ok(Value::object(Named {
                type_name: "time.Weekday",
                name: DAYS[usize::try_from(civil.weekday).unwrap_or(0)],
            })),
            "Unix" => Ok(Value::int64(time.seconds)),
            "UnixMilli" => whole(nanos.div_euclid(1_000_000)),
            "UnixMicro" => whole(nanos.div_euclid(1000)),
            "UnixNano" => whole(nanos),
            "UTC" => Ok(Value::object(TimeObject(Time { zone: Zone::utc(), ..time.clone() }))),
            "Local" => Ok(Value::object(TimeObject(Time { zone: local(run), ..time.clone() }))),
            "IsZero" => Ok((time.seconds == Time::zero().seconds && time.nanos == 0).into()),
            "Format" => Ok(time.format(&arguments.lossy(0)).into()),
            "AddDate" => {
                let bounded = |index: usize| arguments.integer(index).clamp(-1_000_000, 1_000_000);
                let (_, offset) = time.offset();
                let seconds = seconds_of(
                    civil.year + bounded(0),
                    civil.month + bounded(1),
                    civil.day + bounded(2),
                    civil.hour,
                    civil.minute,
                    civil.second,
                ) - offset;
                Ok(Value::object(TimeObject(Time { seconds, ..time.clone() })))
            }
            "String" => Ok(time.to_text().into()),
            _ => {
                let other = time_of(arguments.value(0)).unwrap_or_else(Time::zero);
                let order = (time.seconds, time.nanos).cmp(&(other.seconds, other.nanos));
                Ok(match name {
                    "Before" => order.is_lt(),
                    "After" => order.is_gt(),
                    _ => order.is_eq(),
                }
                .into())
            }
        }
    }
}
