//! The register's stand-in: which documents are lost.

use std::path::{Path, PathBuf};

use latchkey_portal::configuration::{Configuration, Located};
use latchkey_portal::files::Renewal;
use latchkey_portal::terminal::{DocumentRegister, DocumentStatus};

/// The key `terminal.documents` of a configuration in that directory.
fn located(directory: &Path) -> Located<PathBuf> {
    let text = super::credentials::configured();
    Configuration::parse(&text, directory).unwrap().terminal.unwrap().documents.unwrap()
}

fn write(directory: &Path, text: &str) {
    std::fs::create_dir_all(directory.join("terminal")).unwrap();
    std::fs::write(directory.join("terminal/documents.txt"), text).unwrap();
}

#[test]
fn unknown_is_a_status_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "# the register's extract\n\nBY0000001 valid\n  BY0000008\tlost\n590082394654 valid\n");
    let register = DocumentRegister::load(Some(located(directory.path()))).unwrap();
    let rows: [(&[&str], DocumentStatus); 7] = [
        (&["BY0000001"], DocumentStatus::Valid),
        (&["BY0000008"], DocumentStatus::Lost),
        (&["BY0000002"], DocumentStatus::Unknown),
        (&[], DocumentStatus::Unknown),
        (&["590082394654", "BY0000002"], DocumentStatus::Valid),
        (&["590082394654", "BY0000008"], DocumentStatus::Lost),
        (&["by0000001"], DocumentStatus::Unknown),
    ];
    for (numbers, status) in rows {
        assert_eq!(register.status(numbers), status, "{numbers:?}");
    }
    assert_eq!(DocumentRegister::load(None).unwrap().status(&["BY0000001"]), DocumentStatus::Unknown);
}

#[test]
fn a_changed_register_is_taken_and_a_faulty_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "BY0000001 valid\n");
    let register = DocumentRegister::load(Some(located(directory.path()))).unwrap();
    assert_eq!(register.renew(), Ok(Renewal::Unchanged));
    write(directory.path(), "BY0000001 lost\nBY0000002 valid\n");
    assert_eq!(register.renew(), Ok(Renewal::Taken));
    assert_eq!(register.status(&["BY0000001"]), DocumentStatus::Lost);
    let rows = [
        ("BY0000001 gone\n", "line 1: must be a number and `valid` or `lost`"),
        ("BY0000001 valid\nBY0000001 valid\n", "line 2: the document is listed twice"),
        ("BY0000001\n", "line 1: must be"),
        ("BY0000001 valid today\n", "line 1: must be"),
        ("BY-0000001 valid\n", "line 1: must be"),
    ];
    for (text, expected) in rows {
        write(directory.path(), text);
        let fault = register.renew().unwrap_err().to_string();
        assert!(fault.contains("`terminal.documents`") && fault.contains(expected), "{fault}");
        assert_eq!(register.status(&["BY0000001"]), DocumentStatus::Lost, "the former statuses stay");
    }
    std::fs::remove_file(directory.path().join("terminal/documents.txt")).unwrap();
    assert!(register.renew().is_err());
    assert_eq!(register.status(&["BY0000001"]), DocumentStatus::Lost);
}
