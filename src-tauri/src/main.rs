//! The window of Latchkey.

use tauri::WebviewWindowBuilder;

fn main() -> Result<(), tauri::Error> {
    tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|_app, _arguments, _directory| {}))
        .plugin(tauri_plugin_deep_link::init())
        .setup(|app| {
            for window in &app.config().app.windows {
                WebviewWindowBuilder::from_config(app, window)?.build()?;
            }
            Ok(())
        })
        .run(tauri::generate_context!())
}
