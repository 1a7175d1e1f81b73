//! Folders of the real file system: opening and locking them, what else may be found in them, and everything that a
//! power loss can leave.
//!
//! Not here: single operations (`sim/tests/library/disk_conformance` compares them with the simulated disk), the same
//! harm on a disk in memory (`engine/store`), processes that are killed (`kill.rs`).

mod draws;

mod folder;

mod folder_damage;

mod crash_images;
