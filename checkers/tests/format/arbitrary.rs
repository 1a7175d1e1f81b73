//! No bytes make a reader panic, and what it takes for a history is one that can be judged and written.

use proptest::collection::vec;
use proptest::prelude::*;
use squall_checkers::format::spelling::Spelling;
use squall_checkers::format::{Format, Judge, NAMES, jsonl, read, with_model};

const JSONL: &str = r#"{"meta":{"ops":5,"model":"kv"}}
{"i":0,"c":0,"f":"get","k":3,"t0":0,"t1":2,"out":"","w":1}
{"i":1,"c":1,"f":"put","k":3,"a":"v1;","t0":3,"t1":null,"w":7}
{"i":2,"c":0,"f":"cas","k":3,"a":"v1;","b":{"hex":"00ff"},"t0":8,"t1":10,"out":true,"w":9}
{"i":3,"c":0,"f":"read","t0":12,"t1":13,"out":["a",1,null]}
{"i":4,"c":2,"f":"write","a":1,"t0":14,"t1":15,"fail":true}
"#;

const EDN: &str = r#"[{:process 0, :type :invoke, :f :write, :value ["k" 1], :time 5, :index 0}
 #jepsen.history.Op{:process 0, :type :ok, :f :write, :value ["k" 1], :time 6, :index 1}
 {:process :nemesis, :type :info, :f :start} ; "what a comment
 {:process 1, :type :invoke, :f :cas, :value [1 2N], :error [#{:a "b\u0041"} \c 1.5]}
 {:process 1, :type :fail, :f :cas, :value [1 2]} #_ {:discarded true}
 {:process 2, :type :invoke, :f :dequeue, :value nil} {:process 2, :type :info, :f :dequeue}]"#;

const LOG: &str = "INFO  jepsen.util - 0\t:invoke\t:write\t3
INFO  jepsen.util - 0\t:ok\t:write\t3
INFO  jepsen.util - :nemesis\t:info\t:start\tnil
INFO  jepsen.util - 1   :invoke :cas    [3 0]
INFO  jepsen.util - 1   :fail   :cas    [3 0]
INFO  jepsen.util - 2   :invoke :read   nil
INFO  jepsen.util - 2   :info   :read   :timed-out
";

/// Reads the bytes, and if they are a history writes it and reads that back.
struct Reads<'a>(&'a [u8], Option<Format>);

impl Judge for Reads<'_> {
    type Out = ();

    fn judge<M: Spelling>(self, model: &M) {
        match read(model, "file", self.0, self.1) {
            Err(error) => assert!(error.place.line > 0 && error.place.column > 0 && !error.expected.is_empty()),
            Ok(recorded) => {
                let count = recorded.history.operations().len();
                assert_eq!((recorded.witness.len(), recorded.lines.len()), (count, count));
                let text = jsonl::write(model, "any", &recorded.history, &recorded.witness);
                let back = read(model, "back", text.as_bytes(), None).unwrap_or_else(|error| panic!("{error}\n{text}"));
                assert_eq!(back.history.operations().len(), count);
            }
        }
    }
}

fn read_all_ways(bytes: &[u8]) {
    for name in NAMES {
        for format in [None, Some(Format::Jsonl), Some(Format::Edn), Some(Format::JepsenLog)] {
            with_model(name, None, Reads(bytes, format)).expect("a known name");
        }
    }
}

/// A change of a file: a byte replaced, inserted or removed, a part cut out or repeated, the end cut off.
fn mutated(text: &str, changes: &[(u8, u16, u16, u8)]) -> Vec<u8> {
    const TELLING: &[u8] = b"{}[]()\":;#\\,-0919 \n\t_N.eu\xff\x00";
    let mut bytes = text.as_bytes().to_vec();
    for (kind, from, to, byte) in changes {
        if bytes.is_empty() {
            break;
        }
        let [from, to] = [from, to].map(|at| usize::from(*at) % bytes.len());
        let byte = TELLING[usize::from(*byte) % TELLING.len()];
        let range = from.min(to)..from.max(to);
        match kind % 6 {
            0 => bytes[from] = byte,
            1 => bytes.insert(from, byte),
            2 => drop(bytes.remove(from)),
            3 => drop(bytes.drain(range)),
            4 => {
                let part = bytes[range].to_vec();
                bytes.splice(from..from, part);
            }
            _ => bytes.truncate(from),
        }
    }
    bytes
}

proptest! {
    #[test]
    fn bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        read_all_ways(&bytes);
    }

    #[test]
    fn pieces_of_formats_never_panic(pieces in vec(prop_oneof![
        Just("{"), Just("}"), Just("["), Just("]"), Just("\""), Just(":process"), Just(":type"), Just(":invoke"), Just(":ok"),
        Just(":f"), Just(":read"), Just(":value"), Just(" 1 "), Just("nil"), Just("#_"), Just("#"), Just(";"), Just("\n"),
        Just("jepsen.util - "), Just("\"i\":"), Just("\"meta\":"), Just(","), Just("\\u00"), Just("\\"), Just("é"),
    ], 0..60)) {
        read_all_ways(pieces.concat().as_bytes());
    }

    #[test]
    fn changed_files_never_panic(changes in vec(any::<(u8, u16, u16, u8)>(), 1..4), which in 0..3_usize) {
        read_all_ways(&mutated([JSONL, EDN, LOG][which], &changes));
    }
}

#[test]
fn every_prefix_is_read_or_refused() {
    for text in [JSONL, EDN, LOG] {
        (0..=text.len()).for_each(|end| read_all_ways(&text.as_bytes()[..end]));
    }
}
