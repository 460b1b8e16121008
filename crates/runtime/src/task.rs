//! The one place where tasks are started that nobody waits for: each is named and ends with what feeds it.

use std::future::Future;

/// Starts a task that serves the whole process.
pub fn background(name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(async move {
        task.await;
        tracing::trace!(name, "background task ended");
    });
}
