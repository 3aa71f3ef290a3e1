//! The client's dialogue: recorded sessions, each flow, and how it ends when the card or the holder is wrong.

mod deployed;
mod faults;
mod flows;
mod interrupted;
mod recognise;
mod recorded;
mod terminal;
mod terminal_acts;

use latchkey_card::channel::CardChannel;
use latchkey_card::dialogue::{ByPin, DialogueError, HolderVerified, PinStatus, Secured, Selected};
use latchkey_card::password::{Password, Pin};
use latchkey_card::profile::Profile;
use latchkey_card::rights::Authority;
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::scripted::ScriptedChannel;

/// The status of a PIN that was not wrong lately.
const THREE_TRIES: PinStatus = PinStatus::Usable { tries_left: 3 };

/// The beginning of a session for one signature with the PIN 123456.
const SIGNING_SESSION: &str = "
> 00 A4 00 00
< 90 00
> 00 22 C1 A4 24 80 09 2A 70 00 02 00 22 65 42 0D 83 01 03 7F 4C 10 06 0A 2A 70 00 02 00 22 65 4F 06 02 04 02 80 00 53 01 01
< 90 00
* bpace 123456
> 00 A4 04 0C 0A D1 12 00 02 00 22 65 4F 07 02
< 90 00
";

fn pin(digits: &str) -> Pin {
    Pin::parse(digits.as_bytes(), 6).unwrap()
}

fn random() -> Seeded {
    Seeded::new("the client of a written dialogue")
}

/// Opens a channel with the PIN 123456, whose tries were shown as `shown`.
fn with_pin<'c>(
    card: &'c mut dyn CardChannel,
    profile: &'c Profile,
    shown: PinStatus,
    authority: &Authority,
) -> Result<Secured<'c, ByPin>, DialogueError> {
    Selected::select(card, profile)?.secure_with_pin(pin("123456"), shown, authority, &mut random())
}

/// Holds a session that begins as [`SIGNING_SESSION`] and goes on with `text`.
fn in_session<T>(
    text: &str,
    act: impl FnOnce(HolderVerified<'_>) -> Result<T, DialogueError>,
) -> Result<T, DialogueError> {
    let profile = Profile::standard();
    let mut card = ScriptedChannel::new(&format!("{SIGNING_SESSION}{text}"));
    let result = with_pin(&mut card, &profile, THREE_TRIES, &Authority::SIGN_IN)
        .and_then(Secured::<ByPin>::select_esign)
        .and_then(act);
    card.finish();
    result
}
