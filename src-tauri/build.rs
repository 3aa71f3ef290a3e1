//! Embeds the window's pages and the program's description.

fn main() {
    tauri_build::build();
}
