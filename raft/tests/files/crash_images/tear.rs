//! What can be left of one write that no sync has made durable.
//!
//! Each sector that it touches is as it was, new, new up to some byte, or garbage; and the file is as long as the whole
//! write makes it or only as what is left of it does. Small writes are enumerated, larger ones drawn.

use bytes::Bytes;

use crate::draws::Draws;

pub const SECTOR: usize = 512;

/// Writes of so many sectors have all their fates enumerated: four to the power of three, twice.
const ENUMERATED_SECTORS_MAX: usize = 3;

/// How many fates of a large write are drawn, beside those that cut it in two.
const DRAWN: usize = 8;

/// What is on the medium: bytes and where. Empty ones only make the file so long.
pub type Pieces = Vec<(usize, Bytes)>;

/// The fates of one write.
#[derive(Clone, Debug)]
pub struct Tears {
    /// The first is nothing, the last the whole.
    pub fates: Vec<Pieces>,
    /// Every combination of its sectors' fates is among them.
    pub exhaustive: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sector {
    Old,
    New,
    Cut,
    Garbage,
}

use Sector::{Cut, Garbage, New, Old};

pub fn tears(offset: usize, bytes: &Bytes, draws: &mut Draws) -> Tears {
    let end = offset + bytes.len();
    let count = end.div_ceil(SECTOR) - offset / SECTOR;
    let exhaustive = count <= ENUMERATED_SECTORS_MAX;
    let fates = if exhaustive { all(count) } else { some(count, draws) };
    let mut list: Vec<Pieces> = vec![Vec::new()];
    for sectors in fates {
        let pieces = pieces(offset, bytes, &sectors, draws);
        list.push(pieces.iter().cloned().chain([(end, Bytes::new())]).collect());
        list.push(pieces);
    }
    list.push(vec![(offset, bytes.clone())]);
    Tears { fates: list, exhaustive }
}

/// Writes into a file's content, which grows by zeros where it must.
pub fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    content.resize(content.len().max(end), 0);
    content[offset..end].copy_from_slice(bytes);
}

fn all(count: usize) -> Vec<Vec<Sector>> {
    (0..count).fold(vec![Vec::new()], |lists, _| {
        let longer = |list: Vec<Sector>| [Old, New, Cut, Garbage].map(|sector| [&list[..], &[sector]].concat());
        lists.into_iter().flat_map(longer).collect()
    })
}

/// Up to a sector and from a sector on, cut or spoilt there, and a few without any order.
fn some(count: usize, draws: &mut Draws) -> Vec<Vec<Sector>> {
    let mut lists = vec![vec![Old; count]];
    for at in 0..count {
        for (before, here, behind) in [(New, Old, Old), (New, Cut, Old), (New, Garbage, New), (New, Old, New), (Old, Old, New)] {
            let fate = |sector: usize| match sector.cmp(&at) {
                std::cmp::Ordering::Less => before,
                std::cmp::Ordering::Equal => here,
                std::cmp::Ordering::Greater => behind,
            };
            lists.push((0..count).map(fate).collect());
        }
    }
    lists.extend((0..DRAWN).map(|_| (0..count).map(|_| [Old, New, Cut, Garbage][draws.below(4)]).collect()));
    lists
}

fn pieces(offset: usize, bytes: &Bytes, sectors: &[Sector], draws: &mut Draws) -> Pieces {
    let end = offset + bytes.len();
    let mut pieces = Vec::new();
    for (sector, number) in sectors.iter().zip(offset / SECTOR..) {
        let from = (number * SECTOR).max(offset);
        let to = ((number + 1) * SECTOR).min(end);
        let new = bytes.slice(from - offset..to - offset);
        match sector {
            Old => {}
            New => pieces.push((from, new)),
            Cut => pieces.push((from, new.slice(..draws.below(new.len())))),
            Garbage => pieces.push((from, new.iter().map(|_| draws.byte()).collect::<Vec<u8>>().into())),
        }
    }
    pieces
}

#[test]
fn small_writes_have_every_fate() {
    let bytes = Bytes::from(vec![7; 2 * SECTOR]);
    let Tears { fates, exhaustive } = tears(SECTOR, &bytes, &mut Draws(1));
    assert!(exhaustive);
    assert_eq!(fates.len(), 2 + 2 * 16);
    let mut contents: Vec<Vec<u8>> = fates.iter().map(|pieces| applied(vec![1; 600], pieces)).collect();
    assert_eq!(contents[0], vec![1; 600]);
    assert_eq!(*contents.last().unwrap(), [vec![1; SECTOR], vec![7; 2 * SECTOR]].concat());
    contents.sort();
    contents.dedup();
    assert!(contents.len() > 20, "{}", contents.len());
    let has = |content: Vec<u8>| contents.contains(&content);
    assert!(has([vec![1; SECTOR], vec![7; SECTOR]].concat()), "the first sector only");
    assert!(has([vec![1; 600], vec![0; SECTOR - (600 - SECTOR)], vec![7; SECTOR]].concat()), "the second only");
    assert!(has([vec![1; 600], vec![0; 3 * SECTOR - 600]].concat()), "the length only");
    assert!(contents.iter().any(|content| content[SECTOR..].iter().any(|byte| ![0, 1, 7].contains(byte))), "garbage");
}

#[test]
fn no_fate_changes_what_is_beside_the_write() {
    let mut draws = Draws(2);
    for (offset, len) in [(0, 1), (511, 2), (700, 90), (512, 5 * SECTOR), (1_000, 4_000)] {
        let Tears { fates, exhaustive } = tears(offset, &vec![7; len].into(), &mut draws);
        assert_eq!(exhaustive, len < SECTOR, "{offset} {len}");
        for pieces in fates {
            let content = applied(vec![1; 6_000], &pieces);
            assert_eq!(content.len(), 6_000);
            assert!(content[..offset].iter().chain(&content[offset + len..]).all(|byte| *byte == 1), "{offset} {len} {pieces:?}");
        }
    }
}

#[cfg(test)]
fn applied(mut content: Vec<u8>, pieces: &Pieces) -> Vec<u8> {
    pieces.iter().for_each(|(offset, bytes)| put(&mut content, *offset, bytes));
    content
}
