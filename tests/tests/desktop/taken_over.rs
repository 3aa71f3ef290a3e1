//! A page in the window that was taken over: whatever script runs there, it cannot deceive the holder about what the card
//! signs, and gets no digit of a secret.

use latchkey_tests::desktop::{AGENT, Key, SceneOrder, Wanted};
use serde_json::{Value, json};

use crate::house::{HANNA, House};
use crate::words::{AGREE, PIN};

/// Calls a command of the program, as any script in the page can, and gives its answer or what refused it.
fn invoke(house: &House, command: &str, arguments: Value) -> Result<Value, String> {
    let script = "const [command, arguments_, done] = arguments;
                  window.__TAURI_INTERNALS__.invoke(command, arguments_)
                    .then(ok => done({ ok: ok ?? null }), error => done({ error: String(error?.message ?? error) }))";
    let answer = house.window.execute_async(script, &[command.into(), arguments]).unwrap();
    match answer.get("error").and_then(Value::as_str) {
        Some(error) => Err(error.to_owned()),
        None => Ok(answer["ok"].clone()),
    }
}

#[test]
fn it_cannot_relabel_the_question_and_only_what_the_agent_shows_is_signed() {
    let (mut house, browser, holder) = House::with_card(HANNA, SceneOrder::default());
    browser.click("#go").unwrap();
    house.window.wait_for(AGREE).unwrap();
    // It claims another site, agrees by itself, and tries to have something else signed.
    house.window.execute("document.body.innerHTML = '<h1>https://bank.example asks you to sign in</h1>'", &[]).unwrap();
    let snapshot = invoke(&house, "snapshot", json!({})).unwrap();
    let request = snapshot["requests"][0]["id"].clone();
    let others = json!({
        "request": request,
        "origin": "https://bank.example",
        "challenge": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9w",
    });
    for command in ["sign", "sign_in", "sign_hash", "enter_pin", "prompt", "open_url"] {
        invoke(&house, command, others.clone()).unwrap_err();
    }
    // Agreeing it can; words that it adds are nobody's.
    invoke(&house, "agree", others).unwrap();
    let origin = house.portal.origin();
    let mut agent = house.agent().unwrap();
    agent.says(&origin).unwrap();
    let shown = house.tool.look(Wanted { application: Some(AGENT), ..Wanted::default() }).unwrap();
    assert!(shown.iter().all(|part| !part.name.contains("bank.example")), "{shown:#?}");
    let mut agent = house.agent().unwrap();
    agent.enter(PIN, holder.pin).unwrap();
    agent.press("Sign in").unwrap();
    // It was the portal's challenge that was signed, for the portal.
    browser.wait_for_text("You are signed in").unwrap();
}

#[test]
fn no_digit_that_is_typed_reaches_it() {
    let mut house = House::open(SceneOrder::default());
    house.window.wait_for("h1").unwrap();
    let fake = "document.body.innerHTML = '<label>PIN <input type=password></label>';
                window.heard = [];
                for (const kind of ['keydown', 'keypress', 'keyup', 'beforeinput', 'input', 'paste']) {
                  addEventListener(kind, event => heard.push([kind, event.key ?? event.data]), true);
                }
                document.querySelector('input').focus()";
    house.window.execute(fake, &[]).unwrap();
    let field = Wanted { role: Some("password text"), application: Some("latchkey-desktop"), ..Wanted::default() };
    let field = house.tool.wait_for(field).unwrap();
    house.tool.focus(&field).unwrap();
    house.tool.type_out("7402").unwrap();
    for digit in 0..10 {
        house.tool.strike(Key::Pad(digit)).unwrap();
    }
    // Comes after the digits, and comes through.
    house.tool.strike(Key::Tab).unwrap();
    let heard = house.window.wait("the key after the digits", || {
        let heard = house.window.execute("return [window.heard, document.querySelector('input').value]", &[])?;
        Ok(heard.to_string().contains("\"Tab\"").then_some(heard))
    });
    let heard = heard.unwrap().to_string();
    assert!(!heard.chars().any(|character| character.is_ascii_digit()), "{heard}");
}

#[test]
fn it_reaches_nothing_outside_and_nothing_of_the_system() {
    let (house, ..) = House::with_card(HANNA, SceneOrder::default());
    house.window.wait_for("h1").unwrap();
    for (command, arguments) in [
        ("plugin:shell|open", json!({ "path": "https://bank.example" })),
        ("plugin:opener|open_url", json!({ "url": "https://bank.example" })),
        ("plugin:fs|read_text_file", json!({ "path": "/etc/passwd" })),
        (
            "plugin:webview|create_webview_window",
            json!({ "options": { "label": "other", "url": "https://bank.example" } }),
        ),
        ("plugin:window|create", json!({ "options": { "label": "other" } })),
        ("plugin:window|set_title", json!({ "label": "main", "value": "Another program" })),
        ("plugin:app|app_hide", json!({})),
        ("plugin:event|emit", json!({ "event": "changed", "payload": {} })),
        ("plugin:path|resolve_directory", json!({ "directory": 1 })),
    ] {
        let refusal = invoke(&house, command, arguments).unwrap_err();
        assert!(refusal.contains("not allowed") || refusal.contains("not found"), "{command}: {refusal}");
    }
    let address = house.portal.address();
    for script in [
        "fetch(arguments[0], { mode: 'no-cors' })",
        "new Promise((yes, no) => { const it = new Image(); it.onload = yes; it.onerror = no; it.src = arguments[0] + 'a.png' })",
        "new Promise((yes, no) => { const it = new WebSocket(arguments[0].replace('https', 'wss')); it.onopen = yes; it.onerror = no })",
        "import(arguments[0] + 'page.js')",
        "Promise.resolve().then(() => { if (!window.open(arguments[0])) throw 1 })",
        "Promise.resolve().then(() => eval('1'))",
    ] {
        let script =
            format!("const done = arguments[1]; ({script}).then(() => done('reached'), () => done('kept in'))");
        assert_eq!(house.window.execute_async(&script, &[address.as_str().into()]).unwrap(), "kept in", "{script}");
    }
    let here = house.window.address().unwrap();
    house.window.execute("location.href = arguments[0]", &[address.as_str().into()]).unwrap();
    house.window.wait_for("h1").unwrap();
    assert_eq!(house.window.address().unwrap(), here);
}
