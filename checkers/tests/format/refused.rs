//! Every kind of bad input, with the message that it gets.

use squall_checkers::format::spelling::Spelling;
use squall_checkers::format::{Format, read};
use squall_checkers::model::cas_register::CasRegister;
use squall_checkers::model::kv::Kv;
use squall_checkers::model::queue::Queue;
use squall_checkers::model::register::Register;
use squall_checkers::model::set::Set;

fn refused<M: Spelling>(model: &M, text: &str) -> String {
    match read(model, "f", text.as_bytes(), None) {
        Ok(_) => panic!("it is taken for a history:\n{text}"),
        Err(error) => error.to_string(),
    }
}

/// A line of a register's history.
fn line(rest: &str) -> String {
    format!("{{\"i\":0,\"c\":0,\"f\":\"write\",\"a\":1,\"t0\":5,\"t1\":7}}\n{rest}\n")
}

#[test]
fn files_that_are_no_history_at_all() {
    for (bytes, message) in [
        (&b""[..], "f:1:1: found an empty file, expected a history"),
        (b" \n \n", "f:1:1: found nothing but white space, expected a history"),
        (
            b"Dear reader,\n",
            "f:1:1: found none of the known formats, expected JSONL, EDN or Jepsen's log; a format can be asked for",
        ),
        (b"{\"i\":0}\n\xc3\xa4\xff", "f:2:2: found byte 0xff at byte offset 10, expected text in UTF-8"),
        (b"[]", "f:1:1: found no operation, expected at least one"),
        (b"{\"meta\":{}}\n", "f:1:1: found no operation, expected at least one"),
        (
            b"; nothing\n",
            "f:1:1: found none of the known formats, expected JSONL, EDN or Jepsen's log; a format can be asked for",
        ),
        (b"WARN jepsen.util - hello\n", "f:1:1: found no operation, expected at least one"),
    ] {
        let error = read(&Register::default(), "f", bytes, None).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn the_wrong_format_is_refused_with_what_it_looks_like() {
    let edn = "[{:process 0 :type :invoke :f :read}]";
    let error = read(&Register::default(), "f", edn.as_bytes(), Some(Format::Jsonl)).unwrap_err().to_string();
    assert!(error.starts_with("f:1:") && error.contains("(the file looks like edn), expected"), "{error}");
    let error = read(&Register::default(), "f", edn.as_bytes(), Some(Format::JepsenLog)).unwrap_err().to_string();
    assert!(error.contains("(the file looks like edn), expected"), "{error}");
    let error = read(&Register::default(), "f", line("").as_bytes(), Some(Format::Edn)).unwrap_err().to_string();
    assert!(error.contains("(the file looks like jsonl), expected"), "{error}");
}

#[test]
fn lines_of_jsonl() {
    let names = "an operation of the model: read, write";
    for (second, message) in [
        (
            r#"{"i":1,"c":1,"f":"read","t0":6,"t1":8,"out":1"#,
            "f:2:45: found the end of the line inside of an object, expected a whole object: is the file cut off?",
        ),
        (
            r#"{"i":1,"c":1,"f":"re"#,
            "f:2:20: found the end of the line inside of an object, expected a whole object: is the file cut off?",
        ),
        (r#"{"i":1,"c":1,"f":"read","t0":6,"t1":8}"#, "f:2:1: found no answer, expected what was read"),
        (
            r#"{"i":0,"c":1,"f":"read","t0":6,"t1":8,"out":1}"#,
            "f:2:1: found operation id 0 again, expected unique ids; line 1 has it",
        ),
        (r#"{"i":1,"c":1,"f":"read","t0":4,"t1":8,"out":1}"#, "f:2:1: found `t0` 4, expected 5 or later, as in line 1"),
        (r#"{"i":1,"c":1,"f":"read","t0":9,"t1":8,"out":1}"#, "f:2:1: found `t1` 8, expected `t0`, 9, or later"),
        (
            r#"{"i":1,"c":0,"f":"read","t0":6,"t1":8,"out":1}"#,
            "f:2:1: found a second invocation of client 0 at 6, expected its operation of line 1 to return first, at 7",
        ),
        (
            r#"{"i":1,"c":1,"f":"cas","a":1,"b":2,"t0":6,"t1":8,"out":true}"#,
            &format!("f:2:1: found operation `cas`, expected {names}"),
        ),
        (
            r#"{"i":1,"c":1,"f":"txn","t0":6,"t1":8}"#,
            &format!("f:2:1: found a transaction (`txn`), expected {names}; transactions are not judged"),
        ),
        (r#"{"i":1,"c":1,"f":"read","t0":6,"t1":8,"out":true}"#, "f:2:1: found true, expected a string or a whole number"),
        (r#"{"i":1,"c":1,"f":"read","a":3,"t0":6,"t1":8,"out":1}"#, "f:2:1: found 3, expected no argument of `read`"),
        (r#"{"i":1,"c":1,"f":"write","t0":6,"t1":8}"#, "f:2:1: found no value, expected a string or a whole number"),
        (r#"{"i":1,"c":1,"f":"write","a":1,"b":2,"t0":6,"t1":8}"#, "f:2:1: found 2, expected no second argument of `write`"),
        (r#"{"i":1,"c":1,"f":"write","a":[1],"t0":6,"t1":8}"#, "f:2:1: found a list of 1, expected a string or a whole number"),
        (r#"{"i":1,"c":1,"f":"write","a":1,"t0":6,"t1":8,"out":1}"#, "f:2:1: found 1, expected no answer"),
        (
            r#"{"i":1,"c":1,"f":"read","t0":6,"t1":null,"out":1}"#,
            "f:2:1: found 1, expected no `out` of an operation that was not answered",
        ),
        (
            r#"{"i":1,"c":1,"f":"read","t0":6,"out":1}"#,
            "f:2:39: found no field `t1`, expected i, c, f, t0 and t1 in each operation",
        ),
        (r#"{"i":1,"c":1,"f":"read","t0":6.5,"t1":8,"out":1}"#, "f:2:32: found floating point `6.5`, expected u64"),
        (r#"{"i":-1,"c":1,"f":"read","t0":6,"t1":8,"out":1}"#, "f:2:7: found integer `-1`, expected u64"),
        (r#"{"i":1,"c":"1","f":"read","t0":6,"t1":8,"out":1}"#, "f:2:14: found string \"1\", expected u64"),
        (r#"{"i":1,"i":2,"c":1,"f":"read","t0":6,"t1":8,"out":1}"#, "f:2:10: found field `i` twice, expected it once"),
        (
            r#"{"i":1,"c":1,"f":"read","t0":6,"t1":8,"oot":1}"#,
            "f:2:43: found unknown field `oot`, expected one of `i`, `c`, `f`, `k`, `a`, `b`, `t0`, `t1`, `out`, `fail`, `w`",
        ),
        (r"{:process 0}", "f:2:2: found no JSON (key must be a string), expected an operation as a JSON object"),
        (r"[1]", "f:2:1: found a line without an object, expected an operation as a JSON object"),
    ] {
        assert_eq!(refused(&Register::default(), &line(second)), message, "{second}");
    }
}

#[test]
fn a_file_that_lacks_lines_is_found_out() {
    let file = |ops: &str| format!("{{\"meta\":{{\"ops\":{ops}}}}}\n{}", line(""));
    assert_eq!(
        refused(&Register::default(), &file("2")),
        "f:3:1: found 1 operations, expected 2, as line 1 says: is the file cut off?"
    );
    assert!(refused(&Register::default(), &file("\"two\"")).starts_with("f:1:1: found a meta line that is none ("));
    assert!(read(&Register::default(), "f", file("1").as_bytes(), None).is_ok());
}

#[test]
fn keys_and_answers_of_other_models() {
    let get = r#"{"i":0,"c":0,"f":"get","t0":5,"t1":7,"out":"x"}"#;
    assert_eq!(refused(&Kv, get), "f:1:1: found no key, expected the key that the operation is about");
    let cas = r#"{"i":0,"c":0,"f":"cas","k":1,"a":1,"t0":5,"t1":7,"out":true}"#;
    assert!(refused(&Kv, cas).starts_with("f:1:1: found no value, or an empty one, expected a value; "));
    let cas = r#"{"i":0,"c":0,"f":"cas","k":1,"a":1,"b":2,"t0":5,"t1":7}"#;
    assert_eq!(refused(&Kv, cas), "f:1:1: found no answer, expected true or false");
    let read = r#"{"i":0,"c":0,"f":"read","t0":5,"t1":7,"out":["x","x"]}"#;
    assert_eq!(refused(&Set, read), "f:1:1: found 2 elements, 1 of them different, expected each element of a set once");
}

#[test]
fn maps_of_edn() {
    let invoke = "{:process 0, :type :invoke, :f :write, :value 1, :time 10, :index 4}\n";
    for (second, message) in [
        (
            "{:process 0, :type :invoke, :f :read}",
            "f:2:1: found a second invocation of process 0, expected the return of its `write` of line 1 first",
        ),
        (
            "{:process 1, :type :ok, :f :read, :value 1}",
            "f:2:1: found a return of process 1, expected an invocation of it before",
        ),
        (
            "{:process 0, :type :ok, :f :read, :value 1}",
            "f:2:1: found process 0 returning from `read`, expected from `write`, which it invoked in line 1",
        ),
        ("{:process 0, :type :ok, :f :write, :value 2}", "f:2:1: found 2, expected the value that it was invoked with in line 1"),
        (
            "{:process 1, :type :invoke, :f :txn, :value [[:r 1 nil]]}",
            "f:2:1: found a transaction (`txn`), expected an operation of the model: read, write, cas; transactions are not judged",
        ),
        (
            "{:process 1, :type :invoke, :f :drain}",
            "f:2:1: found operation `drain`, expected an operation of the model: read, write, cas",
        ),
        ("{:process 1, :type :invoke, :f :cas, :value 3}", "f:2:1: found 3, expected `[expected new]`"),
        ("{:process 1, :type :invoke, :f :cas, :value [1 2 3]}", "f:2:1: found a list of 3, expected `[expected new]`"),
        ("{:process 1, :type :invoke, :f :write, :value 1.5}", "f:2:1: found 1.5, expected a string or a whole number"),
        ("{:process 1, :type :invoke, :f :write, :value nil}", "f:2:1: found no value, expected a string or a whole number"),
        ("{:process 1, :type :begin, :f :read}", "f:2:1: found type :begin, expected :invoke, :ok, :fail or :info"),
        ("{:process 1, :type :invoke, :value 1}", "f:2:1: found no `:f`, expected it in every map"),
        (
            "{:process \"1\", :type :invoke, :f :read}",
            "f:2:1: found \"1\", expected the number of a process, or a name such as `:nemesis`",
        ),
        ("{:process -1, :type :invoke, :f :read}", "f:2:1: found process -1, expected a process number of 64 bits, not negative"),
        (
            "{:process 1, :type :invoke, :f :read, :time 9}",
            "f:2:1: found `:time` 9, expected 10 or shortly before, the latest so far",
        ),
        ("{:process 1, :type :invoke, :f :read, :index 4}", "f:2:1: found `:index` 4, expected more than 4"),
        ("{:process 1, :type :invoke, :f :read, :time :late}", "f:2:1: found :late, expected `:time`, a whole number"),
        (
            "{:process 1, :type :invoke, :f",
            "f:2:1: found the end of the file inside of a map, expected `}`: is the file cut off?",
        ),
        ("{:process 1, :type}", "f:2:1: found a map with a key without a value, expected keys and values in turn"),
        ("{:process 1, :process 2}", "f:2:1: found :process twice in a map, expected each key once"),
        (
            "{:process 1, :type :invoke, :f \"rea",
            "f:2:32: found the end of the file inside of a string, expected `\"`: is the file cut off?",
        ),
        ("  ]", "f:2:3: found `]`, expected a form"),
        ("read", "f:2:1: found read, expected a map of an invocation or a return"),
    ] {
        assert_eq!(refused(&CasRegister::default(), &format!("{invoke}{second}")), message, "{second}");
    }
    let open = format!("[{invoke}");
    assert_eq!(
        refused(&CasRegister::default(), &open),
        "f:2:1: found the end of the file inside of what began at line 1, expected `]`: is the file cut off?"
    );
    assert_eq!(
        refused(&CasRegister::default(), &format!("{open}] 7")),
        "f:2:3: found `7` behind the end of the history, expected nothing more"
    );
    let deep = format!("{{:process {}", "[".repeat(100_000));
    assert_eq!(refused(&CasRegister::default(), &deep), "f:1:75: found forms nested too deep, expected at most 64 levels");
    let discarded = format!("{invoke}{}", "#_[".repeat(100_000));
    assert!(refused(&CasRegister::default(), &discarded).contains("found forms nested too deep"));
    let keyed = "{:process 0, :type :invoke, :f :read, :value [1 nil]} {:process 0, :type :ok, :f :read, :value [2 7]}";
    assert_eq!(refused(&CasRegister::default(), keyed), "f:1:55: found a list of 2, expected `[1 value]`, as it was invoked");
}

#[test]
fn lines_of_logs() {
    let invoke = "INFO  jepsen.util - 0\t:invoke\t:write\t1\n";
    for (second, message) in [
        (
            "INFO  jepsen.util - 0\t:invoke\t:write\t2\n",
            "f:2:1: found a second invocation of process 0, expected the return of its `write` of line 1 first",
        ),
        ("INFO  jepsen.util - 1\t:ok\t:write\t2\n", "f:2:1: found a return of process 1, expected an invocation of it before"),
        ("INFO  jepsen.util - 0\t:ok\t:write\t2\n", "f:2:1: found 2, expected the value that it was invoked with in line 1"),
        ("INFO  jepsen.util - 0\t:ok\t:write", "f:2:1: found the end of the line, expected a value: is the file cut off?"),
        ("INFO  jepsen.util - 0\t:ok", "f:2:1: found a line without an operation, expected process, type, operation and value"),
        ("INFO  jepsen.util - 0\t:o", "f:2:1: found a line without an operation, expected process, type, operation and value"),
        ("INFO  jepsen.util - 0\t:okay\t:write\t1\n", "f:2:1: found type :okay, expected :invoke, :ok, :fail or :info"),
        (
            "INFO  jepsen.util - 1\t:invoke\t:cas\t[1 ",
            "f:2:1: found the end of the file inside of a vector, expected `]`: is the file cut off?",
        ),
        (
            "INFO  jepsen.util - 1\t:invoke\t:jump\t1\n",
            "f:2:1: found operation `jump`, expected an operation of the model: read, write, cas",
        ),
        ("INFO  jepsen.util - 1\t:invoke\t:write\t1 2\n", "f:2:1: found 2 values, expected one"),
        (
            "INFO  jepsen.util - 99999999999999999999\t:invoke\t:write\t1\n",
            "f:2:1: found process 99999999999999999999, expected a process number of 64 bits",
        ),
        (
            "INFO  jep",
            "f:2:1: found a last line without an end, expected an operation, or the end of the line: is the file cut off?",
        ),
    ] {
        assert_eq!(refused(&CasRegister::default(), &format!("{invoke}{second}")), message, "{second}");
    }
}

#[test]
fn a_history_of_another_model_is_refused() {
    let register = line("");
    assert_eq!(
        refused(&Queue, &register),
        "f:1:1: found operation `write`, expected an operation of the model: enqueue, dequeue"
    );
}
