//! What a panic said, kept for whoever catches it.
//!
//! Panics of the system under test are verdicts. The hook prints nothing; the text, with its
//! place in the source, is taken by the code that caught the panic on the same thread.

use std::cell::RefCell;
use std::panic;

#[expect(clippy::disallowed_macros, reason = "written by the hook, taken right after the catch, on the same thread")]
mod last {
    use super::RefCell;
    thread_local! {
        pub(super) static TEXT: RefCell<Option<String>> = const { RefCell::new(None) };
    }
}

/// Installs the hook, for the whole process.
pub fn keep_quiet() {
    panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
        let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        let text = format!("{}{place}", text.unwrap_or("a panic without a message"));
        last::TEXT.with(|last| *last.borrow_mut() = Some(text));
    }));
}

/// Takes what the last panic on this thread said.
#[must_use]
pub fn take() -> String {
    last::TEXT.with(|last| last.borrow_mut().take()).unwrap_or_else(|| "a panic without a message".to_owned())
}
