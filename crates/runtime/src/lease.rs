//! One process at a time runs a controller: it holds the Lease of upstream's name, with client-go's timings.
//!
//! The guard of the controller's writes closes when the last renewal is older than the deadline, whatever this task is doing.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use sluice_api::meta::MicroTime;
use sluice_cluster::{ApiError, At, Cluster, Guard, ResourceKind};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::flags::CommonFlags;

/// How long a lease lasts and how often it is renewed.
#[derive(Debug, Clone, Copy)]
pub struct Timings {
    pub duration: Duration,
    pub renew_deadline: Duration,
    pub retry_period: Duration,
    pub release: bool,
}

impl Timings {
    pub fn of(flags: &CommonFlags) -> Self {
        Self {
            duration: flags.leader_election_lease_duration,
            renew_deadline: flags.leader_election_renew_deadline,
            retry_period: flags.leader_election_retry_period,
            release: flags.leader_election_release_on_cancel,
        }
    }
}

/// One candidate for one Lease.
pub struct Candidate {
    cluster: Cluster,
    namespace: String,
    name: String,
    identity: String,
    timings: Timings,
    guard: Guard,
    seen: Option<(String, Instant)>,
}

enum Held {
    Yes,
    /// Another process holds it.
    No,
}

impl Candidate {
    pub fn new(
        cluster: Cluster,
        namespace: &str,
        name: &str,
        identity: &str,
        timings: Timings,
        guard: Guard,
    ) -> Self {
        let (namespace, name, identity) = (namespace.to_owned(), name.to_owned(), identity.to_owned());
        Self { cluster, namespace, name, identity, timings, guard, seen: None }
    }

    /// Waits until the Lease is ours. False: stopped before.
    pub async fn acquire(&mut self, stop: &CancellationToken) -> bool {
        tracing::info!(lease = self.name, "attempting to acquire leader lease");
        loop {
            match self.try_hold().await {
                Ok(Held::Yes) => {
                    tracing::info!(lease = self.name, "successfully acquired lease");
                    return true;
                }
                Ok(Held::No) => {}
                Err(error) => tracing::error!(lease = self.name, %error, "error retrieving the lease"),
            }
            tokio::select! {
                () = stop.cancelled() => return false,
                () = tokio::time::sleep(self.timings.retry_period) => {}
            }
        }
    }

    /// Renews the Lease until `stop`, then gives it back; or returns when it is lost.
    pub async fn keep(&mut self, stop: &CancellationToken) {
        let mut renewed = Instant::now();
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(self.timings.retry_period) => {}
            }
            let within = self.timings.renew_deadline.saturating_sub(renewed.elapsed());
            match tokio::time::timeout(within, self.try_hold()).await {
                Ok(Ok(Held::Yes)) => renewed = Instant::now(),
                Ok(Ok(Held::No)) => break,
                Ok(Err(error)) => tracing::error!(lease = self.name, %error, "failed to renew the lease"),
                Err(_) => break,
            }
            if renewed.elapsed() >= self.timings.renew_deadline {
                break;
            }
        }
        if !stop.is_cancelled() {
            self.guard.close();
            tracing::error!(lease = self.name, "leader election lost");
        }
    }

    /// Gives the Lease back, when nothing of this controller runs any more.
    pub async fn release(&mut self) {
        self.guard.close();
        if !self.timings.release {
            return;
        }
        let kind = kind();
        let at = At::new(&kind, &self.namespace, &self.name);
        let Ok(mut lease) = self.cluster.get(at).await else { return };
        if lease["spec"]["holderIdentity"].as_str() != Some(&self.identity) {
            return;
        }
        lease["spec"]["holderIdentity"] = json!("");
        lease["spec"]["leaseDurationSeconds"] = json!(1);
        lease["spec"]["renewTime"] = json!(MicroTime::new(clock::now()));
        if let Err(error) = self.cluster.replace(at, "", &lease, &self.identity).await {
            tracing::debug!(lease = self.name, %error, "the lease was not released");
        }
    }

    async fn try_hold(&mut self) -> Result<Held, ApiError> {
        let (kind, namespace, name) = (kind(), self.namespace.clone(), self.name.clone());
        let at = At::new(&kind, &namespace, &name);
        // The guard counts from before the request: a slow answer must not make the lease look younger than it is.
        let asked = Instant::now();
        let lease = match self.cluster.get(at).await {
            Ok(lease) => lease,
            Err(error) if error.is_not_found() => {
                let new = json!({
                    "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                    "metadata": { "name": self.name, "namespace": self.namespace },
                    "spec": self.spec(clock::now(), clock::now(), 0),
                });
                return match self.cluster.create(&kind, &self.namespace, &new, &self.identity).await {
                    Ok(_) => Ok(self.held(asked)),
                    Err(error) if error.is_already_exists() => Ok(Held::No),
                    Err(error) => Err(error),
                };
            }
            Err(error) => return Err(error),
        };
        let spec = &lease["spec"];
        let holder = spec["holderIdentity"].as_str().unwrap_or_default();
        let is_ours = holder == self.identity;
        if !is_ours && !holder.is_empty() && !self.has_expired(&lease) {
            return Ok(Held::No);
        }
        let transitions = spec["leaseTransitions"].as_i64().unwrap_or(0) + i64::from(!is_ours);
        let acquired = spec["acquireTime"].as_str().and_then(|text| text.parse().ok()).filter(|_| is_ours);
        let mut next = lease.clone();
        next["spec"] = self.spec(acquired.unwrap_or_else(clock::now), clock::now(), transitions);
        match self.cluster.replace(at, "", &next, &self.identity).await {
            Ok(_) => Ok(self.held(asked)),
            Err(error) if error.is_conflict() => Ok(Held::No),
            Err(error) => Err(error),
        }
    }

    /// Another's lease has expired when we have watched it unrenewed for its whole duration: clocks are not compared.
    fn has_expired(&mut self, lease: &Value) -> bool {
        let record = lease["spec"].to_string();
        let seconds = lease["spec"]["leaseDurationSeconds"].as_u64().unwrap_or(0);
        let duration = Duration::from_secs(seconds).max(Duration::from_secs(1));
        match &self.seen {
            Some((seen, since)) if *seen == record => since.elapsed() > duration,
            _ => {
                self.seen = Some((record, Instant::now()));
                false
            }
        }
    }

    fn held(&self, asked: Instant) -> Held {
        self.guard.extend(self.timings.renew_deadline.saturating_sub(asked.elapsed()));
        Held::Yes
    }

    fn spec(&self, acquired: Timestamp, renewed: Timestamp, transitions: i64) -> Value {
        json!({
            "holderIdentity": self.identity,
            "leaseDurationSeconds": self.timings.duration.as_secs(),
            "acquireTime": MicroTime::new(acquired),
            "renewTime": MicroTime::new(renewed),
            "leaseTransitions": transitions,
        })
    }
}

fn kind() -> std::sync::Arc<ResourceKind> {
    ResourceKind::new("coordination.k8s.io", "v1", "Lease", "leases", true)
}
