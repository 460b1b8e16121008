//! The one place that asks for the time.

use jiff::Timestamp;

/// The wall clock, to the nanosecond.
pub fn now() -> Timestamp {
    Timestamp::now()
}
