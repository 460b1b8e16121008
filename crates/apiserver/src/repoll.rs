//! A future that is woken while it runs goes on at once, within the same turn of its task.
//!
//! A connection wakes itself at every request with a body: the reader of the body asks for it, the reader of the
//! connection is to give it, and both are one task. Left to the runtime, that task would go to the back of the queue, and a
//! thread that sleeps would be woken to fetch it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures::task::AtomicWaker;

/// Turns in a row before others are let in between.
const TURNS: usize = 4;

const IDLE: u8 = 0;
const RUNNING: u8 = 1;
/// Woken while running.
const WOKEN: u8 = 2;

/// Where the future stands, and whose task it is in.
#[derive(Default)]
struct Standing {
    state: AtomicU8,
    task: AtomicWaker,
}

impl Wake for Standing {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mark = |state| (state != IDLE).then_some(WOKEN);
        let marked = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, mark);
        if marked.is_err() {
            self.task.wake();
        }
    }
}

/// The future, with a waker of its own.
pub struct Repoll<F> {
    future: Pin<Box<F>>,
    standing: Arc<Standing>,
    waker: Waker,
}

impl<F: Future> Repoll<F> {
    pub fn new(future: F) -> Self {
        let standing = Arc::new(Standing::default());
        Self { future: Box::pin(future), waker: Waker::from(Arc::clone(&standing)), standing }
    }

    pub fn inner(&mut self) -> Pin<&mut F> {
        self.future.as_mut()
    }
}

impl<F: Future> Future for Repoll<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        let state = &this.standing.state;
        this.standing.task.register(cx.waker());
        for _ in 0..TURNS {
            state.store(RUNNING, Ordering::Release);
            if let Poll::Ready(output) = this.future.as_mut().poll(&mut Context::from_waker(&this.waker)) {
                return Poll::Ready(output);
            }
            if state.compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return Poll::Pending;
            }
        }
        state.store(IDLE, Ordering::Release);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Counts how often its task was woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Polls once; how often the future ran then, whether it ended, how often the task was woken.
    fn turn(times_woken: usize) -> (usize, bool, usize) {
        let mut runs = 0;
        let future = Repoll::new(std::future::poll_fn(|cx| {
            runs += 1;
            if runs > times_woken {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }));
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut future = Box::pin(future);
        let is_over = future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        drop(future);
        (runs, is_over, woken.0.load(Ordering::Relaxed))
    }

    #[test]
    fn who_wakes_itself_goes_on_without_its_task() {
        assert_eq!(turn(0), (1, true, 0));
        assert_eq!(turn(2), (3, true, 0));
    }

    #[test]
    fn who_never_rests_lets_others_in() {
        assert_eq!(turn(100), (TURNS, false, 1));
    }

    #[test]
    fn who_is_woken_at_rest_is_polled_by_its_task() {
        let kept = Arc::new(std::sync::Mutex::new(None::<Waker>));
        let seen = Arc::clone(&kept);
        let mut future = Box::pin(Repoll::new(std::future::poll_fn(move |cx| {
            *seen.lock().unwrap() = Some(cx.waker().clone());
            Poll::<()>::Pending
        })));
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        kept.lock().unwrap().take().unwrap().wake();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }
}
