//! The demos of terminal mode and of tickets in Chromium and the window, as ./dev starts them, without a person.

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

#[test]
fn a_shop_lets_the_holder_in_until_he_takes_that_back_in_the_cabinet() {
    let _seat = Seat::take();
    for arguments in [&["--lang", "be"][..], &["--lang", "ru", "--cluster"]] {
        let mut demo = Command::new(program("latchkey-demo").unwrap());
        let output = demo.args(["--ticket", "--browser", "--yes"]).args(arguments).output().unwrap();
        let said = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{said}");
        assert!(said.contains("The shop lets the person in: hanna-vydumanaya, urn:latchkey:acr:high"), "{said}");
        assert!(said.contains("The holder takes it back"), "{said}");
    }
}
