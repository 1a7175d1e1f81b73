//! How a recovery reads: each byte of the frames once, a piece ahead of what it looks at; and what it keeps of what it read.

use bytes::Bytes;
use squall_raft::entry::{Entry, HardState, Payload, Persist};
use squall_raft::process::{DiskError, DiskOp, DiskReply, OpId};
use squall_raft::store::{Identity, Options, Recovered, StoreError, StoreEvent, wal::Wal};
use squall_raft::types::{BootNumber, IoId, LogId, LogIndex, Term};

use crate::store::disk::{Disk, Draws};

/// Which of the operations that are under way ends next.
#[derive(Clone, Copy, Debug)]
enum Order {
    AsAsked,
    Reversed,
}

fn options(segment_bytes: u64, cache_bytes: u64) -> Options {
    Options { segment_bytes, preallocate: false, cache_bytes, ..Options::new(Identity::default()) }
}

/// Boots; `end` carries operations out.
fn boot(
    options: Options,
    boot: u32,
    order: Order,
    mut end: impl FnMut(&DiskOp) -> Result<DiskReply, DiskError>,
) -> (Wal, StoreEvent) {
    let mut under_way: Vec<(OpId, DiskOp)> = Vec::new();
    let mut wal = Wal::boot(options, BootNumber(boot), &mut under_way);
    loop {
        assert!((1..=3).contains(&under_way.len()), "one piece ahead, and one that was foretold in vain: {under_way:?}");
        let at = match order {
            Order::AsAsked => 0,
            Order::Reversed => under_way.len() - 1,
        };
        let (op, what) = under_way.remove(at);
        if let Some(event) = wal.disk_done(op, end(&what), &mut under_way) {
            return (wal, event);
        }
    }
}

fn recovered(event: StoreEvent) -> Recovered {
    let StoreEvent::Recovered(recovered) = event else { panic!("found {event:?}") };
    recovered
}

/// Writes one frame for each size.
fn write(options: Options, sizes: impl IntoIterator<Item = usize>) -> (Disk, Vec<Entry>) {
    let mut disk = Disk::default();
    let (mut wal, _) = boot(options, 1, Order::AsAsked, |op| disk.carry_out(op));
    let mut entries = Vec::new();
    let mut under_way = Vec::new();
    for (index, size) in (1..).zip(sizes) {
        let payload = Payload::Command(Bytes::from(vec![u8::try_from(index % 251).expect("small"); size]));
        entries.push(Entry { id: LogId::new(1, index), payload });
        wal.persist(IoId { boot: BootNumber(1), seq: index }, Persist::Append(entries[entries.len() - 1..].into()));
        wal.flush(&mut under_way);
        while let Some((op, what)) = under_way.pop() {
            wal.disk_done(op, disk.carry_out(&what), &mut under_way);
            wal.flush(&mut under_way);
        }
    }
    (disk, entries)
}

/// Frames shorter than pieces, longer, much longer, and all of them mixed, in several segments. Only among the last is a piece
/// foretold in vain.
#[test]
fn no_byte_is_read_twice_and_pieces_may_come_in_any_order() {
    let mut draws = Draws(11);
    let mixed: Vec<usize> = (0..60).map(|_| [10, 3_000, 70_000, 400_000, 1_500_000][draws.below(5)]).collect();
    for sizes in [vec![300; 9_000], vec![70_000; 70], vec![1_100_000; 8], vec![5_000_000; 3], mixed] {
        let is_regular = sizes.windows(2).all(|pair| pair[0] == pair[1]);
        let options = options(3 << 20, 64 << 20);
        let (disk, entries) = write(options, sizes);
        for order in [Order::AsAsked, Order::Reversed] {
            let mut disk = disk.clone();
            let mut read: Vec<(String, u64, u64)> = Vec::new();
            let (_, event) = boot(options, 2, order, |op| {
                if let DiskOp::Read { file, offset: offset @ 1.., len } = op {
                    read.push((file.to_string(), *offset, offset + len));
                }
                disk.carry_out(op)
            });
            let found = recovered(event);
            assert!(found.segments > 1);
            assert!(found.whole_entries().as_ref() == Ok(&entries), "{order:?}");
            read.sort();
            let is_disjoint = |pair: &[(String, u64, u64)]| pair[0].0 != pair[1].0 || pair[0].2 <= pair[1].1;
            assert!(!is_regular || read.windows(2).all(is_disjoint), "{order:?}: {read:?}");
        }
    }
}

/// The newest segment of a log whose space is reserved is mostly zeros, and a piece of them is read ahead for nothing.
#[test]
fn a_read_ahead_counts_only_when_it_was_asked_for() {
    let options = Options { preallocate: true, ..options(8 << 20, 64 << 20) };
    let (disk, entries) = write(options, [600_000; 2]);
    for (order, failing) in [Order::AsAsked, Order::Reversed].into_iter().flat_map(|order| (0..4).map(move |nth| (order, nth))) {
        let mut disk = disk.clone();
        let mut nth = 0;
        let mut failed = None;
        let (_, event) = boot(options, 2, order, |op| {
            if let DiskOp::Read { offset: offset @ 1.., .. } = op {
                nth += 1;
                if nth == failing + 1 {
                    failed = Some(*offset);
                    return Err(DiskError::Io);
                }
            }
            disk.carry_out(op)
        });
        match event {
            StoreEvent::Recovered(found) => {
                assert!(failed.is_none_or(|offset| offset > 1_300_000), "{failed:?} was needed");
                assert!(found.whole_entries().as_ref() == Ok(&entries));
            }
            StoreEvent::Failed(StoreError::Disk { error: DiskError::Io, .. }) => assert!(failed.is_some()),
            other => panic!("found {other:?}"),
        }
    }
}

/// Each frame takes a sector, of which the payload is a small part.
#[test]
fn what_fits_into_the_cache_is_kept_however_it_is_padded() {
    let options = options(64 << 10, 50_000);
    let (disk, entries) = write(options, vec![16; 3_000]);
    let (_, event) = boot(options, 2, Order::AsAsked, |op| disk.clone().carry_out(op));
    assert!(recovered(event).whole_entries() == Ok(entries), "48,000 bytes in 1.5 MB of files");
}

/// As much as fits, but for a piece, and of the newest entries.
#[test]
fn a_long_log_leaves_the_newest_entries_in_memory() {
    for size in [16, 440, 3_000] {
        let options = options(64 << 10, 400_000);
        let (disk, entries) = write(options, vec![size; 3_000]);
        let (_, event) = boot(options, 2, Order::AsAsked, |op| disk.clone().carry_out(op));
        let log = recovered(event).log;
        let in_memory = log.cached_bytes();
        let all = 3_000 * size as u64;
        assert!((all.min(400_000) * 3 / 4..=400_000).contains(&in_memory), "{in_memory} bytes of {all}");
        let count = in_memory / size as u64;
        let newest: Vec<_> = log.run(LogIndex(3_001 - count), log.last().index, u64::MAX).collect();
        assert!(newest == entries[entries.len() - newest.len()..] && newest.len() as u64 == count);
    }
}

#[test]
fn a_term_that_falls_is_refused() {
    let options = options(64 << 10, 50_000);
    let (mut disk, _) = write(options, [10]);
    let mut under_way = Vec::new();
    let (mut wal, _) = boot(options, 2, Order::AsAsked, |op| disk.carry_out(op));
    let state = Persist::HardState(HardState { term: Term(3), vote: None });
    let fallen = Entry { id: LogId::new(0, 2), payload: Payload::Noop };
    for (seq, what) in (1..).zip([state, Persist::Append([fallen].into())]) {
        wal.persist(IoId { boot: BootNumber(2), seq }, what);
    }
    wal.flush(&mut under_way);
    while let Some((op, what)) = under_way.pop() {
        wal.disk_done(op, disk.carry_out(&what), &mut under_way);
    }
    let (_, event) = boot(options, 3, Order::AsAsked, |op| disk.carry_out(op));
    let StoreEvent::Failed(error) = event else { panic!("found {event:?}") };
    assert!(error.to_string().contains("found term 0 at index 2, expected at least 1"), "{error}");
}
