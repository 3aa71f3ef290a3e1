//! What differs between models of cards, as values.
//!
//! [`Profile::standard`] is the card of the published standard. The card deployed under the name "ID-карта" differs in
//! an applet to select first, a second PIN, grouped data and the editions it follows; what is known of it is not
//! enough for a profile of ours, but every such difference has its field here.

use crate::password::PasswordKind;
use crate::rights::DataGroup;

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

/// In which order a client lists its rights in MSE:Set AT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RightsOrder {
    /// eID, then eSign.
    EidFirst,
    /// eSign, then eID: seen in the field.
    EsignFirst,
}

/// What a terminal's hello in BAUTH is (STB 34.101.79, clause on BAUTH; the print of 2019 can be read in two ways).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TerminalHello {
    /// The command data of MSE:Set AT for BAUTH, then the CertHAT objects of the one for BPACE: the errata.
    #[default]
    TemplateAndCertHats,
    /// The hash of the request: the value of object `85`.
    RequestHash,
    /// The whole object `85`.
    RequestHashObject,
}

/// A model of card.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The CAN.
    pub can: PasswordFormat,
    /// The PIN.
    pub pin: PasswordFormat,
    /// The PUK.
    pub puk: PasswordFormat,
    /// In which order rights are listed.
    pub rights_order: RightsOrder,
    /// Which texts of the standard it follows.
    pub editions: Editions,
}

impl Profile {
    /// Every model.
    pub const KNOWN: &'static [Self] = &[Self::standard()];

    /// The card of the published standard: STB 34.101.79 with its errata.
    #[must_use]
    pub const fn standard() -> Self {
        Self {
            name: "stb-34.101.79",
            applet: None,
            eid: ApplicationId::new(&[0xD1, 0x12, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F, 0x07, 0x01]),
            esign: ApplicationId::new(&[0xD1, 0x12, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F, 0x07, 0x02]),
            name_file: FileId::new(0x5101),
            certificate_files: FileId::new(0x5200),
            key_hash_files: FileId::new(0x5300),
            can: PasswordFormat { digits: 6, id: 0x02, tries: 1 },
            pin: PasswordFormat { digits: 6, id: 0x03, tries: 3 },
            puk: PasswordFormat { digits: 10, id: 0x04, tries: 10 },
            rights_order: RightsOrder::EidFirst,
            editions: Editions::stated(Edition::Errata2020, Edition::Errata2020),
        }
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
    pub const fn group_file(&self, group: DataGroup) -> Option<FileId> {
        Some(FileId::new(0x0100).plus(group.number()))
    }

    /// Which password BPACE names by `id`.
    #[must_use]
    pub fn password_kind(&self, id: u8) -> Option<PasswordKind> {
        [PasswordKind::Can, PasswordKind::Pin, PasswordKind::Puk].into_iter().find(|kind| self.password(*kind).id == id)
    }
}
