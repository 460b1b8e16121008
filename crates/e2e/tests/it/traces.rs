//! The recorded traces of Flux, replayed: first with Flux's own controllers as the subject, then with ours.

use sluice_testkit::peers;
use sluice_testkit::plane::Sort;
use sluice_testkit::subject::Kind;
use sluice_testkit::trace::{Family, Scenario, corpus, replay};

/// Scenarios that a subject is not asked yet, each with its reason.
const LATER: &[(&str, &str)] =
    &[("source/helm-", "HelmRepository and HelmChart; their chart server is not in the steps")];

/// Scenarios that Sluice does not pass yet, each with its reason.
const LATER_FOR_SLUICE: &[(&str, &str)] = &[];

fn scenarios(later: &[&[(&str, &str)]]) -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for family in [Family::Kustomization, Family::Source] {
        scenarios.extend(Scenario::all(&corpus::folder(), family).unwrap());
    }
    scenarios.retain(|scenario| {
        let path = scenario.path();
        let reason = later.iter().copied().flatten().find(|(start, _)| path.starts_with(start));
        if let Some((_, reason)) = reason {
            peers::skip(&path, reason);
        }
        reason.is_none()
    });
    scenarios
}

async fn replay_all(test: &str, sort: Sort, kind: Option<Kind>, scenarios: Vec<Scenario>) {
    let Some(kind) = kind.filter(Kind::is_built) else {
        return peers::skip(test, "the controllers are not built");
    };
    assert!(!scenarios.is_empty());
    let (verdicts, log) = replay::run(&kind, sort, scenarios).await.unwrap();
    let failed: Vec<_> = verdicts.iter().filter(|verdict| !verdict.differences.is_empty()).collect();
    let mut report = String::new();
    for verdict in &failed {
        report.push_str(&format!("{}\n{}\n", verdict.scenario, verdict.differences.join("\n")));
    }
    let tail: Vec<&str> = log.lines().rev().take(40).collect();
    assert!(
        failed.is_empty(),
        "{} of {} differ\n{report}\nlog, newest first:\n{}",
        failed.len(),
        verdicts.len(),
        tail.join("\n")
    );
}

/// The runner proves itself first: what it finds different here is its own mistake.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flux_does_what_flux_was_seen_to_do() {
    let test = "flux_does_what_flux_was_seen_to_do";
    replay_all(test, Sort::chosen(), Some(Kind::Flux), scenarios(&[LATER])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sluice_does_what_flux_was_seen_to_do() {
    let test = "sluice_does_what_flux_was_seen_to_do";
    replay_all(test, Sort::chosen(), Kind::sluice(), scenarios(&[LATER, LATER_FOR_SLUICE])).await;
}

/// The embedded plane is a plane: Flux's own controllers do on it what they did on the real one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flux_does_the_same_on_the_embedded_plane() {
    let test = "flux_does_the_same_on_the_embedded_plane";
    if Sort::chosen() == Sort::Embedded {
        return peers::skip(test, "all tests of this run are on the embedded plane");
    }
    replay_all(test, Sort::Embedded, Some(Kind::Flux), scenarios(&[LATER])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sluice_does_the_same_on_the_embedded_plane() {
    let test = "sluice_does_the_same_on_the_embedded_plane";
    if Sort::chosen() == Sort::Embedded {
        return peers::skip(test, "all tests of this run are on the embedded plane");
    }
    replay_all(test, Sort::Embedded, Kind::sluice(), scenarios(&[LATER, LATER_FOR_SLUICE])).await;
}
