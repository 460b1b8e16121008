//! Where engines run: one thread a core with a deep stack, apart from the async workers, and the memory that they may use. A
//! panic is the run's failure alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use tokio::sync::{Semaphore, oneshot};

use crate::memory::Memory;

const STACK: usize = 16 << 20;

type Work = Box<dyn FnOnce() + Send>;

/// A pool of engine threads. Runs wait for a free thread without holding anything.
#[derive(Clone)]
pub struct Engines {
    queue: mpsc::SyncSender<Work>,
    permits: Arc<Semaphore>,
    memory: Memory,
}

/// An engine's run ended in a panic; the text is its message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("internal error: {0}")]
pub struct Panicked(pub String);

impl Engines {
    /// Starts one thread a core.
    pub fn start(memory: Memory) -> Self {
        let threads = thread::available_parallelism().map_or(2, usize::from);
        let (queue, work) = mpsc::sync_channel::<Work>(threads);
        let work = Arc::new(Mutex::new(work));
        for number in 0..threads {
            let work = Arc::clone(&work);
            let serve = move || {
                loop {
                    let next = work.lock().expect("no panic while taking work").recv();
                    match next {
                        Ok(run) => run(),
                        Err(mpsc::RecvError) => return,
                    }
                }
            };
            thread::Builder::new()
                .name(format!("engine-{number}"))
                .stack_size(STACK)
                .spawn(serve)
                .expect("the system starts a few threads when a process begins");
        }
        Self { queue, permits: Arc::new(Semaphore::new(threads)), memory }
    }

    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Runs `engine` on a thread of the pool.
    pub async fn run<T: Send + 'static>(
        &self,
        engine: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Panicked> {
        let _permit = self.permits.acquire().await.expect("the semaphore is never closed");
        let (sender, receiver) = oneshot::channel();
        let work = Box::new(move || {
            let result = catch_unwind(AssertUnwindSafe(engine)).map_err(|panic| Panicked(text_of(&*panic)));
            // A caller that has gone away needs no answer.
            let _ = sender.send(result);
        });
        // There is room: as many runs hold a permit as the queue has places.
        if self.queue.send(work).is_err() {
            return Err(Panicked("the engine threads have ended".into()));
        }
        receiver.await.unwrap_or_else(|_| Err(Panicked("the engine thread ended".into())))
    }
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_one_run_only() {
        let engines = Engines::start(Memory::default());
        let broken: Result<(), _> = engines.run(|| panic!("broken")).await;
        assert_eq!(broken, Err(Panicked("broken".into())));
        assert_eq!(engines.run(|| 1 + 1).await, Ok(2));
    }
}
