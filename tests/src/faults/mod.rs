//! What can go wrong with a sign-in, as a table: how each fault enters, and how the sign-in must end. A fault is data: a
//! card with a profile or another certificate, somebody between client and portal, another program or a person at the
//! desk, the portal's settings. Client and portal are the ordinary programs and know of none.

mod cable;
mod go_between;
mod play;

use latchkey_fixtures::holders::Holder;
use latchkey_fixtures::pki::faults::Fault as CertificateFault;
use latchkey_fixtures::vcard::automaton::PinState;

pub use self::go_between::{Mischief, look_up};
pub use self::play::{Ended, play};

/// One thing that goes wrong with a sign-in.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Its name on the command line.
    pub name: &'static str,
    /// What goes wrong, for people.
    pub what: &'static str,
    /// Whose card it is.
    pub holder: &'static str,
    /// How the fault enters.
    pub enters: Enters,
    /// What the holder enters, in this order.
    pub secrets: fn(&Holder) -> Vec<&'static str>,
    /// Whether he allows the last try.
    pub last_try_allowed: bool,
    /// How it must end.
    pub ends: Ends,
}

/// How a fault enters.
#[derive(Debug, Clone, Copy)]
pub enum Enters {
    /// By what the holder enters, or by what his card is anyway.
    WithTheHolder,
    /// By this profile of the card.
    ByProfile(&'static str),
    /// By another certificate on the card.
    ByCertificate(CertificateFault),
    /// By what happens while the holder is asked for his PIN.
    WhileAsked(Accident),
    /// By somebody between client and portal.
    ByGoBetween(Mischief),
    /// By a portal that does not run.
    ByAbsentPortal,
}

/// What happens while the holder is asked for his PIN.
#[derive(Debug, Clone, Copy)]
pub enum Accident {
    /// Another card is put into the reader.
    CardSwapped,
    /// The reader is unplugged.
    ReaderUnplugged,
    /// The card service is killed.
    ServiceKilled,
    /// Another program resets the card, each time that the holder is asked.
    CardReset,
    /// He looks for his PIN longer than the portal waits.
    HolderSlow,
}

/// How a sign-in must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The stable code that the holder is shown.
    pub code: &'static str,
    /// The client's exit code.
    pub exit: i32,
    /// What is left of the PIN.
    pub pin: PinState,
    /// How many sign-ins the portal has accepted meanwhile.
    pub accepted: u32,
}

/// The fault of that name.
#[must_use]
pub fn fault(name: &str) -> Option<&'static Fault> {
    FAULTS.iter().find(|fault| fault.name == name)
}

const ORDINARY: &str = "hanna-vydumanaya";
const SUSPENDED: &str = "alena-prypynenaya";
/// The card that is put in for another.
const OTHER: &str = "yan-bezbatskovich";
const WRONG: &str = "999999";
/// For how long the portal of a fault waits for an assertion: the shortest time that an operator can set.
const CHALLENGE_SECONDS: u64 = 30;

/// A refusal by the portal of the ordinary holder, who enters his PIN.
const fn refused(name: &'static str, what: &'static str, code: &'static str, enters: Enters) -> Fault {
    let ends = Ends { code, exit: 9, pin: PinState::Pin3, accepted: 0 };
    Fault { name, what, holder: ORDINARY, enters, secrets: pin, last_try_allowed: false, ends }
}

/// A sign-in of the ordinary holder that ends before the portal sees anything of it.
const fn broken(name: &'static str, what: &'static str, code: &'static str, exit: i32, enters: Enters) -> Fault {
    let refused = refused(name, what, code, enters);
    Fault { ends: Ends { exit, ..refused.ends }, ..refused }
}

fn pin(holder: &Holder) -> Vec<&'static str> {
    vec![holder.pin]
}

/// Every fault that the demo shows.
pub const FAULTS: &[Fault] = &[
    Fault {
        secrets: |_| vec![WRONG],
        ends: Ends { code: "pin-wrong", exit: 6, pin: PinState::Pin2, accepted: 0 },
        ..broken("wrong-pin", "the holder enters a wrong PIN", "", 6, Enters::WithTheHolder)
    },
    Fault {
        holder: SUSPENDED,
        secrets: |holder| vec![holder.can, holder.pin],
        ends: Ends { code: "last-try-not-allowed", exit: 6, pin: PinState::Pins, accepted: 0 },
        ..broken("last-try", "one try is left, and the holder has not allowed it", "", 6, Enters::WithTheHolder)
    },
    Fault {
        holder: "kastus-zablakavany",
        ends: Ends { code: "pin-blocked", exit: 6, pin: PinState::Pin0, accepted: 0 },
        ..broken("blocked-pin", "the card's PIN is blocked", "", 6, Enters::WithTheHolder)
    },
    Fault {
        holder: SUSPENDED,
        secrets: |holder| vec![WRONG, holder.pin],
        last_try_allowed: true,
        ends: Ends { code: "can-wrong", exit: 6, pin: PinState::Pins, accepted: 0 },
        ..broken(
            "suspended-pin",
            "the PIN is suspended, and the holder enters a wrong CAN",
            "",
            6,
            Enters::WithTheHolder,
        )
    },
    broken(
        "card-pulled",
        "the card is pulled out while it signs",
        "card-removed",
        4,
        Enters::ByProfile("pulled-while-signing.toml"),
    ),
    broken(
        "card-swapped",
        "another card is put in while the holder is asked for the PIN of his own",
        "card-removed",
        4,
        Enters::WhileAsked(Accident::CardSwapped),
    ),
    broken(
        "card-silent",
        "the card falls silent while its certificate is read",
        "card-silent",
        5,
        Enters::ByProfile("silent-while-read.toml"),
    ),
    broken(
        "reader-gone",
        "the reader is unplugged while the holder is asked for his PIN",
        "reader-gone",
        3,
        Enters::WhileAsked(Accident::ReaderUnplugged),
    ),
    broken(
        "pcscd-killed",
        "the card service is killed while the holder is asked for his PIN",
        "no-service",
        3,
        Enters::WhileAsked(Accident::ServiceKilled),
    ),
    Fault {
        // He is asked as often as the card was reset: he has seen each time what he is asked for.
        secrets: |holder| vec![holder.pin; 3],
        ..broken(
            "card-reset-by-other",
            "another program resets the card whenever the holder is asked for his PIN",
            "pin-status-changed",
            6,
            Enters::WhileAsked(Accident::CardReset),
        )
    },
    Fault {
        holder: "uladzislau-praterminavany",
        ..refused(
            "expired-certificate",
            "the card's certificate has expired",
            "certificate-expired",
            Enters::WithTheHolder,
        )
    },
    Fault {
        holder: "piotr-adklikany",
        ..refused(
            "revoked-certificate",
            "the card's certificate is revoked",
            "certificate-revoked",
            Enters::WithTheHolder,
        )
    },
    refused(
        "unknown-issuer",
        "an authority that the portal does not know has issued the certificate",
        "unknown-issuer",
        Enters::ByCertificate(CertificateFault::UnknownIssuer),
    ),
    refused(
        "wrong-key-usage",
        "the certificate's key may not be used to sign in",
        "wrong-key-usage",
        Enters::ByCertificate(CertificateFault::WrongKeyUsage),
    ),
    refused(
        "wrong-policy",
        "the certificate is for keys in files, which this portal does not let in",
        "wrong-policy",
        Enters::ByCertificate(CertificateFault::WrongPolicy),
    ),
    Fault {
        ends: Ends { code: "challenge-replayed", exit: 9, pin: PinState::Pin3, accepted: 1 },
        ..refused("challenge-replayed", "an assertion is presented twice", "", Enters::ByGoBetween(Mischief::Replay))
    },
    refused(
        "challenge-expired",
        "the holder looks for his PIN longer than the portal waits",
        "challenge-expired",
        Enters::WhileAsked(Accident::HolderSlow),
    ),
    refused(
        "challenge-of-other-session",
        "somebody presents the holder's assertion in a session of his own",
        "challenge-of-other-session",
        Enters::ByGoBetween(Mischief::PresentInOtherSession),
    ),
    refused(
        "other-origin",
        "a site relays its visitor's sign-in to another portal",
        "signature-invalid",
        Enters::ByGoBetween(Mischief::RelayFromOtherOrigin),
    ),
    refused(
        "altered-signature",
        "somebody turns a bit of the signature on its way",
        "signature-invalid",
        Enters::ByGoBetween(Mischief::AlterSignature),
    ),
    broken("portal-down", "the portal does not run", "portal-unreachable", 8, Enters::ByAbsentPortal),
];
