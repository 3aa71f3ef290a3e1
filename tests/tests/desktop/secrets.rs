//! Where PIN, new PIN and PUK are not, after they were used.

use std::collections::BTreeSet;

use latchkey_tests::desktop::memory::{Trace, traces_in, traces_in_memory};
use latchkey_tests::desktop::{AGENT, AssistiveTool, Key, SceneOrder, Screen, Wanted, Window};
use rustix::process::Pid;

use crate::house::House;
use crate::words::{AGREE, BEGIN, PIN};

#[test]
fn a_password_field_in_a_page_would_be_found_out() {
    let screen = Screen::virtual_one().unwrap();
    let mut tool = AssistiveTool::start(&screen).unwrap();
    let window = Window::start_of_another_program(&screen).unwrap();
    window.open("data:text/html,<input type=password aria-label='Your PIN, please'>").unwrap();
    let field = Wanted { role: Some("password text"), name: Some("Your PIN, please"), ..Wanted::default() };
    let field = tool.wait_for(field).unwrap();
    let processes = processes(&screen, &["WebKitWebProcess"]);
    let pin = unmistakable(6, &processes);
    tool.focus(&field).unwrap();
    tool.type_out(&pin).unwrap();
    let arrived = "return document.querySelector('input').value.length";
    window.wait("the digits", || Ok((window.execute(arrived, &[])? == 6).then_some(()))).unwrap();
    let clear = "const field = document.querySelector('input'); field.value = ''; field.remove()";
    window.execute(clear, &[]).unwrap();
    let found = found_in(&processes, &[&pin]);
    assert!(!found.is_empty(), "the search finds nothing where the secret was");
}

pub(crate) fn processes(screen: &Screen, names: &[&'static str]) -> Vec<(&'static str, Pid)> {
    let ids = |name: &&'static str| {
        screen.processes(name).into_iter().map({
            let name = *name;
            move |id| (name, id)
        })
    };
    let processes: Vec<_> = names.iter().flat_map(ids).collect();
    let there: BTreeSet<_> = processes.iter().map(|(name, _)| *name).collect();
    assert_eq!(there.len(), names.len(), "{processes:?}");
    processes
}

fn found_in(processes: &[(&'static str, Pid)], secrets: &[&str]) -> Vec<(&'static str, Trace)> {
    let found = |(name, id): &(&'static str, Pid)| {
        let name = *name;
        traces_in_memory(*id, secrets).unwrap().into_iter().map(move |trace| (name, trace))
    };
    processes.iter().flat_map(found).collect()
}

/// Digits that none of these processes holds by chance.
fn unmistakable(count: usize, processes: &[(&'static str, Pid)]) -> String {
    loop {
        let mut octets = vec![0; count];
        getrandom::fill(&mut octets).unwrap();
        let digits: String = octets.iter().map(|octet| char::from(b'0' + octet % 10)).collect();
        if found_in(processes, &[&digits]).is_empty() {
            return digits;
        }
    }
}

/// The processes that show the window, and have no business with secrets.
pub(crate) const OF_THE_WINDOW: [&str; 3] = ["latchkey-desktop", "WebKitWebProcess", "WebKitNetworkProcess"];

/// Keeps what the page and the program say to each other, in both directions.
const RECORD: &str = "
    const done = arguments[0];
    window.recorded = [];
    const keep = what => window.recorded.push(typeof what === 'string' ? what : JSON.stringify(what) ?? '');
    const fetch = window.fetch;
    window.fetch = async (address, options) => {
      keep([String(address), typeof options?.body === 'string' ? options.body : [...new Uint8Array(options?.body ?? [])]]);
      const answer = await fetch(address, options);
      answer.clone().text().then(keep);
      return answer;
    };
    const handler = window.__TAURI_INTERNALS__.transformCallback(keep);
    const target = { kind: 'Any' };
    window.__TAURI_INTERNALS__.invoke('plugin:event|listen', { event: 'changed', target, handler }).then(() => done());";

#[test]
fn neither_pin_nor_new_pin_nor_puk_comes_into_the_window_or_passes_between_page_and_program() {
    let (mut house, browser, holder) = House::with_card("kastus-zablakavany", SceneOrder::default());
    house.window.wait_for("h1").unwrap();
    house.window.execute_async(RECORD, &[]).unwrap();
    let window = processes(&house.screen, &OF_THE_WINDOW);
    assert_eq!(found_in(&window, &[holder.puk]), []);
    let new_pin = unmistakable(6, &window);

    // Typed on the keyboard, as people do, in the agent's windows: PUK, new PIN twice; then the PIN.
    house.window.click("[data-action=unblock-with-new-pin]").unwrap();
    house.window.click(BEGIN).unwrap();
    house.type_into_agent("PUK", holder.puk);
    house.type_into_agent("New PIN", &new_pin);
    house.type_into_agent("The new PIN once more", &new_pin);
    house.window.click("[data-action=done]").unwrap();
    browser.click("#go").unwrap();
    house.window.click(AGREE).unwrap();
    house.type_into_agent(PIN, &new_pin);
    browser.wait_for_text("You are signed in").unwrap();

    let secrets = [holder.puk, &new_pin];
    let after = processes(&house.screen, &OF_THE_WINDOW);
    assert!(window.iter().all(|process| after.contains(process)), "{window:?} became {after:?}");
    assert_eq!(found_in(&after, &secrets), []);
    // Nor does the agent keep them, as far as it can be looked into: not by its user, but by root.
    let agent = processes(&house.screen, &[AGENT]);
    if rustix::process::getuid().is_root() {
        assert_eq!(found_in(&agent, &secrets), []);
    }
    let recorded = house.window.execute("return window.recorded.join('\\n')", &[]).unwrap();
    let recorded = recorded.as_str().unwrap();
    for part in ["unblock-with-new-pin", "agent-asks", "ipc://localhost/agree", "\"puk\""] {
        assert!(recorded.contains(part), "{part} was not recorded:\n{recorded}");
    }
    assert_eq!(traces_in(recorded.as_bytes(), &secrets).unwrap(), BTreeSet::new());
}

impl House {
    /// Types digits on the keyboard into the agent's field of that name, and goes on with Enter.
    fn type_into_agent(&mut self, name: &str, digits: &str) {
        let field = Wanted {
            application: Some(AGENT),
            role: Some("password text"),
            contains: Some(name),
            states: &["focused"],
            ..Wanted::default()
        };
        self.tool.wait_for(field).unwrap();
        self.tool.type_out(digits).unwrap();
        let complete = format!("{} of {}", digits.len(), digits.len());
        self.tool
            .wait_for(Wanted { application: Some(AGENT), contains: Some(&complete), ..Wanted::default() })
            .unwrap();
        self.tool.strike(Key::Enter).unwrap();
    }
}
