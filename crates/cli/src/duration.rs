//! Durations as Go writes and reads them: `1h2m3.5s`.

use std::time::Duration;

/// Reads `300ms`, `-1.5h` (refused: no flag takes a negative one) or `2h45m`.
pub fn parse(text: &str) -> Result<Duration, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let amount: f64 = rest[..digits].parse().map_err(|_| invalid())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        if letters == 0 {
            return Err(format!("time: missing unit in duration {text:?}"));
        }
        let seconds = match &rest[..letters] {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            unit => return Err(format!("time: unknown unit {unit:?} in duration {text:?}")),
        };
        total += amount * seconds;
        rest = &rest[letters..];
    }
    // Go keeps nanoseconds in 64 bits with a sign.
    if total > 9_223_372_036.0 {
        return Err(invalid());
    }
    Ok(Duration::from_nanos((total * 1e9).round() as u64))
}

/// Writes as Go does: the largest unit first, none left out below it, `0s` for nothing.
pub fn format(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    if nanos < 1_000 {
        return format!("{nanos}ns");
    }
    if nanos < 1_000_000 {
        return format!("{}µs", fraction(nanos, 1_000));
    }
    if nanos < 1_000_000_000 {
        return format!("{}ms", fraction(nanos, 1_000_000));
    }
    let minute = 60 * 1_000_000_000;
    let (hours, minutes) = (nanos / (60 * minute), nanos / minute % 60);
    let seconds = fraction(nanos % minute, 1_000_000_000);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

fn fraction(nanos: u128, unit: u128) -> String {
    let (whole, part) = (nanos / unit, nanos % unit);
    if part == 0 {
        return whole.to_string();
    }
    let digits = unit.ilog10() as usize;
    format!("{whole}.{}", format!("{part:0digits$}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_as_go() {
        for (given, want) in [
            ("10m", "10m0s"),
            ("1h", "1h0m0s"),
            ("90s", "1m30s"),
            ("1.5s", "1.5s"),
            ("250ms", "250ms"),
            ("0", "0s"),
            ("1h2m3.004s", "1h2m3.004s"),
            ("15us", "15µs"),
        ] {
            assert_eq!(parse(given).map(format), Ok(want.to_owned()), "{given}");
        }
        assert_eq!(parse("5"), Err(r#"time: missing unit in duration "5""#.to_owned()));
        assert_eq!(parse("5y"), Err(r#"time: unknown unit "y" in duration "5y""#.to_owned()));
        assert!(parse("").is_err() && parse("s").is_err() && parse("9999999999999h").is_err());
    }
}
