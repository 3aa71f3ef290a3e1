//! What differs between models of cards, as values.
//!
//! The values stand in the files `profiles/*.toml`, each with what it rests on; they become constants when the crate is
//! built. [`Profile::standard`] is the card of the published standard. [`Profile::kta`] is the card deployed under the
//! name "ID-карта", which has an applet to select first, a second PIN, grouped data that is read without a terminal, and
//! other editions; nothing public specifies it, and [`Profile::bases`] tells which of its values are known.

use crate::apdu::StatusWord;
use crate::password::PasswordKind;
use crate::rights::{Authority, DataGroup, EidRights, EsignRights};
use crate::tlv::Tag;

/// Values with the names of words in a profile's file.
macro_rules! words {
    ($($(#[$about:meta])* pub enum $name:ident { $($(#[$means:meta])* $word:ident),* $(,)? })*) => {
        $(
            $(#[$about])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub enum $name { $($(#[$means])* $word),* }
        )*
    };
}

include!("profile/words.rs");

/// Which text of STB 34.101.79 a card follows where the two disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edition {
    /// The print of 2019. The BPACE hello of the client is the list of CertHAT objects in MSE:Set AT; the secure
    /// messaging MAC does not cover the counter.
    Print2019,
    /// The official errata of 2020 (draft 1.30 and later). The hello is the whole command data of MSE:Set AT; the MAC
    /// covers the counter first.
    Errata2020,
}

/// The editions a card follows, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Editions {
    hello: Edition,
    mac: Edition,
    assumed: bool,
}

impl Editions {
    /// Editions that the card's specification states.
    #[must_use]
    pub const fn stated(hello: Edition, mac: Edition) -> Self {
        Self { hello, mac, assumed: false }
    }

    /// Editions that nobody states. A wrong hello looks exactly like a wrong password, so no PIN is presented before
    /// a channel opened with the CAN, which never blocks, has confirmed them.
    #[must_use]
    pub const fn assumed(hello: Edition, mac: Edition) -> Self {
        Self { hello, mac, assumed: true }
    }

    pub(crate) const fn confirmed(self) -> Self {
        Self { assumed: false, ..self }
    }

    /// The edition of the client's BPACE hello.
    #[must_use]
    pub const fn hello(self) -> Edition {
        self.hello
    }

    /// The edition of the secure messaging MAC.
    #[must_use]
    pub const fn mac(self) -> Edition {
        self.mac
    }

    /// Whether a channel opened with the CAN has still to confirm them.
    #[must_use]
    pub const fn are_assumed(self) -> bool {
        self.assumed
    }
}

/// An application identifier of 5 to 16 octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ApplicationId(&'static [u8]);

impl ApplicationId {
    /// The identifier with these octets.
    #[must_use]
    pub const fn new(octets: &'static [u8]) -> Self {
        Self(octets)
    }

    /// Its octets.
    #[must_use]
    pub const fn octets(self) -> &'static [u8] {
        self.0
    }
}

/// A file identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u16);

impl FileId {
    /// The identifier with the number that its two octets form, most significant first.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    pub(crate) const fn plus(self, count: u8) -> Self {
        Self(self.0.saturating_add(count as u16))
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The octets, most significant first.
    #[must_use]
    pub const fn octets(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }
}

/// How one password is named and formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PasswordFormat {
    /// How many decimal digits it has.
    pub digits: usize,
    /// How BPACE names it, and how PIN commands do in P2.
    pub id: u8,
    /// How many wrong values in a row the card takes when none was wrong before.
    pub tries: u8,
}

/// An attribute within a data group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Held {
    /// The attribute.
    pub attribute: Attribute,
    /// The tag of its object.
    pub tag: Tag,
}

/// A data group of the eID application: where it is and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GroupFormat {
    /// Which one.
    pub group: DataGroup,
    /// Its file.
    pub file: FileId,
    /// What opens it where no terminal is needed.
    pub password: GroupPassword,
    /// How it is written.
    pub encoding: GroupEncoding,
    /// What it holds, in the order in which it is written.
    pub holds: &'static [Held],
}

/// What a value of a profile rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Basis {
    /// A published text.
    Standard,
    /// It was seen in so many places that do not depend on each other.
    Observed(u8),
    /// It follows from something known and was not seen.
    Assumed,
    /// A guess of ours, so that something can be built and tested.
    Invented,
}

/// A model of card.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Profile {
    /// The name of the model: stable, for people and logs.
    pub name: &'static str,
    /// The applet to select before the master file, if the card has one.
    pub applet: Option<ApplicationId>,
    /// The eID application.
    pub eid: ApplicationId,
    /// The eSign application.
    pub esign: ApplicationId,
    /// The name object in eSign.
    pub name_file: FileId,
    /// The certificate file of key 00 in eSign: the key's id is added to it.
    pub certificate_files: FileId,
    /// The public key hash file of key 00 in eSign: the key's id is added to it.
    pub key_hash_files: FileId,
    /// The file in eID with the certificate of whoever signed the card's security object, if the card has one.
    pub security_signer_file: Option<FileId>,
    /// The CAN.
    pub can: PasswordFormat,
    /// The PIN.
    pub pin: PasswordFormat,
    /// The second PIN, which eSign wants before a signature, if the card has one. It opens no channel.
    pub pin2: Option<PasswordFormat>,
    /// The PUK.
    pub puk: PasswordFormat,
    /// What the card answers to the query of a confirmation that is not set.
    pub confirmation_missing: StatusWord,
    /// In which order rights are listed.
    pub rights_order: RightsOrder,
    /// What a client always asks for where a page of the deployed system opens the terminal's session: a terminal that
    /// is not told computes its hello with this.
    pub words: Authority,
    /// Which texts of the standard it follows.
    pub editions: Editions,
    /// What a terminal's hello is.
    pub hello_terminal: TerminalHello,
    /// Whether data groups can be read without a terminal.
    pub base_mode_reading: bool,
    /// The data groups, by number.
    pub groups: &'static [GroupFormat],
    /// What each value rests on, under the name that it has in the profile's file.
    pub bases: &'static [(&'static str, Basis)],
}

impl Profile {
    /// Every model, in the order in which a card is tried for them. The standard's comes first, because asking for
    /// another one's applet would tell nothing while the applet's name is invented.
    pub const KNOWN: &'static [Self; 2] = &[STANDARD, KTA];

    /// The card of the published standard: STB 34.101.79 with its errata.
    #[must_use]
    pub const fn standard() -> Self {
        STANDARD
    }

    /// The deployed card, as far as it is known.
    #[must_use]
    pub const fn kta() -> Self {
        KTA
    }

    /// The format of one password.
    #[must_use]
    pub const fn password(&self, kind: PasswordKind) -> PasswordFormat {
        match kind {
            PasswordKind::Can => self.can,
            PasswordKind::Pin => self.pin,
            PasswordKind::Puk => self.puk,
        }
    }

    /// The file of a data group, if the card has that group.
    #[must_use]
    pub fn group_file(&self, group: DataGroup) -> Option<FileId> {
        self.group(group).map(|format| format.file)
    }

    /// Which password BPACE names by `id`.
    #[must_use]
    pub fn password_kind(&self, id: u8) -> Option<PasswordKind> {
        [PasswordKind::Can, PasswordKind::Pin, PasswordKind::Puk].into_iter().find(|kind| self.password(*kind).id == id)
    }

    /// Where a data group is and what it holds; nothing if the card has none of that number.
    #[must_use]
    pub fn group(&self, group: DataGroup) -> Option<&'static GroupFormat> {
        self.groups.iter().find(|format| format.group == group)
    }

    /// The data group that holds an attribute.
    #[must_use]
    pub fn group_with(&self, attribute: Attribute) -> Option<&'static GroupFormat> {
        self.groups.iter().find(|format| format.holds.iter().any(|held| held.attribute == attribute))
    }

    /// The PIN that eSign wants before a signature.
    #[must_use]
    pub fn confirming_pin(&self) -> PasswordFormat {
        self.pin2.unwrap_or(self.pin)
    }
}

/// For the constants: a number that is none stops the build.
const fn numbered<const NUMBER: u8>() -> DataGroup {
    const {
        match DataGroup::new(NUMBER) {
            Some(group) => group,
            None => panic!("data groups have the numbers 1 to 22"),
        }
    }
}

include!(concat!(env!("OUT_DIR"), "/profiles.rs"));
