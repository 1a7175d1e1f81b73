//! The production driver on what it is made for: loopback sockets, tokio's runtime, folders of the file system.
//!
//! No test measures time. They wait for what must come, for as long as a busy machine may need, and show bounds by
//! settings under which whatever is not bounded would take hours.
//!
//! Not here: the driver in storms (`squall-sim` runs it on simulated machines), and single operations on a folder
//! (`files/folder.rs`). Read next: `setup`.

mod setup;

mod raw;

mod single;

mod boot;

mod shutdown;

mod hostile;

mod strangers;

mod piped;

mod lanes;

mod busy;

mod quiet;

mod cluster;

mod dial;

mod redial;

mod client;

mod together;
