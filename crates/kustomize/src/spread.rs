//! Work on many things at once, where the caller has said how many threads there may be.

/// Parsers and writers recurse as deep as what they are given.
const STACK: usize = 16 << 20;

/// Fewer things than this are not worth a thread.
pub(crate) const MANY: usize = 32;

/// What `work` makes of each item, in their order.
pub(crate) fn map<T: Sync, R: Send>(threads: usize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let share = items.len().div_ceil(threads.max(1));
    if threads < 2 || items.len() < MANY {
        return items.iter().map(work).collect();
    }
    let work = &work;
    std::thread::scope(|scope| {
        let mut parts = items.chunks(share);
        let own = parts.next().unwrap_or_default();
        let started: Vec<_> = parts
            .map(|part| {
                let run = move || part.iter().map(work).collect::<Vec<R>>();
                (part, std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run))
            })
            .collect();
        let mut results: Vec<R> = own.iter().map(work).collect();
        for (part, thread) in started {
            match thread {
                Ok(thread) => match thread.join() {
                    Ok(made) => results.extend(made),
                    Err(panic) => std::panic::resume_unwind(panic),
                },
                // No more threads are to be had.
                Err(_) => results.extend(part.iter().map(work)),
            }
        }
        results
    })
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
}
