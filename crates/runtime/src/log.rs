//! Logs in upstream's shape: one JSON object a line on standard error.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::clock;

/// Starts logging for the whole process. `level` and `encoding` are the values of the flags.
pub fn start(level: &str, encoding: &str) {
    let level = match level {
        "trace" => Level::TRACE,
        "debug" => Level::DEBUG,
        "error" => Level::ERROR,
        _ => Level::INFO,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .event_format(Lines { is_json: encoding == "json" });
    // Libraries speak only when they have broken something: their warnings name hosts and headers.
    let ours = Targets::new().with_default(LevelFilter::ERROR).with_target("sluice", level);
    // A second start in one process keeps the first.
    let _ = tracing_subscriber::registry().with(lines.with_filter(ours)).try_init();
}

struct Lines {
    is_json: bool,
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), Value::String(format!("{value:?}")));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), Value::String(value.to_owned()));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _cx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = match fields.0.remove("message") {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        let now = format!("{:.3}", clock::now());
        if self.is_json {
            // The three fixed keys come first, as readers of these logs expect.
            let mut line = String::from("{");
            for (key, text) in [("level", level.as_str()), ("ts", now.as_str()), ("msg", message.as_str())] {
                write!(line, "\"{key}\":{},", Value::String(text.to_owned()))?;
            }
            for (key, value) in &fields.0 {
                write!(line, "{}:{value},", Value::String(key.clone()))?;
            }
            line.pop();
            writeln!(writer, "{line}}}")
        } else {
            write!(writer, "{now}\t{}\t{message}", level.to_ascii_uppercase())?;
            for (key, value) in &fields.0 {
                write!(writer, "\t{key}={value}")?;
            }
            writeln!(writer)
        }
    }
}
