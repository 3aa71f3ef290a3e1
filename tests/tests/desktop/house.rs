//! A scene for a test: few at a time, and with what was seen and said kept when the test fails.

use std::fs;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use latchkey_fixtures::holders::{Holder, SAMPLE_TERMINAL};
use latchkey_tests::desktop::{Browser, Scene, SceneOrder, Window, managed_settings, screenshots};
use latchkey_tests::stage::holder;

/// The ordinary citizen.
pub(crate) const HANNA: &str = "hanna-vydumanaya";

/// A scene, and what to do when it goes wrong.
pub(crate) struct House {
    // Kept until the picture of a failure is taken.
    browsers: Vec<Rc<Browser>>,
    pub(crate) window: Shown,
    scene: Scene,
    _seat: Seat,
}

impl House {
    /// With the client's window.
    pub(crate) fn open(order: SceneOrder<'_>) -> Self {
        let mut house = Self::before_the_client(order);
        house.start_client(&[]);
        house
    }

    /// Without a client.
    pub(crate) fn before_the_client(order: SceneOrder<'_>) -> Self {
        let seat = Seat::take();
        Self { browsers: Vec::new(), window: Shown(None), scene: Scene::set(order).unwrap(), _seat: seat }
    }

    /// Has the administrator's settings say whose terminal the sample terminal is, for pages of that origin, and whose signed
    /// requests count.
    pub(crate) fn know_terminal(&self, title: &str, origin: &str) {
        let pki = |file: &str| self.set.path().join(file);
        let root = openssl::base64::encode_block(&fs::read(pki("cv/root.cert")).unwrap());
        let settings = format!(
            r#"[terminal]
roots = ["{root}"]
request_authorities = ["{authorities}"]
[[terminal.known]]
holder = "{SAMPLE_TERMINAL}"
title = "{title}"
origins = ["{origin}"]
"#,
            authorities = pki("pki/authorities.pem").display(),
        );
        managed_settings(&self.set, self.client_port(), &settings).unwrap();
    }

    pub(crate) fn start_client(&mut self, arguments: &[&str]) {
        self.window = Shown(Some(self.scene.window(arguments).unwrap()));
    }

    /// With the card of `id` in the first reader, and a browser at the portal's page.
    pub(crate) fn with_card(id: &str, order: SceneOrder<'_>) -> (Self, Rc<Browser>, Holder) {
        let mut house = Self::open(order);
        house.cards.insert(id, 1).unwrap();
        let browser = house.browser("a");
        (house, browser, holder(id).unwrap())
    }

    /// A browser with a profile of that name, at the portal's page.
    pub(crate) fn browser(&mut self, profile: &str) -> Rc<Browser> {
        let browser = Rc::new(self.scene.browser(profile).unwrap());
        self.browsers.push(Rc::clone(&browser));
        browser
    }
}

/// The client's window, as soon as there is one.
pub(crate) struct Shown(Option<Window>);

impl Deref for Shown {
    type Target = Window;

    fn deref(&self) -> &Window {
        self.0.as_ref().expect("the client was not started")
    }
}

impl Deref for House {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.scene
    }
}

impl DerefMut for House {
    fn deref_mut(&mut self) -> &mut Scene {
        &mut self.scene
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let name = thread::current().name().unwrap_or("test").replace("::", "-");
        let scene = &mut self.scene;
        let picture = scene.screen.keep_picture(&format!("failed-{name}"));
        let told = [
            format!("picture: {picture:?}"),
            format!("the window: {:?}", self.window.0.as_ref().map(|window| window.text())),
            format!("what assistive tools perceive:\n{}", scene.tool.tree().unwrap_or_default()),
            format!("the client:\n{}", self.window.0.as_mut().map(|window| window.log()).unwrap_or_default()),
            format!("the portal:\n{}", scene.portal.log()),
            format!("cards:\n{}", scene.cards.logs()),
        ];
        if let Ok(folder) = screenshots() {
            let _ = fs::write(folder.join(format!("failed-{name}.log")), told.join("\n\n"));
        }
    }
}

/// One of the few places for scenes that run at the same time: each is a browser, a window and a card service.
pub(crate) struct Seat;

static TAKEN: Mutex<usize> = Mutex::new(0);
static LEFT: Condvar = Condvar::new();

impl Seat {
    pub(crate) fn take() -> Self {
        let seats = thread::available_parallelism().map_or(1, usize::from).clamp(1, 4);
        let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = LEFT.wait_while(taken, |taken| *taken >= seats).unwrap_or_else(PoisonError::into_inner);
        *taken += 1;
        Self
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        LEFT.notify_one();
    }
}
