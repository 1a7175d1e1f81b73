//! What waits for one peer: two bounded queues, so that control is never stuck behind bulk.
//!
//! Messages may be lost, Raft is made for it, so a full queue drops what comes next and counts it. While
//! the peer's breaker is open nothing queues: whoever comes back wants to hear what is new.
//!
//! Not here: the stream ([`super::connection`]), when the breaker opens ([`super::peer`]).

use std::collections::VecDeque;
use std::sync::Mutex;
use std::task::{Poll, Waker};

use super::breaker::Breaker;
use super::limits::Limits;
use super::stats::{Counters, add, raise};
use super::tasks::lock;
use crate::message::{Body, Message};
use crate::process::{Label as _, Lane};

/// The queues of one peer.
pub(super) struct Lanes {
    queues: Mutex<Queues>,
}

struct Queues {
    control: VecDeque<Message>,
    bulk: VecDeque<Message>,
    bulk_bytes: u64,
    breaker: Breaker,
    /// The writer while it waits. Here and not in a `Notify`, because whoever tells it has the lock anyway.
    writer: Option<Waker>,
    /// Somebody wants the writer to look around.
    called: bool,
    #[cfg(feature = "mutants")]
    bug: Option<crate::mutants::Bug>,
    /// Bug T03: the last batch that was handed to a stream.
    #[cfg(feature = "mutants")]
    last_batch: bytes::BytesMut,
}

impl Lanes {
    pub(super) fn new(breaker: Breaker, #[cfg(feature = "mutants")] bug: Option<crate::mutants::Bug>) -> Self {
        let queues = Queues {
            control: VecDeque::new(),
            bulk: VecDeque::new(),
            bulk_bytes: 0,
            breaker,
            writer: None,
            called: false,
            #[cfg(feature = "mutants")]
            bug,
            #[cfg(feature = "mutants")]
            last_batch: bytes::BytesMut::new(),
        };
        Self { queues: Mutex::new(queues) }
    }

    /// Waits until a message is there or somebody [calls](Self::call). Only one task may wait.
    pub(super) async fn ready(&self) {
        std::future::poll_fn(|cx| {
            let queues = &mut *lock(&self.queues);
            if std::mem::take(&mut queues.called) || !queues.control.is_empty() || !queues.bulk.is_empty() {
                return Poll::Ready(());
            }
            match &mut queues.writer {
                Some(writer) => writer.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            Poll::Pending
        })
        .await;
    }

    /// Has the writer look around, now or when it waits next.
    pub(super) fn call(&self) {
        let writer = {
            let queues = &mut *lock(&self.queues);
            queues.called = true;
            queues.writer.take()
        };
        if let Some(writer) = writer {
            writer.wake();
        }
    }

    /// Queues a message, or drops it.
    pub(super) fn push(&self, message: Message, limits: &Limits, counters: &Counters) {
        let mut queues = lock(&self.queues);
        if !queues.takes(message.lane()) {
            return add(&counters.dropped_open, 1);
        }
        if !queues.has_room(&message, limits) {
            return add(&counters.dropped_full, 1);
        }
        match message.lane() {
            Lane::Control => queues.control.push_back(message),
            Lane::Bulk => {
                queues.bulk_bytes += payload_bytes(&message);
                queues.bulk.push_back(message);
            }
        }
        raise(&counters.backlog_messages_max, (queues.control.len() + queues.bulk.len()) as u64);
        let writer = queues.writer.take();
        drop(queues);
        if let Some(writer) = writer {
            writer.wake();
        }
    }

    /// The next message: of control if there is one, else, unless only control may go, one with entries.
    pub(super) fn next(&self, control_only: bool) -> Option<Message> {
        let queues = &mut *lock(&self.queues);
        if let Some(message) = queues.control.pop_front() {
            return Some(message);
        }
        let message = if control_only { None } else { queues.bulk.pop_front() }?;
        queues.bulk_bytes -= payload_bytes(&message);
        Some(message)
    }

    #[cfg(feature = "mutants")]
    pub(super) fn keep_batch(&self, batch: &bytes::BytesMut) {
        let queues = &mut *lock(&self.queues);
        if queues.bug == Some(crate::mutants::Bug::T03) {
            queues.last_batch.clone_from(batch);
        }
    }

    #[cfg(feature = "mutants")]
    pub(super) fn last_batch(&self) -> bytes::BytesMut {
        std::mem::take(&mut lock(&self.queues).last_batch)
    }

    /// The other side has answered: the peer is well.
    pub(super) fn peer_answered(&self) {
        #[cfg(feature = "mutants")]
        {
            let queues = lock(&self.queues);
            if queues.bug == Some(crate::mutants::Bug::T05) && queues.breaker.state() == super::breaker::State::HalfOpen {
                return;
            }
        }
        self.with_breaker(Breaker::on_success);
    }

    /// Changes the breaker. Once it is open, what waits is dropped.
    pub(super) fn with_breaker<R>(&self, change: impl FnOnce(&mut Breaker) -> R) -> R {
        let queues = &mut *lock(&self.queues);
        let result = change(&mut queues.breaker);
        if !queues.takes(Lane::Control) {
            queues.control.clear();
            queues.bulk.clear();
            queues.bulk_bytes = 0;
        }
        result
    }
}

impl Queues {
    fn takes(&self, lane: Lane) -> bool {
        #[cfg(feature = "mutants")]
        if self.bug == Some(crate::mutants::Bug::T04) {
            return true;
        }
        self.breaker.allows(lane)
    }

    fn has_room(&self, message: &Message, limits: &Limits) -> bool {
        #[cfg(feature = "mutants")]
        if self.bug == Some(crate::mutants::Bug::T04) {
            return true;
        }
        match message.lane() {
            Lane::Control => self.control.len() < limits.control_messages_max,
            Lane::Bulk => {
                let fits = self.bulk_bytes.saturating_add(payload_bytes(message)) <= limits.bulk_bytes_max;
                self.bulk.is_empty() || (fits && self.bulk.len() < limits.bulk_messages_max)
            }
        }
    }
}

fn payload_bytes(message: &Message) -> u64 {
    match &message.body {
        Body::Append { entries, .. } => entries.iter().map(|entry| entry.payload.len_bytes()).sum(),
        _ => 0,
    }
}
