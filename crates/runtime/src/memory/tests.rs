//! Who gets memory when, and who is told that there is none.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

const MIB: u64 = 1 << 20;

fn of(mib: u64) -> Memory {
    Memory::measured(Size(mib * MIB), || 0)
}

/// Whether a reservation is granted at once.
async fn is_granted(waiting: &mut (impl Future<Output = Result<Reservation, TooLarge>> + Unpin)) -> bool {
    futures::poll!(waiting).is_ready()
}

#[test]
fn sizes_are_read_and_written_as_kubernetes_writes_them() {
    for (text, bytes) in
        [("256Mi", 256 * MIB), ("1Gi", 1024 * MIB), ("100M", 100_000_000), ("70000000", 70_000_000)]
    {
        assert_eq!(parse_budget(text), Ok(Size(bytes)), "{text}");
    }
    for (text, why) in [
        ("", "no amount"),
        ("1.5Gi", "no amount"),
        ("-1", "no amount"),
        ("99999999Ti", "no amount"),
        ("lots", "no amount"),
        ("1Mi", "less than the 64Mi"),
    ] {
        let error = parse_budget(text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
    assert_eq!(
        [Size(512 * MIB), Size(1 << 30), Size(1234)].map(|size| size.to_string()),
        ["512Mi", "1Gi", "1234"]
    );
}

#[tokio::test]
async fn who_finds_no_room_waits_in_line_until_there_is() {
    let memory = of(100);
    let first = memory.reserve(50 * MIB).await.unwrap();
    let second = memory.reserve(40 * MIB).await.unwrap();
    let mut large = Box::pin(memory.reserve(30 * MIB));
    assert!(!is_granted(&mut large).await);
    // A small one does not overtake, so the large one is never starved.
    let mut small = Box::pin(memory.reserve(MIB));
    assert!(!is_granted(&mut small).await);
    drop(first);
    assert!(is_granted(&mut large).await && is_granted(&mut small).await);
    drop(second);
}

#[tokio::test]
async fn what_can_never_fit_is_refused_with_the_figure_and_the_way_out() {
    let error = of(100).reserve(51 * MIB).await.unwrap_err().to_string();
    assert!(error.contains("more than 50Mi") && error.contains("--memory-budget=100Mi"), "{error}");
}

#[tokio::test]
async fn who_goes_away_leaves_the_line() {
    let memory = of(100);
    let first = memory.reserve(50 * MIB).await.unwrap();
    let second = memory.reserve(50 * MIB).await.unwrap();
    let mut gone = Box::pin(memory.reserve(10 * MIB));
    assert!(!is_granted(&mut gone).await);
    drop(gone);
    drop((first, second));
    let all = [memory.reserve(50 * MIB).await.unwrap(), memory.reserve(50 * MIB).await.unwrap()];
    assert_eq!(all.map(|one| one.bytes()), [50 * MIB; 2]);
}

#[tokio::test]
async fn what_is_always_there_counts_up_to_half() {
    static RESIDENT: AtomicU64 = AtomicU64::new(0);
    let memory = Memory::measured(Size(100 * MIB), || RESIDENT.load(Ordering::Relaxed));
    RESIDENT.store(30 * MIB, Ordering::Relaxed);
    let work = memory.reserve(50 * MIB).await.unwrap();
    assert!(!is_granted(&mut Box::pin(memory.reserve(21 * MIB))).await);
    drop(work);
    RESIDENT.store(90 * MIB, Ordering::Relaxed);
    assert!(memory.reserve(50 * MIB).await.is_ok(), "one run goes on, whatever the rest has");
}

struct Cache(Mutex<Vec<Reservation>>);

impl GivesWay for Cache {
    fn give_way(&self) -> bool {
        let dropped = self.0.lock().unwrap().pop();
        dropped.is_some()
    }
}

#[tokio::test]
async fn caches_give_way_before_anybody_waits() {
    let memory = of(100);
    let mut whole = memory.reserve(50 * MIB).await.unwrap();
    let kept = (0..4).map(|_| whole.split(10 * MIB)).collect();
    drop(whole);
    let cache = Arc::new(Cache(Mutex::new(kept)));
    memory.add_cache(Arc::downgrade(&cache) as Weak<dyn GivesWay>);
    let _first = memory.reserve(50 * MIB).await.unwrap();
    assert_eq!(cache.0.lock().unwrap().len(), 4);
    let _second = memory.reserve(25 * MIB).await.unwrap();
    assert_eq!(cache.0.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn without_a_budget_everything_is_granted() {
    let memory = Memory::new(None);
    assert_eq!(memory.reserve(1 << 50).await.unwrap().bytes(), 1 << 50);
    assert_eq!((memory.most(), memory.capped(7, 4)), (None, 7));
}
