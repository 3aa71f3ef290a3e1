//! What others find in the card after us, and we after others: opensc-tool, which nobody of ours wrote, at the same real
//! card service.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use latchkey_fixtures::holders::Holder;
use latchkey_tests::stage::{Cards, Portal, SERVICE, SampleSet, give_secrets, holder, pin_state};

const ORDINARY: &str = "hanna-vydumanaya";
const SUSPENDED: &str = "alena-prypynenaya";

/// What a client is asked for, and how that ends.
struct Row {
    name: &'static str,
    holder: &'static str,
    arguments: &'static [&'static str],
    secrets: fn(&Holder) -> Vec<&'static str>,
    /// What goes wrong, as a profile writes it, and at which exchange.
    fault: Option<(&'static str, u32)>,
    /// The code, or nothing if it goes well.
    code: Option<&'static str>,
    /// What is left of the PIN.
    pin: &'static str,
}

const SIGN_IN: &[&str] = &["sign-in"];

const fn sign_in(name: &'static str, fault: (&'static str, u32), code: Option<&'static str>) -> Row {
    let secrets: fn(&Holder) -> Vec<&'static str> = |holder| vec![holder.pin];
    Row { name, holder: ORDINARY, arguments: SIGN_IN, secrets, fault: Some(fault), code, pin: "pin3" }
}

/// The seventh exchange is the channel's first, the twelfth in the middle of the certificate, the last the signature.
const ROWS: &[Row] = &[
    Row { fault: None, ..sign_in("a sign-in", ("", 0), None) },
    Row { fault: None, secrets: |_| vec!["999999"], pin: "pin2", ..sign_in("a wrong PIN", ("", 0), Some("pin-wrong")) },
    Row {
        fault: None,
        holder: SUSPENDED,
        arguments: &["sign-in", "--allow-last-try"],
        secrets: |holder| vec![holder.can, holder.pin],
        ..sign_in("the last try", ("", 0), None)
    },
    Row { fault: None, arguments: &["pin", "status"], secrets: |_| Vec::new(), ..sign_in("the status", ("", 0), None) },
    Row { fault: None, arguments: &["card", "--pin"], ..sign_in("the certificates", ("", 0), None) },
    Row {
        fault: None,
        arguments: &["pin", "change"],
        secrets: |holder| vec![holder.pin, holder.pin],
        ..sign_in("a change of the PIN", ("", 0), None)
    },
    Row {
        fault: None,
        holder: "kastus-zablakavany",
        arguments: &["pin", "unblock"],
        secrets: |holder| vec![holder.puk],
        ..sign_in("unblocking", ("", 0), None)
    },
    sign_in("pulled at the start", (r#"{ pull = "before" }"#, 1), Some("card-removed")),
    sign_in("pulled with M3", (r#"{ pull = "after" }"#, 6), Some("card-removed")),
    sign_in("pulled in the channel", (r#"{ pull = "before" }"#, 12), Some("card-removed")),
    sign_in("pulled while it signs", (r#"{ pull = "after" }"#, 16), Some("card-removed")),
    sign_in("swapped", (r#"{ swap = "yan-bezbatskovich" }"#, 12), Some("card-removed")),
    sign_in("late", ("{ delay = 1500 }", 12), None),
    sign_in("a wrong status before the channel", (r#"{ status = "6F00" }"#, 4), Some("card-refused")),
    sign_in("a wrong status in it", (r#"{ status = "6F00" }"#, 12), Some("card-refused")),
    sign_in("cut", ("{ cut = 1 }", 12), Some("card-protocol")),
    sign_in("cut to one octet", ("{ keep = 1 }", 12), Some("card-malformed-response")),
    sign_in("altered", ("{ alter = 4 }", 12), Some("card-protocol")),
    sign_in("repeated", (r#""replay""#, 12), Some("card-protocol")),
    sign_in("a stale counter", (r#""stale-counter""#, 12), Some("card-protocol")),
    sign_in("plain in the channel", (r#"{ plain = "9000" }"#, 12), Some("card-closed-channel")),
    // Nobody tells, so the card is seen to have closed its channel.
    sign_in("reset in the channel", (r#""reset""#, 12), Some("card-closed-channel")),
    Row {
        arguments: &["pin", "status"],
        secrets: |_| Vec::new(),
        ..sign_in("no status", (r#"{ status = "6F00" }"#, 2), Some("unknown-card"))
    },
];

/// How many card services there are at a time.
const AT_A_TIME: usize = 4;

struct Stage {
    set: SampleSet,
    cards: Cards,
    portal: Portal,
}

impl Stage {
    fn set() -> Self {
        let set = SampleSet::write().unwrap();
        let (cards, portal) = (Cards::start(&set, 1).unwrap(), Portal::start(&set).unwrap());
        Self { set, cards, portal }
    }

    fn client(&self, arguments: &[&str], secrets: &[&str]) -> Command {
        let mut client = self.cards.client().unwrap();
        client.args(["--lang", "en"]);
        match arguments {
            ["sign-in", rest @ ..] => {
                client.args(["sign-in", &self.portal.address(), "--yes"]).args(rest);
                client.arg("--ca-file").arg(self.set.tls_authority());
            }
            others => drop(client.args(others)),
        }
        if !secrets.is_empty() {
            give_secrets(&mut client, secrets).unwrap();
        }
        client.arg("--json");
        client
    }

    /// The row's session, opensc-tool after it, and a sign-in with the card inserted anew.
    fn test(&mut self, row: &Row) {
        let name = row.name;
        match row.fault {
            None => self.cards.insert(row.holder, 1).unwrap(),
            Some(fault) => {
                let profile = write_profile(self.set.path(), fault);
                self.cards.insert_with_faults(row.holder, 1, &profile).unwrap();
            }
        }
        let output = self.client(row.arguments, &(row.secrets)(&holder(row.holder).unwrap())).output().unwrap();
        assert_eq!(output.status.success(), row.code.is_none(), "{name}: {}", said(&output));
        assert!(
            row.code.is_none_or(|code| said(&output).contains(&format!("\"code\":\"{code}\""))),
            "{name}: {}",
            said(&output)
        );
        assert_eq!(pin_state(&self.set, row.holder).unwrap(), row.pin, "{name}");

        if row.fault.is_some_and(|(what, _)| what.contains("swap")) {
            self.cards.wait_for_swap().unwrap();
        }
        if self.cards.has_card(1).unwrap() {
            let selected = select_master_file(&self.cards.service().socket());
            assert!(said(&selected).contains("(SW1=0x90, SW2=0x00)"), "{name}: {}", said(&selected));
            self.cards.remove(1).unwrap();
        } else {
            self.cards.wait_for_removal().unwrap();
        }
        self.cards.insert(row.holder, 1).unwrap();
        let again = self.client(SIGN_IN, &[holder(row.holder).unwrap().pin]).output().unwrap();
        assert!(again.status.success(), "{name}, inserted anew: {}", said(&again));
        self.cards.remove(1).unwrap();
    }
}

/// What opensc-tool at this card service gets for an answer.
fn select_master_file(service: &Path) -> Output {
    let mut opensc = Command::new("opensc-tool");
    opensc.env(SERVICE, service).args(["-r", "0", "-c", "default", "-s", "00:A4:00:00"]).output().unwrap()
}

fn said(output: &Output) -> String {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    format!("{}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr))
}

fn write_profile(folder: &Path, (what, at): (&str, u32)) -> std::path::PathBuf {
    let path = folder.join("faults.toml");
    std::fs::write(&path, format!("[[fault]]\nname = \"of this row\"\nat = {at}\nwhat = {what}\n")).unwrap();
    path
}

#[test]
fn after_every_session_opensc_tool_selects_the_master_file_in_plain() {
    // Most of a row is waiting.
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                let mut stage = Stage::set();
                while let Some(row) = ROWS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    stage.test(row);
                }
            });
        }
    });
}

#[test]
fn opensc_tool_in_a_loop_neither_breaks_a_sign_in_nor_costs_a_try() {
    let mut stage = Stage::set();
    stage.cards.insert(ORDINARY, 1).unwrap();
    let (is_over, selected) = (AtomicBool::new(false), AtomicUsize::new(0));
    let service = stage.cards.service().socket();
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let output = select_master_file(&service);
                assert!(said(&output).contains("(SW1=0x90, SW2=0x00)"), "{}", said(&output));
                selected.fetch_add(1, Ordering::Relaxed);
            }
        });
        let sign_ins: Vec<_> =
            (0..8).map(|_| stage.client(SIGN_IN, &[holder(ORDINARY).unwrap().pin]).output().unwrap()).collect();
        is_over.store(true, Ordering::Relaxed);
        for output in sign_ins {
            assert!(output.status.success(), "{}", said(&output));
        }
    });
    assert!(selected.into_inner() >= 8, "opensc-tool hardly ran");
    assert_eq!(pin_state(&stage.set, ORDINARY).unwrap(), "pin3");
}
