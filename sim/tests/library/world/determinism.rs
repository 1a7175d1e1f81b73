//! One seed, one history: the hash tells worlds apart exactly when something differs, and clones are independent.

use bytes::Bytes;
use squall_raft::types::NodeId;
use squall_sim::world::BLOCK_EVENTS;

use super::support::{Recorder, Toys, eventful, stormy};
use super::toy::{MS, SECOND};

fn hash(seed: u64) -> u64 {
    let mut story = Toys::new(seed, stormy(), &mut ());
    eventful(&mut story, &mut ());
    assert!(story.replies.len() > 100, "{} replies", story.replies.len());
    story.world.hash()
}

#[test]
fn a_seed_decides_everything() {
    let hashes: Vec<u64> = (0..20).map(hash).collect();
    assert_eq!(hashes, (0..20).map(hash).collect::<Vec<_>>());
    let mut distinct = hashes.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), hashes.len());
}

#[test]
fn an_observer_changes_nothing() {
    let mut recorder = Recorder::default();
    let mut story = Toys::new(5, stormy(), &mut recorder);
    eventful(&mut story, &mut recorder);
    assert_eq!(story.world.hash(), hash(5));
    assert_eq!(story.world.events(), recorder.seen.len() as u64);
}

#[test]
fn a_clone_and_its_original_run_alike() {
    let mut original = Toys::new(5, stormy(), &mut ());
    original.run_until(SECOND / 3, &mut ());
    let mut clone = original.clone();
    eventful(&mut original, &mut ());
    eventful(&mut clone, &mut ());
    assert_eq!(original.world.hash(), clone.world.hash());
    assert_eq!(original.replies, clone.replies);
    assert_eq!(original.world.hash(), hash(5), "a clone was taken on the way, which nobody can tell");
}

#[test]
fn branches_do_not_disturb_each_other() {
    let mut calm = Toys::new(5, stormy(), &mut ());
    calm.run_until(SECOND / 3, &mut ());
    let mut struck = calm.clone();
    // Alternately, so that shared pages and chunks are written by both.
    assert!(struck.world.power_loss(NodeId(1), &mut ()));
    assert!(struck.world.start(NodeId(1), &mut ()));
    for n in 1..=40 {
        let until = SECOND / 3 + n * 25 * MS;
        struck.run_until(until, &mut ());
        calm.run_until(until, &mut ());
    }
    let mut alone = Toys::new(5, stormy(), &mut ());
    alone.run_until(SECOND / 3 + 40 * 25 * MS, &mut ());
    assert_eq!(calm.world.hash(), alone.world.hash());
    assert_ne!(calm.world.hash(), struck.world.hash());
    assert!(calm.replies != struck.replies, "the power loss changed nothing");
}

fn flipped(n: u64) -> Bytes {
    let mut bytes = super::support::record(n).to_vec();
    bytes[15] ^= u8::from(n == 60);
    bytes.into()
}

#[test]
fn one_flipped_bit_of_a_payload_changes_the_hash_from_there_on() {
    let mut one = Toys::new(5, stormy(), &mut ());
    let mut other = one.clone();
    other.record = flipped;
    one.run_until(2 * SECOND, &mut ());
    other.run_until(2 * SECOND, &mut ());
    assert_eq!(one.world.events(), other.world.events(), "the payload decides nothing");
    assert_ne!(one.world.hash(), other.world.hash());
    let pairs = || one.world.blocks().iter().zip(other.world.blocks().iter());
    let first = pairs().position(|(a, b)| a != b).expect("a block differs");
    assert!(first > 0, "request 60 is not in the first {BLOCK_EVENTS} events");
    assert!(pairs().skip(first).all(|(a, b)| a != b));
    assert_eq!(one.world.blocks().len() as u64, one.world.events() / BLOCK_EVENTS);
}
