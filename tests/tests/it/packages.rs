//! The packages: what is in them, and that they install, work and go without a trace.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use latchkey_fixtures::holders::Holder;
use latchkey_tests::desktop::{AgentWindow, AssistiveTool, Screen, Wanted, managed_settings, wait_until};
use latchkey_tests::installed::{Installed, Packages};
use latchkey_tests::process::Process;
use latchkey_tests::stage::{Cards, Portal, SampleSet, free_port, give_secrets, holder};

static PACKAGES: LazyLock<Packages> = LazyLock::new(|| Packages::make().unwrap());

const LANGUAGES: [&str; 3] = ["", "be/", "ru/"];
const PROGRAMS: [&str; 3] = ["latchkey", "latchkey-agent", "latchkey-desktop"];

/// Every file that is installed.
fn expected() -> BTreeSet<String> {
    let mut files: BTreeSet<String> = [
        "/usr/share/applications/org.latchkey.Latchkey.desktop",
        "/usr/share/bash-completion/completions/latchkey",
        "/usr/share/doc/latchkey/changelog.gz",
        "/usr/share/doc/latchkey/copyright",
        "/usr/share/doc/latchkey/third-party-licences.gz",
        "/usr/share/fish/vendor_completions.d/latchkey.fish",
        "/usr/share/icons/hicolor/scalable/apps/latchkey.svg",
        "/usr/share/metainfo/org.latchkey.Latchkey.metainfo.xml",
        "/usr/share/zsh/vendor-completions/_latchkey",
    ]
    .map(str::to_owned)
    .into();
    for size in [16, 24, 32, 48, 64, 128, 256, 512] {
        files.insert(format!("/usr/share/icons/hicolor/{size}x{size}/apps/latchkey.png"));
    }
    for program in PROGRAMS {
        files.insert(format!("/usr/bin/{program}"));
        files.extend(LANGUAGES.map(|language| format!("/usr/share/man/{language}man1/{program}.1.gz")));
    }
    files
}

fn ask(program: &str, arguments: &[&str], file: &Path) -> String {
    let output = Command::new(program).args(arguments).arg(file).env("LC_ALL", "C.UTF-8").output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {out}{}", String::from_utf8_lossy(&output.stderr));
    out
}

/// Mode, owner and path of each file and folder, as `ls` would write them.
fn listed(listing: &str, owner: impl Fn(&[&str]) -> String) -> Vec<(String, String, String)> {
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words[0].to_owned(), owner(&words), words.last().unwrap().trim_start_matches('.').to_owned())
    };
    listing.lines().map(row).collect()
}

#[test]
fn both_packages_hold_the_same_files_owned_by_root_and_writable_by_nobody_else() {
    let debian = ask("dpkg-deb", &["--contents"], &PACKAGES.debian().unwrap());
    let debian = listed(&debian, |words| words[1].to_owned());
    let rpm = ask("rpm", &["--query", "--package", "--list", "--verbose"], &PACKAGES.rpm().unwrap());
    let rpm = listed(&rpm, |words| format!("{}/{}", words[2], words[3]));
    for (package, rows) in [("deb", debian), ("rpm", rpm)] {
        let mut files = BTreeSet::new();
        for (mode, owner, path) in rows {
            assert_eq!(owner, "root/root", "{package}: {path}");
            let expected = match &*path {
                _ if mode.starts_with('d') => "drwxr-xr-x",
                path if path.starts_with("/usr/bin/") => "-rwxr-xr-x",
                _ => "-rw-r--r--",
            };
            assert_eq!(mode, expected, "{package}: {path}");
            if mode.starts_with('-') {
                files.insert(path);
            }
        }
        assert_eq!(files, expected(), "{package}");
    }
}

#[test]
fn the_packages_ask_for_the_card_service_and_every_library() {
    let debian = ask("dpkg-deb", &["--field"], &PACKAGES.debian().unwrap());
    for name in ["pcscd", "xdg-utils", "libpcsclite1", "libwebkit2gtk-4.1-0", "libgtk-3-0", "libssl3", "libc6"] {
        assert!(debian.contains(name), "{name}: {debian}");
    }
    let rpm = ask("rpm", &["--query", "--package", "--requires"], &PACKAGES.rpm().unwrap());
    for name in ["pcsc-lite", "xdg-utils", "libpcsclite.so.1", "libwebkit2gtk-4.1.so.0", "libssl.so.3"] {
        assert!(rpm.contains(name), "{name}: {rpm}");
    }
}

#[test]
fn no_package_runs_anything_when_it_is_installed_or_removed() {
    let control = tempfile::tempdir().unwrap();
    let extracted =
        Command::new("dpkg-deb").arg("--control").arg(PACKAGES.debian().unwrap()).arg(control.path()).status();
    assert!(extracted.unwrap().success());
    let names: BTreeSet<_> = std::fs::read_dir(control.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, ["control", "md5sums"].map(str::to_owned).into());
    assert_eq!(ask("rpm", &["--query", "--package", "--scripts"], &PACKAGES.rpm().unwrap()), "");
}

#[test]
fn the_same_programs_give_the_same_package() {
    let again = Packages::make().unwrap();
    assert!(std::fs::read(again.debian().unwrap()).unwrap() == std::fs::read(PACKAGES.debian().unwrap()).unwrap());
}

#[test]
fn debians_own_checks_find_nothing() {
    // The address of the maintainer is nobody's until there is a release.
    let found = ask(
        "lintian",
        &["--fail-on", "none", "--suppress-tags", "bogus-mail-host,bogus-mail-host-in-debian-changelog"],
        &PACKAGES.debian().unwrap(),
    );
    assert_eq!(found, "");
}

#[test]
fn desktops_and_shops_understand_the_descriptions() {
    let data = crate::sources::root().join("packages/data");
    ask("desktop-file-validate", &[], &data.join("org.latchkey.Latchkey.desktop"));
    ask("appstreamcli", &["validate", "--no-net"], &data.join("org.latchkey.Latchkey.metainfo.xml"));
    let entry = std::fs::read_to_string(data.join("org.latchkey.Latchkey.desktop")).unwrap();
    for line in ["Exec=latchkey-desktop %u", "MimeType=x-scheme-handler/latchkey;", "Icon=latchkey"] {
        assert!(entry.lines().any(|own| own == line), "{line}");
    }
    for key in ["GenericName", "Comment", "Keywords"] {
        for language in ["", "[be]", "[ru]"] {
            assert!(entry.contains(&format!("\n{key}{language}=")), "{key}{language}");
        }
    }
}

#[test]
fn the_installed_package_signs_in_and_leaves_no_trace() {
    let package = PACKAGES.debian().unwrap();
    let installed = Installed::install(&package).unwrap();
    for file in expected() {
        installed.run(installed.command("test").arg("-s").arg(installed.path(file.trim_start_matches('/')))).unwrap();
    }
    for program in PROGRAMS {
        let path = installed.path("usr/bin").join(program);
        let libraries = installed.run(installed.command("ldd").arg(path)).unwrap();
        assert!(!libraries.contains("not found"), "{libraries}");
    }
    if installed.is_by_dpkg() {
        let verified = installed.run(installed.command("dpkg").args(["--verify", "latchkey"])).unwrap();
        assert_eq!(verified, "");
        let mime = std::env::temp_dir();
        let handler = installed.command("gio").args(["mime", "x-scheme-handler/latchkey"]).env("HOME", mime).output();
        let handler = String::from_utf8(handler.unwrap().stdout).unwrap();
        assert!(handler.contains("org.latchkey.Latchkey.desktop"), "{handler}");
    }
    let set = SampleSet::write().unwrap();
    let mut cards = Cards::start(&set, 1).unwrap();
    let holder = holder("hanna-vydumanaya").unwrap();
    cards.insert(holder.id, 1).unwrap();
    sign_in_with_the_command_line(&installed, &set, &cards, &holder);
    sign_in_with_the_window(&installed, &set, &cards, &holder);
    let left = installed.remove().unwrap();
    assert!(left.is_empty(), "{left:#?}");
}

fn sign_in_with_the_command_line(installed: &Installed, set: &SampleSet, cards: &Cards, holder: &Holder) {
    let portal = Portal::start(set).unwrap();
    let mut client = cards.with_readers(installed.command("latchkey"));
    client
        .args(["--lang", "en", "sign-in", &portal.address(), "--yes", "--json", "--ca-file"])
        .arg(set.tls_authority());
    give_secrets(&mut client, &[holder.pin]).unwrap();
    let said = installed.run(&mut client).unwrap();
    assert!(said.contains(r#""result":"accepted""#), "{said}");
}

/// A page asks the installed program, its window asks the holder, its agent asks for the PIN.
fn sign_in_with_the_window(installed: &Installed, set: &SampleSet, cards: &Cards, holder: &Holder) {
    let screen = Screen::virtual_one().unwrap();
    let mut tool = AssistiveTool::start(&screen).unwrap();
    let port = free_port().unwrap();
    let managed = managed_settings(set, port, "").unwrap();
    let mut command = cards.with_readers(installed.command_on(&screen, "latchkey-desktop"));
    command.args(["--background", "--lang", "en", "--managed"]).arg(managed);
    let window = Process::start("latchkey-desktop", &mut command).unwrap();
    // Twice: the window goes after a sign-in, and another one comes. What the site gets was agreed to then.
    for number in 1..=2 {
        let page = std::thread::spawn(move || ask_as_a_page(port, number));
        if number == 1 {
            let agree = Wanted { name: Some("Agree and sign in"), states: &["enabled"], ..Wanted::default() };
            tool.wait_and_press(agree).unwrap();
        }
        let heading = Wanted { role: Some("heading"), name: Some("Enter your PIN"), ..Wanted::default() };
        tool.wait_for(heading).unwrap();
        let mut agent = AgentWindow::wait(&mut tool).unwrap();
        agent.enter("PIN of your card", holder.pin).unwrap();
        agent.press("Sign in").unwrap();
        let answer = page.join().unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"assertion\""), "{answer}");
        let frame = Wanted { application: Some("latchkey-desktop"), role: Some("frame"), ..Wanted::default() };
        tool.wait_until_gone(frame).unwrap();
    }
    drop(tool);
    window.stop().unwrap();
    assert!(screen.processes("latchkey").is_empty(), "{:?}", screen.processes("latchkey"));
}

/// What the local service answers to a page that asks for a sign-in, as soon as it listens.
fn ask_as_a_page(port: u16, number: u32) -> String {
    let mut connection = wait_until("the service", || Ok(TcpStream::connect(("127.0.0.1", port)).ok())).unwrap();
    let body = format!(r#"{{"requestId":"00000000-0000-4000-8000-{number:012}","challenge":"{}"}}"#, "A".repeat(64));
    write!(
        connection,
        "POST /latchkey/v1/sign-in HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://portal.example\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}
