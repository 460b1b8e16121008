//! Durations against Go's (`peers/ask/duration` records it).

use serde_json::Value;
use sluice_api::meta::Duration;

#[test]
fn durations_are_read_and_printed_as_go_does() {
    let mut count = 0;
    for line in include_str!("corpus/duration/recorded.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        match case["in"].as_str().unwrap().parse::<Duration>() {
            Ok(duration) => {
                assert_eq!(Some(duration.as_nanos()), case["nanos"].as_i64(), "{line}");
                assert_eq!(duration.to_string(), case["out"], "{line}");
                assert_eq!(duration.to_string().parse(), Ok(duration), "{line}");
            }
            Err(error) => assert_eq!(error.to_string(), case["error"], "{line}"),
        }
        count += 1;
    }
    assert!(count > 1000, "{count}");
}
