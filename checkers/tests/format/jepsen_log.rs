//! Jepsen's log: its old and its new look, and what a failed compare-and-set says.

use crate::{judge, read};
use squall_checkers::format::{Format, read as read_as};
use squall_checkers::history::Outcome;
use squall_checkers::model::cas_register::{CasRegister, Output};

const OLD: &str = "INFO  jepsen.util - 0\t:invoke\t:write\t3
INFO  jepsen.util - 0\t:ok\t:write\t3
INFO  jepsen.util - 1   :invoke :cas    [3 0]
INFO  jepsen.util - 1   :ok     :cas    [3 0]
INFO  jepsen.util - :nemesis\t:info\t:start\tnil
INFO  jepsen.core - nothing to see here
INFO  jepsen.util - 2\t:invoke\t:write\t4
INFO  jepsen.util - 2\t:info\t:write\t:timed-out
INFO  jepsen.util - 3\t:invoke\t:read\tnil
INFO  jepsen.util - 3\t:fail\t:read\t:timed-out
INFO  jepsen.util - 4\t:invoke\t:cas\t[1 2]
INFO  jepsen.util - 4\t:fail\t:cas\t[1 2]
INFO  jepsen.util - 5\t:invoke\t:cas\t[1 2]
INFO  jepsen.util - 5\t:fail\t:cas\t:timed-out
INFO  jepsen.util - 6\t:invoke\t:read\tnil
INFO  jepsen.util - 6\t:ok\t:read\t0
";

#[test]
fn old_logs_are_read_and_what_is_no_operation_is_counted() {
    let recorded = read(&CasRegister::default(), OLD).unwrap();
    let outcomes: Vec<_> = recorded.history.operations().iter().map(|operation| operation.outcome.clone()).collect();
    let ok = Outcome::Ok;
    let expected = [
        ok(Output::Done),
        ok(Output::Changed(true)),
        Outcome::Unknown,
        Outcome::Fail,
        ok(Output::Changed(false)),
        Outcome::Fail,
        ok(Output::Value(Some(bytes::Bytes::from_static(b"0")))),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(recorded.skipped, 2);
    assert!(judge(&CasRegister::default(), OLD));
    assert!(!judge(&CasRegister::default(), &OLD.replace("[1 2]", "[0 2]")), "the cas would have matched");
}

#[test]
fn new_logs_have_more_in_front() {
    let front = "2020-11-21 16:00:00,042{GMT}\tINFO\t[jepsen worker 3] jepsen.util:";
    let new = OLD.replace("INFO  jepsen.util -", front);
    let recorded = read(&CasRegister::default(), &new).unwrap();
    assert_eq!(recorded, read(&CasRegister::default(), OLD).unwrap());
    let asked_for = read_as(&CasRegister::default(), "log", new.as_bytes(), Some(Format::JepsenLog)).unwrap();
    assert_eq!(asked_for, recorded);
}

#[test]
fn a_log_without_a_last_newline_is_whole_if_its_last_line_is_an_operation() {
    let cut = OLD.trim_end();
    assert_eq!(read(&CasRegister::default(), cut).unwrap(), read(&CasRegister::default(), OLD).unwrap());
}
