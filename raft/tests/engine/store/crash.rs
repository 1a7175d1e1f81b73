//! Crashes after every disk operation, and again after every operation of the recovery.

use bytes::Bytes;
use proptest::prelude::*;
use squall_raft::entry::{Entry, HardState, Payload, Persist};
use squall_raft::process::{DiskError, DiskOp, DiskReply, OpId};
use squall_raft::store::{Identity, Options, StoreError, StoreEvent, wal::Wal};
use squall_raft::types::{BootNumber, IoId, LogId, Term};

use crate::store::disk::{Disk, Draws, Lies};
use crate::store::model::{Do, Ended, Life, Planted};

/// Segments of a few frames, so that a short life has rotations. Nothing is zeroed ahead.
fn options() -> Options {
    Options { segment_bytes: 8 * 512, zero_ahead_bytes: 0, ..Options::new(Identity::default()) }
}

/// The same, and frames of one sector find zeros that were written ahead.
fn zeroing() -> Options {
    Options { zero_ahead_bytes: 64 << 10, ..options() }
}

/// Boots, then does what it is told, then lets everything become durable.
fn live(life: &mut Life, program: &[Do], crash_at: Option<usize>) -> Result<Ended, String> {
    if life.boot(crash_at)? == Ended::Crashed {
        return Ok(Ended::Crashed);
    }
    for what in program {
        if life.act(what, crash_at)? == Ended::Crashed {
            return Ok(Ended::Crashed);
        }
    }
    life.settle(crash_at)
}

/// One crash after operation `first`, and one after each operation of the recovery that follows.
fn crash_twice(options: Options, planted: Planted, program: &[Do], first: usize, draws: &mut Draws) -> Result<bool, String> {
    let mut life = Life::new(options, planted);
    let ended = live(&mut life, program, Some(first))?;
    life.crash(draws);
    for second in life.ops.. {
        let mut again = life.clone();
        let interrupted = again.boot(Some(second))?;
        again.lose_power(draws);
        go_on(again, draws).map_err(|error| format!("crashes after {first} and {second}: {error}"))?;
        if interrupted == Ended::Quiet {
            break;
        }
    }
    Ok(ended == Ended::Crashed)
}

/// A life that has been through crashes works on: tears again at the same place, tears behind a frame that is
/// shorter than what was lost, and in the end all that was acknowledged is there.
fn go_on(mut life: Life, draws: &mut Draws) -> Result<(), String> {
    for (durable, torn) in [(vec![], 1_900), (vec![Do::Vote(Some(2))], 600)] {
        live(&mut life, &durable, None)?;
        life.act(&Do::Append(vec![torn]), None)?;
        life.write_unsynced()?;
        life.lose_power(draws);
    }
    live(&mut life, &[Do::Append(vec![3])], None)?;
    let expected = life.state();
    life.lose_power(draws);
    life.boot(None)?;
    if life.state() == expected { Ok(()) } else { Err("a quiet store forgot".into()) }
}

fn crash_everywhere(options: Options, planted: Planted, program: &[Do], seed: u64) -> Result<usize, String> {
    let mut draws = Draws(seed);
    let mut first = 0;
    while crash_twice(options, planted, program, first, &mut draws)? {
        first += 1;
    }
    Ok(first)
}

fn any_step() -> impl Strategy<Value = Do> {
    let size = prop_oneof![Just(0_usize), 1..40_usize, 300..700_usize, 1_500..2_600_usize];
    prop_oneof![
        2 => proptest::option::of(1..6_u64).prop_map(Do::Vote),
        5 => proptest::collection::vec(size, 1..5).prop_map(Do::Append),
        1 => (0..9_u64).prop_map(Do::Configure),
        2 => (0..4_u64).prop_map(Do::Truncate),
        1 => (0..4_u64).prop_map(Do::Purge),
        3 => Just(Do::Flush),
        4 => Just(Do::Complete),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn what_is_durable_survives_crashes_at_every_operation(
        program in proptest::collection::vec(any_step(), 1..24),
        seed in any::<u64>(),
        preallocate in any::<bool>(),
        zero_ahead_bytes in prop_oneof![Just(0), Just(64 << 10), Just(2 << 20)],
    ) {
        let options = Options { preallocate, zero_ahead_bytes, ..options() };
        let crashes = crash_everywhere(options, Planted::default(), &program, seed);
        prop_assert!(matches!(crashes, Ok(6..)), "{crashes:?}"); // six operations begin the log
    }
}

/// Appends and votes over several frames, one of them over several sectors.
fn program() -> Vec<Do> {
    let frame = |what| [what, Do::Flush, Do::Complete, Do::Complete, Do::Complete, Do::Complete];
    let steps = [
        Do::Vote(Some(1)),
        Do::Append(vec![10, 1_900, 0]),
        Do::Append(vec![600]),
        Do::Truncate(2),
        Do::Append(vec![20, 20]),
        Do::Vote(None),
        Do::Append(vec![1_200]),
        Do::Append(vec![900, 30]),
        Do::Truncate(2),
        Do::Append(vec![700]),
        Do::Purge(2),
        Do::Append(vec![2_000]),
        Do::Append(vec![5_000]),
        Do::Purge(0),
        Do::Append(vec![9]),
    ];
    steps.into_iter().flat_map(frame).collect()
}

/// The first of 40 seeds with which the model objects.
fn objection(options: Options, planted: Planted) -> Option<String> {
    (0..40).find_map(|seed| crash_everywhere(options, planted, &program(), seed).err())
}

#[test]
fn the_model_objects_to_nothing_without_planted_faults() {
    for options in [options(), zeroing()] {
        assert_eq!(objection(options, Planted::default()), None);
    }
}

#[test]
fn the_model_notices_a_sync_that_is_skipped() {
    let planted = Planted { lies: Lies { sync: true, ..Lies::default() }, ..Planted::default() };
    assert!(objection(options(), planted).is_some());
}

#[test]
fn the_model_notices_a_folder_that_is_not_synced() {
    let planted = Planted { lies: Lies { sync_dir: true, ..Lies::default() }, ..Planted::default() };
    let objection = objection(options(), planted).unwrap();
    assert!(objection.contains("recovered") || objection.contains("expected it in the folder"), "{objection}");
}

#[test]
fn the_model_notices_a_recovery_that_trusts_the_page_cache() {
    let planted = Planted { no_sync_at_boot: true, ..Planted::default() };
    assert!(objection(options(), planted).is_some());
}

/// Two crashes at one place: the second tears a frame that is shorter than what the first one left.
#[test]
fn the_model_notices_what_a_torn_write_left() {
    let planted = Planted { no_zeros_at_boot: true, ..Planted::default() };
    assert!(objection(options(), planted).is_some());
}

#[cfg(feature = "mutants")]
#[test]
fn the_model_notices_the_planted_bugs() {
    use squall_raft::mutants::Bug;
    for bug in [Bug::D02, Bug::D07, Bug::D08, Bug::D09, Bug::D11] {
        for options in [options(), zeroing()] {
            let options = Options { bug: Some(bug), ..options };
            assert!(objection(options, Planted::default()).is_some(), "{bug:?}, {options:?}");
        }
    }
}

/// A store on a disk whose `nth` operation fails, driven until nothing is under way.
fn fail_at(options: Options, nth: usize) -> (Wal, Vec<StoreEvent>, usize, Disk) {
    let (mut disk, mut out, mut events, mut ops) = (Disk::default(), Vec::new(), Vec::new(), 0);
    let mut wal = Wal::boot(options, BootNumber(1), &mut out);
    while let Some((op, what)) = out.pop() {
        let result = if ops == nth { Err(DiskError::Io) } else { disk.carry_out(&what) };
        ops += 1;
        let event = wal.disk_done(op, result, &mut out);
        if matches!(event, Some(StoreEvent::Recovered(_))) {
            persist_term(&mut wal, 1);
            wal.flush(&mut out);
        }
        events.extend(event);
    }
    (wal, events, ops, disk)
}

fn persist_term(wal: &mut Wal, seq: u64) {
    let state = HardState { term: Term(seq), vote: None };
    wal.persist(IoId { boot: BootNumber(1), seq }, Persist::HardState(state));
}

#[test]
fn a_failed_operation_is_the_last() {
    // List, the five that make a segment, the zeros and their sync if there are any, a frame.
    for (options, all) in [(options(), 7), (zeroing(), 9)] {
        a_failed_operation_is_the_last_of(options, all);
    }
}

fn a_failed_operation_is_the_last_of(options: Options, all: usize) {
    let (_, events, ops, _) = fail_at(options, usize::MAX);
    let durable = StoreEvent::Durable(IoId { boot: BootNumber(1), seq: 1 });
    assert_eq!((events.last(), ops), (Some(&durable), all));
    for nth in 0..all {
        let (mut wal, events, ops, mut disk) = fail_at(options, nth);
        let failed = events.last();
        assert!(matches!(failed, Some(StoreEvent::Failed(StoreError::Disk { error: DiskError::Io, .. }))), "{failed:?}");
        let is_frame = nth == all - 1;
        assert_eq!(ops, nth + 1 + usize::from(is_frame), "nothing follows what failed, but that a frame is taken back");
        let zeros = Ok(DiskReply::Bytes(Bytes::from(vec![0; 512])));
        let read =
            DiskOp::Read { file: disk.contents().last().map_or("".into(), |(file, _)| file.clone()), offset: 512, len: 512 };
        assert!(!is_frame || disk.carry_out(&read) == zeros, "a process that starts on the same page cache finds no frame");
        let mut out = Vec::new();
        persist_term(&mut wal, 2);
        wal.flush(&mut out);
        assert!(out.is_empty(), "a poisoned store starts nothing");
    }
}

#[test]
fn a_late_completion_changes_nothing() {
    let (mut wal, ..) = fail_at(options(), usize::MAX);
    persist_term(&mut wal, 2);
    let mut out = Vec::new();
    wal.flush(&mut out);
    let (op, _) = out.pop().unwrap();
    let other_boot = OpId { boot: BootNumber(0), ..op };
    for late in [other_boot, OpId { seq: op.seq - 1, ..op }, OpId { seq: op.seq + 1, ..op }] {
        assert_eq!(wal.disk_done(late, Err(DiskError::Io), &mut out), None);
        assert!(out.is_empty());
    }
    let durable = StoreEvent::Durable(IoId { boot: BootNumber(1), seq: 2 });
    assert_eq!(wal.disk_done(op, Ok(DiskReply::Done), &mut out), Some(durable));
}

#[test]
fn what_is_queued_meanwhile_goes_into_one_frame() {
    let (mut wal, ..) = fail_at(options(), usize::MAX);
    let mut out = Vec::new();
    persist_term(&mut wal, 2);
    wal.flush(&mut out);
    for seq in 3..=9 {
        persist_term(&mut wal, seq);
        wal.flush(&mut out);
        assert_eq!(out.len(), 1, "one frame at a time");
    }
    let mut durable = Vec::new();
    while let Some((op, _)) = out.pop() {
        durable.extend(wal.disk_done(op, Ok(DiskReply::Done), &mut out));
        wal.flush(&mut out);
    }
    let id = |seq| StoreEvent::Durable(IoId { boot: BootNumber(1), seq });
    assert_eq!(durable, [id(2), id(9)]);
}

/// Without a bound, a frame would grow with whatever piles up behind a slow sync.
#[test]
fn a_batch_closes_before_it_grows_too_large() {
    let (mut wal, ..) = fail_at(options(), usize::MAX);
    let payload = Payload::Command(Bytes::from(vec![7; 9 << 20])); // two do not fit into BATCH_BYTES
    for index in 1..=3 {
        let entry = Entry { id: LogId::new(1, index), payload: payload.clone() };
        wal.persist(IoId { boot: BootNumber(1), seq: index + 1 }, Persist::Append([entry].into()));
    }
    let (mut out, mut events) = (Vec::new(), Vec::new());
    wal.flush(&mut out);
    while let Some((op, _)) = out.pop() {
        events.extend(wal.disk_done(op, Ok(DiskReply::Done), &mut out));
        wal.flush(&mut out);
    }
    let durable = |seq| StoreEvent::Durable(IoId { boot: BootNumber(1), seq });
    assert_eq!(events, [2, 3, 4].map(durable));
    assert!(!wal.has_queued());
}
