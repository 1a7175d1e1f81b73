//! Two versions in one cluster: a process that is an enum of two.

use squall_raft::process::{Boot, Effect, Effects, Input, Process};
use squall_raft::types::{LocalTime, NodeId};
use squall_sim::entropy::Entropy;
use squall_sim::world::World;

use super::support::{Recorder, Seen, Story, calm, configs};
use super::toy::{Config, Message, Observation, Request, SECOND, Toy};

/// The next release: it answers pings with numbers from 1,000,000 on.
#[derive(Clone)]
struct Next(Toy);

const NEW_NUMBERS: u64 = 1_000_000;

#[derive(Clone)]
enum Either {
    Old(Toy),
    New(Next),
}

#[derive(Clone)]
enum EitherConfig {
    Old(Config),
    New(Config),
}

/// Carries effects of one process over to another that speaks the same messages.
fn translate<A, B>(from: &mut Effects<A>, to: &mut Effects<B>, change: impl Fn(Message) -> Message)
where
    A: Process<Message = Message, Reply = u64, Observation = Observation>,
    B: Process<Message = Message, Reply = u64, Observation = Observation>,
{
    for effect in from.drain() {
        to.push(match effect {
            Effect::Send { to, message } => Effect::Send { to, message: change(message) },
            Effect::Disk { op, what } => Effect::Disk { op, what },
            Effect::Reply { to, reply } => Effect::Reply { to, reply },
            Effect::Observe(observation) => Effect::Observe(observation),
            Effect::Halt { reason } => Effect::Halt { reason },
        });
    }
}

fn same<A, B>(input: Input<A>) -> Input<B>
where
    A: Process<Message = Message, Request = Request>,
    B: Process<Message = Message, Request = Request>,
{
    match input {
        Input::Timer => Input::Timer,
        Input::Message { from, message } => Input::Message { from, message },
        Input::Request { id, request } => Input::Request { id, request },
        Input::Requests(requests) => Input::Requests(requests),
        Input::DiskDone { op, result } => Input::DiskDone { op, result },
    }
}

fn renumber(message: Message) -> Message {
    match message {
        Message::Pong { number } => Message::Pong { number: NEW_NUMBERS + number },
        other => other,
    }
}

impl Process for Either {
    type Config = EitherConfig;
    type Message = Message;
    type Request = Request;
    type Reply = u64;
    type Observation = Observation;

    fn boot(config: EitherConfig, boot: Boot, out: &mut Effects<Self>) -> Self {
        let mut effects = Effects::<Toy>::default();
        let either = match config {
            EitherConfig::Old(config) => Self::Old(Toy::boot(config, boot, &mut effects)),
            EitherConfig::New(config) => Self::New(Next(Toy::boot(config, boot, &mut effects))),
        };
        translate(&mut effects, out, |message| message);
        either
    }

    fn handle(&mut self, now: LocalTime, input: Input<Self>, out: &mut Effects<Self>) {
        let mut effects = Effects::<Toy>::default();
        match self {
            Self::Old(toy) => {
                toy.handle(now, same(input), &mut effects);
                translate(&mut effects, out, |message| message);
            }
            Self::New(Next(toy)) => {
                toy.handle(now, same(input), &mut effects);
                translate(&mut effects, out, renumber);
            }
        }
    }

    fn deadline(&self) -> Option<LocalTime> {
        match self {
            Self::Old(toy) | Self::New(Next(toy)) => toy.deadline(),
        }
    }
}

#[test]
fn two_versions_run_in_one_cluster_and_one_is_upgraded() {
    let mut recorder = Recorder::default();
    let config = |(id, config): (NodeId, Config)| {
        (id, if id == NodeId(3) { EitherConfig::New(config) } else { EitherConfig::Old(config) })
    };
    let world = World::<Either>::new(Entropy::new(4), configs(3).into_iter().map(config).collect(), calm());
    let mut story = Story::with(world, &mut recorder);
    (1..=3).for_each(|n| assert!(story.world.start(NodeId(n), &mut recorder)));
    story.run_until(SECOND, &mut recorder);
    let new_pongs = |recorder: &Recorder, node: u64| {
        let new = |(_, seen): &&(u64, Seen)| matches!(seen, Seen::Sent { from, message: Message::Pong { number: NEW_NUMBERS.. }, .. } if *from == NodeId(node));
        recorder.seen.iter().filter(new).count()
    };
    assert!(new_pongs(&recorder, 3) > 20);
    assert_eq!(new_pongs(&recorder, 2), 0);
    let before = story.replies.len();
    assert!(before > 100);

    assert!(story.world.kill(NodeId(2), &mut recorder));
    assert!(story.world.reconfigure(NodeId(2), EitherConfig::New(configs(3)[1].1.clone()), &mut recorder));
    assert!(story.world.start(NodeId(2), &mut recorder));
    story.run_until(2 * SECOND, &mut recorder);
    assert!(new_pongs(&recorder, 2) > 20, "the new version runs on the old one's disk");
    assert!(matches!(story.world.process(NodeId(2)), Some(Either::New(_))));
    assert!(story.replies.len() > before + 100);
}
