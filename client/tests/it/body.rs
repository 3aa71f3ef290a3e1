//! Whatever a page sends: the service answers with a code of its own and goes on.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use crate::wire::{CHALLENGE, REQUEST, Request, Served};

const CASES: u32 = 96;

/// A value of a field, the right one among them.
fn value(right: &'static str) -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => Just(Value::from(right)),
        1 => ".{0,200}".prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(Value::Array(Vec::new())),
    ]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let object = (value(REQUEST), value(CHALLENGE), value("A portal"), "[a-zA-Z]{0,12}").prop_map(
        |(id, challenge, name, more)| {
            let mut body = serde_json::json!({ "requestId": id, "challenge": challenge, "portalName": name });
            body[more] = Value::Null;
            body.to_string().into_bytes()
        },
    );
    prop_oneof![object, prop::collection::vec(any::<u8>(), 0..300)]
}

#[test]
fn any_body_is_answered_with_a_code() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let served = runtime.block_on(async { Served::start() });
    let mut runner = TestRunner::new(ProptestConfig { cases: CASES, failure_persistence: None, ..Default::default() });
    let strategy = (body(), "(application/json|text/plain|[ -~]{0,30})");
    runner
        .run(&strategy, |(octets, kind)| {
            let text = String::from_utf8_lossy(&octets).into_owned();
            let request = Request::post("/latchkey/v1/sign-in", &text).with("Content-Type", &kind);
            // The field that nobody knows makes every body one to be refused.
            let answer = runtime.block_on(served.ask(request));
            prop_assert!([400, 413, 415].contains(&answer.status), "{answer:?}");
            prop_assert!(!answer.code().is_empty());
            Ok(())
        })
        .unwrap();
    assert!(served.scene.view.borrow().requests.is_empty());
}
