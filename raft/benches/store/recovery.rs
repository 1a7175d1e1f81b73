//! Recovery of a log in a warm page cache, and all of its entries read back, beside plain reads of its files.
//!
//! Plain reads go through one buffer of 1 MiB and look at nothing; a recovery checks every byte and has the newest entries in
//! memory at its end, as many as the cache takes; a rehearsal checks as much and only counts, which shows what of a recovery is
//! checking. Contenders take turns; figures are medians. Those that read the same kind of log read the same one, since two logs do not
//! lie in the page cache in the same way.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use squall_raft::server::files::{Disk as _, Place};
use squall_raft::store::recovery::Rehearsal;
use squall_raft::store::{Identity, Options};
use squall_raft::types::LogIndex;

use super::contest::{Contender, Shape, empty};
use super::squall::{Store, options};
use super::table::decimal;

const LOG_BYTES: usize = 1 << 30;
const BUFFER_BYTES: usize = 1 << 20;

/// Who takes part: a log that is filled as for appends, and how it is recovered.
pub struct Recoverer {
    pub name: &'static str,
    pub log: Contender,
    /// Recovers so many entries, and says how long that took.
    pub recover: fn(&Path, usize) -> Duration,
}

/// The store.
pub const fn squall() -> Recoverer {
    Recoverer { name: "squall", log: super::squall::contender(), recover }
}

/// The store without the memory that entries take.
pub const fn rehearsing() -> Recoverer {
    Recoverer { name: "rehearsing", recover: rehearse, ..squall() }
}

/// Whoever reads the store's files can hardly be faster.
pub const fn reading() -> Recoverer {
    Recoverer { name: "reading", recover: |folder, _| read(&folder.join("log")), ..squall() }
}

/// The store, when nothing is in memory and everything is wanted, from the first entry on: as by a follower far behind.
pub const fn reading_back() -> Recoverer {
    Recoverer { recover: read_back, ..squall() }
}

/// Measures and prints rows that begin with `what`; the first is compared with the others.
pub fn measure(folder: &Path, what: &str, recoverers: &[Recoverer], rounds: usize, wanted: &dyn Fn(&str) -> bool) {
    let shapes = [(256, 256), (4 << 10, 16), (64 << 10, 16), (1 << 20, 1)];
    let shapes = shapes.map(|(payload_bytes, batch)| Shape {
        payload_bytes,
        batch,
        syncs: false,
        appends: LOG_BYTES / (payload_bytes * batch),
    });
    let name = |shape: &Shape| format!("{what}-{}-x{}", shape.payload_bytes, shape.batch);
    let wanted: Vec<Shape> = shapes.into_iter().filter(|shape| wanted(&name(shape))).collect();
    if wanted.is_empty() {
        return;
    }
    println!("\n{:<28}{:<18}{:>12}{:>12}{:>8}", "row", "contender", "ms", "MB/s", "ratio");
    for shape in wanted {
        let medians_us = row(folder, &shape, recoverers, rounds);
        for (at, us) in medians_us.iter().enumerate() {
            let row = if at == 0 { name(&shape) } else { String::new() };
            let ratio = if at == 0 { String::new() } else { decimal(*us, medians_us[0]) };
            let megabytes = decimal((shape.appends * shape.batch_bytes()) as u64, *us);
            println!("{row:<28}{:<18}{:>12}{megabytes:>12}{ratio:>8}", recoverers[at].name, decimal(*us, 1_000));
        }
    }
}

/// Median microseconds of each.
fn row(folder: &Path, shape: &Shape, recoverers: &[Recoverer], rounds: usize) -> Vec<u64> {
    let folders: Vec<_> = recoverers.iter().map(|recoverer| folder.join(format!("recovery-{}", recoverer.log.name))).collect();
    let recover = |at: usize| (recoverers[at].recover)(&folders[at], shape.appends * shape.batch);
    for (at, recoverer) in recoverers.iter().enumerate() {
        if !folders[..at].contains(&folders[at]) {
            fill(&folders[at], shape, &recoverer.log);
            sync(&folders[at]);
        }
        recover(at);
    }
    let mut figures_us = vec![Vec::new(); recoverers.len()];
    for round in 0..rounds {
        for turn in 0..recoverers.len() {
            let at = (round + turn) % recoverers.len();
            figures_us[at].push(u64::try_from(recover(at).as_micros()).unwrap_or(u64::MAX));
        }
    }
    folders.iter().for_each(|folder| empty(folder));
    figures_us.iter_mut().for_each(|figures| figures.sort_unstable());
    figures_us.iter().map(|figures| figures[figures.len() / 2]).collect()
}

fn fill(folder: &Path, shape: &Shape, contender: &Contender) {
    empty(folder);
    let payloads = shape.payloads();
    let mut log = (contender.open)(folder, shape);
    for _ in 0..shape.appends {
        log.prepare(&payloads);
        log.append();
    }
}

/// Nothing is left to write back, which would take time from those who read.
fn sync(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder of benches") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            sync(&path);
        } else {
            File::open(path).and_then(|file| file.sync_all()).expect("a file of benches");
        }
    }
}

fn recover(folder: &Path, count: usize) -> Duration {
    let began = Instant::now();
    let (store, recovered) = Store::recover(folder);
    let elapsed = began.elapsed();
    assert_eq!(recovered.log.len(), count);
    drop(store);
    elapsed
}

fn read_back(folder: &Path, count: usize) -> Duration {
    let (mut store, recovered) = Store::boot(folder, Options { cache_bytes: 0, ..options() });
    let began = Instant::now();
    let mut next = LogIndex(1);
    while let Some(id) = recovered.log.id_at(next) {
        next = store.read_back(id).last().expect("the entry itself, at least").id.index.next();
    }
    let elapsed = began.elapsed();
    assert_eq!(next, LogIndex(count as u64 + 1));
    elapsed
}

fn rehearse(folder: &Path, count: usize) -> Duration {
    let mut files = Place::find(folder).expect("a folder of benches").read_only();
    let began = Instant::now();
    let (mut rehearsal, mut op) = Rehearsal::start(Identity::default());
    loop {
        let reply = files.execute(&op).expect("a file of benches");
        match rehearsal.step(reply).expect("an intact log") {
            Ok(next) => op = next,
            Err(forecast) => {
                assert_eq!(forecast.entries, count as u64);
                return began.elapsed();
            }
        }
    }
}

fn read(log: &Path) -> Duration {
    let mut buffer = vec![0; BUFFER_BYTES];
    let began = Instant::now();
    for entry in fs::read_dir(log).expect("a folder of benches") {
        let mut file = File::open(entry.expect("it can be listed").path()).expect("a file of benches");
        while file.read(&mut buffer).expect("a file of benches") > 0 {}
    }
    began.elapsed()
}
