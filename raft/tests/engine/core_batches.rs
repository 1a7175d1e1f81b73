//! Proposals that come together against the same proposals one by one: each has the same outcome, and all
//! logs end up the same.
//!
//! What is compared is never when something is sent, which is what batches are for. So what
//! was passed on to the leader arrives before anything is acknowledged, or a leader whose limits
//! are reached would take one thing or another by the speed at which it gets rid of older ones.
//! Not here: what a batch looks like on the way (`stories/proposals-of-a-batch-travel-together.story`).

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use proptest::prelude::*;
use squall_raft::config::{Config, Limits};
use squall_raft::core::{Core, Effect, Input, Proposal, Proposals, RequestError, Restored};
use squall_raft::log_view::LogView;
use squall_raft::membership::Configuration;
use squall_raft::message::{Body, Message};
use squall_raft::observation::RoleKind;
use squall_raft::process::{Boot, RequestId};
use squall_raft::types::{BootNumber, ClusterId, IoId, LocalTime, LogId, LogIndex, NodeId};

#[derive(Clone, Debug)]
enum Step {
    /// A node is asked for commands of these sizes, each perhaps to be passed on.
    Propose { node: usize, commands: Vec<(usize, bool)> },
    /// Everything is written and delivered.
    Settle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Proposed(LogId),
    Forwarded,
    Refused(RequestError),
}

/// What must not depend on whether proposals came together.
#[derive(Debug, PartialEq, Eq)]
struct End {
    outcomes: BTreeMap<RequestId, Outcome>,
    logs: Vec<LogView>,
    commits: Vec<LogIndex>,
}

struct Cluster {
    cores: Vec<Core>,
    now: LocalTime,
    written: Vec<IoId>,
    network: VecDeque<Message>,
    outcomes: BTreeMap<RequestId, Outcome>,
    tickets: u64,
}

impl Cluster {
    fn led_by_the_first(limits: Limits) -> Self {
        let members = Configuration::of_voters((1..=3).map(NodeId)).expect("three voters");
        let core = |node| {
            let mut config = Config::new(ClusterId(7), NodeId(node), members.clone());
            (config.limits, config.forward_proposals) = (limits, true);
            config.validate().expect("limits are valid");
            Core::new(config, Boot { now: LocalTime(0), entropy: node, number: BootNumber(1) }, Restored::default())
        };
        let mut cluster = Self {
            cores: (1..=3).map(core).collect(),
            now: LocalTime(0),
            written: vec![IoId::NOTHING; 3],
            network: VecDeque::new(),
            outcomes: BTreeMap::new(),
            tickets: 0,
        };
        cluster.input(0, Input::Campaign { ticket: RequestId(0) });
        cluster.settle();
        assert_eq!(cluster.cores[0].role().kind(), RoleKind::Leader);
        cluster
    }

    fn input(&mut self, at: usize, input: Input) {
        let mut effects = Vec::new();
        self.cores[at].handle(self.now, input, &mut effects);
        for effect in effects {
            let (ticket, outcome) = match effect {
                Effect::Persist { id, .. } => {
                    self.written[at] = id;
                    continue;
                }
                Effect::Send { message, .. } => {
                    self.network.push_back(message);
                    continue;
                }
                Effect::Proposed { ticket, id } => (ticket, Outcome::Proposed(id)),
                Effect::Forwarded { ticket } => (ticket, Outcome::Forwarded),
                Effect::Refused { ticket, why } => (ticket, Outcome::Refused(why)),
                _ => continue,
            };
            assert_eq!(self.outcomes.insert(ticket, outcome), None, "{ticket:?} has one outcome");
        }
    }

    fn settle(&mut self) {
        loop {
            let passed_on = self.network.iter().position(|message| matches!(message.body, Body::Forward { .. }));
            if let Some(message) = passed_on.and_then(|position| self.network.remove(position)) {
                self.deliver(message);
            } else if let Some(at) = (0..3).find(|at| self.written[*at] != IoId::NOTHING) {
                let durable = std::mem::replace(&mut self.written[at], IoId::NOTHING);
                self.input(at, Input::Durable(durable));
            } else if let Some(message) = self.network.pop_front() {
                self.deliver(message);
            } else {
                return;
            }
        }
    }

    fn deliver(&mut self, message: Message) {
        if let Body::Append { entries, .. } = &message.body {
            let (limits, bytes) = (self.cores[0].limits(), entries.iter().map(|entry| entry.payload.len_bytes()).sum::<u64>());
            assert!(entries.len() <= limits.append_entries_max as usize, "an append of {} entries", entries.len());
            assert!(entries.len() == 1 || bytes <= limits.append_bytes_max, "an append of {bytes} bytes");
        }
        let at = usize::try_from(message.envelope.to.node.0 - 1).expect("a small number");
        self.input(at, Input::Message { from: message.envelope.from.node, message });
    }

    fn proposal(&mut self, (bytes, may_forward): (usize, bool)) -> Proposal {
        self.tickets += 1;
        // No two commands are equal, or a wrong order would not show.
        let command: Bytes = self.tickets.to_le_bytes().into_iter().cycle().take(bytes).collect();
        Proposal { ticket: RequestId(self.tickets), command, may_forward }
    }

    fn run(mut self, steps: &[Step], together: bool) -> End {
        for step in steps.iter().chain([&Step::Settle]) {
            match step {
                Step::Settle => self.settle(),
                Step::Propose { node, commands } => {
                    let proposals: Vec<_> = commands.iter().map(|command| self.proposal(*command)).collect();
                    if together {
                        self.input(*node, Input::Propose(Proposals::Many(proposals)));
                    } else {
                        proposals.into_iter().for_each(|one| self.input(*node, Input::Propose(one.into())));
                    }
                }
            }
        }
        // The next heartbeat tells everybody what is committed.
        self.now = self.cores[0].deadline();
        self.input(0, Input::Timer);
        self.settle();
        let of_all = self.cores.iter();
        let (logs, commits) = of_all.map(|core| (core.log().clone(), core.commit_index())).unzip();
        End { outcomes: self.outcomes, logs, commits }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let commands = prop::collection::vec((1..14usize, any::<bool>()), 0..8);
    prop_oneof![
        4 => (prop_oneof![4 => Just(0), 1 => 1..3usize], commands).prop_map(|(node, commands)| Step::Propose { node, commands }),
        1 => Just(Step::Settle),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    (1..5u32, 1..5u32, 12..40u64, 20..120u64).prop_map(|(appends, entries, append_bytes, uncommitted)| Limits {
        inflight_appends_max: appends,
        append_entries_max: entries,
        append_bytes_max: append_bytes,
        inflight_bytes_max: append_bytes,
        command_bytes_max: 12,
        uncommitted_bytes_max: uncommitted,
        ..Limits::default()
    })
}

proptest! {
    #[test]
    fn a_batch_equals_its_proposals_one_by_one(limits in limits(), steps in prop::collection::vec(step(), 1..20)) {
        let arm = |together| Cluster::led_by_the_first(limits).run(&steps, together);
        let (one_by_one, together) = (arm(false), arm(true));
        let asked: usize = steps.iter().map(|step| if let Step::Propose { commands, .. } = step { commands.len() } else { 0 }).sum();
        prop_assert_eq!(one_by_one.outcomes.len(), asked);
        prop_assert!(one_by_one.logs.iter().all(|log| *log == one_by_one.logs[0]), "everybody has everything in the end");
        prop_assert_eq!(one_by_one, together);
    }
}
