//! Random numbers from a seed that is printed: `SQUALL_SEED=N` gives those of an earlier run.

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Draws(pub u64);

impl Draws {
    /// Seeded anew for each run of a test, unless the environment says otherwise.
    pub fn of_this_run(test: &str) -> Self {
        let seed = match std::env::var("SQUALL_SEED") {
            Ok(text) => text.parse().unwrap_or_else(|_| panic!("SQUALL_SEED={text}: expected a number")),
            Err(_) => fresh_seed(),
        };
        println!("{test}: seed {seed} (SQUALL_SEED={seed} for the same)");
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).expect("it is below a usize")
    }

    pub fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

#[expect(clippy::disallowed_types, reason = "the seed itself is drawn from the operating system, and printed")]
fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::hash::RandomState::new().build_hasher().finish() % 1_000_000
}
