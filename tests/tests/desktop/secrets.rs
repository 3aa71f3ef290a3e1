//! Where PIN, new PIN and PUK are not, after they were used.

use std::collections::BTreeSet;

use latchkey_tests::desktop::memory::{Trace, traces_in_memory};
use latchkey_tests::desktop::{AssistiveTool, Screen, Wanted, Window};
use rustix::process::Pid;

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

fn processes(screen: &Screen, names: &[&'static str]) -> Vec<(&'static str, Pid)> {
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
