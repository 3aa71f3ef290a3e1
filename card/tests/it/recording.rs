//! Recordings: a flow with a virtual card, kept without anything personal or secret, and replayed octet by octet.

use std::sync::{Arc, Mutex};

use latchkey_card::dialogue::{CardModel, DialogueError, PinStatus, Selected, recognise};
use latchkey_card::key::KeyId;
use latchkey_card::password::{Can, Password, Pin, Puk};
use latchkey_card::profile::Profile;
use latchkey_card::record::Recording;
use latchkey_card::rights::Authority;
use latchkey_card::{CardChannel, ChannelError, Command, Response, StatusWord};
use latchkey_fixtures::card_image::{CardImage, Passwords};
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::scripted::ScriptedChannel;
use latchkey_fixtures::vcard::automaton::PinState;

use crate::virtual_card::{image, inserted};

/// A channel whose dialogue is recorded into a text.
struct Recorded<C> {
    card: C,
    recording: Recording,
}

impl<C: CardChannel> CardChannel for Recorded<C> {
    fn transmit(&mut self, command: &Command) -> Result<Response, ChannelError> {
        self.card.transmit(command)
    }

    fn recording(&mut self) -> Option<&mut Recording> {
        Some(&mut self.recording)
    }
}

/// What is said to the card by `act`.
pub(crate) fn recorded<T>(card: impl CardChannel, act: impl FnOnce(&mut dyn CardChannel) -> T) -> (T, String) {
    let text = Arc::new(Mutex::new(String::new()));
    let lines = Arc::clone(&text);
    let recording = Recording::new(move |recorded| lines.lock().unwrap().push_str(recorded.as_str()));
    let mut channel = Recorded { card, recording };
    let result = act(&mut channel);
    drop(channel);
    let text = text.lock().unwrap().clone();
    (result, text)
}

/// What a holder enters.
#[derive(Clone, Copy)]
struct Digits {
    pin: &'static str,
    new_pin: &'static str,
    can: &'static str,
    puk: &'static str,
}

/// What a recording keeps of them, and who replays it enters.
const ZEROS: Digits = Digits { pin: "000000", new_pin: "000000", can: "000000", puk: "0000000000" };
const ENTERED: Digits = Digits { pin: "271828", new_pin: "314159", can: "654321", puk: "1618033988" };

fn holders_card(pin: &str, pin_state: PinState) -> CardImage {
    CardImage { passwords: Passwords::parse(pin, ENTERED.can, ENTERED.puk).unwrap(), pin_state, ..image() }
}

fn pin(digits: &str) -> Pin {
    Pin::parse(digits.as_bytes(), 6).unwrap()
}

fn random() -> Seeded {
    Seeded::new("a recorded client")
}

/// How a flow ends that finds another card.
const ANOTHER_CARD: DialogueError = DialogueError::KeyMissing;

/// Signs in: status, certificate, signature over that hash.
fn sign_in(card: &mut dyn CardChannel, digits: Digits, hash: [u8; 32]) -> Result<[u8; 48], DialogueError> {
    let CardModel::Known { profile, pin: shown } = recognise(card, Profile::KNOWN)? else { return Err(ANOTHER_CARD) };
    let selected = Selected::select(card, profile)?;
    let secured = selected.secure_with_pin(pin(digits.pin), shown, &Authority::SIGN_IN, &mut random())?;
    let mut holder = secured.select_esign()?;
    holder.read_certificate(KeyId::BASE_128)?;
    holder.sign_belt_hash(&hash)
}

/// Everything else a holder does, as far as the card lets it come.
fn look_after(card: &mut dyn CardChannel, digits: Digits) -> Result<(), DialogueError> {
    let profile = &Profile::KNOWN[0];
    let selected = Selected::select(card, profile)?;
    let by_can =
        selected.secure_with_can(Can::parse(digits.can.as_bytes(), 6).unwrap(), &Authority::NOTHING, &mut random())?;
    let shown = PinStatus::Usable { tries_left: 1 };
    let secured = by_can.secure_with_pin(pin(digits.pin), shown, &Authority::CHANGE_PIN, &mut random())?;
    secured.select_esign()?.change_pin(&pin(digits.new_pin))
}

fn unblock(card: &mut dyn CardChannel, digits: Digits) -> Result<(), DialogueError> {
    let selected = Selected::select(card, &Profile::KNOWN[0])?;
    let puk = Puk::parse(digits.puk.as_bytes(), 10).unwrap();
    let secured = selected.secure_with_puk(puk, &Authority::UNBLOCK_PIN, &mut random())?;
    secured.select_esign()?.unblock_with_new_pin(&pin(digits.new_pin))
}

/// Octets as a recording writes them.
fn spaced(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(" ")
}

/// No six octets of `secret` stand in the recording one behind the other.
pub(crate) fn assert_hidden(text: &str, name: &str, secret: &[u8]) {
    for run in secret.windows(secret.len().min(6)) {
        assert!(!text.contains(&spaced(run)), "{name} is in the recording:\n{text}");
    }
}

#[test]
fn a_recorded_sign_in_is_replayed_strictly() {
    let image = holders_card(ENTERED.pin, PinState::Pin3);
    let certificate = image.esign.base_certificate.0.clone();
    let (signed, text) = recorded(inserted(image), |card| sign_in(card, ENTERED, [0xAA; 32]));
    assert_hidden(&text, "the PIN", ENTERED.pin.as_bytes());
    assert!(!text.contains(ENTERED.pin), "{text}");
    assert_hidden(&text, "the hash", &[0xAA; 32]);
    assert_hidden(&text, "the signature", &signed.unwrap());
    // Tags and lengths never stand so close that they were as long as this.
    for run in certificate.windows(16) {
        assert!(!text.contains(&spaced(run)), "the certificate is in the recording:\n{text}");
    }
    assert!(text.contains(&spaced(&certificate[..4])), "the certificate's header is kept:\n{text}");
    for (command, name) in [("> 00 A4 00 00", "SELECT MF"), ("> 00 B0 00 00", "READ BINARY")] {
        assert!(text.contains(&format!("# {name}\n{command}")), "{name} is not called so:\n{text}");
    }

    let mut replay = ScriptedChannel::new(&text);
    assert_eq!(sign_in(&mut replay, ZEROS, [0; 32]), Ok([0; 48]));
    replay.finish();
}

#[test]
fn a_replay_that_differs_in_one_octet_fails() {
    let image = holders_card(ENTERED.pin, PinState::Pin3);
    let (_, text) = recorded(inserted(image), |card| sign_in(card, ENTERED, [0xAA; 32]));
    let mut replay = ScriptedChannel::new(&text);
    let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        _ = sign_in(&mut replay, ZEROS, [1; 32]);
    }));
    assert!(held.is_err());
}

#[test]
fn the_last_try_and_a_change_of_the_pin_are_replayed() {
    let image = holders_card(ENTERED.pin, PinState::Pins);
    let (changed, text) = recorded(inserted(image), |card| look_after(card, ENTERED));
    changed.unwrap();
    for (name, digits) in [("the PIN", ENTERED.pin), ("the new PIN", ENTERED.new_pin), ("the CAN", ENTERED.can)] {
        assert_hidden(&text, name, digits.as_bytes());
        assert!(!text.contains(digits), "{name}:\n{text}");
    }
    let mut replay = ScriptedChannel::new(&text);
    look_after(&mut replay, ZEROS).unwrap();
    replay.finish();
}

#[test]
fn an_unblocking_is_replayed() {
    let image = holders_card(ENTERED.pin, PinState::Pin0);
    let (unblocked, text) = recorded(inserted(image), |card| unblock(card, ENTERED));
    unblocked.unwrap();
    assert_hidden(&text, "the PUK", ENTERED.puk.as_bytes());
    assert!(!text.contains(ENTERED.puk), "{text}");
    let mut replay = ScriptedChannel::new(&text);
    unblock(&mut replay, ZEROS).unwrap();
    replay.finish();
}

#[test]
fn a_wrong_pin_is_wrong_in_the_replay_too() {
    let image = holders_card("111111", PinState::Pin3);
    let (refused, text) = recorded(inserted(image), |card| sign_in(card, ENTERED, [0; 32]));
    assert_eq!(refused, Err(DialogueError::PinWrong { tries_left: 2 }));
    let mut replay = ScriptedChannel::new(&text);
    assert_eq!(sign_in(&mut replay, ZEROS, [0; 32]), Err(DialogueError::PinWrong { tries_left: 2 }));
    replay.finish();
}

/// At whatever exchange a card is pulled, refuses or leaves its channel, the recording replays it.
#[test]
fn whatever_goes_wrong_is_replayed() {
    let whole = {
        let image = holders_card(ENTERED.pin, PinState::Pin3);
        recorded(inserted(image), |card| sign_in(card, ENTERED, [0; 32])).1
    };
    let exchanges = whole.lines().filter(|line| line.starts_with('>') || line.starts_with("* bpace")).count() + 1;
    assert!(exchanges > 12, "{whole}");
    for at in 1..=exchanges {
        for fault in [Fault::Pulled, Fault::Refused, Fault::LeftChannel, Fault::Altered] {
            let image = holders_card(ENTERED.pin, PinState::Pin3);
            let faulty = Faulty { card: inserted(image), at, fault };
            let (ended, text) = recorded(faulty, |card| sign_in(card, ENTERED, [0; 32]));
            let mut replay = ScriptedChannel::new(&text);
            let replayed = sign_in(&mut replay, ZEROS, [0; 32]);
            // What the card computed is blanked; how it ended is not.
            assert_eq!(replayed.map(|_| ()), ended.map(|_| ()), "{fault:?} at {at}:\n{text}");
            replay.finish();
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    Pulled,
    /// 6F00, in the plain.
    Refused,
    /// 6988, in the plain.
    LeftChannel,
    /// The last octet of the answer's data is another.
    Altered,
}

/// A card with which something goes wrong at one exchange.
struct Faulty<C> {
    card: C,
    at: usize,
    fault: Fault,
}

impl<C: CardChannel> CardChannel for Faulty<C> {
    fn transmit(&mut self, command: &Command) -> Result<Response, ChannelError> {
        self.at = self.at.wrapping_sub(1);
        let is_protected = command.header().cla & 0x04 != 0;
        let plain = |status| Ok(Response::new(Vec::new(), StatusWord::new(status)));
        match self.fault {
            _ if self.at != 0 => self.card.transmit(command),
            Fault::Pulled => Err(ChannelError::CardRemoved),
            Fault::Refused if !is_protected => plain(0x6F00),
            Fault::LeftChannel if is_protected => plain(0x6988),
            Fault::Altered if is_protected => {
                let answer = self.card.transmit(command)?;
                let mut data = answer.data().to_vec();
                *data.last_mut().unwrap() ^= 1;
                Ok(Response::new(data, answer.status()))
            }
            _ => self.card.transmit(command),
        }
    }
}

/// A file that is text, not objects, is kept by its length: what looks like tags and lengths in it is the holder's data.
#[test]
fn what_are_no_objects_is_not_kept() {
    let text = format!(
        "> 00A40000\n< 9000\n> 0022C1A42180092A700002002265420D8301037F4C10060A2A7000020022654F060204022000\n< 9000\n\
         * bpace 000000\n> 00A4040C0AD11200020022654F0702\n< 9000\n> 00A4020C025101\n< 9000\n\
         > 00B00000E0\n< {}9000\n",
        spaced("anna petrovna".as_bytes())
    );
    let (_, kept) = recorded(ScriptedChannel::new(&text), |card| {
        let selected = Selected::select(card, &Profile::KNOWN[0])?;
        let shown = PinStatus::Usable { tries_left: 3 };
        let secured = selected.secure_with_pin(pin("000000"), shown, &Authority::READ_NAME, &mut random())?;
        secured.select_esign()?.read_name()
    });
    assert!(kept.contains(&format!("< {} 90 00", spaced(&[0; 13]))), "{kept}");
}
