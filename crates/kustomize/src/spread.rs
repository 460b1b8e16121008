//! Work on many things at once, where the caller has said how many threads there may be.

use std::sync::{Mutex, PoisonError};
use std::thread;

use sluice_threads::Beginning;

/// Parsers and writers recurse as deep as what they are given.
const STACK: usize = 16 << 20;

/// Fewer things than this are not worth a thread.
pub(crate) const MANY: usize = 32;

/// What `work` makes of each item, in their order.
pub(crate) fn map<T: Sync, R: Send>(threads: usize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let parts = items.chunks(share(threads, items.len())).collect();
    run(threads, parts, |part| part.iter().map(&work).collect::<Vec<R>>()).into_iter().flatten().collect()
}

/// Changes each item. The mistake that is told is that of the first item with one.
pub(crate) fn change<T: Send, E: Send>(
    threads: usize,
    items: &mut [T],
    work: impl Fn(&mut T) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let parts = items.chunks_mut(share(threads, items.len())).collect();
    run(threads, parts, |part| part.iter_mut().try_for_each(&work)).into_iter().collect()
}

/// How many items make a part; several for each thread, as some take longer than others.
fn share(threads: usize, items: usize) -> usize {
    if threads < 2 || items < MANY { items.max(1) } else { items.div_ceil(threads * 4) }
}

/// Takes parts from one queue on so many threads, this one among them.
fn run<P: Send, R: Send>(threads: usize, parts: Vec<P>, work: impl Fn(P) -> R + Sync) -> Vec<R> {
    let others = threads.min(parts.len()).saturating_sub(1);
    let queue = Mutex::new(parts.into_iter().enumerate());
    let take = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let empty_queue = || {
        let mut done = Vec::new();
        while let Some((at, part)) = take() {
            done.push((at, work(part)));
        }
        done
    };
    let beginning = Beginning::here();
    let begin = || {
        beginning.arrive();
        empty_queue()
    };
    let mut done = thread::scope(|scope| {
        // Where no more threads are to be had, those that are do the work.
        let started: Vec<_> = (0..others)
            .filter_map(|_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, begin).ok())
            .collect();
        beginning.wait(started.len());
        let mut done = empty_queue();
        for thread in started {
            match thread.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_order() {
        let items: Vec<usize> = (0..1000).collect();
        let want: Vec<usize> = items.iter().map(|item| item * 2).collect();
        for threads in [0, 1, 2, 3, 7, 2000] {
            assert_eq!(map(threads, &items, |item| item * 2), want, "{threads}");
        }
    }

    #[test]
    fn the_first_mistake_is_told() {
        for threads in [1, 2, 5] {
            let mut items: Vec<usize> = (0..1000).collect();
            let told = change(threads, &mut items, |item| {
                *item += 1;
                if *item % 300 == 0 { Err(*item) } else { Ok(()) }
            });
            assert_eq!(told, Err(300), "{threads}");
        }
    }
}
