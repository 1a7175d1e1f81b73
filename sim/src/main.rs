//! The `squall` binary; everything is in [`squall_sim::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_sim::cli::main()
}
