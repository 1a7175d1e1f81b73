//! The `squall` binary; everything is in [`squall_sim::cli`].

use std::process::ExitCode;

/// Runs are full of small, short-lived allocations: 4 % of their time is had back here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    squall_sim::cli::main()
}
