//! From the outcome of a run to the conditions that people see. Pure, and the only writer of Ready, Reconciling and Stalled.

use sluice_api::kind::Status;
use sluice_api::meta::{
    Condition, ConditionStatus, Time, condition_type, find_condition, reason, remove_condition, set_condition,
};

use crate::failure::{Done, Failure, Next};

/// What a kind does otherwise than the outcome table of ARCHITECTURE.md.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules {
    /// The text of Ready=Unknown while any run is under way. None: the progress message, and only where Ready is not known.
    pub ready_in_progress: Option<&'static str>,
    /// A suspended object shows its generation as observed only while Ready is True.
    pub suspended_needs_ready: bool,
}

/// Marks a run as under way.
pub fn progress<S: Status>(status: &mut S, generation: i64, now: Time, rules: Rules, message: &str) {
    let conditions = status.conditions_mut();
    let reconciling =
        Condition::new(condition_type::RECONCILING, ConditionStatus::True, reason::PROGRESSING, message);
    set_condition(conditions, reconciling, generation, now);
    let ready = |text: &str| {
        Condition::new(condition_type::READY, ConditionStatus::Unknown, reason::PROGRESSING, text)
    };
    match rules.ready_in_progress {
        Some(text) => set_condition(conditions, ready(text), generation, now),
        None => {
            let known = find_condition(conditions, condition_type::READY);
            if known.is_none_or(|ready| ready.status == ConditionStatus::Unknown) {
                set_condition(conditions, ready(message), generation, now);
            }
        }
    }
}

/// Writes the verdict of a run.
pub fn settle<S: Status>(status: &mut S, generation: i64, now: Time, outcome: &Result<Done, Failure>) {
    let conditions = status.conditions_mut();
    match outcome {
        Ok(done) => {
            remove_condition(conditions, condition_type::RECONCILING);
            remove_condition(conditions, condition_type::STALLED);
            let ready = Condition::new(
                condition_type::READY,
                ConditionStatus::True,
                done.reason,
                done.message.clone(),
            );
            set_condition(conditions, ready, generation, now);
            status.set_observed_generation(generation);
        }
        Err(failure) if failure.is_interrupted => {}
        Err(failure) => {
            let verdict =
                |kind: &str, holds| Condition::new(kind, holds, failure.reason, failure.message.clone());
            if failure.next == Next::Stalled {
                remove_condition(conditions, condition_type::RECONCILING);
                set_condition(
                    conditions,
                    verdict(condition_type::STALLED, ConditionStatus::True),
                    generation,
                    now,
                );
            } else {
                remove_condition(conditions, condition_type::STALLED);
                if let Some(mut reconciling) =
                    find_condition(conditions, condition_type::RECONCILING).cloned()
                {
                    reason::PROGRESSING_WITH_RETRY.clone_into(&mut reconciling.reason);
                    set_condition(conditions, reconciling, generation, now);
                }
            }
            set_condition(
                conditions,
                verdict(condition_type::READY, ConditionStatus::False),
                generation,
                now,
            );
            if failure.next == Next::Stalled {
                status.set_observed_generation(generation);
            }
        }
    }
}

/// What a suspended object's status still learns: that its generation was seen.
pub fn settle_suspended<S: Status>(status: &mut S, generation: i64, rules: Rules) {
    let seen = if rules.suspended_needs_ready {
        find_condition(status.conditions(), condition_type::READY).is_some_and(Condition::is_true)
    } else {
        !status.conditions().is_empty()
    };
    if seen {
        status.set_observed_generation(generation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_api::kustomize::KustomizationStatus;

    const RULES: Rules =
        Rules { ready_in_progress: Some("Reconciliation in progress"), suspended_needs_ready: true };

    fn lines(status: &KustomizationStatus) -> Vec<String> {
        let line = |c: &Condition| format!("{}={} {}: {}", c.kind, c.status, c.reason, c.message);
        status.conditions.iter().map(line).collect()
    }

    #[test]
    fn a_good_run_leaves_only_ready() {
        let mut status = KustomizationStatus::default();
        progress(&mut status, 2, Time::default(), RULES, "Fetching");
        assert_eq!(
            lines(&status),
            [
                "Reconciling=True Progressing: Fetching",
                "Ready=Unknown Progressing: Reconciliation in progress"
            ]
        );
        settle(
            &mut status,
            2,
            Time::default(),
            &Ok(Done::new(reason::RECONCILIATION_SUCCEEDED, "Applied revision: x")),
        );
        assert_eq!(lines(&status), ["Ready=True ReconciliationSucceeded: Applied revision: x"]);
        assert_eq!(status.observed_generation, 2);
    }

    #[test]
    fn a_failed_run_keeps_the_last_message_and_retries() {
        let mut status = KustomizationStatus::default();
        progress(&mut status, 1, Time::default(), RULES, "Building");
        let failure = Failure::new(reason::BUILD_FAILED, "broken", Next::Backoff);
        settle(&mut status, 1, Time::default(), &Err(failure));
        assert_eq!(
            lines(&status),
            ["Reconciling=True ProgressingWithRetry: Building", "Ready=False BuildFailed: broken"]
        );
        assert_eq!(status.observed_generation, 0);
    }

    #[test]
    fn a_run_that_only_waited_adds_no_reconciling() {
        let mut status = KustomizationStatus::default();
        let failure =
            Failure::new(reason::DEPENDENCY_NOT_READY, "not yet", Next::After(std::time::Duration::ZERO));
        settle(&mut status, 1, Time::default(), &Err(failure));
        assert_eq!(lines(&status), ["Ready=False DependencyNotReady: not yet"]);
    }

    #[test]
    fn a_terminal_failure_stalls_and_is_observed() {
        let mut status = KustomizationStatus::default();
        progress(&mut status, 3, Time::default(), RULES, "Fetching");
        settle(
            &mut status,
            3,
            Time::default(),
            &Err(Failure::new(reason::ACCESS_DENIED, "no", Next::Stalled)),
        );
        assert_eq!(lines(&status), ["Stalled=True AccessDenied: no", "Ready=False AccessDenied: no"]);
        assert_eq!(status.observed_generation, 3);
    }
}
