//! What the window's page can ask for: one command a method of `Backend` in `ui/src/backend.ts`. The page answers what
//! it is asked, by number; none of this takes an origin, a challenge, a hash, a path or a secret.

use std::sync::Arc;

use latchkey_client::app::App;
use latchkey_client::app::snapshot::{CardTaskName, SettingChange, Snapshot};
use tauri::ipc::Invoke;
use tauri::{AppHandle, State, Wry};

use crate::window;

pub(crate) fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        agree,
        keep,
        cancel_card,
        cancel_documents,
        card,
        change,
        choose_documents,
        choose_reader,
        choose_reader_for_documents,
        close_window,
        copy_report,
        delete_history,
        diagnose,
        end,
        end_guest,
        keep_open,
        more_time,
        place_documents,
        put_notice_away,
        refuse,
        remove_document,
        retry,
        show_signature,
        sign_documents,
        snapshot,
        start_guest,
    ]
}

#[tauri::command]
fn snapshot(app: State<'_, App>) -> Arc<Snapshot> {
    app.snapshot()
}

#[tauri::command]
fn agree(app: State<'_, App>, request: u64) {
    app.agree(request);
}

#[tauri::command]
fn keep(app: State<'_, App>, request: u64, place: usize, kept: bool) {
    app.keep(request, place, kept);
}

#[tauri::command]
fn refuse(app: State<'_, App>, request: u64) {
    app.refuse(request);
}

#[tauri::command]
fn keep_open(app: State<'_, App>) {
    app.keep_open();
}

#[tauri::command]
fn end(app: State<'_, App>, request: u64) {
    app.end(request);
}

#[tauri::command]
fn retry(app: State<'_, App>, request: u64) {
    app.retry(request);
}

#[tauri::command]
fn choose_reader(app: State<'_, App>, request: Option<u64>, reader: &str) {
    app.choose_reader(request, reader);
}

#[tauri::command]
fn more_time(app: State<'_, App>, request: u64) {
    app.more_time(request);
}

#[tauri::command]
fn card(app: State<'_, App>, task: CardTaskName) {
    app.card(task);
}

#[tauri::command]
fn cancel_card(app: State<'_, App>) {
    app.cancel_card();
}

#[tauri::command]
fn change(app: State<'_, App>, change: SettingChange) {
    app.change(change);
}

#[tauri::command]
fn put_notice_away(app: State<'_, App>) {
    app.put_notice_away();
}

#[tauri::command]
fn delete_history(app: State<'_, App>) {
    app.delete_history();
}

#[tauri::command]
fn diagnose(app: State<'_, App>, portal: Option<&str>) {
    app.diagnose(portal);
}

#[tauri::command]
fn start_guest(app: State<'_, App>, portal: &str) {
    app.start_guest(portal);
}

#[tauri::command]
fn end_guest(app: State<'_, App>) {
    app.end_guest();
}

#[tauri::command]
fn copy_report(handle: AppHandle, app: State<'_, App>) {
    if let Some(report) = &app.snapshot().doctor.report {
        window::copy(&handle, report);
    }
}

#[tauri::command]
fn close_window(handle: AppHandle) {
    window::close(&handle);
}

/// The page asks for the system's dialog and learns what was chosen from the snapshot alone: it names no file.
#[tauri::command]
fn choose_documents(handle: AppHandle) {
    window::choose_documents(&handle);
}

#[tauri::command]
fn remove_document(app: State<'_, App>, number: usize) {
    app.remove_document(number);
}

#[tauri::command]
fn place_documents(app: State<'_, App>, attached: bool) {
    app.place_documents(attached);
}

#[tauri::command]
fn sign_documents(app: State<'_, App>) {
    app.sign_documents();
}

#[tauri::command]
fn choose_reader_for_documents(app: State<'_, App>, reader: &str) {
    app.choose_reader_for_documents(reader);
}

#[tauri::command]
fn cancel_documents(app: State<'_, App>) {
    app.cancel_documents();
}

#[tauri::command]
fn show_signature(handle: AppHandle, app: State<'_, App>, number: usize) {
    if let Some(folder) = app.folder_of_signature(number) {
        window::show_folder(&handle, folder);
    }
}
