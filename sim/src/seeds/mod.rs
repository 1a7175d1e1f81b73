//! Records of failed runs: files in `seeds/` that say what happened and how to see it again.
//!
//! ```text
//!            a person decides               it passes now
//!   New ------------------------> Open(why) ------------> Fixed
//!    |                                                      ^
//!    +------------------------------------------------------+
//! ```
//!
//! A new record fails the test suite until somebody has looked at it; an open one must
//! still violate the same property; a fixed one must pass. The trace hash is compared only
//! by the build that wrote it (same sources: [`FINGERPRINT`]).
//! Not here: running ([`crate::campaign`]). Read next: [`record`], [`replay`].

pub mod record;
pub mod replay;

/// A hash over the sources of raft, sim and checkers and `Cargo.lock`; profile and features do not count.
pub const FINGERPRINT: &str = env!("SQUALL_FINGERPRINT");
