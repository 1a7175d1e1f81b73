//! The store on a disk that fails: crashes at every operation, damage to every byte, files of others.
//!
//! Read in order: the disk, the model of what may be forgotten, then the tests.

mod disk;

mod model;

mod crash;

mod damage;

mod folder;

mod folders;

mod golden;

mod golden_folders;

mod inspect;

mod reading;

mod repair;
