//! Automation in Rust: *tidy*, the house rules as a test, and what compares runs between builds.
//!
//! A rule is a small pure function from files to [`finding::Finding`]s, so that each one is shown to fail on a
//! fixture before it is trusted with the tree. Rules never run a build and need no git.
//!
//! Not here: the order in which continuous integration does things (`.ci/run`); nothing of the other crates,
//! because whoever judges the tree must not break together with it.
//! Read next: the modules as they are declared below.

pub mod finding;

pub mod tree;

pub mod tokens;

pub mod manifest;

pub mod rules;

pub mod traces;
