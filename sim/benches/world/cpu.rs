//! CPU time of this thread as criterion's measurement, and the samples kept for the table.
//!
//! Wall time would count what other programs do on the machine's cores. Read next: `rows`.

use std::cell::RefCell;
use std::collections::BTreeMap;

use criterion::measurement::{Measurement, ValueFormatter};
use criterion::{Criterion, Throughput};
use squall_sim::campaign::sweep::cpu_ns;

/// Criterion, counting CPU time.
pub type Bencher<'a> = &'a mut Criterion<CpuTime>;

/// CPU time of the thread that benches, in nanoseconds.
pub struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = u64;
    type Value = u64;

    fn start(&self) -> u64 {
        cpu_ns()
    }

    fn end(&self, began_ns: u64) -> u64 {
        cpu_ns() - began_ns
    }

    fn add(&self, one: &u64, other: &u64) -> u64 {
        one + other
    }

    fn zero(&self) -> u64 {
        0
    }

    #[expect(clippy::cast_precision_loss, reason = "criterion's statistics are in floats")]
    fn to_f64(&self, value: &u64) -> f64 {
        *value as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        &Nanoseconds
    }
}

struct Nanoseconds;

#[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "criterion's statistics are in floats")]
impl ValueFormatter for Nanoseconds {
    fn scale_values(&self, typical: f64, values: &mut [f64]) -> &'static str {
        let (divisor, unit) = match typical {
            ns if ns < 1e3 => (1.0, "ns CPU"),
            ns if ns < 1e6 => (1e3, "us CPU"),
            ns if ns < 1e9 => (1e6, "ms CPU"),
            _ => (1e9, "s CPU"),
        };
        values.iter_mut().for_each(|value| *value /= divisor);
        unit
    }

    fn scale_throughputs(&self, _typical: f64, throughput: &Throughput, values: &mut [f64]) -> &'static str {
        let (Throughput::Elements(amount) | Throughput::Bytes(amount)) = *throughput else {
            return "?";
        };
        values.iter_mut().for_each(|value| *value = amount as f64 * 1e9 / *value);
        "/CPU s"
    }

    fn scale_for_machines(&self, _values: &mut [f64]) -> &'static str {
        "ns"
    }
}

/// What was measured, by name: CPU nanoseconds for some amount of work.
#[derive(Default)]
pub struct Samples {
    by_name: RefCell<BTreeMap<String, Vec<(u64, u64)>>>,
}

impl Samples {
    /// Benches `work`, which says how much it did.
    pub fn bench(&self, criterion: Bencher<'_>, name: &str, mut work: impl FnMut() -> u64) {
        criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                let (mut amount, began_ns) = (0, cpu_ns());
                for _ in 0..iterations {
                    amount += work();
                }
                let elapsed_ns = (cpu_ns() - began_ns).max(1);
                self.by_name.borrow_mut().entry(name.to_owned()).or_default().push((amount, elapsed_ns));
                elapsed_ns
            });
        });
    }

    /// The median of `scale * amount / elapsed`; `None` if it was not run.
    pub fn median_rate(&self, name: &str, scale: u64) -> Option<u64> {
        let by_name = self.by_name.borrow();
        let rate = |(amount, elapsed_ns): &(u64, u64)| u128::from(*amount) * u128::from(scale) / u128::from(*elapsed_ns);
        let mut rates: Vec<u128> = by_name.get(name)?.iter().map(rate).collect();
        rates.sort_unstable();
        u64::try_from(*rates.get(rates.len() / 2)?).ok()
    }

    /// The median of nanoseconds per piece of work.
    pub fn median_ns(&self, name: &str) -> Option<u64> {
        self.median_rate(name, 1_000_000_000_000_000)
            .map(|per_million_seconds| 1_000_000_000_000_000 / per_million_seconds.max(1))
    }
}
