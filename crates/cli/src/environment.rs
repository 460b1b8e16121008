//! The environment, which is read here and nowhere else.
#![allow(clippy::disallowed_methods, reason = "the CLI is a face: it reads what the person set")]

/// A variable, as it is set.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Whether there is such a variable, whatever its value.
pub fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

/// A variable that is set to something.
pub fn non_empty(name: &str) -> Option<String> {
    variable(name).filter(|value| !value.is_empty())
}
