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
        Body::Forward { command } => command.len() as u64,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Context, Wake};

    use bytes::Bytes;

    use super::*;
    use crate::config::Config;
    use crate::entry::{Entry, Payload};
    use crate::membership::Configuration;
    use crate::message::Envelope;
    use crate::types::{ClusterId, LocalTime, LogId, LogIndex, NodeId};

    struct Bench {
        lanes: Lanes,
        limits: Limits,
        counters: Counters,
    }

    impl Bench {
        /// Three messages in each lane, and 100 bytes of bulk.
        fn new() -> Self {
            let config = Config::new(ClusterId(1), NodeId(1), Configuration::of_voters([NodeId(1)]).unwrap());
            let limits =
                Limits { control_messages_max: 3, bulk_messages_max: 3, bulk_bytes_max: 100, ..Limits::for_config(&config) };
            let lanes = Lanes::new(
                Breaker::new(NonZeroU32::MIN),
                #[cfg(feature = "mutants")]
                None,
            );
            Self { lanes, limits, counters: Counters::default() }
        }

        fn push(&self, body: Body) {
            self.lanes.push(Message { envelope: Envelope::default(), body }, &self.limits, &self.counters);
        }

        fn push_bulk(&self, bytes: usize) {
            let entry = Entry { id: LogId::default(), payload: Payload::Command(Bytes::from(vec![0; bytes])) };
            self.push(Body::Append { prev: LogId::default(), entries: [entry].into(), commit: LogIndex(0) });
        }

        fn push_control(&self, commit: u64) {
            self.push(Body::Heartbeat { commit: LogIndex(commit) });
        }

        fn dropped(&self) -> (u64, u64) {
            let stats = self.counters.read();
            (stats.dropped_full, stats.dropped_open)
        }

        /// The index that the next control message carries.
        fn next_control(&self) -> Option<u64> {
            self.lanes.next(true).map(|message| message.label().last_index)
        }

        fn next_bulk(&self) -> bool {
            self.lanes.next(false).is_some_and(|message| message.lane() == Lane::Bulk)
        }

        /// Whether a writer that waits is woken by this, and then finds that it need not wait.
        fn is_told_of(&self, what: impl FnOnce()) -> bool {
            let told = Arc::new(Told::default());
            let waker = Waker::from(Arc::clone(&told));
            let cx = &mut Context::from_waker(&waker);
            let mut ready = std::pin::pin!(self.lanes.ready());
            assert!(ready.as_mut().poll(cx).is_pending() && !told.0.load(Ordering::SeqCst));
            what();
            told.0.load(Ordering::SeqCst) && ready.poll(cx).is_ready()
        }
    }

    #[derive(Default)]
    struct Told(AtomicBool);

    impl Wake for Told {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn what_is_taken_out_makes_room() {
        let bench = Bench::new();
        for round in 0..20 {
            bench.push_bulk(60);
            bench.push_bulk(40);
            bench.push_control(round);
            assert_eq!(bench.dropped(), (round, 0));
            bench.push_bulk(1);
            assert_eq!(bench.dropped(), (round + 1, 0), "100 bytes and one more");
            assert_eq!(bench.next_control(), Some(round));
            assert!(bench.next_bulk() && bench.next_bulk() && !bench.next_bulk());
        }
        bench.push_bulk(1_000);
        assert!(bench.next_bulk(), "alone it may be longer");
    }

    #[test]
    fn each_lane_is_a_queue_with_a_bound_of_its_own() {
        let bench = Bench::new();
        (0..5).for_each(|commit| bench.push_control(commit));
        (0..5).for_each(|_| bench.push_bulk(1));
        assert_eq!(bench.dropped(), (4, 0));
        assert_eq!([(); 4].map(|()| bench.next_control()), [Some(0), Some(1), Some(2), None]);
        assert_eq!([(); 4].map(|()| bench.next_bulk()), [true, true, true, false]);
    }

    /// Heartbeats come so often that a writer who is not told of a message sends it a little later, which no test of time sees.
    #[test]
    fn the_writer_is_told_of_both_lanes() {
        let bench = Bench::new();
        assert!(!bench.is_told_of(|| ()));
        assert!(bench.is_told_of(|| bench.push_bulk(1)) && bench.next_bulk());
        assert!(bench.is_told_of(|| bench.push_control(1)) && bench.next_control() == Some(1));
        assert!(bench.is_told_of(|| bench.lanes.call()));
        assert!(!bench.is_told_of(|| ()), "once is enough");
    }

    #[test]
    fn while_the_breaker_is_open_nothing_waits_and_nothing_is_kept() {
        let bench = Bench::new();
        bench.push_bulk(100);
        bench.push_control(1);
        bench.lanes.with_breaker(|breaker| breaker.on_failure(LocalTime(10)));
        bench.push_bulk(1);
        bench.push_control(2);
        assert_eq!(bench.dropped(), (0, 2));
        assert!(bench.next_control().is_none() && !bench.next_bulk());
        bench.lanes.with_breaker(|breaker| breaker.on_trial(LocalTime(10)));
        bench.push_bulk(1);
        bench.push_control(3);
        assert_eq!(bench.dropped(), (0, 3), "bulk waits for an answer");
        bench.lanes.peer_answered();
        bench.push_bulk(60);
        bench.push_bulk(40);
        assert_eq!(bench.dropped(), (0, 3), "what was dropped takes no room");
    }
}
