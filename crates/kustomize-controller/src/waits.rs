//! Waits for health that end before their time: something has to be put back, or there is something newer to apply.

use std::collections::HashMap;
use std::sync::Mutex;

use sluice_runtime::Key;
use tokio_util::sync::CancellationToken;

#[derive(Default)]
pub(crate) struct Waits {
    waits: Mutex<HashMap<Key, Wait>>,
}

struct Wait {
    token: CancellationToken,
    overtaken_by: Option<String>,
}

impl Waits {
    /// A token for one wait, which ends with `stop` too.
    pub(crate) fn begin(&self, key: Key, stop: &CancellationToken) -> CancellationToken {
        let token = stop.child_token();
        let wait = Wait { token: token.clone(), overtaken_by: None };
        self.waits.lock().expect("no panic while waiting").insert(key, wait);
        token
    }

    /// Ends a wait; gives what has overtaken it.
    pub(crate) fn end(&self, key: &Key) -> Option<String> {
        self.waits.lock().expect("no panic while waiting").remove(key)?.overtaken_by
    }

    /// What was waited for has to be put back.
    pub(crate) fn interrupt(&self, key: &Key) {
        if let Some(wait) = self.waits.lock().expect("no panic while waiting").get(key) {
            wait.token.cancel();
        }
    }

    /// Something newer is there, by an object that is named.
    pub(crate) fn overtake(&self, key: &Key, by: &str) {
        if let Some(wait) = self.waits.lock().expect("no panic while waiting").get_mut(key) {
            wait.overtaken_by = Some(by.to_owned());
            wait.token.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_that_ends_early_is_that_of_its_own_object() {
        let (waits, stop) = (Waits::default(), CancellationToken::new());
        let (one, two, three) = (Key::new("ns", "one"), Key::new("ns", "two"), Key::new("ns", "three"));
        let begin = |key: &Key| waits.begin(key.clone(), &stop);
        let (first, second, third) = (begin(&one), begin(&two), begin(&three));
        waits.interrupt(&one);
        waits.overtake(&three, "GitRepository/ns/app");
        assert!(first.is_cancelled() && !second.is_cancelled() && third.is_cancelled());
        assert_eq!((waits.end(&one), waits.end(&three).as_deref()), (None, Some("GitRepository/ns/app")));
        waits.end(&two);
        waits.interrupt(&two);
        assert!(!second.is_cancelled());
    }
}
