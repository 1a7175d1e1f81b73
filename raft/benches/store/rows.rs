//! The rows: sizes of payloads and of batches, with and without syncs.

use std::path::Path;

use super::contest::{Contender, Shape, run};
use super::table;

const PAYLOADS_BYTES: [usize; 5] = [16, 256, 4 << 10, 64 << 10, 1 << 20];
const BATCHES: [usize; 3] = [1, 16, 256];

/// What the store writes in one operation, without headers.
const BATCH_BYTES_MAX: usize = 16 << 20;

/// How much a round writes, and how often, unless that would be too much.
const ROUND_BYTES: usize = 64 << 20;
const SYNCED_APPENDS: (usize, usize) = (8, 512);
const UNSYNCED_APPENDS: (usize, usize) = (8, 2_000);

fn shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for syncs in [true, false] {
        let (fewest, most) = if syncs { SYNCED_APPENDS } else { UNSYNCED_APPENDS };
        for payload_bytes in PAYLOADS_BYTES {
            for batch in BATCHES.into_iter().filter(|batch| batch * payload_bytes <= BATCH_BYTES_MAX) {
                let appends = (ROUND_BYTES / (batch * payload_bytes)).clamp(fewest, most);
                shapes.push(Shape { payload_bytes, batch, syncs, appends });
            }
        }
    }
    shapes
}

/// Measures and prints; the first contender is compared with the others.
pub fn appends(folder: &Path, contenders: &[Contender], rounds: usize, wanted: &dyn Fn(&str) -> bool) {
    let shapes: Vec<Shape> = shapes().into_iter().filter(|shape| wanted(&shape.name())).collect();
    if shapes.is_empty() {
        return;
    }
    table::head();
    for shape in shapes {
        table::row(&shape, &run(folder, &shape, contenders, rounds));
    }
}
