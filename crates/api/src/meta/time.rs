//! Times as the API writes them: RFC 3339 in UTC, to the second or to the microsecond.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text that is no RFC 3339 time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an RFC 3339 time")]
pub struct TimeError(String);

fn parse(text: &str) -> Result<Timestamp, TimeError> {
    text.parse().map_err(|_| TimeError(text.chars().take(64).collect()))
}

/// A time to the second, as `metav1.Time`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Timestamp);

impl Time {
    /// The second in which `at` lies.
    pub fn new(at: Timestamp) -> Self {
        Time(Timestamp::from_second(at.as_second()).unwrap_or(at))
    }
    /// The instant.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }
}

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Time::new(at)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}", self.0)
    }
}

impl FromStr for Time {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        parse(text).map(Time::new)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A time to the microsecond, as `metav1.MicroTime` (Leases and Events use it).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MicroTime(Timestamp);

impl MicroTime {
    /// The microsecond in which `at` lies.
    pub fn new(at: Timestamp) -> Self {
        MicroTime(Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at))
    }
    /// The instant.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }
}

impl From<Timestamp> for MicroTime {
    fn from(at: Timestamp) -> Self {
        MicroTime::new(at)
    }
}

impl fmt::Display for MicroTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.0)
    }
}

impl FromStr for MicroTime {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        parse(text).map(MicroTime::new)
    }
}

impl Serialize for MicroTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MicroTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_to_the_second_and_to_the_microsecond() {
        let at: Timestamp = "2026-11-22T05:06:07.123456789+01:00".parse().unwrap();
        assert_eq!(Time::new(at).to_string(), "2026-11-22T04:06:07Z");
        assert_eq!(MicroTime::new(at).to_string(), "2026-11-22T04:06:07.123456Z");
        let whole: Timestamp = "2026-11-22T05:06:07Z".parse().unwrap();
        assert_eq!(MicroTime::new(whole).to_string(), "2026-11-22T05:06:07.000000Z");
        assert_eq!("2026-11-22T05:06:07Z".parse::<Time>().unwrap().timestamp(), whole);
        assert!("yesterday".parse::<Time>().is_err());
    }
}
