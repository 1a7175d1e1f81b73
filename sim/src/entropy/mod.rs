//! Where every random decision of a run comes from: one 64-bit seed.
//!
//! Two kinds of draws. *Streams* (ChaCha8) serve owners that draw in an order of their own:
//! a client, a boot, the swarm. Where the order can shift between two variants of a run,
//! draws are *stateless*: [`v1::mix`] of a key and of what the draw is about, so that a
//! removed fault or message leaves every other draw as it was.
//!
//! Not here: what the draws decide. Read next: [`v1`], which is never edited again.

pub mod v1;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Who owns a key or a stream. The number is part of every recorded seed: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Owner {
    /// What the swarm switches on and off, and every drawn setting of a plan.
    Plan = 1,
    /// A client's operations.
    Client = 2,
    /// A node's boots: its 64 bits and its clock's origin.
    Boot = 3,
    /// A directed link between nodes.
    Link = 4,
    /// A node's disk.
    Disk = 5,
    /// Tie-breaks of events at the same instant.
    Tie = 6,
    /// Targets of faults that are drawn when they fire.
    Target = 7,
    /// Links between clients and nodes.
    ClientLink = 8,
    /// madsim's executor and network.
    Executor = 9,
    /// When nodes are started again that gave up.
    Operator = 10,
}

/// The seed of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entropy {
    seed: u64,
}

impl Entropy {
    /// All that a seed decides.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// A sequential stream for the `n`th owner of a kind.
    #[must_use]
    pub fn stream(self, owner: Owner, n: u64) -> Stream {
        let mut key = [0; 32];
        for (slot, word) in key.chunks_exact_mut(8).zip([self.seed, owner as u64, n, 0x7371_7561_6c6c_0001]) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        Stream { rng: ChaCha8Rng::from_seed(key) }
    }

    /// A key for stateless draws of the `n`th owner of a kind.
    #[must_use]
    pub fn key(self, owner: Owner, n: u64) -> u64 {
        self.stream(owner, n).u64()
    }
}

/// A sequential source of random numbers with one owner.
///
/// ```
/// use squall_sim::entropy::{Entropy, Owner};
///
/// let mut mine = Entropy::new(7).stream(Owner::Client, 1);
/// let mut same = Entropy::new(7).stream(Owner::Client, 1);
/// let mut other = Entropy::new(7).stream(Owner::Client, 2);
/// assert_eq!(mine.u64(), same.u64());
/// assert_ne!(mine.u64(), other.u64());
/// ```
#[derive(Clone, Debug)]
pub struct Stream {
    rng: ChaCha8Rng,
}

impl Stream {
    /// 64 random bits.
    pub fn u64(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// A number from 0 to `n - 1`; 0 if `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        v1::below(self.u64(), n)
    }

    /// A number from `low` to `high`, both included; `low` if they are the wrong way round.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        v1::between(self.u64(), low, high)
    }

    /// True for this many of a million draws.
    pub fn chance_ppm(&mut self, ppm: u32) -> bool {
        v1::chance_ppm(self.u64(), ppm)
    }
}
