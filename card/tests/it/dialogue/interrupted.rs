//! Cards pulled, readers gone, other programs: at every exchange of every flow.

use latchkey_card::apdu::{Command, Response};
use latchkey_card::channel::{CardChannel, ChannelError};
use latchkey_card::dialogue::{DialogueError, PinStatus, Selected};
use latchkey_card::key::KeyId;
use latchkey_card::password::{Can, Password, Puk};
use latchkey_card::profile::Profile;
use latchkey_card::rights::Authority;
use latchkey_fixtures::scripted::{ScriptedChannel, recorded};

use super::{SIGNING_SESSION, THREE_TRIES, pin, random, with_pin};

/// A channel that fails at one exchange and remembers what was sent.
struct FailsAt {
    card: ScriptedChannel,
    exchange: usize,
    error: ChannelError,
    instructions: Vec<u8>,
}

impl CardChannel for FailsAt {
    fn transmit(&mut self, command: &Command) -> Result<Response, ChannelError> {
        let exchange = self.instructions.len();
        self.instructions.push(command.header().ins);
        if exchange == self.exchange { Err(self.error) } else { self.card.transmit(command) }
    }
}

type Flow = fn(&mut dyn CardChannel, &Profile) -> Result<(), DialogueError>;

/// Every flow: the dialogue it holds and the instructions of it.
fn flows() -> Vec<(&'static str, String, Flow, &'static [u8])> {
    let hash = "AB".repeat(32);
    let sign_in = format!(
        "{SIGNING_SESSION}> 00A4020C025201\n< 9000\n> 00B00000E0\n< 30009000\n\
         > 002241B606840101800190\n< 9000\n> 002A9E9A20{hash}00\n< {}9000\n",
        "5A".repeat(48)
    );
    vec![
        (
            "the PIN's status",
            "> 00A40000\n< 9000\n> 0022C1A40E80092A700002002265420D830103\n< 9000\n".to_owned(),
            |card, profile| Selected::select(card, profile)?.pin_status().map(|_| ()),
            &[0xA4, 0x22],
        ),
        (
            "sign-in",
            sign_in,
            |card, profile| {
                let secured = with_pin(card, profile, THREE_TRIES, &Authority::SIGN_IN)?;
                let mut holder = secured.select_esign()?;
                holder.read_certificate(KeyId::BASE_128)?;
                holder.sign_belt_hash(&[0xAB; 32]).map(|_| ())
            },
            &[0xA4, 0x22, 0x86, 0x86, 0xA4, 0xA4, 0xB0, 0x22, 0x2A],
        ),
        (
            "the last try after the CAN",
            recorded("suspended-pin.txt"),
            |card, profile| {
                let mut selected = Selected::select(card, profile)?;
                selected.pin_status()?;
                let can = Can::parse(b"654321", 6).unwrap();
                let mut secured = selected.secure_with_can(can, &Authority::NOTHING, &mut random())?;
                let shown = secured.pin_status()?;
                let secured = secured.secure_with_pin(pin("123456"), shown, &Authority::SIGN_IN, &mut random())?;
                secured.select_esign().map(|_| ())
            },
            &[0xA4, 0x22, 0x22, 0x86, 0x86, 0x22, 0x22, 0x86, 0x86, 0xA4],
        ),
        (
            "change of the PIN",
            recorded("change-pin.txt"),
            |card, profile| {
                let secured = with_pin(card, profile, THREE_TRIES, &Authority::CHANGE_PIN)?;
                secured.select_esign()?.change_pin(&pin("654321"))
            },
            &[0xA4, 0x22, 0x86, 0x86, 0xA4, 0x24],
        ),
        (
            "unblocking",
            recorded("unblock-pin.txt"),
            |card, profile| {
                let puk = Puk::parse(b"1618033988", 10).unwrap();
                let selected = Selected::select(card, profile)?;
                let secured = selected.secure_with_puk(puk, &Authority::UNBLOCK_PIN, &mut random())?;
                let mut verified = secured.select_esign()?;
                verified.unblock_with_new_pin(&pin("654321"))?;
                verified.unblock_pin()
            },
            &[0xA4, 0x22, 0x86, 0x86, 0xA4, 0x2C, 0x2C],
        ),
        (
            "activation and deactivation",
            recorded("activate-pin.txt"),
            |card, profile| {
                let puk = Puk::parse(b"1618033988", 10).unwrap();
                let selected = Selected::select(card, profile)?;
                let secured = selected.secure_with_puk(puk, &Authority::ACTIVATE_PIN, &mut random())?;
                let mut verified = secured.select_esign()?;
                verified.activate_pin()?;
                verified.deactivate_pin()
            },
            &[0xA4, 0x22, 0x86, 0x86, 0xA4, 0x44, 0x04],
        ),
        (
            "a key token and the name",
            recorded("key-token-and-name.txt"),
            |card, profile| {
                let shown = PinStatus::Usable { tries_left: 2 };
                let secured = with_pin(card, profile, shown, &Authority::UNWRAP_KEY)?;
                let mut holder = secured.select_esign()?;
                holder.unwrap_key(&[0x1D; 16], &[0x70; 64])?;
                holder.read_name().map(|_| ())
            },
            &[0xA4, 0x22, 0x86, 0x86, 0xA4, 0x22, 0x2A, 0xA4, 0xB0],
        ),
        (
            "a new confirmation",
            format!(
                "{SIGNING_SESSION}> 00200003\n< 9000\n> 0020000306313233343536\n< 9000\n> 0020FF03\n< 9000\n\
                 > 00041003\n< 9000\n"
            ),
            |card, profile| {
                let secured = with_pin(card, profile, THREE_TRIES, &Authority::SIGN_IN)?;
                let mut holder = secured.select_esign()?;
                holder.is_confirmed()?;
                let mut holder = holder.confirm_again()?;
                holder.forget_confirmation()?;
                holder.deactivate_pin()
            },
            &[0xA4, 0x22, 0x86, 0x86, 0xA4, 0x20, 0x20, 0x20, 0x04],
        ),
    ]
}

/// Every failure of the channel at every exchange of every flow comes through as itself, and nothing is sent after it.
#[test]
fn a_channel_may_fail_at_every_exchange() {
    let errors = [
        (ChannelError::CardRemoved, "card-removed"),
        (ChannelError::CardReset, "card-reset"),
        (ChannelError::CardSilent, "card-silent"),
        (ChannelError::ReaderGone, "reader-gone"),
        (ChannelError::ServiceGone, "no-service"),
        (ChannelError::CardBusy, "card-busy"),
        (ChannelError::Transmission, "card-transmission"),
        (ChannelError::MalformedResponse, "card-malformed-response"),
    ];
    let profile = Profile::standard();
    for (name, text, flow, instructions) in flows() {
        let run = |exchange, error| {
            let card = ScriptedChannel::new(&text);
            let mut channel = FailsAt { card, exchange, error, instructions: Vec::new() };
            let result = flow(&mut channel, &profile);
            (result, channel)
        };
        let (result, whole) = run(usize::MAX, ChannelError::CardRemoved);
        assert_eq!((result, whole.instructions.as_slice()), (Ok(()), instructions), "{name}");
        whole.card.finish();
        for (error, code) in errors {
            for exchange in 0..instructions.len() {
                let (result, broken) = run(exchange, error);
                let ended = result.unwrap_err();
                assert_eq!((ended, ended.code()), (DialogueError::Channel(error), code), "{name}: {exchange}");
                assert_eq!(broken.instructions, instructions[..=exchange], "{name}");
            }
        }
    }
}
