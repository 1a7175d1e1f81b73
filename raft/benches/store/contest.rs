//! Logs that take turns: each appends the same batches, in a new folder per round, one contender at a time.
//!
//! What counts is the time from a batch that exists in memory to its end, on the clock on the wall, because most of it is
//! waiting for the disk. Rounds are interleaved and begun by another contender each time, so that what a neighbour does to the
//! machine meets all of them; figures are medians.

use std::fs;
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;

/// What is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub payload_bytes: usize,
    /// Entries that are appended together.
    pub batch: usize,
    /// Whether each batch is durable at its end.
    pub syncs: bool,
    /// Batches per round.
    pub appends: usize,
}

impl Shape {
    /// Bytes of payload in a batch.
    pub const fn batch_bytes(&self) -> usize {
        self.payload_bytes * self.batch
    }

    /// Batches that are not measured: the first ones find caches cold and make what is made once.
    pub const fn warm_up(&self) -> usize {
        self.appends / 10 + 1
    }

    /// No two of them have anything in common, so that nothing is won by compressing a batch.
    pub fn payloads(&self) -> Vec<Bytes> {
        let all = noise(self.batch_bytes());
        (0..self.batch).map(|at| all.slice(at * self.payload_bytes..(at + 1) * self.payload_bytes)).collect()
    }

    pub fn name(&self) -> String {
        format!("append-{}-x{}{}", self.payload_bytes, self.batch, if self.syncs { "" } else { "-unsynced" })
    }
}

/// A log that is appended to.
pub trait Log {
    /// Makes a batch from its payloads, and keeps it for [`Log::append`]. Not measured.
    fn prepare(&mut self, payloads: &[Bytes]);

    /// Appends what was prepared; returns when it has ended.
    fn append(&mut self);
}

/// Who takes part.
#[derive(Clone, Copy)]
pub struct Contender {
    pub name: &'static str,
    /// It says something about syncs, so it is left out where there are none.
    pub only_synced: bool,
    /// Opens a log in a folder that is empty.
    pub open: fn(&Path, &Shape) -> Box<dyn Log>,
}

/// How a contender did with one shape.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub name: &'static str,
    /// Batches per second, one of each round.
    pub rates: Vec<u64>,
    /// Nanoseconds of each batch of all rounds.
    pub latencies_ns: Vec<u64>,
}

impl Outcome {
    pub fn rate(&self) -> u64 {
        nth_of(&self.rates, 50)
    }

    /// What so many per cent of the batches took at most.
    pub fn latency_ns(&self, percent: usize) -> u64 {
        nth_of(&self.latencies_ns, percent)
    }
}

pub fn run(folder: &Path, shape: &Shape, contenders: &[Contender], rounds: usize) -> Vec<Outcome> {
    let payloads = shape.payloads();
    let contenders: Vec<&Contender> = contenders.iter().filter(|contender| shape.syncs || !contender.only_synced).collect();
    let mut outcomes: Vec<Outcome> =
        contenders.iter().map(|contender| Outcome { name: contender.name, ..Outcome::default() }).collect();
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            let at = (round + turn) % contenders.len();
            let latencies_ns = take_turn(&folder.join(contenders[at].name), shape, contenders[at], &payloads);
            let elapsed_ns: u64 = latencies_ns.iter().sum();
            outcomes[at].rates.push(latencies_ns.len() as u64 * 1_000_000_000 / elapsed_ns.max(1));
            outcomes[at].latencies_ns.extend(latencies_ns);
        }
    }
    outcomes
}

fn take_turn(folder: &Path, shape: &Shape, contender: &Contender, payloads: &[Bytes]) -> Vec<u64> {
    empty(folder);
    let mut log = (contender.open)(folder, shape);
    let warm_up = shape.warm_up();
    let mut latencies_ns = Vec::with_capacity(shape.appends);
    for number in 0..warm_up + shape.appends {
        log.prepare(payloads);
        let began = Instant::now();
        log.append();
        let elapsed = began.elapsed();
        if number >= warm_up {
            latencies_ns.push(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX));
        }
    }
    drop(log);
    empty(folder);
    latencies_ns
}

/// An empty folder, and none of what was there on its way to the disk any more.
pub fn empty(folder: &Path) {
    if folder.exists() {
        fs::remove_dir_all(folder).expect("a folder of benches");
    }
    fs::create_dir_all(folder).expect("a folder of benches");
}

/// Bytes that nothing compresses.
pub fn noise(len: usize) -> Bytes {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut word = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = (0..len.div_ceil(8)).flat_map(|_| word()).collect();
    bytes.truncate(len);
    bytes.into()
}

fn nth_of(figures: &[u64], percent: usize) -> u64 {
    let mut sorted = figures.to_vec();
    sorted.sort_unstable();
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}
