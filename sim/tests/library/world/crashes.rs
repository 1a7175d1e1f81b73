//! Kill and power loss: what survives, what does not, and that nothing of a boot reaches the next.

use bytes::Bytes;
use squall_raft::process::{DiskOp, DiskReply};
use squall_raft::types::NodeId;
use squall_sim::disk::{Disk, Stamp, WriteFate};
use squall_sim::world::Status;

use super::support::{Recorder, Seen, Toys, calm};
use super::toy::{MS, Observation, RECORD, SECOND};

const SLOW_FSYNC: squall_sim::disk::DiskWeather = squall_sim::disk::DiskWeather::fixed(20_000, 50_000, 5 * MS);

fn storm(seed: u64, recorder: &mut Recorder) -> Toys {
    let mut story = Toys::new(seed, calm(), recorder);
    story.interval_ns = MS / 2;
    assert!(story.world.set_disk_weather(NodeId(2), SLOW_FSYNC, recorder));
    story.run_until(SECOND / 4 + seed * 171_717, recorder);
    story
}

fn recovered(recorder: &Recorder) -> Bytes {
    let found = recorder.observed(2).filter_map(|(_, observation)| match observation {
        Observation::Recovered { bytes } => Some(bytes.clone()),
        _ => None,
    });
    found.last().expect("node 2 recovered")
}

/// The length that the last sync of node 2 promised.
fn promised_len(recorder: &Recorder) -> u64 {
    let synced = recorder.seen.iter().filter_map(|(_, seen)| match seen {
        Seen::Synced { node: NodeId(2), promised_len, .. } => Some(*promised_len),
        _ => None,
    });
    synced.last().expect("node 2 synced something")
}

/// What a process sees of its one file, synced or not.
fn visible_len(disk: &Disk) -> u64 {
    match disk.clone().execute(&DiskOp::List, Stamp::default()) {
        Ok(DiskReply::Files(files)) => files.iter().map(|(_, len)| len).sum(),
        other => panic!("a list gives files, not {other:?}"),
    }
}

fn restart(story: &mut Toys, recorder: &mut Recorder) -> Bytes {
    assert!(story.world.start(NodeId(2), recorder));
    story.run_until(story.world.now() + 20 * MS, recorder);
    recovered(recorder)
}

/// Every record below a length is whole and the one that was written there. Retries are none, so all differ.
fn whole_records(bytes: &[u8], below: u64) -> bool {
    let records = bytes.chunks(16).take(usize::try_from(below / RECORD).unwrap());
    records.into_iter().all(|record| record.len() == 16 && record[8..] == [0xee; 8] && record[..8] != [0; 8])
}

#[test]
fn a_kill_keeps_the_page_cache() {
    let mut unsynced = 0;
    for seed in 0..20 {
        let mut recorder = Recorder::default();
        let mut story = storm(seed, &mut recorder);
        let disk = story.world.disk(NodeId(2)).unwrap();
        let visible = visible_len(disk);
        unsynced += disk.unsynced();
        assert!(story.world.kill(NodeId(2), &mut recorder));
        assert_eq!(story.world.status(NodeId(2)), Some(Status::Down));
        let bytes = restart(&mut story, &mut recorder);
        assert!(whole_records(&bytes, bytes.len() as u64), "seed {seed}: nothing is torn");
        assert!(bytes.len() as u64 >= visible, "seed {seed}: {} of {visible} bytes", bytes.len());
    }
    assert!(unsynced > 0, "something was in the page cache only");
}

#[test]
fn a_power_loss_keeps_what_is_synced_and_a_drawn_part_of_the_rest() {
    let (mut kept, mut lost, mut torn) = (0, 0, 0);
    for seed in 0..60 {
        let mut recorder = Recorder::default();
        let mut story = storm(seed, &mut recorder);
        let promised = promised_len(&recorder);
        assert!(story.world.power_loss(NodeId(2), &mut recorder));
        let Some((_, Seen::Crashed { loss: Some(loss), promised_len: after, .. })) = recorder.seen.last().cloned() else {
            panic!("a power loss is an event");
        };
        assert!(after >= promised);
        assert_eq!(story.world.disk(NodeId(2)).unwrap().unsynced(), 0);
        let bytes = restart(&mut story, &mut recorder);
        assert!(whole_records(&bytes, promised), "seed {seed}: {promised} bytes were promised");
        assert_eq!(bytes.len() as u64, after, "what is found is what is on the medium");
        kept += loss.writes.iter().filter(|(_, fate)| *fate == WriteFate::Kept).count();
        lost += loss.writes_lost();
        torn += loss.writes_torn();
    }
    assert!(kept > 5 && lost > 5 && torn > 0, "kept {kept}, lost {lost}, torn {torn}");
}

#[test]
fn operations_under_way_at_a_crash_are_executed_or_not() {
    let mut executed = Vec::new();
    for seed in 0..30 {
        let mut recorder = Recorder::default();
        let mut story = storm(seed, &mut recorder);
        assert!(story.world.kill(NodeId(2), &mut recorder));
        let Some((_, Seen::Crashed { crash, .. })) = recorder.seen.last() else { panic!("a kill is an event") };
        assert!(crash.executed <= crash.in_flight);
        if crash.in_flight > 0 {
            executed.push(crash.executed > 0);
        }
    }
    assert!(executed.contains(&true) && executed.contains(&false), "{executed:?}");
}

#[test]
fn nothing_of_a_boot_reaches_the_next() {
    // The toy asserts that every completion is of its own boot and expected; here it is restarted in the thick of it.
    for seed in 0..10 {
        let mut recorder = Recorder::default();
        let mut story = storm(seed, &mut recorder);
        for n in 0..20 {
            let node = NodeId(1 + n % 3);
            assert!(if n % 2 == 0 { story.world.kill(node, &mut recorder) } else { story.world.power_loss(node, &mut recorder) });
            assert!(!story.world.kill(node, &mut recorder), "it is dead");
            assert!(story.world.start(node, &mut recorder));
            assert!(!story.world.start(node, &mut recorder), "it runs");
            story.run_until(story.world.now() + 3 * MS, &mut recorder);
        }
        let mut boots: Vec<_> = recorder
            .seen
            .iter()
            .filter_map(|(_, seen)| match seen {
                Seen::Booted { node, boot } => Some((node, boot.number, boot.now, boot.entropy)),
                _ => None,
            })
            .collect();
        assert!(boots.is_sorted_by_key(|(_, number, ..)| number.0 >= 1));
        let all = boots.len();
        boots.sort_by_key(|(.., entropy)| *entropy);
        boots.dedup_by_key(|(.., entropy)| *entropy);
        assert_eq!(boots.len(), all, "each boot has entropy of its own");
        boots.sort_by_key(|(.., now, _)| *now);
        boots.dedup_by_key(|(.., now, _)| *now);
        assert_eq!(boots.len(), all, "each boot's clock has an origin of its own");
    }
}

#[test]
fn the_page_cache_of_a_killed_node_is_lost_with_the_power() {
    let mut lost_bytes = 0;
    for seed in 0..10 {
        let mut story = storm(seed, &mut Recorder::default());
        assert!(story.world.kill(NodeId(2), &mut ()));
        let unsynced = story.world.disk(NodeId(2)).unwrap().unsynced();
        assert_eq!(story.world.power_loss(NodeId(2), &mut ()), unsynced > 0);
        assert!(!story.world.power_loss(NodeId(2), &mut ()), "there is nothing left to lose");
        lost_bytes += story.world.counters().lost_bytes;
    }
    assert!(lost_bytes > 0);
}
