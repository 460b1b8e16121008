//! Spans of time as people and Go write them.

/// As Go's `time.Duration` prints: `1h0m0s`, `1.5s`, `300ms`.
pub fn go_duration(nanos: i64) -> String {
    let (sign, nanos) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
    let fraction = |value: u64, unit: u64, digits: usize| {
        let rest = format!("{:0digits$}", value % unit);
        let rest = rest.trim_end_matches('0');
        if rest.is_empty() { format!("{}", value / unit) } else { format!("{}.{rest}", value / unit) }
    };
    let text = match nanos {
        0 => return "0s".to_owned(),
        1..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => format!("{}µs", fraction(nanos, 1_000, 3)),
        1_000_000..1_000_000_000 => format!("{}ms", fraction(nanos, 1_000_000, 6)),
        _ => {
            let (seconds, minutes) = (nanos % 60_000_000_000, nanos / 60_000_000_000);
            let seconds = fraction(seconds, 1_000_000_000, 9);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, minutes) => format!("{minutes}m{seconds}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
            }
        }
    };
    format!("{sign}{text}")
}

/// As tables show an age: `59s`, `2m30s`, `5h`, `3d4h`, `2y`.
pub fn age(seconds: i64) -> String {
    // A clock that is a little behind shows nothing strange.
    if seconds < -1 {
        return "<invalid>".to_owned();
    }
    let seconds = seconds.max(0);
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let two = |big: i64, unit: &str, small: i64, small_unit: &str| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{small_unit}") }
    };
    if seconds < 120 {
        format!("{seconds}s")
    } else if minutes < 10 {
        two(minutes, "m", seconds % 60, "s")
    } else if minutes < 180 {
        format!("{minutes}m")
    } else if hours < 8 {
        two(hours, "h", minutes % 60, "m")
    } else if hours < 48 {
        format!("{hours}h")
    } else if hours < 24 * 8 {
        two(hours / 24, "d", hours % 24, "h")
    } else if hours < 24 * 365 * 2 {
        format!("{}d", hours / 24)
    } else if hours < 24 * 365 * 8 {
        two(hours / 24 / 365, "y", (hours / 24) % 365, "d")
    } else {
        format!("{}y", hours / 24 / 365)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_in_go() {
        for (nanos, want) in [
            (0, "0s"),
            (1_500_000_000, "1.5s"),
            (3_600_000_000_000, "1h0m0s"),
            (300_000_000, "300ms"),
            (-90_000_000_000, "-1m30s"),
            (1_500, "1.5µs"),
        ] {
            assert_eq!(go_duration(nanos), want);
        }
    }

    #[test]
    fn ages_read_as_in_kubectl() {
        for (seconds, want) in [
            (0, "0s"),
            (119, "119s"),
            (150, "2m30s"),
            (600, "10m"),
            (3600 * 3, "3h"),
            (3600 * 3 + 60, "3h1m"),
            (3600 * 47, "47h"),
            (3600 * 49, "2d1h"),
            (86_400 * 400, "400d"),
            (86_400 * 365 * 2, "2y"),
            (86_400 * 365 * 9, "9y"),
            (-5, "<invalid>"),
        ] {
            assert_eq!(age(seconds), want);
        }
    }
}
