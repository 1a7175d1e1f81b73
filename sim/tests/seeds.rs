//! Every record below `seeds/` as a test of its own: what its status demands must be true.
//!
//! With the feature `mutants` the records of planted bugs run with their bug and must fail
//! as recorded; without it they run without, and must pass.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use squall_sim::campaign::panics;
use squall_sim::seeds::record::Record;
use squall_sim::seeds::replay;

fn main() -> ExitCode {
    panics::keep_quiet();
    let arguments = Arguments::from_args();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../seeds");
    let files = match replay::files(&root) {
        Ok(files) => files,
        Err(error) => {
            eprintln!("{}: {error}", root.display());
            return ExitCode::from(2);
        }
    };
    let trials = files.into_iter().map(|path| {
        let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
        Trial::test(name, move || check(&path))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn check(path: &Path) -> Result<(), Failed> {
    let record = Record::read(path)?;
    replay::check(&record).map_err(|why| format!("{}: {why}", path.display()))?;
    Ok(())
}
