//! The window: made when it is wanted, gone when it is not. A program without a window needs a sixth of the memory.

use std::path::PathBuf;

use gtk::prelude::*;
use latchkey_client::app::App;
use latchkey_client::app::snapshot::Snapshot;
use latchkey_client::settings::Places;
use tauri::webview::NewWindowResponse;
use tauri::{
    AppHandle, DragDropEvent, Emitter, Manager, UserAttentionType, WebviewWindow, WebviewWindowBuilder, WindowEvent,
};
use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt, WebViewExt};

use crate::guard::guard;

const LABEL: &str = "main";
/// What a page hears when what it shows has changed.
const CHANGED: &str = "changed";

/// Hands changes on to the page, and makes and closes the window as the program wishes, as long as it runs.
pub(crate) async fn attend(handle: AppHandle) {
    let app = handle.state::<App>();
    let (mut changes, mut wishes) = (app.changes(), app.wishes());
    let mut wish = *wishes.borrow_and_update();
    if wish.shown > 0 {
        on_main_thread(&handle, show);
    }
    loop {
        tokio::select! {
            Ok(()) = changes.changed() => tell(&handle, &changes.borrow_and_update().clone()),
            Ok(()) = wishes.changed() => {
                let now = *wishes.borrow_and_update();
                if now.gone != wish.gone {
                    on_main_thread(&handle, close);
                }
                if now.shown != wish.shown {
                    on_main_thread(&handle, show);
                }
                wish = now;
            }
            else => return,
        }
    }
}

/// Closes the window if there is one.
pub(crate) fn close(handle: &AppHandle) {
    if let Some(window) = handle.get_webview_window(LABEL)
        && let Err(error) = window.destroy()
    {
        tracing::warn!(%error, "the window cannot be closed");
    }
}

/// Puts a text into the clipboard.
pub(crate) fn copy(handle: &AppHandle, text: &str) {
    let text = text.to_owned();
    on_main_thread(handle, move |_| gtk::Clipboard::get(&gtk::gdk::SELECTION_CLIPBOARD).set_text(&text));
}

/// Lets the holder choose documents in the system's dialog.
pub(crate) fn choose_documents(handle: &AppHandle) {
    on_main_thread(handle, |handle| {
        let Some(window) = handle.get_webview_window(LABEL).and_then(|window| window.gtk_window().ok()) else { return };
        let dialog = gtk::FileChooserNative::new(None, Some(&window), gtk::FileChooserAction::Open, None, None);
        dialog.set_modal(true);
        dialog.set_select_multiple(true);
        if dialog.run() == gtk::ResponseType::Accept {
            handle.state::<App>().add_documents(dialog.filenames());
        }
    });
}

/// Shows a folder in the program that the system has for folders.
pub(crate) fn show_folder(handle: &AppHandle, folder: PathBuf) {
    on_main_thread(handle, move |_| {
        let address = gtk::gio::File::for_path(folder).uri();
        if let Err(error) = gtk::gio::AppInfo::launch_default_for_uri(&address, None::<&gtk::gio::AppLaunchContext>) {
            tracing::warn!(%error, "the folder cannot be shown");
        }
    });
}

pub(crate) fn on_main_thread(handle: &AppHandle, work: impl FnOnce(&AppHandle) + Send + 'static) {
    let owned = handle.clone();
    if let Err(error) = handle.run_on_main_thread(move || work(&owned)) {
        tracing::debug!(%error, "the program is ending");
    }
}

fn tell(handle: &AppHandle, snapshot: &Snapshot) {
    if handle.get_webview_window(LABEL).is_some()
        && let Err(error) = handle.emit_to(LABEL, CHANGED, snapshot)
    {
        tracing::warn!(%error, "the page could not be told of a change");
    }
}

fn show(handle: &AppHandle) {
    let window = match handle.get_webview_window(LABEL) {
        Some(window) => Ok(window),
        None => make(handle),
    };
    if let Err(error) = window.and_then(|window| bring_to_front(&window)) {
        tracing::error!(%error, "the window cannot be shown");
    }
}

/// Where the system lets no program push itself to the front, it marks the window as one that wants attention.
fn bring_to_front(window: &WebviewWindow) -> tauri::Result<()> {
    window.unminimize()?;
    window.show()?;
    window.set_focus()?;
    if !window.is_focused()? {
        window.request_user_attention(Some(UserAttentionType::Critical))?;
    }
    Ok(())
}

fn make(handle: &AppHandle) -> tauri::Result<WebviewWindow> {
    let config = handle.config().app.windows.iter().find(|window| window.label == LABEL);
    let config = config.ok_or(tauri::Error::WindowNotFound)?;
    let builder = WebviewWindowBuilder::from_config(handle, config)?;
    // What a page leaves ends with the person's session. A private view would forget it with its window, but the windows
    // after the first would not know our pages' address: it is for those alone who have no folder.
    let builder = match Places::of_this_process() {
        Some(places) => builder.data_directory(places.runtime_folder().join("pages")),
        None => builder.incognito(true),
    };
    let window = builder
        .on_navigation(is_our_own)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false)
        .build()?;
    guard(&window.gtk_window()?);
    window.with_webview(|webview| harden(&webview.inner()))?;
    let owned = handle.clone();
    window.on_window_event(move |event| {
        match event {
            WindowEvent::Destroyed => owned.state::<App>().window_closed(),
            // Files go to the program; the web view gets neither them nor their contents.
            WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }) => {
                owned.state::<App>().add_documents(paths.clone())
            }
            _ => {}
        }
    });
    handle.state::<App>().window_opened();
    Ok(window)
}

/// The built-in pages, and nothing else. Windows' web view has them under another address.
fn is_our_own(address: &tauri::Url) -> bool {
    let place = if cfg!(windows) { ("http", Some("tauri.localhost")) } else { ("tauri", Some("localhost")) };
    (address.scheme(), address.host_str()) == place
}

/// What the pages do not need, they do not have.
fn harden(view: &webkit2gtk::WebView) {
    guard(view);
    // A keyboard on the screen hands its digits over past the key events that the guard sees.
    view.set_input_method_context(None::<&webkit2gtk::InputMethodContext>);
    // No menu of the web view's own, with which pages are reloaded or inspected.
    view.connect_context_menu(|_, _, _, _| true);
    if let Some(settings) = WebViewExt::settings(view) {
        settings.set_enable_developer_extras(false);
        settings.set_enable_html5_database(false);
        settings.set_enable_html5_local_storage(false);
        settings.set_enable_media(false);
        settings.set_enable_webaudio(false);
        settings.set_enable_webgl(false);
        settings.set_enable_page_cache(false);
        settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
    }
}
