//! Recovery of a log in a warm page cache, beside plain reads of its files.
//!
//! Plain reads go through one buffer of 1 MiB and look at nothing; the recovery checks every byte and keeps the entries.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::time::Instant;

use squall_raft::store::Recovered;

use super::contest::{Log as _, Shape, empty, noise};
use super::squall::Store;
use super::table::decimal;

const LOG_BYTES: usize = 1 << 30;
const BUFFER_BYTES: usize = 1 << 20;

pub fn measure(folder: &Path, rounds: usize, wanted: &dyn Fn(&str) -> bool) {
    let shapes = [(256, 256), (4 << 10, 16), (64 << 10, 16), (1 << 20, 1)];
    let shapes = shapes.map(|(payload_bytes, batch)| Shape {
        payload_bytes,
        batch,
        syncs: false,
        appends: LOG_BYTES / (payload_bytes * batch),
    });
    let name = |shape: &Shape| format!("recovery-{}-x{}", shape.payload_bytes, shape.batch);
    let wanted: Vec<Shape> = shapes.into_iter().filter(|shape| wanted(&name(shape))).collect();
    if wanted.is_empty() {
        return;
    }
    println!("\n{:<28}{:>14}{:>16}{:>16}{:>8}", "row", "bytes", "recovery MB/s", "reading MB/s", "ratio");
    for shape in wanted {
        let (bytes, recovery_us, reading_us) = row(&folder.join("recovery"), &shape, rounds);
        let (recovery, reading) = (bytes / recovery_us, bytes / reading_us);
        println!("{:<28}{bytes:>14}{recovery:>16}{reading:>16}{:>8}", name(&shape), decimal(recovery, reading));
    }
    empty(&folder.join("recovery"));
}

/// The log's bytes, and microseconds of its recovery and of reading it: medians of rounds that take turns.
fn row(folder: &Path, shape: &Shape, rounds: usize) -> (u64, u64, u64) {
    empty(folder);
    let payload = noise(shape.payload_bytes);
    let mut store = Store::open(folder, shape);
    for _ in 0..shape.appends {
        store.prepare(&payload);
        store.append();
    }
    drop(store);
    drop(recover(folder, shape)); // after which nothing is left to write back
    let (mut recovery_us, mut reading_us, mut bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..rounds {
        let began = Instant::now();
        bytes = read(&folder.join("log"));
        reading_us.push(elapsed_us(began));
        let began = Instant::now();
        let recovered = recover(folder, shape);
        recovery_us.push(elapsed_us(began));
        drop(recovered);
    }
    let median = |mut figures: Vec<u64>| {
        figures.sort_unstable();
        figures[figures.len() / 2]
    };
    (bytes, median(recovery_us), median(reading_us))
}

fn recover(folder: &Path, shape: &Shape) -> Recovered {
    let (_, recovered) = Store::recover(folder);
    assert_eq!(recovered.entries.len(), shape.appends * shape.batch);
    recovered
}

fn read(log: &Path) -> u64 {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut sum = 0;
    for entry in fs::read_dir(log).expect("a folder of benches") {
        let mut file = File::open(entry.expect("it can be listed").path()).expect("a file of benches");
        loop {
            let count = file.read(&mut buffer).expect("a file of benches");
            if count == 0 {
                break;
            }
            sum += count as u64;
        }
    }
    sum
}

fn elapsed_us(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
}
