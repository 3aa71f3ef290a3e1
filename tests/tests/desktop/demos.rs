//! The demos of terminal mode in Chromium and the window, as ./dev starts them, without a person.

use std::process::Command;

use latchkey_tests::process::program;

use crate::house::Seat;

#[test]
fn a_terminal_reads_cards_of_both_models_for_a_page() {
    let _seat = Seat::take();
    for (profile, id) in [("stb", "4010190A000PB0"), ("kta", "3131289A000PB0")] {
        let mut demo = Command::new(program("latchkey-demo").unwrap());
        let output = demo.args(["--terminal", "--browser", "--yes", "--profile", profile]).output().unwrap();
        let said = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{profile}: {said}");
        assert!(said.contains(id), "{profile}: {said}");
    }
}
