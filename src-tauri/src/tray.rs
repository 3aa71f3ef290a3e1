//! The program's place in the tray, where the holder wants one and the desktop has one. It is made of messages on the
//! session's bus alone: no library that may be missing, nothing that wakes up by itself.

use std::sync::Arc;

use ksni::menu::StandardItem;
use ksni::{Category, Handle, MenuItem, Status, ToolTip, TrayMethods};
use latchkey_client::app::App;
use latchkey_client::app::snapshot::Snapshot;
use latchkey_client::texts::{self, Language};
use tauri::{AppHandle, Manager};

/// Shows and hides it as the settings say, as long as the program runs.
pub(crate) async fn attend(handle: AppHandle) {
    let mut changes = handle.state::<App>().changes();
    let mut place: Option<Handle<Place>> = None;
    loop {
        let snapshot: Arc<Snapshot> = changes.borrow_and_update().clone();
        let language = Language::of_code(snapshot.language).unwrap_or(Language::English);
        match (&place, snapshot.settings.tray) {
            (None, true) => place = show(&handle, language).await,
            (Some(shown), true) => _ = shown.update(|place| place.language = language).await,
            (Some(shown), false) => {
                shown.shutdown().await;
                place = None;
            }
            (None, false) => {}
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// On a desktop without a tray there is no place; one that gets a tray later shows it then.
async fn show(handle: &AppHandle, language: Language) -> Option<Handle<Place>> {
    let place = Place { handle: handle.clone(), language };
    let shown = place.assume_sni_available(true).spawn().await;
    shown.inspect_err(|error| tracing::info!(%error, "there is no tray")).ok()
}

struct Place {
    handle: AppHandle,
    language: Language,
}

impl ksni::Tray for Place {
    fn id(&self) -> String {
        self.handle.config().identifier.clone()
    }

    fn title(&self) -> String {
        NAME.to_owned()
    }

    fn icon_name(&self) -> String {
        ICON.to_owned()
    }

    fn category(&self) -> Category {
        Category::ApplicationStatus
    }

    fn status(&self) -> Status {
        Status::Active
    }

    fn tool_tip(&self) -> ToolTip {
        ToolTip { title: NAME.to_owned(), ..ToolTip::default() }
    }

    fn activate(&mut self, _x: i32, _y: i32) {
        self.handle.state::<App>().show_window();
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        let texts = texts::texts(self.language);
        let item =
            |label, act: fn(&mut Self)| StandardItem { label, activate: Box::new(act), ..StandardItem::default() };
        vec![
            item(texts.say("tray-open"), |place| place.handle.state::<App>().show_window()).into(),
            item(texts.say("tray-quit"), |place| place.handle.exit(0)).into(),
        ]
    }
}

const NAME: &str = "Latchkey";
/// As the package installs it.
const ICON: &str = "latchkey";
