//! The device under faults, operation by operation: what it promises, what its media hold, and when the two may part.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proptest::prelude::*;
use squall_raft::process::{DiskError, DiskOp, DiskReply, FileName, OpId};

use super::device::{Completed, Device};
use super::{Dealt, Disk, DiskFault, DiskWeather, Kinds, Touch};

fn device(seed: u64) -> Device {
    let mut device = Device::new(seed, DiskWeather::fixed(1, 1, 1));
    device.begin_boot(1);
    device
}

fn carry_out(device: &mut Device, what: DiskOp) -> Completed {
    device.issue(OpId::default(), what);
    device.complete().expect("an operation is under way")
}

fn ok(device: &mut Device, what: DiskOp) -> DiskReply {
    carry_out(device, what.clone()).result.unwrap_or_else(|error| panic!("{what:?}: {error}"))
}

fn name() -> FileName {
    "log".into()
}

fn write(offset: u64, byte: u8, len: usize) -> DiskOp {
    DiskOp::Write { file: name(), offset, bytes: vec![byte; len].into() }
}

fn write_sync(offset: u64, byte: u8, len: usize) -> DiskOp {
    DiskOp::WriteSync { file: name(), offset, bytes: vec![byte; len].into() }
}

fn sync() -> DiskOp {
    DiskOp::Sync { file: name() }
}

/// A device with an empty file whose name is durable.
fn with_file(seed: u64) -> Device {
    let mut device = device(seed);
    ok(&mut device, DiskOp::Create { file: name() });
    ok(&mut device, DiskOp::SyncDir);
    device
}

fn read(device: &mut Device) -> Bytes {
    match ok(device, DiskOp::Read { file: name(), offset: 0, len: 1 << 20 }) {
        DiskReply::Bytes(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

fn bytes(content: &super::Content) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(content.len()).expect("short")];
    content.read(0, &mut bytes);
    bytes
}

fn promised(disk: &Disk) -> BTreeMap<FileName, Vec<u8>> {
    disk.promised_files().map(|(name, content)| (name.clone(), bytes(content))).collect()
}

fn errors(on: Kinds, times: Option<u64>) -> DiskFault {
    DiskFault::Errors { on, error: DiskError::Io, times, outside_atlas: false }
}

const SYNC: Kinds = Kinds { write: false, sync: true, read: false, meta: false };

#[test]
fn so_many_operations_of_a_kind_fail_and_no_more() {
    let mut device = with_file(1);
    device.inflict(7, errors(Kinds { write: true, ..Kinds::default() }, Some(2)));
    assert!(matches!(ok(&mut device, DiskOp::List), DiskReply::Files(_)));
    for _ in 0..2 {
        let Completed { result, touch, .. } = carry_out(&mut device, write(0, 1, 100));
        assert_eq!((result, touch), (Err(DiskError::Io), Some(Touch::Failed(DiskError::Io))));
    }
    let kept = read(&mut device);
    assert!(kept.len() < 100 && kept.iter().all(|byte| *byte == 1), "a part at most");
    ok(&mut device, write(0, 2, 100));
    assert!(device.relieve(7) && !device.relieve(7));
}

/// Linux since ever: after a sync that failed, the next one answers Ok for nothing.
#[test]
fn a_sync_that_failed_forgets_and_the_next_one_answers_ok() {
    let (mut shows_new, mut shows_old, mut lost) = (0, 0, 0);
    for seed in 0..60 {
        let mut device = with_file(seed);
        // Whoever is told and believes the next answer all the same is not spared by the atlas.
        device.inflict(7, errors(SYNC, Some(1)));
        ok(&mut device, write(0, 1, 600));
        assert_eq!(carry_out(&mut device, sync()).result, Err(DiskError::Io));
        assert!(device.disk().promised(&name()).is_some_and(super::Content::is_empty), "nobody was promised anything");
        let seen = read(&mut device);
        if seen.is_empty() {
            shows_old += 1
        } else {
            shows_new += 1
        }
        ok(&mut device, sync());
        assert_eq!(promised(device.disk())[&name()], seen, "what it shows is what it promises");
        let loss = device.lose_power();
        let left = read(&mut device);
        assert!(left.is_empty() || left == seen || seen.is_empty());
        lost += usize::from(left != seen);
        assert_eq!(loss.broken > 0, left != seen, "and what it promises may be gone");
        assert_eq!(device.disk().is_intact(), left == seen);
    }
    assert!(shows_new > 5 && shows_old > 5 && lost > 5, "{shows_new} {shows_old} {lost}");
}

/// A process that starts on the page cache of one that was told knows nothing of it, and can know nothing.
/// Three writes over each other, of which a sync forgot the first: the page cache still shows the last one.
#[test]
fn what_lies_over_something_forgotten_is_seen_in_the_order_in_which_it_was_written() {
    for seed in 0..32 {
        let mut device = with_file(seed);
        device.inflict(1, errors(Kinds { sync: true, ..Kinds::default() }, Some(1)));
        assert!(carry_out(&mut device, write_sync(3, 1, 1)).result.is_err());
        device.begin_boot(2);
        ok(&mut device, write(0, 2, 5));
        ok(&mut device, write(0, 3, 1));
        ok(&mut device, sync());
        assert_eq!(read(&mut device), [3, 2, 2, 2, 2][..], "seed {seed}");
        assert!(device.disk().is_intact(), "seed {seed}");
    }
}

#[test]
fn the_atlas_keeps_what_was_forgotten_before_the_process_started() {
    for seed in 0..30 {
        let mut device = with_file(seed);
        device.inflict(7, errors(SYNC, Some(1)));
        ok(&mut device, write(0, 1, 600));
        assert_eq!(carry_out(&mut device, sync()).result, Err(DiskError::Io));
        device.begin_boot(2);
        let seen = read(&mut device);
        ok(&mut device, sync());
        assert_eq!(device.lose_power().broken, 0);
        assert_eq!(read(&mut device), seen);
    }
}

#[test]
fn the_atlas_keeps_what_a_liar_promised_and_only_that() {
    for outside_atlas in [false, true] {
        let mut broken = 0;
        for seed in 0..40 {
            let mut device = with_file(seed);
            device.inflict(7, DiskFault::Lying { outside_atlas });
            for n in 0..5 {
                assert_eq!(carry_out(&mut device, write_sync(n * 512, 1, 512)).touch, Some(Touch::Lied));
            }
            assert_eq!(device.disk().media(&name()).map(super::Content::len), Some(0), "nothing is durable");
            assert_eq!(device.disk().promised(&name()).map(super::Content::len), Some(5 * 512), "and all is promised");
            assert!(device.disk().is_intact(), "whoever reads finds it");
            let loss = device.lose_power();
            assert_eq!(loss.spared > 0, !outside_atlas);
            broken += usize::from(loss.broken > 0);
            assert_eq!(device.disk().is_intact(), loss.broken == 0);
            let left = read(&mut device);
            assert!(left.iter().all(|byte| *byte == 1) && left.len().is_multiple_of(512), "a beginning is left, without a trace");
        }
        assert_eq!(broken, if outside_atlas { 40 } else { 0 });
    }
}

#[test]
fn an_honest_sync_makes_good_for_a_lie() {
    let mut device = with_file(1);
    device.inflict(7, DiskFault::Lying { outside_atlas: true });
    ok(&mut device, write_sync(0, 1, 700));
    ok(&mut device, write_sync(100, 2, 700));
    device.relieve(7);
    ok(&mut device, write_sync(900, 3, 10));
    assert_eq!(device.lose_power().broken, 0);
    let left = read(&mut device);
    assert_eq!((left[99], left[100], left[799], left[905], left.len()), (1, 2, 2, 3, 910));
}

#[test]
fn a_full_device_refuses_what_grows_and_takes_what_fits() {
    let mut device = with_file(1);
    ok(&mut device, DiskOp::Allocate { file: name(), len: 1_000 });
    device.inflict(7, DiskFault::Full { free_bytes: 100 });
    ok(&mut device, write_sync(0, 1, 1_000));
    ok(&mut device, write_sync(1_000, 1, 100));
    let Completed { result, touch, .. } = carry_out(&mut device, write_sync(1_100, 1, 1));
    assert_eq!((result, touch), (Err(DiskError::NoSpace), Some(Touch::NoRoom)));
    assert_eq!(carry_out(&mut device, DiskOp::Allocate { file: name(), len: 5_000 }).result, Err(DiskError::NoSpace));
    ok(&mut device, DiskOp::Create { file: "other".into() });
    ok(&mut device, DiskOp::Truncate { file: name(), len: 500 });
    ok(&mut device, DiskOp::WriteSync { file: "other".into(), offset: 0, bytes: vec![1; 600].into() });
    device.relieve(7);
    ok(&mut device, write_sync(1_100, 1, 100_000));
}

#[test]
fn rot_flips_bits_that_stay_promised_and_spares_the_end_of_a_log() {
    let mut device = with_file(1);
    for n in 0..40 {
        ok(&mut device, write_sync(n * 512, 255, 512));
    }
    let rot = DiskFault::Rot { key: 3, bits: 12, within_ppm: (0, 900_000), outside_atlas: false };
    assert_eq!(device.inflict(7, rot), Dealt::Rotted { flipped: 12, spared: 0 });
    assert!(!device.disk().is_intact());
    assert!(promised(device.disk())[&name()].iter().all(|byte| *byte == 255), "what was promised is remembered");
    let zeros: u32 = read(&mut device).iter().map(|byte| byte.count_zeros()).sum();
    assert!((1..=12).contains(&zeros) && zeros.is_multiple_of(2), "{zeros}: two may hit the same bit");
    let last = DiskFault::Rot { key: 3, bits: 9, within_ppm: (980_000, 1_000_000), outside_atlas: false };
    assert_eq!(device.inflict(8, last), Dealt::Rotted { flipped: 1, spared: 8 }, "one bit in the last write is never mistaken");
}

#[test]
fn what_goes_astray_lies_elsewhere_and_is_missed_when_the_power_fails() {
    for seed in 0..20 {
        let mut device = with_file(seed);
        for n in 0..20 {
            ok(&mut device, write_sync(n * 512, 1, 512));
        }
        device.inflict(7, DiskFault::Misdirect { reads: 0, writes: 1, outside_atlas: false });
        assert_eq!(carry_out(&mut device, write_sync(20 * 512, 2, 512)).touch, Some(Touch::WroteAstray));
        assert_eq!(read(&mut device)[20 * 512], 2, "the page cache shows it");
        assert!(!device.disk().is_intact(), "what it has overwritten shows");
        let mut early = device.clone();
        assert_eq!(early.lose_power().spared, 1, "nothing lies behind it, so nobody could miss it");
        assert_eq!(carry_out(&mut device, write_sync(21 * 512, 3, 512)).touch, None);
        assert_eq!(device.lose_power().spared, 0);
        let left = read(&mut device);
        assert_eq!((left[20 * 512], left[21 * 512]), (0, 3));
        assert_eq!(left[..17 * 512].iter().filter(|byte| **byte == 2).count(), 512);
        assert_eq!(promised(device.disk())[&name()][20 * 512], 2);
    }
}

#[test]
fn a_wiped_disk_is_empty_and_remembers_what_it_promised() {
    let mut device = with_file(1);
    ok(&mut device, write_sync(0, 1, 512));
    assert_eq!(device.inflict(7, DiskFault::Wipe), Dealt::Done);
    assert!(device.disk().is_wiped() && !device.disk().is_intact());
    assert_eq!(ok(&mut device, DiskOp::List), DiskReply::Files(Vec::new()));
    ok(&mut device, DiskOp::Create { file: "fresh".into() });
    ok(&mut device, DiskOp::SyncDir);
    assert_eq!(promised(device.disk()).keys().map(|name| name.0.to_string()).collect::<Vec<_>>(), ["fresh", "log"]);
    assert!(!device.disk().is_intact());
}

#[test]
fn a_device_that_reorders_completes_a_sync_behind_what_it_makes_durable() {
    let mut orders = BTreeSet::new();
    for seed in 0..50 {
        let mut device = with_file(seed);
        device.inflict(7, DiskFault::Reorder);
        let at = |seq| OpId { seq, ..OpId::default() };
        for n in 0..4 {
            device.issue(at(n), write(n * 600, 1, 512));
        }
        device.issue(at(4), sync());
        device.issue(at(5), write(5_000, 2, 10));
        let order: Vec<u64> = std::iter::from_fn(|| device.complete()).map(|done| done.issued.op.seq).collect();
        let position = |seq: u64| order.iter().position(|other| *other == seq).expect("it is done");
        assert!((0..4).all(|n| position(n) < position(4)), "{order:?}");
        assert!(device.disk().promised(&name()).is_some_and(|content| content.len() >= 3 * 600 + 512));
        orders.insert(order);
    }
    assert!(orders.len() > 20, "{}", orders.len());
}

fn op() -> impl Strategy<Value = DiskOp> {
    let file = || prop::sample::select(vec!["a", "b"]).prop_map(FileName::from);
    let bytes = prop::collection::vec(1..=255_u8, 1..900).prop_map(Bytes::from);
    let offset = || 0..3_000_u64;
    prop_oneof![
        2 => file().prop_map(|file| DiskOp::Create { file }),
        6 => (file(), offset(), bytes.clone()).prop_map(|(file, offset, bytes)| DiskOp::Write { file, offset, bytes }),
        6 => (file(), offset(), bytes).prop_map(|(file, offset, bytes)| DiskOp::WriteSync { file, offset, bytes }),
        2 => (file(), offset()).prop_map(|(file, len)| DiskOp::Truncate { file, len }),
        4 => file().prop_map(|file| DiskOp::Sync { file }),
        2 => Just(DiskOp::SyncDir),
        1 => (file(), file()).prop_map(|(from, to)| DiskOp::Rename { from, to }),
        1 => file().prop_map(|file| DiskOp::Remove { file }),
    ]
}

#[derive(Clone, Debug)]
enum Act {
    Do(DiskOp),
    Begin(DiskFault),
    End,
    PowerLoss,
}

fn act() -> impl Strategy<Value = Act> {
    let kinds =
        (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(write, sync, meta)| Kinds { write, sync, read: false, meta });
    prop_oneof![
        12 => op().prop_map(Act::Do),
        1 => (kinds, 1..3_u64).prop_map(|(on, times)| Act::Begin(errors(on, Some(times)))),
        1 => Just(Act::Begin(DiskFault::Lying { outside_atlas: false })),
        1 => (0..2_000_u64).prop_map(|free_bytes| Act::Begin(DiskFault::Full { free_bytes })),
        2 => Just(Act::End),
        1 => Just(Act::PowerLoss),
    ]
}

/// What a process sees: names with contents.
fn seen(device: &Device) -> BTreeMap<FileName, Vec<u8>> {
    let mut disk = device.disk().clone();
    let Ok(DiskReply::Files(files)) = disk.execute(&DiskOp::List, super::Stamp::default()) else { return BTreeMap::new() };
    let read = |(file, len): (FileName, u64)| {
        let what = DiskOp::Read { file: file.clone(), offset: 0, len };
        match disk.execute(&what, super::Stamp::default()) {
            Ok(DiskReply::Bytes(bytes)) => (file, bytes.to_vec()),
            other => panic!("{other:?}"),
        }
    };
    files.into_iter().map(read).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever errors, lies and full devices do: a sync that answers Ok promises what the process sees, nothing else
    /// changes what is promised but a power loss, and inside the atlas that takes none of it away.
    #[test]
    fn promises_follow_answers_and_are_kept(acts in prop::collection::vec(act(), 1..60), seed: u64) {
        let mut device = device(seed);
        let (mut id, mut boot) = (0, 1);
        for act in acts {
            let before = promised(device.disk());
            match act {
                Act::Do(what) => {
                    let Completed { result, .. } = carry_out(&mut device, what.clone());
                    let (after, sees) = (promised(device.disk()), seen(&device));
                    match (&what, &result) {
                        (DiskOp::SyncDir, Ok(_)) => {
                            prop_assert_eq!(after.keys().collect::<Vec<_>>(), sees.keys().collect::<Vec<_>>());
                        }
                        (DiskOp::Sync { file } | DiskOp::WriteSync { file, .. }, Ok(_)) => {
                            // Its name may not be promised yet, or another file may have that name.
                            let same_file = device.disk().unsynced() == 0;
                            if same_file {
                                prop_assert_eq!(after.get(file), sees.get(file), "{:?}", what);
                            }
                        }
                        _ => prop_assert_eq!(&after, &before, "{:?} {:?}", what, result),
                    }
                    if result.is_err() {
                        boot += 1;
                        device.begin_boot(boot);
                    }
                }
                Act::Begin(fault) => {
                    id += 1;
                    device.inflict(id, fault);
                }
                Act::End => {
                    device.relieve(id);
                    id = id.saturating_sub(1);
                }
                Act::PowerLoss => {
                    let loss = device.lose_power();
                    prop_assert_eq!(loss.broken, 0);
                    prop_assert_eq!(seen(&device), promised(device.disk()), "what survives is promised");
                    prop_assert_eq!(device.disk().unsynced(), 0);
                }
            }
            prop_assert!(device.disk().is_intact());
        }
    }
}
