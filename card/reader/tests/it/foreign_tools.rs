//! Programs that nobody of ours wrote see the same readers and cards, and share them with us: pcsc_scan (Debian package
//! pcsc-tools) and opensc-tool (opensc), with the virtual ID card.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;

use latchkey_card::apdu::Header;
use latchkey_card::{CardChannel, StatusWord};
use latchkey_fixtures::card_image::{CardImage, CardName, Passwords};
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::store::InProcess;
use latchkey_fixtures::vcard::VirtualCard;
use latchkey_fixtures::vpcd::InsertedCard;
use latchkey_reader::{CardReaders, ReaderError};
use rustix::process::{Pid, Signal, kill_process};

use crate::service::{PATIENCE, World, service_test};

fn insert_id_card(port: u16) -> InsertedCard {
    let passwords = Passwords::parse("123456", "654321", "1234567890").unwrap();
    let image = CardImage::blank(CardName::parse("sample").unwrap(), "IDCBY-000000000001", passwords);
    let card = VirtualCard::new(image, Box::new(InProcess::default()), Box::new(Seeded::new("foreign tools"))).unwrap();
    InsertedCard::insert(card, SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap()
}

/// What a program prints. It inherits the variable by which it finds the service.
fn run(program: &str, arguments: &[&str]) -> String {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let process = Pid::from_child(&child);
    let (ended, end) = channel();
    std::thread::spawn(move || ended.send(child.wait_with_output().unwrap()));
    let Output { status, stdout, stderr } = end.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        kill_process(process, Signal::KILL).ok();
        panic!("{program} {arguments:?} does not end");
    });
    let printed = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{program} {arguments:?}: {status}\n{printed}");
    printed
}

service_test! {
    fn pcsc_scan_sees_our_readers_and_cards(socket) {
        let world = World::new(socket);
        let card = insert_id_card(world.port(1));
        world.expect_card(1);

        let printed = run("pcsc_scan", &["-n", "-c"]);
        let (empty, full) = printed.split_once(&world.name(1).to_string()).unwrap();
        assert!(empty.contains(&world.name(0).to_string()) && empty.contains("Card removed"), "{printed}");
        let atr: Vec<_> = card.with_card(|card| card.atr().iter().map(|octet| format!("{octet:02X}")).collect());
        assert!(full.contains("Card inserted") && full.contains(&atr.join(" ")), "{printed}");
    }
}

service_test! {
    fn opensc_tool_talks_to_the_id_card(socket) {
        let world = World::new(socket);
        let _card = insert_id_card(world.port(0));
        world.expect_card(0);

        // SELECT MF; READ BINARY without a channel; an instruction that the card does not know.
        for (sent, received) in [
            ("00:A4:00:00", "Received (SW1=0x90, SW2=0x00)"),
            ("00:B0:00:00:00", "Received (SW1=0x69, SW2=0x82)"),
            ("00:FE:00:00:00", "Received (SW1=0x6D, SW2=0x00)"),
        ] {
            let printed = run("opensc-tool", &["-r", "0", "-c", "default", "-s", sent]);
            assert!(printed.contains(received), "{sent}: {printed}");
        }
    }
}

service_test! {
    fn opensc_tool_and_we_share_the_card(socket) {
        let world = World::new(socket);
        let _card = insert_id_card(world.port(0));
        let insertion = world.expect_card(0);
        let mut connection = world.readers.connect(&world.name(0), insertion).unwrap();
        let select = latchkey_card::Command::new(Header::new(0, 0xA4, 0, 0));
        let mut transaction = connection.begin().unwrap();
        assert_eq!(transaction.transmit(&select).unwrap().status(), StatusWord::SUCCESS);
        transaction.leave().unwrap();

        run("opensc-tool", &["-r", "0", "-c", "default", "--reset=cold"]);
        assert_eq!(connection.begin().err(), Some(ReaderError::CardReset));
        let mut transaction = connection.begin().unwrap();
        assert_eq!(transaction.transmit(&select).unwrap().status(), StatusWord::SUCCESS);
        transaction.reset().unwrap();
    }
}
