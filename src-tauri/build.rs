//! Embeds the window's pages and the program's description. A command that is not named here, and allowed in
//! `capabilities/main.json`, cannot be called.

const COMMANDS: &[&str] = &[
    "agree",
    "cancel_card",
    "card",
    "change",
    "choose_reader",
    "close_window",
    "copy_report",
    "delete_history",
    "diagnose",
    "end",
    "end_guest",
    "keep_open",
    "more_time",
    "put_notice_away",
    "refuse",
    "retry",
    "snapshot",
    "start_guest",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    Ok(tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))?)
}
