//! The tasks of one server: spawned here, counted here, and none outlives it.
//!
//! Not here: what they do. Read next: [`super::engine`].

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::env::{Env, Task as _};

/// All tasks of a server that have not ended.
pub(super) struct Tasks<E: Env> {
    env: E,
    shared: Arc<Shared<E::Task>>,
}

struct Shared<T> {
    live: Mutex<Live<T>>,
    /// Told whenever a task has ended.
    ended: Notify,
}

struct Live<T> {
    next: u64,
    /// `None` while the task is being spawned, and for what ended before its handle was there.
    tasks: BTreeMap<u64, Option<T>>,
    /// Nothing is spawned any more.
    closed: bool,
}

/// Lives inside of a task; its end is the task's.
struct Ended<T> {
    id: u64,
    shared: Arc<Shared<T>>,
}

impl<T> Drop for Ended<T> {
    fn drop(&mut self) {
        lock(&self.shared.live).tasks.remove(&self.id);
        self.shared.ended.notify_waiters();
    }
}

/// Aborts a task when it is dropped: for what must not outlive its owner.
pub(super) struct Owned<E: Env> {
    id: u64,
    shared: Arc<Shared<E::Task>>,
}

impl<E: Env> Drop for Owned<E> {
    fn drop(&mut self) {
        if let Some(Some(task)) = lock(&self.shared.live).tasks.get(&self.id) {
            task.abort();
        }
    }
}

impl<E: Env> Tasks<E> {
    pub(super) fn new(env: E) -> Self {
        let live = Live { next: 0, tasks: BTreeMap::new(), closed: false };
        Self { env, shared: Arc::new(Shared { live: Mutex::new(live), ended: Notify::new() }) }
    }

    /// Runs a future until it ends or the server does. Dropping what this returns aborts it.
    #[must_use = "the task ends when this is dropped"]
    pub(super) fn spawn_owned(&self, future: impl Future<Output = ()> + Send + 'static) -> Owned<E> {
        Owned { id: self.spawn(future), shared: Arc::clone(&self.shared) }
    }

    /// Runs a future until it ends or the server does. Returns its number.
    pub(super) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> u64 {
        let id = {
            let mut live = lock(&self.shared.live);
            live.next += 1;
            if live.closed {
                return live.next;
            }
            let id = live.next;
            live.tasks.insert(id, None);
            id
        };
        let ended = Ended { id, shared: Arc::clone(&self.shared) };
        // In this order they are dropped, also if the task never begins: what it holds is free before its end is told.
        let parts = (future, ended);
        let task = self.env.spawn(async move {
            let (future, _ended) = parts;
            future.await;
        });
        // It may have ended on another thread by now; then there is nothing to keep.
        let mut live = lock(&self.shared.live);
        let closed = live.closed;
        if let Some(slot) = live.tasks.get_mut(&id) {
            if closed {
                task.abort();
            }
            *slot = Some(task);
        }
        id
    }

    /// How many have not ended.
    pub(super) fn live(&self) -> usize {
        lock(&self.shared.live).tasks.len()
    }

    /// Lets no new task begin and aborts those that are there.
    pub(super) fn abort_all(&self) {
        let mut live = lock(&self.shared.live);
        live.closed = true;
        for task in live.tasks.values().flatten() {
            task.abort();
        }
    }

    /// Waits until all have ended.
    pub(super) async fn all_ended(&self) {
        loop {
            let ended = self.shared.ended.notified();
            let mut ended = std::pin::pin!(ended);
            ended.as_mut().enable();
            if self.live() == 0 {
                return;
            }
            ended.await;
        }
    }
}

/// A lock whose data stays usable whoever panicked while holding it: every critical section here is a few moves.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
