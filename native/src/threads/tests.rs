use super::*;
use std::sync::atomic::AtomicUsize;

#[test]
fn every_chunk_runs_once_for_any_number_of_threads() {
    for count in [1, 2, 3, 4] {
        let threads = Threads::new(count);
        for (length, chunk) in [(0, 3), (1, 3), (3, 3), (1000, 7), (5, 100), (12, 1)] {
            let mut seen = vec![0u8; length];
            let marks = Disjoint::new(&mut seen);
            threads.for_chunks(length, chunk, |part| {
                assert!(part.worker < threads.count());
                assert_eq!(part.range.start, part.index * chunk);
                // SAFETY: chunks do not overlap.
                unsafe { marks.part(part.range) }.iter_mut().for_each(|mark| *mark += 1);
            });
            assert!(seen.iter().all(|&mark| mark == 1));
        }
    }
}

#[test]
fn many_short_works_after_short_and_long_pauses() {
    let threads = Threads::new(3);
    let total = AtomicUsize::new(0);
    for round in 0..3000 {
        threads.for_chunks(10, 1, |part| {
            total.fetch_add(part.index, Ordering::Relaxed);
        });
        if round % 300 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    assert_eq!(total.into_inner(), 3000 * 45);
}

#[test]
fn a_panic_reaches_the_caller_and_the_threads_go_on() {
    let threads = Threads::new(2);
    let thrown = catch_unwind(AssertUnwindSafe(|| {
        threads.for_chunks(100, 1, |part| assert!(part.index != 57, "the one that fails"));
    }));
    assert!(thrown.is_err());
    let total = AtomicUsize::new(0);
    threads.for_chunks(100, 1, |_| {
        total.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(total.into_inner(), 100);
}

#[test]
fn nothing_starts_before_there_is_work_for_two() {
    let threads = Threads::new(3);
    threads.for_chunks(1, 1, |part| assert_eq!(part.worker, 0));
    assert!(threads.expected() == 3 && threads.workers.get().is_none());
    threads.for_chunks(2, 1, |_| ());
    assert!(threads.workers.get().is_some_and(|workers| workers.len() == threads.expected() - 1));
}

/// Niceness of each worker, by the system's own account: field 19 of a task's `stat`.
#[cfg(target_os = "linux")]
fn niceness_of_workers(threads: &Threads) -> Vec<i32> {
    let tasks = Mutex::new(Vec::new());
    let all_at_work = std::sync::Barrier::new(threads.count());
    threads.for_chunks(threads.count(), 1, |part| {
        // SAFETY: asks for the number of the calling thread.
        let task = unsafe { libc::syscall(libc::SYS_gettid) };
        if part.worker > 0 {
            tasks.lock().unwrap().push(task);
        }
        all_at_work.wait();
    });
    let of = |task: libc::c_long| {
        let stat = std::fs::read_to_string(format!("/proc/self/task/{task}/stat")).expect("a task");
        // The second field is a name in brackets, which may hold anything.
        let fields = stat.rsplit_once(") ").expect("a name").1;
        fields.split(' ').nth(16).and_then(|word| word.parse().ok()).expect("a niceness")
    };
    tasks.into_inner().unwrap().into_iter().map(of).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn priority_goes_over_to_the_threads_that_follow() {
    let usual = niceness_of_workers(&Threads::new(2))[0];
    let threads = Threads::new(2);
    assert_eq!(niceness_of_workers(&threads), [usual]);
    // On a thread of its own: what has been made nice cannot be made less so by everybody.
    let lowered = usual.max(0) + 4;
    std::thread::scope(|scope| {
        scope.spawn(|| assert!(threads.set_niceness(lowered))).join().unwrap();
        let more = threads.resized(4);
        // From here, where new threads inherit the usual.
        assert_eq!(niceness_of_workers(&more), [lowered; 3]);
        assert_eq!(niceness_of_workers(&more.resized(3)), [lowered; 2]);
    });
}
