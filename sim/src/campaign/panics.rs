//! What a panic said, kept for whoever catches it.
//!
//! Panics of the system under test are verdicts. The hook prints nothing; the text, with its
//! place in the source, is taken by the code that caught the panic on the same thread.

use std::panic;
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;

/// One text per thread that panicked and was not asked yet.
static LAST: Mutex<Vec<(ThreadId, String)>> = Mutex::new(Vec::new());

#[expect(clippy::disallowed_methods, reason = "tells whose panic it was; nothing in a run sees it")]
fn this_thread() -> ThreadId {
    std::thread::current().id()
}

/// Installs the hook, for the whole process.
pub fn keep_quiet() {
    panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
        let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        let text = format!("{}{place}", text.unwrap_or("a panic without a message"));
        let (mut last, me) = (LAST.lock().unwrap_or_else(PoisonError::into_inner), this_thread());
        last.retain(|(thread, _)| *thread != me);
        last.push((me, text));
    }));
}

/// Takes what the last panic on this thread said.
#[must_use]
pub fn take() -> String {
    let (mut last, me) = (LAST.lock().unwrap_or_else(PoisonError::into_inner), this_thread());
    let mine = last.iter().position(|(thread, _)| *thread == me);
    mine.map_or_else(|| "a panic without a message".to_owned(), |place| last.swap_remove(place).1)
}
