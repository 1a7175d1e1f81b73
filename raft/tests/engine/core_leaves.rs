//! The pure leaves of the core against brute-force twins that look at a whole history each time.
//!
//! The twins of the quorum's arithmetic and of what is under way stand beside them
//! (`raft/src/core/quorum.rs`, `inflight.rs`), because they are a few lines each.
//! Not here: leaves at work together (`core_cluster`).

use bytes::Bytes;
use proptest::prelude::*;
use squall_raft::core::inflight::{Room, Sent};
use squall_raft::core::progress::Progress;
use squall_raft::digest::{Digest, prefix_hash};
use squall_raft::entry::{Entry, Payload};
use squall_raft::log_view::{LogView, View};
use squall_raft::types::{LogId, LogIndex, Term};

mod progress {
    use super::*;

    /// What happened to a follower's progress.
    #[derive(Clone, Copy, Debug)]
    enum Event {
        Sent(u64),
        Appended(u64),
        Behind(u64),
        Beat(u64),
        Answered { round: u64, tail: u64 },
    }

    /// The twin: nothing but what happened, in order.
    #[derive(Clone, Debug)]
    struct History {
        first: u64,
        events: Vec<Event>,
    }

    /// What a history amounts to.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Standing {
        matched: u64,
        next: u64,
        session: u32,
        /// Nothing while probing.
        under_way: Option<Vec<u64>>,
        may_send: bool,
    }

    impl History {
        fn upto(&self, len: usize) -> Self {
            Self { first: self.first, events: self.events[..len].to_vec() }
        }

        fn matched(&self) -> u64 {
            self.events.iter().map(|event| if let Event::Appended(matched) = event { *matched } else { 0 }).max().unwrap_or(0)
        }

        /// Where a session began: behind which event, and at which index.
        fn session(&self) -> (usize, u64, u32) {
            let mut found = (0, self.first, 1);
            for (at, event) in self.events.iter().enumerate() {
                let began = match event {
                    Event::Behind(agreed) => Some(*agreed),
                    Event::Answered { tail, .. } if self.upto(at).shows_a_gap(*event) => Some(*tail),
                    _ => None,
                };
                if let Some(agreed) = began {
                    found = (at + 1, agreed.max(self.upto(at).matched()) + 1, found.2 + 1);
                }
            }
            found
        }

        /// The oldest heartbeat that is not answered: its round, and what was to be sent next when it left.
        fn checkpoint(&self) -> Option<(u64, u64)> {
            let (begin, ..) = self.session();
            let mut open = None;
            for (at, event) in self.events.iter().enumerate().skip(begin) {
                open = match (*event, open) {
                    (Event::Sent(_), _) if self.upto(at).probing() => None,
                    (Event::Beat(round), None) => Some((round, self.upto(at).next())),
                    (Event::Answered { round, .. }, Some((since, _))) if round >= since => None,
                    (_, open) => open,
                };
            }
            open
        }

        fn shows_a_gap(&self, event: Event) -> bool {
            let Event::Answered { round, tail } = event else { return false };
            !self.probing()
                && self.checkpoint().is_some_and(|(since, before)| {
                    round >= since && tail + 1 < before && tail + 1 < self.next() && self.matched() < before - 1
                })
        }

        /// When the present session found the point of agreement.
        fn agreed_at(&self) -> Option<usize> {
            let (begin, base, _) = self.session();
            (begin..self.events.len()).find(|at| {
                let matched_before = self.upto(*at).matched();
                matches!(self.events[*at], Event::Appended(matched) if matched + 1 >= base.max(matched_before + 1))
            })
        }

        fn probing(&self) -> bool {
            self.agreed_at().is_none()
        }

        /// The end of the probe that is not answered before an event.
        fn probe_before(&self, end: usize) -> Option<u64> {
            let (begin, ..) = self.session();
            let mut probe = None;
            for at in begin..end {
                match self.events[at] {
                    Event::Sent(sent) => probe = Some(sent),
                    Event::Answered { round, .. } if self.upto(at).checkpoint().is_some_and(|(since, _)| round >= since) => {
                        probe = None;
                    }
                    _ => {}
                }
            }
            probe
        }

        fn under_way(&self) -> Option<Vec<u64>> {
            let agreed_at = self.agreed_at()?;
            let streamed = self.events[agreed_at..].iter().filter_map(|event| match event {
                Event::Sent(end) => Some(*end),
                _ => None,
            });
            let all = self.probe_before(agreed_at).into_iter().chain(streamed);
            // Acknowledged since it was sent: by any of this session, or by one before that said more.
            Some(all.filter(|end| *end > self.matched()).collect())
        }

        fn next(&self) -> u64 {
            let (_, base, _) = self.session();
            let known = base.max(self.matched() + 1);
            let Some(agreed_at) = self.agreed_at() else { return known };
            let streamed = self.events[agreed_at..].iter().map(|event| if let Event::Sent(end) = event { end + 1 } else { 0 });
            let probed = self.probe_before(agreed_at).map_or(0, |end| end + 1);
            known.max(probed).max(streamed.max().unwrap_or(0))
        }

        fn standing(&self, last: u64, room: u32) -> Standing {
            let under_way = self.under_way();
            let may_send = match &under_way {
                None => self.probe_before(self.events.len()).is_none(),
                Some(under_way) => self.next() <= last && (under_way.len() as u64) < u64::from(room),
            };
            Standing { matched: self.matched(), next: self.next(), session: self.session().2, under_way, may_send }
        }
    }

    fn standing(progress: &Progress, last: u64, room: Room) -> Standing {
        Standing {
            matched: progress.matched.0,
            next: progress.next.0,
            session: progress.session,
            under_way: progress.inflight().map(|inflight| inflight.ends().map(|end| end.0).collect()),
            may_send: progress.may_send(LogIndex(last), room),
        }
    }

    /// A step whose numbers are still relative.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Send(u64),
        Appended(u64),
        Behind(u64),
        Beat,
        Answered { rounds_ago: u64, tail: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0..4u64).prop_map(Step::Send),
            6 => (0..30u64).prop_map(Step::Appended),
            1 => (0..30u64).prop_map(Step::Behind),
            3 => Just(Step::Beat),
            3 => ((0..4u64), 0..30u64).prop_map(|(rounds_ago, tail)| Step::Answered { rounds_ago, tail }),
        ]
    }

    proptest! {
        #[test]
        fn equals_what_its_history_amounts_to(
            first in 1..20u64,
            appends_max in 1..5u32,
            steps in prop::collection::vec(step(), 0..25),
        ) {
            const LAST: u64 = 30;
            let room = Room { appends_max, bytes_max: u64::MAX };
            let (mut progress, mut history, mut round) = (Progress::new(LogIndex(first)), History { first, events: Vec::new() }, 0);
            for step in steps {
                match step {
                    Step::Send(more) => {
                        if !progress.may_send(LogIndex(LAST), room) {
                            continue;
                        }
                        // A stream sends one entry at least, a probe may be empty.
                        let least = if progress.inflight().is_some() { progress.next.0 } else { progress.next.0 - 1 };
                        let end = (least + more).min(LAST).max(least);
                        progress.sent(Sent { end: LogIndex(end), bytes: 1 });
                        history.events.push(Event::Sent(end));
                    }
                    Step::Appended(matched) => {
                        progress.appended(LogIndex(matched));
                        history.events.push(Event::Appended(matched));
                    }
                    Step::Behind(agreed) => {
                        progress.probe_behind(LogIndex(agreed));
                        history.events.push(Event::Behind(agreed));
                    }
                    Step::Beat => {
                        round += 1;
                        progress.heartbeat_sent(round);
                        history.events.push(Event::Beat(round));
                    }
                    Step::Answered { rounds_ago, tail } => {
                        let answered = Event::Answered { round: round.saturating_sub(rounds_ago), tail };
                        let Event::Answered { round, .. } = answered else { continue };
                        progress.heartbeat_answered(round, LogIndex(tail));
                        history.events.push(answered);
                    }
                }
                prop_assert_eq!(standing(&progress, LAST, room), history.standing(LAST, appends_max), "{:?}", history);
                prop_assert!(progress.matched < progress.next);
            }
        }
    }
}

mod log_view {
    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Content {
        Ready(usize),
        Pending,
        Damaged,
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Append { rise: u64, content: Content },
        Truncate(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let content = prop_oneof![
            8 => (0..40usize).prop_map(Content::Ready),
            1 => Just(Content::Pending),
            1 => Just(Content::Damaged),
        ];
        prop_oneof![
            5 => (prop_oneof![4 => Just(0u64), 1 => 1..3u64], content).prop_map(|(rise, content)| Step::Append { rise, content }),
            1 => (0..20u64).prop_map(Step::Truncate),
        ]
    }

    /// The twin: a plain list.
    type Twin = Vec<(Term, Content)>;

    fn payload(len: usize) -> Payload {
        Payload::Command(Bytes::from(vec![7; len]))
    }

    fn hash(twin: &Twin) -> u64 {
        twin.iter().zip(1..).fold(0, |hash, ((term, content), index)| {
            let id = LogId { term: *term, index: LogIndex(index) };
            match content {
                Content::Ready(len) => prefix_hash(hash, id, payload(*len).digest()),
                Content::Pending => prefix_hash(hash, id, 7),
                Content::Damaged => Digest::of(hash, &id),
            }
        })
    }

    /// The lengths of a run of entries, by definition; none if the first one is not at hand.
    fn run(twin: &Twin, from: u64, bytes_max: u64, entries_max: u32) -> Option<Vec<usize>> {
        let behind: Vec<Content> =
            twin.iter().skip(usize::try_from(from - 1).unwrap_or(usize::MAX)).map(|(_, content)| *content).collect();
        let ready: Vec<usize> =
            behind.iter().map_while(|content| if let Content::Ready(len) = content { Some(*len) } else { None }).collect();
        if ready.is_empty() && !behind.is_empty() {
            return None;
        }
        let fits = |count: &usize| {
            *count <= 1 || (*count <= entries_max as usize && ready[..*count].iter().sum::<usize>() as u64 <= bytes_max)
        };
        let most = (0..=ready.len()).rev().find(fits).unwrap_or(0);
        Some(ready[..most].to_vec())
    }

    proptest! {
        #[test]
        fn equals_a_plain_list(
            steps in prop::collection::vec(step(), 0..40),
            (from, bytes_max, entries_max) in (1..20u64, 0..120u64, 1..6u32),
            (bound_term, bound_index) in (0..12u64, 0..20u64),
        ) {
            let (mut log, mut twin) = (LogView::default(), Twin::new());
            for step in steps {
                match step {
                    Step::Append { rise, content } => {
                        let term = Term(twin.last().map_or(1, |(term, _)| term.0) + rise);
                        let id = LogId { term, index: LogIndex(twin.len() as u64 + 1) };
                        match content {
                            Content::Ready(len) => _ = log.append(&Entry { id, payload: payload(len) }),
                            Content::Pending => log.append_stored(id, 40, 7),
                            Content::Damaged => log.append_damaged(id),
                        }
                        twin.push((term, content));
                    }
                    Step::Truncate(last) => {
                        log.truncate(LogIndex(last.min(twin.len() as u64)));
                        twin.truncate(usize::try_from(last).unwrap_or(usize::MAX));
                    }
                }
            }
            let term = |index: u64| index.checked_sub(1).map_or(Some(Term(0)), |at| Some(twin.get(usize::try_from(at).ok()?)?.0));
            for index in 0..twin.len() as u64 + 3 {
                prop_assert_eq!(log.term_at(LogIndex(index)), term(index));
                let prefix = usize::try_from(index).ok().filter(|len| *len <= twin.len()).map(|len| hash(&twin[..len].to_vec()));
                prop_assert_eq!(log.hash_at(LogIndex(index)), prefix);
            }
            let last = twin.len() as u64;
            prop_assert_eq!(log.last(), LogId { term: term(last).unwrap_or_default(), index: LogIndex(last) });
            let not_above = (0..=bound_index.min(last)).rev().find(|index| term(*index).is_some_and(|term| term.0 <= bound_term));
            let not_above = not_above.unwrap_or(0);
            prop_assert_eq!(
                log.last_not_above(LogId::new(bound_term, bound_index)),
                LogId { term: term(not_above).unwrap_or_default(), index: LogIndex(not_above) }
            );
            let found = match log.entries(LogIndex(from), bytes_max, entries_max) {
                View::Ready(run) => Some(run.iter().map(|entry| usize::try_from(entry.payload.len_bytes()).unwrap_or(0)).collect()),
                View::Pending | View::Damaged(_) => None,
            };
            prop_assert_eq!(found, run(&twin, from, bytes_max, entries_max));
        }
    }
}
