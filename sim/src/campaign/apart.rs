//! A run on a thread of its own, which is left behind if it never ends.
//!
//! An executor may keep state per thread, so that only the first run of a fresh thread is the same every time; and what
//! runs on it may wait for something that never comes, without an event that could be counted. The limit is wall time
//! and so generous that a busy machine never reaches it: it tells a run that hangs from one that goes on, nothing else.
//!
//! Not here: what is run ([`super::single`]).

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// Wall time that a run may take.
pub(super) const LIMIT: Duration = Duration::from_secs(120);

/// How what was done apart ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended<T> {
    /// It is done.
    Done(T),
    /// Its thread ended without a result.
    Vanished,
    /// It goes on, for all anybody knows.
    Left,
}

/// Does something on a fresh thread and waits for it, but not longer than the limit.
pub(super) fn apart<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Ended<T> {
    let (done, result) = sync_channel(1);
    spawn(move || {
        // Nobody listens if it took too long.
        let _ = done.send(work());
    });
    match result.recv_timeout(limit) {
        Ok(result) => Ended::Done(result),
        Err(RecvTimeoutError::Disconnected) => Ended::Vanished,
        Err(RecvTimeoutError::Timeout) => Ended::Left,
    }
}

/// Begins something on a fresh thread, which sends what it has to say as it goes on.
pub(super) fn stream<T: Send + 'static>(backlog: usize, work: impl FnOnce(SyncSender<T>) + Send + 'static) -> Receiver<T> {
    let (sender, receiver) = sync_channel(backlog);
    spawn(move || work(sender));
    receiver
}

#[expect(clippy::disallowed_methods, reason = "one thread for one run; the run itself has no other")]
fn spawn(work: impl FnOnce() + Send + 'static) {
    drop(std::thread::spawn(work));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_is_returned_and_what_never_ends_is_left() {
        assert_eq!(apart(LIMIT, || 7), Ended::Done(7));
        assert_eq!(apart(LIMIT, || std::panic::resume_unwind(Box::new("gone"))), Ended::<()>::Vanished);
        let (_never, forever) = sync_channel::<()>(0);
        assert_eq!(apart(Duration::from_millis(20), move || forever.recv().is_ok()), Ended::Left);
    }

    #[test]
    fn a_stream_ends_with_its_thread() {
        let numbers = stream(2, |sender| (0..100).for_each(|n| sender.send(n).expect("somebody listens")));
        assert_eq!(numbers.iter().sum::<u32>(), 4950);
    }
}
