//! A release as Helm keeps it: what was rendered from which chart with which values, and how it went.

pub mod codec;
pub mod digest;
pub mod storage;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::chart::{Chart, Metadata};
use crate::manifest::Hook;

/// Where a release stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Status {
    #[default]
    Unknown,
    Deployed,
    Uninstalled,
    Superseded,
    Failed,
    Uninstalling,
    PendingInstall,
    PendingUpgrade,
    PendingRollback,
}

impl Status {
    pub const ALL: [Self; 9] = [
        Self::Unknown,
        Self::Deployed,
        Self::Uninstalled,
        Self::Superseded,
        Self::Failed,
        Self::Uninstalling,
        Self::PendingInstall,
        Self::PendingUpgrade,
        Self::PendingRollback,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Deployed => "deployed",
            Self::Uninstalled => "uninstalled",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Uninstalling => "uninstalling",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether an action is under way, or was cut off.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback)
    }
}

/// A point in time as Go writes it in JSON: RFC 3339, the fraction without trailing zeros, the offset kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GoTime(String);

impl GoTime {
    /// Reads what Go reads; nothing for an empty text and for Go's zero time.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let wrong = || format!("parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse");
        if text.len() < 20 || text.as_bytes()[10] != b'T' || text.parse::<jiff::Timestamp>().is_err() {
            return if text == "0001-01-01T00:00:00Z" { Ok(None) } else { Err(wrong()) };
        }
        let offset_at = text[10..].rfind(['Z', '+', '-']).map(|at| at + 10).ok_or_else(wrong)?;
        let (clock, offset) = text.split_at(offset_at);
        let offset = if matches!(offset, "+00:00" | "-00:00") { "Z" } else { offset };
        let clock =
            if clock.contains('.') { clock.trim_end_matches('0').trim_end_matches('.') } else { clock };
        let normal = format!("{clock}{offset}");
        Ok((normal != "0001-01-01T00:00:00Z").then_some(Self(normal)))
    }

    /// A time in UTC.
    pub fn from_timestamp(at: jiff::Timestamp) -> Self {
        let text = at.to_string();
        let (clock, _) = text.split_once('Z').unwrap_or((&text, ""));
        let clock =
            if clock.contains('.') { clock.trim_end_matches('0').trim_end_matches('.') } else { clock };
        Self(format!("{clock}Z"))
    }

    pub fn to_timestamp(&self) -> Option<jiff::Timestamp> {
        self.0.parse().ok()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What happened to a release.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Info {
    pub first_deployed: Option<GoTime>,
    pub last_deployed: Option<GoTime>,
    pub deleted: Option<GoTime>,
    pub description: String,
    pub status: Status,
    pub notes: String,
    /// What Helm's own status command fetched; kept as it came.
    pub resources: Option<Map<String, Value>>,
}

/// How a hook's last run went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookRun {
    pub started_at: Option<GoTime>,
    pub completed_at: Option<GoTime>,
    /// `Unknown`, `Running`, `Succeeded`, `Failed`, or empty before the first run.
    pub phase: String,
}

/// A hook with its last run.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredHook {
    pub hook: Hook,
    /// Events that this program does not know are kept, so that a release is never made poorer.
    pub unknown_events: Vec<String>,
    pub last_run: HookRun,
}

impl From<Hook> for StoredHook {
    fn from(hook: Hook) -> Self {
        Self { hook, unknown_events: Vec::new(), last_run: HookRun::default() }
    }
}

/// How the objects were written: server-side or client-side apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplyMethod {
    ServerSide,
    ClientSide,
}

impl ApplyMethod {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServerSide => "ssa",
            Self::ClientSide => "csa",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "ssa" => Some(Self::ServerSide),
            "csa" => Some(Self::ClientSide),
            _ => None,
        }
    }
}

/// One revision of a release.
#[derive(Debug, Clone, Default)]
pub struct Release {
    pub name: String,
    pub info: Info,
    /// Without the charts within: Helm does not keep them.
    pub chart: Option<Chart>,
    /// What the user gave.
    pub config: Map<String, Value>,
    pub manifest: String,
    pub hooks: Vec<StoredHook>,
    pub version: i64,
    pub namespace: String,
    pub apply_method: Option<ApplyMethod>,
    /// Labels that people put on the release.
    pub labels: BTreeMap<String, String>,
}

impl Release {
    pub fn metadata(&self) -> Option<&Metadata> {
        self.chart.as_ref().map(|chart| &chart.metadata)
    }

    /// `sh.helm.release.v1.app.v3`.
    pub fn key(&self) -> String {
        storage::key(&self.name, self.version)
    }
}

/// Whether a text can name a release.
pub fn is_valid_name(name: &str) -> bool {
    name.len() <= 53
        && name.split('.').all(|label| {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            let bytes = label.as_bytes();
            match (bytes.first(), bytes.last()) {
                (Some(first), Some(last)) => {
                    plain(*first) && plain(*last) && bytes.iter().all(|byte| plain(*byte) || *byte == b'-')
                }
                _ => false,
            }
        })
}

/// The name that Flux gives a release whose own is too long: 40 characters, a dash, 12 of its SHA-256.
pub fn shorten_name(name: &str) -> String {
    if name.len() <= 53 {
        return name.to_owned();
    }
    let mut cut = 40;
    while !name.is_char_boundary(cut) {
        cut -= 1;
    }
    let hash = digest::sha256_hex(name.as_bytes());
    format!("{}-{}", &name[..cut], &hash[..12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_shortened() {
        for (name, want) in [
            ("a", true),
            ("a.b-c", true),
            ("", false),
            ("A", false),
            ("-a", false),
            ("a-", false),
            ("a..b", false),
        ] {
            assert_eq!(is_valid_name(name), want, "{name}");
        }
        assert!(!is_valid_name(&"a".repeat(54)));
        let short = shorten_name(&"a".repeat(60));
        assert_eq!(short.len(), 53);
        assert!(short.starts_with(&format!("{}-", "a".repeat(40))));
    }

    #[test]
    fn times_are_kept_as_go_keeps_them() {
        let shown = |text: &str| GoTime::parse(text).unwrap().map(|time| time.as_str().to_owned());
        assert_eq!(shown("2024-01-02T03:04:05.120000000Z").as_deref(), Some("2024-01-02T03:04:05.12Z"));
        assert_eq!(shown("2024-01-02T03:04:05.000+02:00").as_deref(), Some("2024-01-02T03:04:05+02:00"));
        assert_eq!(shown("2024-01-02T03:04:05+00:00").as_deref(), Some("2024-01-02T03:04:05Z"));
        assert_eq!(shown("0001-01-01T00:00:00Z"), None);
        assert_eq!(shown(""), None);
        assert!(GoTime::parse("yesterday").is_err());
    }
}
