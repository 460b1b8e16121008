//! Threads that are begun for a few milliseconds of work and need processors of their own at once.
//!
//! Left to itself the system queues a new thread behind the one that made it, and a guest's system does not see which
//! processors idle: both then take turns on one processor for longer than the work takes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};

/// The beginning of some threads, made by the one that begins them.
#[derive(Debug)]
pub struct Beginning {
    first: Thread,
    arrived: AtomicUsize,
    #[cfg(target_os = "linux")]
    places: Option<places::Places>,
}

impl Beginning {
    /// Of threads that the calling one is about to begin. It stays on its processor until it has called `wait`.
    pub fn here() -> Self {
        Self {
            first: thread::current(),
            arrived: AtomicUsize::new(0),
            #[cfg(target_os = "linux")]
            places: places::Places::hold(),
        }
    }

    /// What a new thread does first: it leaves the processor to the one that began it.
    pub fn arrive(&self) {
        self.arrived.fetch_add(1, Ordering::Release);
        self.first.unpark();
        #[cfg(target_os = "linux")]
        self.places.iter().for_each(places::Places::leave);
    }

    /// Lets so many new threads arrive. They are queued on this processor, so this thread sleeps.
    pub fn wait(&self, threads: usize) {
        while self.arrived.load(Ordering::Acquire) < threads {
            thread::park();
        }
        #[cfg(target_os = "linux")]
        self.places.iter().for_each(places::Places::release);
    }
}

#[cfg(target_os = "linux")]
mod places {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

    /// Where threads may be.
    #[derive(Debug)]
    pub struct Places {
        all: CpuSet,
        others: CpuSet,
    }

    impl Places {
        /// Keeps the calling thread, and the threads that it begins, on its processor; none where it has no other.
        pub fn hold() -> Option<Self> {
            let here = sched_getcpu();
            let all = sched_getaffinity(None).ok()?;
            if here >= CpuSet::MAX_CPU || !all.is_set(here) || all.count() < 2 {
                return None;
            }
            let (mut own, mut others) = (CpuSet::new(), all);
            own.set(here);
            others.unset(here);
            sched_setaffinity(None, &own).ok()?;
            Some(Self { all, others })
        }

        /// Moves the calling thread to one of the other processors.
        pub fn leave(&self) {
            // Work that has to stay where it is, is done all the same.
            let _ = sched_setaffinity(None, &self.others);
        }

        /// Lets the calling thread go where it likes.
        pub fn release(&self) {
            let _ = sched_setaffinity(None, &self.all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_arrive_and_leave_where_they_can() {
        let beginning = Beginning::here();
        thread::scope(|scope| {
            let begun: Vec<_> = (0..3).map(|_| scope.spawn(|| beginning.arrive())).collect();
            beginning.wait(3);
            assert_eq!(beginning.arrived.load(Ordering::Relaxed), 3);
            for thread in begun {
                thread.join().unwrap();
            }
        });
    }
}
