//! A picture of every question in every language and colour, for people to look at. Each window fits its screen.

use latchkey_agent::{AfterUnblocking, AskedRights, CardTask, SecretKind, TerminalSession};
use latchkey_tests::desktop::{Wanted, wait_until};

use crate::screen::{AGENT, Scene, next_question, wanted};
use crate::stage::{ORDINARY, ORIGIN, at_terminal, holder, sign_in};

const SUSPENDED: &str = "alena-prypynenaya";
const BLOCKED: &str = "kastus-zablakavany";
const DEACTIVATED: &str = "ihar-adkliuchany";

/// Keeps pictures of every question as this agent asks it.
fn keep_pictures(look: &str, new_scene: impl Fn(&str) -> Scene) {
    let name = |question: &str| format!("agent-{question}-{look}");
    let mut scene = new_scene(ORDINARY);
    let _exchange = scene.begin(sign_in());
    scene.fill("2101");
    scene.keep_picture(&name("pin"));

    let mut scene = new_scene(SUSPENDED);
    let exchange = scene.begin(sign_in());
    scene.keep_picture(&name("last-try"));
    let yes = scene.tool.look(Wanted { states: &["showing"], ..wanted("push button", "") }).unwrap();
    let yes = scene.tool.wait_for(Wanted { name: Some(&yes.last().unwrap().name), ..wanted("push button", "") });
    scene.tool.press(&yes.unwrap()).unwrap();
    assert_eq!(next_question(&exchange), SecretKind::Can);
    scene.fill("37");
    scene.keep_picture(&name("can"));

    let mut scene = new_scene(BLOCKED);
    let exchange = scene.begin(CardTask::UnblockPin(AfterUnblocking::NewPin));
    scene.fill(holder(BLOCKED).puk);
    scene.keep_picture(&name("puk"));
    scene.go_on();
    assert_eq!(next_question(&exchange), SecretKind::NewPin);
    scene.fill("580");
    scene.keep_picture(&name("new-pin"));

    let mut scene = new_scene(DEACTIVATED);
    let _exchange = scene.begin(CardTask::ActivatePin);
    scene.field("");
    scene.keep_picture(&name("deactivated"));

    for (question, rights) in
        [("terminal", AskedRights::OfModel { signs: true }), ("renewal", TerminalSession::RENEWAL)]
    {
        let mut scene = new_scene(ORDINARY);
        let _exchange = scene.begin(at_terminal(rights));
        scene.field("");
        scene.keep_picture(&name(question));
        let shown = |wanted| Wanted { states: &["showing"], ..wanted };
        for part in [shown(wanted("heading", "")), shown(wanted("label", ORIGIN))] {
            let place = scene.tool.wait_for(part).unwrap().place.unwrap();
            assert!(place.y >= 0, "{question}, {look}: {part:?} is out of sight at {place:?}");
        }
    }
}

#[test]
fn in_belarusian() {
    keep_pictures("be-light", |holder| Scene::new(holder, "--lang be --theme light"));
    keep_pictures("be-dark", |holder| Scene::new(holder, "--lang be --theme dark"));
}

#[test]
fn in_russian() {
    keep_pictures("ru-light", |holder| Scene::new(holder, "--lang ru --theme light"));
    keep_pictures("ru-dark", |holder| Scene::new(holder, "--lang ru --theme dark"));
}

#[test]
fn in_english() {
    keep_pictures("en-light", |holder| Scene::new(holder, "--lang en --theme light"));
    keep_pictures("en-dark", |holder| Scene::new(holder, "--lang en --theme dark"));
}

#[test]
fn in_high_contrast_with_a_pad_and_at_twice_the_size() {
    keep_pictures("en-contrast-pad", |holder| Scene::new(holder, "--lang en --theme contrast --pad"));
    keep_pictures("be-200", |holder| Scene::large(holder, "--lang be --theme light"));
}

#[test]
fn a_warning_before_the_question_closes() {
    let mut scene = Scene::new(ORDINARY, "--lang en --theme light --patience 20");
    let _exchange = scene.begin(sign_in());
    scene.sees("This question will close in");
    scene.keep_picture("agent-warning-en-light");
    let is_there = |tool: &mut latchkey_tests::desktop::AssistiveTool| {
        Ok(tool.look(Wanted { application: AGENT, contains: Some("More time"), ..Wanted::default() })?.first().cloned())
    };
    wait_until("a way to more time", || is_there(&mut scene.tool)).unwrap();
}
