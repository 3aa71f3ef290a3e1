//! The portal's page and its module in a real browser: what a person is told for each thing that a page can meet with
//! when it calls a program on this computer.

use std::fs;

use latchkey_tests::desktop::{
    Answer, AssistiveTool, Browser, LoopbackPermission, Portals, Screen, screenshots, wait_until,
};
use latchkey_tests::stage::{Portal, SampleSet, free_port};
use serde_json::json;

use crate::barriers::look_for_barriers;
use crate::service_double::{Behaviour, PHASES, ServiceDouble};

/// A portal, and a browser that has its page open.
struct Scene {
    browser: Browser,
    screen: Screen,
    portal: Portal,
    _set: SampleSet,
}

impl Scene {
    fn new(permission: LoopbackPermission, client_port: u16) -> Self {
        let set = SampleSet::write().unwrap();
        let portal = Portal::start_for_client(&set, client_port).unwrap();
        let screen = Screen::virtual_one().unwrap();
        let origins = [portal.origin()];
        let portals = Portals { origins: &origins, authority: &set.tls_authority(), permission, language: "en" };
        let browser = Browser::start(&screen, "page", portals).unwrap();
        let scene = Self { browser, screen, portal, _set: set };
        scene.reload();
        scene
    }

    fn reload(&self) {
        self.browser.open(&self.portal.address()).unwrap();
    }

    /// Waits until the page shows this state, looks for what would keep people from using it, and keeps a picture.
    fn wait_for(&self, state: &str) {
        self.browser.wait_for(&format!("#state[data-shown=\"{state}\"]")).unwrap_or_else(|error| panic!("{error:#}"));
        look_for_barriers(&self.browser, state);
    }

    fn begin(&self) {
        self.reload();
        self.browser.click("#go").unwrap();
    }

    fn shows(&self, words: &str) {
        self.browser.wait_for_text(words).unwrap_or_else(|error| panic!("{error:#}"));
    }

    fn has_focus(&self, id: &str) {
        let focused = self.browser.execute("return document.activeElement.id", &[]).unwrap();
        assert_eq!(focused, id);
    }
}

#[test]
fn with_permission_the_page_tells_what_the_program_does() {
    let port = free_port().unwrap();
    let program = ServiceDouble::start(port, Behaviour::StaysAt(1));
    let scene = Scene::new(LoopbackPermission::Granted, port);
    let rows = [
        (Behaviour::EndsSignIn(403, r#"{"code":"holder-refused"}"#), "holder-refused", "You refused to sign in"),
        (Behaviour::EndsSignIn(403, r#"{"code":"refused-today"}"#), "refused-today", "You refused this site today"),
        (Behaviour::EndsSignIn(403, r#"{"code":"site-forbidden"}"#), "site-forbidden", "administrator"),
        (Behaviour::EndsSignIn(408, r#"{"code":"holder-silent"}"#), "holder-silent", "Nothing was handed over"),
        (Behaviour::EndsSignIn(422, r#"{"code":"pin-blocked"}"#), "client-refused", "Code: pin-blocked"),
        (Behaviour::EndsSignIn(500, "<b>no JSON</b>"), "client-refused", "Code: unknown"),
        (Behaviour::EndsSignIn(200, "[]"), "other-program", "cannot be understood"),
        (Behaviour::EndsSignIn(200, r#"{"assertion":{}}"#), "portal-refused", "Code: malformed-assertion"),
        (Behaviour::RefusesSite("origin-refused"), "client-refused", "Code: origin-refused"),
        (Behaviour::SaysNothingToPages, "other-program", "cannot be understood"),
        (Behaviour::IsAnotherProgram, "other-program", "cannot be understood"),
        (Behaviour::Dies, "connection-lost", "Latchkey has stopped"),
        (Behaviour::Hangs, "no-answer", "Latchkey does not answer"),
    ];
    for (behaviour, state, words) in rows {
        program.behaves(behaviour);
        scene.begin();
        scene.wait_for(state);
        scene.shows(words);
    }
    // The portal's refusal is worded as the client program words it.
    program.behaves(Behaviour::EndsSignIn(200, r#"{"assertion":{}}"#));
    scene.begin();
    scene.shows("The portal could not read what the program sent.");
}

#[test]
fn a_sign_in_is_followed_taken_back_and_ends_with_its_tab() {
    let port = free_port().unwrap();
    let program = ServiceDouble::start(port, Behaviour::StaysAt(1));
    let scene = Scene::new(LoopbackPermission::Granted, port);
    for (number, phase) in PHASES.into_iter().enumerate() {
        program.behaves(Behaviour::StaysAt(number + 1));
        scene.begin();
        scene.wait_for(phase);
        scene.has_focus("cancel");
    }
    scene.browser.type_into("#cancel", "\u{e007}").unwrap();
    scene.wait_for("taken-back");
    scene.has_focus("go");
    wait_until("the request to be taken back", || {
        let is_cancelled = program.happened().iter().any(|line| line.starts_with("POST ") && line.contains("/cancel "));
        Ok((is_cancelled && program.has_happened("sign-in broken off")).then_some(()))
    })
    .unwrap();

    program.behaves(Behaviour::StaysAt(2));
    scene.browser.type_into("#go", "\u{e007}").unwrap();
    scene.wait_for("asking-holder");
    scene.browser.open("about:blank").unwrap();
    wait_until("the closed page's request to end", || Ok(program.has_happened("sign-in broken off").then_some(())))
        .unwrap();
}

#[test]
fn without_a_program_or_permission_the_page_offers_the_link() {
    for (permission, state, words) in [
        (LoopbackPermission::Granted, "not-running", "Latchkey was not found"),
        (LoopbackPermission::Denied, "denied", "does not let this page reach Latchkey"),
    ] {
        let scene = Scene::new(permission, free_port().unwrap());
        scene.browser.click("#go").unwrap();
        scene.wait_for(state);
        scene.shows(words);
        scene.browser.click("form[action=\"/link\"] button").unwrap();
        let link = scene.browser.wait_for("a[href^=\"latchkey:sign-in?portal=https%3A%2F%2F\"]");
        link.unwrap_or_else(|error| panic!("{error:#}"));
        fs::write(screenshots().unwrap().join("page-link.png"), scene.browser.picture().unwrap()).unwrap();
    }
}

/// The first call comes after the explanation, and the answer to the browser's question is waited for.
#[test]
fn the_browsers_question_is_explained_before_it_appears() {
    for (answer, state) in [(Answer::Allow, "asking-holder"), (Answer::Block, "denied")] {
        let port = free_port().unwrap();
        let program = ServiceDouble::start(port, Behaviour::StaysAt(2));
        let scene = Scene::new(LoopbackPermission::NotYetAsked, port);
        let mut tool = AssistiveTool::start(&scene.screen).unwrap();
        scene.browser.click("#go").unwrap();
        scene.wait_for("explain");
        scene.has_focus("go");
        assert!(program.happened().is_empty(), "called before the person wanted to go on: {:?}", program.happened());
        scene.browser.click("#go").unwrap();
        scene.wait_for("permission-asked");
        scene.screen.keep_picture("page-question").unwrap();
        assert!(program.happened().is_empty(), "{:?}", program.happened());
        scene.browser.answer_question(&mut tool, answer).unwrap();
        scene.wait_for(state);
    }
}

#[test]
fn a_question_that_is_closed_can_be_asked_again() {
    let port = free_port().unwrap();
    let _program = ServiceDouble::start(port, Behaviour::StaysAt(2));
    let scene = Scene::new(LoopbackPermission::NotYetAsked, port);
    let mut tool = AssistiveTool::start(&scene.screen).unwrap();
    scene.browser.click("#go").unwrap();
    scene.wait_for("explain");
    scene.browser.click("#go").unwrap();
    scene.wait_for("permission-asked");
    close_question(&scene, &mut tool);
    scene.wait_for("dismissed");
    scene.browser.click("#go").unwrap();
    scene.wait_for("explain");
    scene.browser.click("#go").unwrap();
    scene.wait_for("permission-asked");
    scene.browser.answer_question(&mut tool, Answer::Allow).unwrap();
    scene.wait_for("asking-holder");
}

/// Chromium asks too late if nobody listens: the call has failed by then. Whoever starts the program and then allows it
/// is signed in without another click.
#[test]
fn a_program_that_is_started_while_the_browser_asks_is_called_once_more() {
    let port = free_port().unwrap();
    let scene = Scene::new(LoopbackPermission::NotYetAsked, port);
    let mut tool = AssistiveTool::start(&scene.screen).unwrap();
    scene.browser.click("#go").unwrap();
    scene.wait_for("explain");
    scene.browser.click("#go").unwrap();
    scene.wait_for("not-running");
    let program = ServiceDouble::start(port, Behaviour::StaysAt(2));
    scene.browser.answer_question(&mut tool, Answer::Allow).unwrap();
    scene.wait_for("asking-holder");
    let sign_ins = program.happened().iter().filter(|line| line.starts_with("POST ")).count();
    assert_eq!(sign_ins, 1, "{:?}", program.happened());
}

/// Nobody else takes out the card of a guest's session: whoever once watched it and is gone ends the session too.
#[test]
fn a_guests_session_ends_with_the_card_or_with_its_watch() {
    let port = free_port().unwrap();
    let program = ServiceDouble::start(port, Behaviour::StaysAt(1));
    let scene = Scene::new(LoopbackPermission::Granted, port);
    let watch = |port: u16| {
        let script = format!(
            "const done = arguments[0];
             import('/latchkey-sign-in.js')
               .then(it => it.cardRemoved({{ requestId: '7f0c6a5e-0c8a-4a58-9a0e-3d0f6f1f5c11', port: {port} }}))
               .then(done, error => done(String(error)));"
        );
        scene.browser.execute_async(&script, &[]).unwrap()
    };
    for (behaviour, ends) in [
        (Behaviour::TellsOfCard(false), false),
        (Behaviour::TellsOfCard(true), true),
        (Behaviour::StaysAt(1), false),
        (Behaviour::ForgetsCard, true),
    ] {
        program.behaves(behaviour);
        assert_eq!(watch(port), json!(ends), "{behaviour:?}");
    }
    assert_eq!(watch(free_port().unwrap()), json!(false), "no program");
}

/// Clicks the cross of the browser's question. It tells no assistive tool where it is.
fn close_question(scene: &Scene, tool: &mut AssistiveTool) {
    let mut rows = [111, 91, 131].into_iter().cycle();
    wait_until("the question to be closed", || {
        std::thread::sleep(std::time::Duration::from_millis(800));
        tool.click(413, rows.next().unwrap())?;
        let shown = scene.browser.execute("return document.querySelector('#state').dataset.shown", &[])?;
        Ok((shown != "permission-asked").then_some(()))
    })
    .unwrap();
}
