//! client-go's event correlation: equal events are counted, many alike are combined, a flood is cut.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::Happening;

/// More different messages than this of one reason within the window are combined.
const ALIKE: usize = 10;
const ALIKE_WITHIN: SignedDuration = SignedDuration::from_secs(600);
/// Events of one object at once; after that one in five minutes.
const BURST: f64 = 25.0;
const REFILL_SECONDS: f64 = 300.0;
/// Entries kept of each kind; the oldest half goes when there are more.
const KEPT: usize = 4_096;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    Drop,
    Create { message: String, count: u64 },
    Count { name: String, message: String, count: u64 },
}

#[derive(Default)]
pub(super) struct Correlator {
    alike: HashMap<String, Alike>,
    seen: HashMap<String, Seen>,
    budget: HashMap<String, Tokens>,
}

struct Alike {
    messages: BTreeSet<String>,
    last: Timestamp,
}

struct Seen {
    name: String,
    count: u64,
    last: Timestamp,
}

struct Tokens {
    left: f64,
    last: Timestamp,
}

fn subject(happening: &Happening) -> String {
    let about = &happening.about;
    format!("{}\0{}\0{}\0{}\0{}", about.kind, about.namespace, about.name, about.uid, about.api_version)
}

/// The key by which a sent event is found again: the message counts unless it is combined.
fn key(happening: &Happening, message: Option<&str>) -> String {
    let kind = u8::from(happening.severity == sluice_api::event::Severity::Error);
    format!("{}\0{kind}\0{}\0{}", subject(happening), happening.reason, message.unwrap_or("\u{1}combined"))
}

impl Correlator {
    pub(super) fn decide(&mut self, happening: &Happening) -> Decision {
        let is_combined = self.is_one_of_many(happening);
        let (key, message) = if is_combined {
            (key(happening, None), format!("(combined from similar events): {}", happening.message))
        } else {
            (key(happening, Some(&happening.message)), happening.message.clone())
        };
        if !self.may_pass(happening) {
            return Decision::Drop;
        }
        match self.seen.get(&key) {
            Some(seen) => Decision::Count { name: seen.name.clone(), message, count: seen.count + 1 },
            None => Decision::Create { message, count: 1 },
        }
    }

    /// Remembers that an event reached the API server under `name`.
    pub(super) fn sent(&mut self, happening: &Happening, decision: &Decision, name: String) {
        let (message, count) = match decision {
            Decision::Drop => return,
            Decision::Create { message, count } | Decision::Count { message, count, .. } => (message, *count),
        };
        let is_combined = *message != happening.message;
        let key = key(happening, (!is_combined).then_some(message.as_str()));
        self.seen.insert(key, Seen { name, count, last: happening.at });
        forget_oldest(&mut self.seen, |seen| seen.last);
    }

    fn is_one_of_many(&mut self, happening: &Happening) -> bool {
        let kind = u8::from(happening.severity == sluice_api::event::Severity::Error);
        let group = format!("{}\0{kind}\0{}", subject(happening), happening.reason);
        let fresh = || Alike { messages: BTreeSet::new(), last: happening.at };
        let alike = self.alike.entry(group).or_insert_with(fresh);
        if happening.at.duration_since(alike.last) > ALIKE_WITHIN {
            *alike = fresh();
        }
        alike.last = happening.at;
        if alike.messages.len() <= ALIKE {
            alike.messages.insert(happening.message.clone());
        }
        let is_one_of_many = alike.messages.len() > ALIKE;
        forget_oldest(&mut self.alike, |alike| alike.last);
        is_one_of_many
    }

    fn may_pass(&mut self, happening: &Happening) -> bool {
        let tokens =
            self.budget.entry(subject(happening)).or_insert(Tokens { left: BURST, last: happening.at });
        let passed = happening.at.duration_since(tokens.last).as_secs_f64().max(0.0);
        tokens.left = (tokens.left + passed / REFILL_SECONDS).min(BURST);
        tokens.last = happening.at;
        let may = tokens.left >= 1.0;
        if may {
            tokens.left -= 1.0;
        }
        forget_oldest(&mut self.budget, |tokens| tokens.last);
        may
    }
}

fn forget_oldest<T>(map: &mut HashMap<String, T>, last: impl Fn(&T) -> Timestamp) {
    if map.len() <= KEPT {
        return;
    }
    let mut times: Vec<Timestamp> = map.values().map(&last).collect();
    let middle = times.len() / 2;
    let (_, median, _) = times.select_nth_unstable(middle);
    let median = *median;
    map.retain(|_, entry| last(entry) > median);
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_api::event::{ObjectReference, Severity};

    fn happening(message: &str, second: i64) -> Happening {
        Happening {
            about: ObjectReference { name: "app".into(), ..Default::default() },
            severity: Severity::Info,
            reason: "Progressing".into(),
            message: message.into(),
            metadata: Default::default(),
            at: Timestamp::from_second(second).unwrap(),
        }
    }

    fn pass(correlator: &mut Correlator, happening: &Happening, name: &str) -> Decision {
        let decision = correlator.decide(happening);
        correlator.sent(happening, &decision, name.into());
        decision
    }

    #[test]
    fn equal_events_are_counted_on_the_first() {
        let mut correlator = Correlator::default();
        let first = pass(&mut correlator, &happening("a", 0), "e1");
        assert_eq!(first, Decision::Create { message: "a".into(), count: 1 });
        let second = pass(&mut correlator, &happening("a", 1), "e1");
        assert_eq!(second, Decision::Count { name: "e1".into(), message: "a".into(), count: 2 });
    }

    #[test]
    fn the_eleventh_different_message_is_combined() {
        let mut correlator = Correlator::default();
        for i in 0..10 {
            let message = format!("m{i}");
            assert_eq!(
                pass(&mut correlator, &happening(&message, i), &message),
                Decision::Create { message, count: 1 }
            );
        }
        let combined = pass(&mut correlator, &happening("m10", 10), "many");
        assert_eq!(
            combined,
            Decision::Create { message: "(combined from similar events): m10".into(), count: 1 }
        );
        let again = pass(&mut correlator, &happening("m11", 11), "many");
        assert_eq!(
            again,
            Decision::Count {
                name: "many".into(),
                message: "(combined from similar events): m11".into(),
                count: 2
            }
        );
    }

    #[test]
    fn a_flood_of_one_object_is_cut() {
        let mut correlator = Correlator::default();
        let passed =
            (0..100).filter(|_| pass(&mut correlator, &happening("a", 0), "e") != Decision::Drop).count();
        assert_eq!(passed, 25);
        assert_ne!(correlator.decide(&happening("a", 301)), Decision::Drop);
    }
}
