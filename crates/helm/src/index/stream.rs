//! One pass over an index for the versions of one chart.

use std::io::{BufRead, Read};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::{ChartVersion, Index, IndexError, MAX_WHOLE_BYTES, read_chunk};

/// The most that the versions of one chart may take.
pub const MAX_CHART_BYTES: usize = 32 << 20;
/// The longest line that can be anything but text.
const MAX_LINE_BYTES: usize = 8 << 20;

/// The versions of one chart, newest first. The input is read once.
pub fn versions_in(input: &mut dyn BufRead, name: &str) -> Result<Vec<ChartVersion>, IndexError> {
    let failed = |error: std::io::Error| IndexError::Unreadable(error.to_string());
    let start = input.fill_buf().map_err(failed)?;
    if start.is_empty() {
        return Err(IndexError::Empty);
    }
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    let mut seen = Vec::new();
    if first == Some(&b'{') {
        // JSON, or YAML that begins like it.
        let mut kept = Keeping { input, seen: &mut seen, limit: MAX_WHOLE_BYTES };
        match from_json(&mut kept, name) {
            Ok(versions) => return Ok(versions),
            Err(JsonError::Index(error)) => return Err(error),
            Err(JsonError::NoJson) => {}
        }
        return whole(input, seen, name);
    }
    match Lines::new(input).collect(name).map_err(failed)? {
        Collected::Chunk(chunk) => {
            let document = crate::values::decode(&chunk).map_err(IndexError::Unreadable)?;
            read_chunk(&document, name)
        }
        Collected::Nothing { api_version: true } => Err(IndexError::NoChartName),
        Collected::Nothing { api_version: false } => Err(IndexError::NoApiVersion),
        Collected::TooLarge => Err(IndexError::ChartTooLarge(MAX_CHART_BYTES)),
        Collected::Unsure(read) => whole(input, read, name),
    }
}

/// Loads the whole index; part of it was read already.
fn whole(input: &mut dyn BufRead, mut read: Vec<u8>, name: &str) -> Result<Vec<ChartVersion>, IndexError> {
    let room = (MAX_WHOLE_BYTES + 1).saturating_sub(read.len());
    let mut rest = Read::take(input, room as u64);
    rest.read_to_end(&mut read).map_err(|error| IndexError::Unreadable(error.to_string()))?;
    let mut index = Index::load(&read)?;
    index.entries.remove(name).ok_or(IndexError::NoChartName)
}

enum Collected {
    Chunk(Vec<u8>),
    Nothing {
        api_version: bool,
    },
    TooLarge,
    /// The form is not the usual one; what was read so far comes back.
    Unsure(Vec<u8>),
}

/// Where the scan stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Top,
    /// Below `entries:`, whose keys stand at this column.
    Entries(Option<usize>),
}

struct Lines<'a> {
    input: &'a mut dyn BufRead,
    /// Everything up to the first sure sign of the usual form, for a whole load.
    head: Vec<u8>,
    line: Vec<u8>,
}

impl<'a> Lines<'a> {
    fn new(input: &'a mut dyn BufRead) -> Self {
        Self { input, head: Vec::new(), line: Vec::new() }
    }

    fn next(&mut self) -> std::io::Result<bool> {
        self.line.clear();
        let read = Read::take(&mut *self.input, MAX_LINE_BYTES as u64).read_until(b'\n', &mut self.line)?;
        Ok(read > 0)
    }

    fn collect(mut self, name: &str) -> std::io::Result<Collected> {
        let mut place = Place::Top;
        let mut api_version = false;
        let mut sure = false;
        let mut chunk: Option<Vec<u8>> = None;
        let mut inside = false;
        while self.next()? {
            if !sure {
                self.head.extend_from_slice(&self.line);
            }
            let text = self.line.trim_ascii_end();
            let column = text.iter().take_while(|byte| **byte == b' ').count();
            let content = &text[column..];
            if content.is_empty() || content[0] == b'#' && !inside {
                if inside && let Some(chunk) = &mut chunk {
                    chunk.extend_from_slice(&self.line);
                }
                continue;
            }
            if column == 0 {
                inside = false;
                match top_level(content) {
                    Top::Entries => place = Place::Entries(None),
                    Top::ApiVersion => {
                        api_version = true;
                        place = Place::Top;
                    }
                    Top::Other if place == Place::Top || !content.starts_with(b"-") => place = Place::Top,
                    Top::Other | Top::Strange => return Ok(self.unsure(sure)),
                }
                continue;
            }
            let Place::Entries(at) = place else { continue };
            let at = at.unwrap_or(column);
            place = Place::Entries(Some(at));
            if column == at && !(content == b"-" || content.starts_with(b"- ")) {
                let Some(key) = chart_key(content) else { return Ok(self.unsure(sure)) };
                // A chart's name in its place: from here on the lines can be trusted.
                sure = true;
                self.head = Vec::new();
                inside = key == name.as_bytes();
                if inside {
                    chunk = Some(Vec::new());
                }
            } else if column < at {
                return Ok(self.unsure(sure));
            }
            if inside && let Some(chunk) = &mut chunk {
                if chunk.len() + self.line.len() > MAX_CHART_BYTES {
                    return Ok(Collected::TooLarge);
                }
                chunk.extend_from_slice(&self.line);
            }
        }
        Ok(match chunk {
            Some(chunk) if api_version => Collected::Chunk(chunk),
            _ => Collected::Nothing { api_version },
        })
    }

    fn unsure(self, sure: bool) -> Collected {
        // Too late for a whole load: the form changed on the way.
        if sure { Collected::TooLarge } else { Collected::Unsure(self.head) }
    }
}

enum Top {
    Entries,
    ApiVersion,
    Other,
    Strange,
}

fn top_level(content: &[u8]) -> Top {
    match content {
        b"entries:" => Top::Entries,
        _ if content.starts_with(b"entries:") || content.starts_with(b"\"") || content.starts_with(b"'") => {
            Top::Strange
        }
        _ if content.starts_with(b"apiVersion:") => Top::ApiVersion,
        _ if matches!(content[0], b'{' | b'[' | b'%' | b'\t' | b'?' | b'&' | b'!') => Top::Strange,
        _ => Top::Other,
    }
}

/// The key of `name:` alone on its line, or with `[]` after it.
fn chart_key(content: &[u8]) -> Option<&[u8]> {
    let key = content.strip_suffix(b": []").or_else(|| content.strip_suffix(b":"))?;
    let key = match key {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        plain => plain,
    };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (!key.is_empty() && key.iter().all(plain)).then_some(key)
}

/// A reader that keeps what passes, up to a limit, in case it has to be read again.
struct Keeping<'a, 's> {
    input: &'a mut dyn BufRead,
    seen: &'s mut Vec<u8>,
    limit: usize,
}

impl Read for Keeping<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(buffer)?;
        if self.seen.len() <= self.limit {
            self.seen.extend_from_slice(&buffer[..read]);
        }
        // Text that is YAML shows it within the first bytes; JSON of any size need not be kept.
        if self.seen.len() > 1 << 20 {
            self.limit = 0;
        }
        Ok(read)
    }
}

enum JsonError {
    NoJson,
    Index(IndexError),
}

fn from_json(input: &mut Keeping<'_, '_>, name: &str) -> Result<Vec<ChartVersion>, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_reader(input);
    let found = Wanted { name }.deserialize(&mut deserializer).map_err(|_| JsonError::NoJson)?;
    if !found.api_version {
        return Err(JsonError::Index(IndexError::NoApiVersion));
    }
    let versions = found.versions.ok_or(JsonError::Index(IndexError::NoChartName))?;
    let document = Value::Object([(name.to_owned(), versions)].into_iter().collect());
    read_chunk(&document, name).map_err(JsonError::Index)
}

#[derive(Default)]
struct Found {
    api_version: bool,
    versions: Option<Value>,
}

/// Reads the index's map and keeps the versions of one chart.
struct Wanted<'n> {
    name: &'n str,
}

impl<'de> DeserializeSeed<'de> for Wanted<'_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Wanted<'_> {
    type Value = Found;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("an index")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let mut found = Found::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "apiVersion" => found.api_version = !map.next_value::<String>()?.is_empty(),
                "entries" => found.versions = map.next_value_seed(Entries { name: self.name })?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

struct Entries<'n> {
    name: &'n str,
}

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = Option<Value>;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("entries by chart name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == self.name {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}
