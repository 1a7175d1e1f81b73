//! The linearizability checker against what porcupine needed: `cargo bench -p squall-checkers`.
//!
//! CPU time of one thread, of the check alone (the history is in memory), the median of
//! several runs; and the most memory that the process held meanwhile, history included, where
//! Linux tells. Every verdict is compared with the one that must come out. An argument
//! chooses the rows whose names contain it.
//!
//! Porcupine's figures come from another run on the same kind of machine, and for generated
//! rows from another history of the same shape, so a ratio near 1 says nothing.
//! Read next: `rows`, `generate`, `faults`, `collections`.
#![allow(clippy::float_arithmetic, reason = "figures for people; nothing is decided by them")]

mod collections;
mod faults;
mod generate;
mod rows;

use collections::Drawn;
use rows::{Row, generated, rows};
use squall_checkers::format::{Format, read};
use squall_checkers::history::History;
use squall_checkers::linearizability::{Limits, Time, Verdict, check, verify_witness};
use squall_checkers::model::Model;
use squall_checkers::model::cas_register::CasRegister;
use squall_checkers::model::kv::Kv;
use squall_checkers::model::queue::Queue;
use squall_checkers::model::set::Set;
use std::path::Path;
use std::time::Duration;

/// A row is measured again until it took this long, or so often.
const ENOUGH: Duration = Duration::from_millis(200);
const TIMES_MAX: usize = 25;

/// No check may take longer.
const LIMIT: Duration = Duration::from_secs(10);

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    println!("{:<36} {:>8} {:>12} {:>12} {:>9} {:>9}", "row", "verdict", "ms", "porcupine", "ratio", "peak MiB");
    let (mut etcd, mut etcd_porcupine) = (Vec::new(), 0.0);
    for row in rows() {
        if !wanted.is_empty() && !wanted.iter().any(|wanted| row.name.contains(wanted)) {
            continue;
        }
        let ms = measured(&row);
        if row.name.starts_with("etcd") {
            etcd.push(ms);
            etcd_porcupine += row.porcupine_ms.unwrap_or(0.0);
        }
    }
    if !etcd.is_empty() {
        let sum: f64 = etcd.iter().sum();
        println!("{:<36} {:>8} {sum:>12.3} {etcd_porcupine:>12.3} {:>9.1}", "the etcd logs together", "", etcd_porcupine / sum);
    }
}

/// Judges the history of a row, prints the line, and returns its median.
fn measured(row: &Row) -> f64 {
    if let Some((drawn, is_ok)) = generated(&row.name) {
        let history = History::new(drawn.operations).expect("it is well-formed");
        let ms = judged(row, &Kv, &history, Some(is_ok));
        if is_ok && row.name.contains("n1000000_c10") {
            let (witness_ms, verified) = median(|| verify_witness(&Kv, &history, &drawn.positions).is_some());
            assert!(verified, "{}: the witness is one", row.name);
            println!("{:<36} {:>8} {witness_ms:>12.3}", "  its witness", "ok");
        }
        return ms;
    }
    match collections::generated(&row.name) {
        Some((Drawn::Queue(history), is_ok)) => return judged(row, &Queue, &history, Some(is_ok)),
        Some((Drawn::Set(history), is_ok)) => return judged(row, &Set, &history, Some(is_ok)),
        None => {}
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/porcupine");
    let bytes = |folder: &str, name: &Path| std::fs::read(name).unwrap_or_else(|error| panic!("{folder}: {error}"));
    if row.name.starts_with("etcd") {
        let bytes = bytes("etcd", &folder.join("etcd").join(&row.name));
        let model = CasRegister::default();
        let recorded = read(&model, &row.name, &bytes, Some(Format::JepsenLog)).expect("it is well-formed");
        return judged(row, &model, &recorded.history, None);
    }
    let bytes = bytes("kv", &folder.join("kv").join(&row.name));
    let recorded = read(&Kv, &row.name, &bytes, Some(Format::Edn)).expect("it is well-formed");
    judged(row, &Kv, &recorded.history, None)
}

fn judged<M: Model>(row: &Row, model: &M, history: &History<M::Input, M::Output>, expected: Option<bool>) -> f64 {
    let mut verdict = "";
    forget_peak();
    let (ms, _) = median(|| {
        let start = cpu_time();
        let clock = move || cpu_time() - start;
        let limits = Limits { configurations: u64::MAX, time: Some(Time { limit: LIMIT, clock: &clock }), ..Limits::default() };
        verdict = match check(model, history, limits) {
            Verdict::Ok(_) => "ok",
            Verdict::Illegal(_) => "illegal",
            Verdict::Unknown { .. } => "unknown",
        };
    });
    let said = |is_ok: bool| if is_ok { "ok" } else { "illegal" };
    let expected = expected.or(match row.porcupine_verdict.as_str() {
        "Ok" => Some(true),
        "Illegal" => Some(false),
        _ => None,
    });
    if let Some(is_ok) = expected {
        assert!([said(is_ok), "unknown"].contains(&verdict), "{}: found {verdict}, expected {}", row.name, said(is_ok));
    }
    let porcupine = row.porcupine_ms.map_or_else(|| row.porcupine_verdict.clone(), |ms| format!("{ms:.3}"));
    let ratio = row.porcupine_ms.map_or_else(String::new, |theirs| format!("{:.1}", theirs / ms));
    println!("{:<36} {verdict:>8} {ms:>12.3} {porcupine:>12} {ratio:>9} {:>9}", row.name, peak_mib());
    ms
}

/// Lets the kernel measure anew how much memory the process held at most.
fn forget_peak() {
    // Elsewhere than on Linux there is no such file, and no peak to print.
    drop(std::fs::write("/proc/self/clear_refs", "5"));
}

/// How much memory the process held at most since then; nothing where nobody tells.
fn peak_mib() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    peak.map_or_else(String::new, |kib| (kib / 1024).to_string())
}

/// The median in milliseconds, and what came of the last time.
fn median<T>(mut work: impl FnMut() -> T) -> (f64, T) {
    let mut samples = Vec::new();
    loop {
        let start = cpu_time();
        let result = work();
        samples.push(cpu_time() - start);
        if samples.len() == TIMES_MAX || samples.iter().sum::<Duration>() > ENOUGH {
            samples.sort_unstable();
            return (samples[samples.len() / 2].as_secs_f64() * 1e3, result);
        }
    }
}

/// CPU time of this thread. Wall time would count what other programs do.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
