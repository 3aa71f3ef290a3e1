//! A guest at a public computer: signed in while his card is in, and nothing left of him afterwards.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use latchkey_tests::desktop::{Browser, SceneOrder, arguments_without_profile, wait_until};
use latchkey_tests::stage::{free_port, holder};
use reqwest::{Certificate, Client, StatusCode, header};

use crate::house::{HANNA, House};
use crate::words::{AGREE, PIN};

#[test]
fn a_guests_session_and_profile_go_with_the_card() {
    let managed = "[guest]\nportals = [\"{origin}\"]\nbrowser = \"{home}/guest-chromium\"\n";
    let mut house = House::before_the_client(SceneOrder { managed, ..SceneOrder::default() });
    let port = free_port().unwrap();
    // The client starts it with a profile of its own; what the portal counts as, and that we look on, is the test's.
    let arguments = arguments_without_profile(&house.screen, &[house.portal.origin()], &house.set.tls_authority());
    let words: Vec<String> = arguments.unwrap().iter().map(|word| format!("'{word}'")).collect();
    let script = format!("#!/bin/sh\nexec chromium --remote-debugging-port={port} {} \"$@\"\n", words.join(" "));
    let program = house.screen.home().join("guest-chromium");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    house.cards.insert(HANNA, 1).unwrap();
    house.start_client(&[]);
    house.window.click("[data-action=section-help]").unwrap();
    house.window.click("[data-action=guest]").unwrap();
    house.window.click("[data-action=guest-portal]").unwrap();

    let browser = Browser::attach(&house.screen, port).unwrap();
    browser.click("#go").unwrap();
    house.window.click(AGREE).unwrap();
    let mut agent = house.agent().unwrap();
    agent.enter(PIN, holder(HANNA).unwrap().pin).unwrap();
    agent.press("Sign in").unwrap();
    browser.wait_for_text("You are signed in").unwrap();
    let cookies = browser.cookies().unwrap();
    assert_eq!(session_answer(&house, &cookies), StatusCode::OK);
    let profiles = house.screen.home().join("run/latchkey/guest");
    assert!(fs::read_dir(&profiles).unwrap().next().is_some());

    house.cards.remove(1).unwrap();
    let is_empty = || Ok(fs::read_dir(&profiles).map_or(true, |mut left| left.next().is_none()).then_some(()));
    wait_until("the guest's profile to go", is_empty).unwrap();
    house.screen.wait_until_gone("chromium").unwrap();
    assert_eq!(session_answer(&house, &cookies), StatusCode::NOT_FOUND);
}

/// What the portal answers to whoever asks with these cookies who is signed in.
fn session_answer(house: &House, cookies: &str) -> StatusCode {
    let authority = Certificate::from_pem(&fs::read(house.set.tls_authority()).unwrap()).unwrap();
    let client = Client::builder().add_root_certificate(authority).no_proxy().build().unwrap();
    let request = client.get(format!("{}api/v1/session", house.portal.address())).header(header::COOKIE, cookies);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(request.send()).unwrap().status()
}
