//! Embeds the window's pages and the program's description. A command that is not named here, and allowed in
//! `capabilities/main.json`, cannot be called.

const COMMANDS: &[&str] = &[
    "agree",
    "cancel_card",
    "cancel_documents",
    "card",
    "change",
    "choose_documents",
    "choose_reader",
    "choose_reader_for_documents",
    "close_window",
    "copy_report",
    "delete_history",
    "diagnose",
    "end",
    "end_guest",
    "keep",
    "keep_open",
    "more_time",
    "place_documents",
    "put_notice_away",
    "refuse",
    "remove_document",
    "retry",
    "show_signature",
    "sign_documents",
    "snapshot",
    "start_guest",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    Ok(tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))?)
}
