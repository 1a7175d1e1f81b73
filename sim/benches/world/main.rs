//! What a world costs in CPU time: `cargo bench -p squall-sim`.
//!
//! Not here: ratios to peers that run in the same process. Read next: `load`, which says
//! what is proposed how; `rows`; `report`.

mod cpu;
mod load;
mod report;
mod rows;

use std::time::Duration;

use criterion::Criterion;

use self::cpu::{CpuTime, Samples};

/// As in the `squall` binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .without_plots()
        .configure_from_args();
    let samples = Samples::default();
    rows::loaded(&mut criterion, &samples);
    rows::idle(&mut criterion, &samples);
    rows::runs(&mut criterion, &samples);
    rows::clones(&mut criterion, &samples);
    criterion.final_summary();
    report::print(&samples);
}
