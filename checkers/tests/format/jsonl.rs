//! JSONL: what its fields mean.

use crate::{judge, read};
use bytes::Bytes;
use squall_checkers::format::{self, jsonl};
use squall_checkers::history::{Operation, Outcome};
use squall_checkers::model::kv::{Input, Kv, Output};
use squall_checkers::model::{append_list, counter, lock, queue, register, set};

/// As the generator of the shared histories writes them: its meta line has much that is for people.
const GENERATED: &str = r#"{"meta": {"ops": 5, "clients": 2, "keys": 1, "values": "uniq", "unknown_ppm": 0, "seed": 12, "long_unknown": 5000.0, "fault": null, "fault_at": 0.5, "expect": "ok", "unknown": 1}}
{"i":0,"c":0,"f":"get","k":3,"t0":0,"t1":2,"out":"","w":1}
{"i":1,"c":1,"f":"put","k":3,"a":"v1;","t0":3,"t1":null,"w":7}
{"i":2,"c":0,"f":"app","k":3,"a":"a2;","t0":4,"t1":6,"w":5}
{"i":3,"c":0,"f":"cas","k":3,"a":"v1;","b":"c3;","t0":8,"t1":10,"out":true,"w":9}
{"i":4,"c":0,"f":"cas","k":3,"a":"","b":"c4;","t0":11,"t1":13,"out":false,"w":12}
"#;

#[test]
fn generated_files_are_read_with_their_witness() {
    let recorded = read(&Kv, GENERATED).unwrap();
    let operations = recorded.history.operations();
    let [three, c3, v1] = [b"3".as_slice(), b"c3;", b"v1;"].map(Bytes::from_static);
    let expected = Operation {
        id: 3,
        client: 0,
        input: Input::Cas { key: three.clone(), expected: Some(v1), value: c3 },
        outcome: Outcome::Ok(Output::Changed(true)),
        invoked_at: 8,
        returned_at: 10,
    };
    assert_eq!(operations[3], expected);
    assert_eq!(operations[0].outcome, Outcome::Ok(Output::Value(None)), "empty is absent here");
    assert_eq!(operations[1].outcome, Outcome::Unknown);
    assert!(matches!(&operations[4].input, Input::Cas { expected: None, .. }));
    assert_eq!(recorded.witness, [1, 7, 5, 9, 12].map(Some));
    assert_eq!((recorded.lines, recorded.skipped), (vec![2, 3, 4, 5, 6], 0));
    assert!(judge(&Kv, GENERATED));
    assert!(!judge(&Kv, &GENERATED.replace("\"out\":false", "\"out\":true")), "it was not empty any more");
    assert_eq!(jsonl::model(GENERATED), None);
}

#[test]
fn a_file_says_whether_empty_is_absent() {
    let get = |absent: &str| {
        format!("{{\"meta\":{{{absent}}}}}\n{{\"i\":0,\"c\":0,\"f\":\"get\",\"k\":\"k\",\"t0\":0,\"t1\":1,\"out\":\"\"}}\n")
    };
    assert!(judge(&Kv, &get("")));
    assert!(!judge(&Kv, &get("\"absent\":\"null\"")), "nobody wrote an empty value");
    let put = r#"{"i":0,"c":0,"f":"put","k":"k","a":"","t0":0,"t1":1}"#;
    let error = read(&Kv, put).unwrap_err().to_string();
    assert_eq!(
        error,
        "file:1:1: found no value, or an empty one, expected a value; an empty one means that there is nothing, unless the meta line has \"absent\":\"null\""
    );
    assert!(judge(&Kv, &format!("{{\"meta\":{{\"absent\":\"null\"}}}}\n{put}\n")));
}

#[test]
fn failed_operations_had_no_effect_and_unknown_ones_may_have() {
    let file = |put: &str, out: &str| {
        format!(
            "{{\"i\":0,\"c\":0,\"f\":\"write\",\"a\":1,\"t0\":0,{put}}}\n{{\"i\":1,\"c\":1,\"f\":\"read\",\"t0\":5,\"t1\":6,\"out\":{out}}}\n"
        )
    };
    let judge = |put, out| judge(&register::Register::default(), &file(put, out));
    assert!(judge("\"t1\":null", "1") && judge("\"t1\":null", "null"));
    assert!(judge("\"t1\":3", "1") && !judge("\"t1\":3", "null"));
    assert!(!judge("\"t1\":3,\"fail\":true", "1") && judge("\"t1\":3,\"fail\":true", "null"));
    assert!(judge("\"t1\":5", "null"), "equal times are concurrent");
}

/// One good and one bad history of each of the other models.
#[test]
fn every_model_has_a_spelling() {
    let line = |id: usize, rest: &str| format!("{{\"i\":{id},\"c\":0,{rest},\"t0\":{},\"t1\":{}", 2 * id, 2 * id + 1);
    let file = |calls: &[(&str, &str)]| {
        let lines = calls.iter().enumerate();
        lines
            .map(|(id, (asked, out))| {
                let out = if out.is_empty() { String::new() } else { format!(",\"out\":{out}") };
                format!("{}{out}}}\n", line(id, asked))
            })
            .collect::<String>()
    };
    let list = |read| {
        file(&[(r#""f":"append","k":"l","a":1"#, ""), (r#""f":"append","k":"l","a":"2""#, ""), (r#""f":"read","k":"l""#, read)])
    };
    assert!(judge(&append_list::AppendList, &list("[1,2]")) && !judge(&append_list::AppendList, &list("[2,1]")));
    let set = |read| {
        file(&[
            (r#""f":"add","a":"x""#, "true"),
            (r#""f":"remove","a":"y""#, ""),
            (r#""f":"contains","a":"x""#, "true"),
            (r#""f":"read""#, read),
        ])
    };
    assert!(judge(&set::Set, &set("[\"x\"]")) && !judge(&set::Set, &set("[]")));
    let counter = |read| file(&[(r#""f":"add","a":-3"#, ""), (r#""f":"add","a":5"#, "2"), (r#""f":"read""#, read)]);
    assert!(judge(&counter::Counter, &counter("2")) && !judge(&counter::Counter, &counter("0")));
    let queue = |out| file(&[(r#""f":"enqueue","a":"x""#, ""), (r#""f":"dequeue""#, "\"x\""), (r#""f":"dequeue""#, out)]);
    assert!(judge(&queue::Queue, &queue("null")) && !judge(&queue::Queue, &queue("\"x\"")));
    let lock = |out| {
        file(&[
            (r#""f":"acquire""#, "7"),
            (r#""f":"acquire""#, "false"),
            (r#""f":"release","a":7"#, ""),
            (r#""f":"acquire""#, out),
        ])
    };
    assert!(judge(&lock::Lock, &lock("18446744073709551615")) && !judge(&lock::Lock, &lock("7")));
}

#[test]
fn the_meta_line_is_optional_and_may_name_the_model() {
    assert_eq!(jsonl::model("\n{\"meta\":{\"model\":\"queue\"}}\n"), Some("queue".to_owned()));
    assert_eq!(jsonl::model("{\"i\":0}"), None);
    assert_eq!(jsonl::model(""), None);
    let blank_lines = format!("\n{}\n\n", GENERATED.replace("\"ops\": 5, ", ""));
    assert!(judge(&Kv, &blank_lines));
    let by_name = format::read(&Kv, "file", GENERATED.as_bytes(), Some(format::Format::Jsonl)).unwrap();
    assert_eq!(by_name, read(&Kv, GENERATED).unwrap());
}
