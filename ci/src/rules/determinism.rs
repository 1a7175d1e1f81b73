//! What would let two runs of one seed differ is banned where runs are decided.
//!
//! Clippy bans types and functions too; here the bans cannot be lifted by an attribute next to the code, but
//! only by [`EDGES`], which a reader sees as one list with its reasons. Edges that are no longer needed are findings.
//! Not here: floats in arguments, which `clippy::float_arithmetic` sees better.

use crate::finding::Finding;
use crate::tokens::{Token, closing, find, tokens};
use crate::tree::{File, Tree};

/// A kind of thing that differs from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ban {
    /// Iteration in random order.
    Unordered,
    /// Time of the machine.
    Clock,
    /// Threads, and state that hangs on them.
    Threads,
    /// Crates that run tasks or threads.
    Executors,
    /// Tasks, time and sockets of tokio: what the driver's `Env` is for. Its channels and traits run anywhere.
    Runtime,
    /// Randomness that no seed controls.
    Entropy,
    /// Files, sockets, environment.
    Outside,
    /// Rounding that depends on the machine and the order of operations.
    Floats,
}

/// Pattern of tokens, the ban that it falls under, and what to use instead.
const PATTERNS: &[(&str, Ban, &str)] = &[
    ("HashMap|HashSet|hash_map|hash_set|DefaultHasher", Ban::Unordered, "BTreeMap, BTreeSet or Vec: hashing order is random"),
    ("Instant|SystemTime|UNIX_EPOCH", Ban::Clock, "time as an argument: the wall clock is no input of a run"),
    ("clock_gettime", Ban::Clock, "time as an argument: the machine's clock is no input of a run"),
    ("std : : thread", Ban::Threads, "one thread: a run must not depend on a scheduler"),
    ("thread : : spawn|scope|sleep|current|Builder", Ban::Threads, "one thread: a run must not depend on a scheduler"),
    ("thread_local", Ban::Threads, "state that is passed in: hidden state outlives a run"),
    ("tokio|rayon|crossbeam", Ban::Executors, "one thread: a run must not depend on a scheduler"),
    ("tokio : : spawn|task|time|net|fs|process|signal|runtime", Ban::Runtime, "`Env`: a simulation has its own"),
    ("RandomState|thread_rng|OsRng|SysRng|ThreadRng|getrandom|fastrand", Ban::Entropy, "draws from the seed"),
    ("rand : :", Ban::Entropy, "draws of `entropy`: samplers of `rand` change between versions"),
    ("process : : id", Ban::Entropy, "a number from the seed: the process id differs between runs"),
    ("std : : fs|net|env|process", Ban::Outside, "bytes as arguments: the engine and the checkers touch nothing outside"),
    ("f32|f64", Ban::Floats, "integers with their unit in the name, such as ppm"),
];

/// Holds where runs are decided.
const ALL_OF_A_RUN: &[Ban] = &[Ban::Unordered, Ban::Clock, Ban::Threads, Ban::Executors, Ban::Entropy, Ban::Outside, Ban::Floats];

/// Bans that hold in a folder; the first folder that fits decides.
const SCOPES: &[(&str, &[Ban])] = &[
    ("raft/src/server/", &[Ban::Unordered, Ban::Clock, Ban::Threads, Ban::Runtime, Ban::Entropy, Ban::Outside]),
    ("raft/src/", ALL_OF_A_RUN),
    ("checkers/src/", ALL_OF_A_RUN),
    ("sim/src/", ALL_OF_A_RUN),
];

/// An exception: files that begin with this path, what they may, and why.
pub type Edge = (&'static str, &'static [Ban], &'static str);

/// All exceptions. The list should shrink; each entry must still be needed.
pub const EDGES: &[Edge] = &[
    (
        "raft/src/server/native.rs",
        &[Ban::Clock, Ban::Runtime, Ban::Entropy, Ban::Outside],
        "production's `Env`: what the rest of the driver reaches the machine through",
    ),
    ("raft/src/server/files/", &[Ban::Outside], "the folder of a server, which only production's `Env` carries"),
    ("raft/src/server/engine.rs", &[Ban::Threads], "asks whether a panic unwinds past it"),
    ("checkers/src/mutants.rs", &[Ban::Threads], "which bug a test has planted; only with the feature `mutants`"),
    (
        "sim/src/arena/madsim/",
        &[Ban::Executors],
        "madsim's executor, which runs tokio's traits and channels on one thread of the run",
    ),
    ("sim/src/arena/madsim/mod.rs", &[Ban::Threads], "asks whether a panic unwinds past it"),
    ("sim/src/arena/madsim/env.rs", &[Ban::Outside], "addresses of machines, which are names and no sockets"),
    ("sim/src/campaign/sweep.rs", &[Ban::Threads, Ban::Clock], "threads and CPU time between runs, never inside of one"),
    ("sim/src/campaign/apart.rs", &[Ban::Threads], "a thread for a whole run, which has no other"),
    ("sim/src/campaign/panics.rs", &[Ban::Threads], "what a panic said, from the hook to the catch on the same thread"),
    ("sim/src/scenario/error.rs", &[Ban::Outside], "reads a scenario's file, or says what is wrong with it"),
    ("sim/src/scenario/load.rs", &[Ban::Outside], "scenarios are files, read before anything runs"),
    ("sim/src/seeds/", &[Ban::Outside], "records are files, written after a run and read before one"),
    ("sim/src/main.rs", &[Ban::Outside], "the exit code"),
    (
        "sim/src/cli/",
        &[Ban::Threads, Ban::Clock, Ban::Entropy, Ban::Outside],
        "terminal, files and what people wait for, and the base seed before anything runs",
    ),
];

/// No source of a run uses what is banned in its folder.
#[must_use]
pub fn is_deterministic(file: &File) -> Vec<Finding> {
    uses(file, |ban| ban != Ban::Floats)
}

/// No source that decides anything counts in floats.
#[must_use]
pub fn has_no_floats(file: &File) -> Vec<Finding> {
    uses(file, |ban| ban == Ban::Floats)
}

fn uses(file: &File, wanted: impl Fn(Ban) -> bool) -> Vec<Finding> {
    let banned = |ban: Ban| wanted(ban) && scope(&file.path).contains(&ban) && !excepted(&file.path, ban);
    let hits = hits(file).into_iter().filter(|(_, ban, ..)| banned(*ban));
    hits.map(|(line, _, text, instead)| Finding::new(&file.path, line, format!("`{text}`"), instead)).collect()
}

/// Every exception is still used by a file that it covers.
#[must_use]
pub fn has_no_stale_edges(tree: &Tree) -> Vec<Finding> {
    stale_edges(tree, EDGES)
}

/// As [`has_no_stale_edges`], with a list of one's own.
#[must_use]
pub fn stale_edges(tree: &Tree, edges: &[Edge]) -> Vec<Finding> {
    let used = |path: &str, ban: Ban| {
        let mut covered = tree.files.iter().filter(|file| file.path.starts_with(path));
        covered.any(|file| hits(file).iter().any(|(_, found, ..)| *found == ban))
    };
    let pairs = edges.iter().flat_map(|(path, bans, _)| bans.iter().map(move |ban| (*path, *ban)));
    let stale = pairs.filter(|(path, ban)| !used(path, *ban));
    stale.map(|(path, ban)| Finding::new(path, 1, format!("an unused exception for {ban:?}"), "its removal from EDGES")).collect()
}

fn scope(path: &str) -> &'static [Ban] {
    SCOPES.iter().find(|(folder, _)| path.starts_with(folder)).map_or(&[], |(_, bans)| bans)
}

fn excepted(path: &str, ban: Ban) -> bool {
    EDGES.iter().any(|(edge, bans, _)| path.starts_with(edge) && bans.contains(&ban))
}

type Hit = (usize, Ban, String, &'static str);

fn hits(file: &File) -> Vec<Hit> {
    if !file.has_extension("rs") {
        return Vec::new();
    }
    let tokens = without_planted(tokens(file.text()).unwrap_or_default());
    let mut hits = Vec::new();
    for (pattern, ban, instead) in PATTERNS {
        let length = pattern.split(' ').count();
        for at in find(&tokens, pattern) {
            let text: String = tokens[at..at + length].iter().map(|token| token.text.as_str()).collect();
            hits.push((tokens[at].line, *ban, text, *instead));
        }
    }
    let instead = "an integer with its unit in the name";
    hits.extend(float_literals(&tokens).map(|token| (token.line, Ban::Floats, token.text.clone(), instead)));
    hits
}

/// Leaves out the statement or item behind the feature `unordered`: nondeterminism planted on purpose, to be found.
/// The rest of the file stays under the bans, as it would not if the file were an exception.
fn without_planted(mut tokens: Vec<Token>) -> Vec<Token> {
    const ATTRIBUTE: &str = "# [ cfg ( feature = \"unordered\" ) ]";
    while let Some(&start) = find(&tokens, ATTRIBUTE).first() {
        let mut end = start + ATTRIBUTE.split(' ').count();
        while tokens.get(end).is_some_and(|token| token.text != ";") {
            end = closing(&tokens, end);
            if tokens[end].text == "}" {
                break;
            }
            end += 1;
        }
        tokens.drain(start..tokens.len().min(end + 1));
    }
    tokens
}

/// Literals such as `1.5`; in `x.0.1` the lexer sees one too, and the point before it tells them apart.
fn float_literals(tokens: &[Token]) -> impl Iterator<Item = &Token> {
    let follows_point = |at: usize| at > 0 && tokens[at - 1].text == ".";
    tokens.iter().enumerate().filter(move |(at, token)| token.is_float() && !follows_point(*at)).map(|(_, token)| token)
}
