//! A profile file: TOML in which each value states what it rests on. Strict: every value is there, no other is, each
//! word is a known one.

use std::collections::BTreeSet;
use std::fmt::Debug;

use serde::Deserialize;

/// Words of the file, which the program's values have for names.
macro_rules! words {
    ($($(#[$about:meta])* pub enum $name:ident { $($(#[$means:meta])* $word:ident),* $(,)? })*) => {
        $(
            $(#[$about])*
            #[derive(Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
            #[serde(rename_all = "kebab-case")]
            enum $name { $($(#[$means])* $word),* }
        )*
    };
}

include!("../src/profile/words.rs");

/// The constant that a profile file describes, as an expression.
///
/// # Errors
/// What is wrong with the file, for whoever edits it.
pub(crate) fn to_rust(text: &str) -> Result<String, String> {
    let file: ProfileFile = toml::from_str(text).map_err(|error| error.to_string())?;
    file.check()?;
    Ok(file.constant())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    name: String,
    applications: Applications,
    files: Files,
    passwords: Passwords,
    confirmation: Confirmation,
    editions: Editions,
    rights: Rights,
    reading: Reading,
    groups: Vec<Group>,
}

/// A value and what it rests on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated<T> {
    value: T,
    basis: Basis,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(try_from = "String")]
enum Basis {
    Standard,
    Observed(u8),
    Assumed,
    Invented,
}

impl TryFrom<String> for Basis {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(' ') {
            None if text == "standard" => Ok(Self::Standard),
            None if text == "assumed" => Ok(Self::Assumed),
            None if text == "invented" => Ok(Self::Invented),
            Some(("observed", count)) => match count.parse() {
                Ok(count @ 1..) => Ok(Self::Observed(count)),
                _ => Err(format!("{count:?} is no number of places")),
            },
            _ => Err(format!("{text:?} is no basis")),
        }
    }
}

/// Octets in upper-case hexadecimal.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Hex(pub(crate) Vec<u8>);

impl TryFrom<String> for Hex {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let octet = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).ok()?;
            let is_upper = pair.chars().all(|digit| matches!(digit, '0'..='9' | 'A'..='F'));
            u8::from_str_radix(pair, 16).ok().filter(|_| is_upper && pair.len() == 2)
        };
        let octets = text.as_bytes().chunks(2).map(octet).collect::<Option<Vec<_>>>();
        octets.map(Self).ok_or_else(|| format!("{text:?} is not written in upper-case hexadecimal"))
    }
}

/// The name of an application, or `none`.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Applet(Option<Hex>);

impl TryFrom<String> for Applet {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "none" { Ok(Self(None)) } else { Hex::try_from(text).map(|name| Self(Some(name))) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Applications {
    applet: Stated<Applet>,
    eid: Stated<Hex>,
    esign: Stated<Hex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Files {
    name: Stated<Hex>,
    certificates: Stated<Hex>,
    key_hashes: Stated<Hex>,
    security_signer: Option<Stated<Hex>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Passwords {
    can: Password,
    pin: Password,
    pin2: Option<Password>,
    puk: Password,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Password {
    digits: Stated<u8>,
    id: Stated<u8>,
    tries: Stated<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    missing: Stated<Hex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Editions {
    hello: Stated<Edition>,
    mac: Stated<Edition>,
    hello_terminal: Stated<TerminalHello>,
}

#[derive(Deserialize, Debug)]
enum Edition {
    #[serde(rename = "print-2019")]
    Print2019,
    #[serde(rename = "errata-2020")]
    Errata2020,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rights {
    order: Stated<RightsOrder>,
    eid: Stated<Hex>,
    esign: Stated<Hex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Reading {
    base_mode: Stated<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    number: u8,
    file: Stated<Hex>,
    password: Stated<GroupPassword>,
    encoding: Stated<GroupEncoding>,
    holds: Vec<Held>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    attribute: Attribute,
    tag: u32,
    basis: Basis,
}

impl ProfileFile {
    fn check(&self) -> Result<(), String> {
        let applet = self.applications.applet.value.0.iter();
        for name in applet.chain([&self.applications.eid.value, &self.applications.esign.value]) {
            within("an application's name", name.0.len(), 5, 16)?;
        }
        let files = [&self.files.name, &self.files.certificates, &self.files.key_hashes, &self.confirmation.missing];
        for name in
            files.into_iter().chain(&self.files.security_signer).chain(self.groups.iter().map(|group| &group.file))
        {
            within("a file's name or a status", name.value.0.len(), 2, 2)?;
        }
        let Passwords { can, pin, pin2, puk } = &self.passwords;
        let passwords = [Some(can), Some(pin), pin2.as_ref(), Some(puk)];
        for password in passwords.into_iter().flatten() {
            within("a password's digits", password.digits.value.into(), 4, 16)?;
        }
        within("the eID word", self.rights.eid.value.0.len(), 5, 5)?;
        within("the eSign word", self.rights.esign.value.0.len(), 2, 2)?;
        let mut last = 0;
        let mut attributes = BTreeSet::new();
        for group in &self.groups {
            within("the next data group", group.number.into(), last + 1, 22)?;
            last = group.number.into();
            for held in &group.holds {
                if !attributes.insert(held.attribute) {
                    return Err(format!("{:?} is held twice", held.attribute));
                }
            }
        }
        Ok(())
    }

    fn constant(&self) -> String {
        let mut said = Said::default();
        let Applications { applet, eid, esign } = &self.applications;
        let applet = said.applet("applications.applet", applet);
        let applications = [said.octets("applications.eid", eid), said.octets("applications.esign", esign)];
        let [eid, esign] = applications.map(|octets| format!("ApplicationId::new(&{octets})"));
        let files = [
            said.file("files.name", &self.files.name),
            said.file("files.certificates", &self.files.certificates),
            said.file("files.key-hashes", &self.files.key_hashes),
        ];
        let [name_file, certificate_files, key_hash_files] = files;
        let signer = self.files.security_signer.as_ref().map(|file| said.file("files.security-signer", file));
        let signer = signer.map_or("None".to_owned(), |file| format!("Some({file})"));
        let Passwords { can, pin, pin2, puk } = &self.passwords;
        let can = said.password("passwords.can", can);
        let pin = said.password("passwords.pin", pin);
        let pin2 = pin2.as_ref().map(|pin2| said.password("passwords.pin2", pin2));
        let pin2 = pin2.map_or("None".to_owned(), |pin2| format!("Some({pin2})"));
        let puk = said.password("passwords.puk", puk);
        let missing = said.number("confirmation.missing", &self.confirmation.missing);
        let order = said.word("rights.order", "RightsOrder", &self.rights.order);
        let editions = said.editions(&self.editions);
        let hello_terminal = said.word("editions.hello-terminal", "TerminalHello", &self.editions.hello_terminal);
        let word_eid = said.octets("rights.eid", &self.rights.eid);
        let word_esign = said.octets("rights.esign", &self.rights.esign);
        said.note("reading.base-mode", self.reading.base_mode.basis);
        let base_mode = self.reading.base_mode.value;
        let groups: String = self.groups.iter().map(|group| said.group(group)).collect();
        format!(
            "Profile {{ name: {:?}, applet: {applet}, eid: {eid}, esign: {esign}, name_file: {name_file}, \
             certificate_files: {certificate_files}, key_hash_files: {key_hash_files}, \
             security_signer_file: {signer}, can: {can}, pin: {pin}, pin2: {pin2}, \
             puk: {puk}, confirmation_missing: StatusWord::new({missing}), rights_order: {order}, \
             words: Authority {{ eid: Some(EidRights::from_octets({word_eid})), \
             esign: Some(EsignRights::from_octets({word_esign})), signatures: None }}, \
             editions: {editions}, hello_terminal: {hello_terminal}, base_mode_reading: {base_mode}, \
             groups: &[{groups}], bases: &[{}] }}",
            self.name, said.bases,
        )
    }
}

/// Values as they are written in Rust; what each rests on is noted on the way.
#[derive(Default)]
struct Said {
    bases: String,
}

impl Said {
    fn note(&mut self, path: &str, basis: Basis) {
        let basis = match basis {
            Basis::Standard => "Basis::Standard".to_owned(),
            Basis::Observed(count) => format!("Basis::Observed({count})"),
            Basis::Assumed => "Basis::Assumed".to_owned(),
            Basis::Invented => "Basis::Invented".to_owned(),
        };
        self.bases.push_str(&format!("({path:?}, {basis}), "));
    }

    fn octets(&mut self, path: &str, stated: &Stated<Hex>) -> String {
        self.note(path, stated.basis);
        format!("{:?}", stated.value.0)
    }

    /// Octets as one number, the most significant first.
    fn number(&mut self, path: &str, stated: &Stated<Hex>) -> String {
        self.note(path, stated.basis);
        stated.value.0.iter().fold("0x".to_owned(), |number, octet| format!("{number}{octet:02X}"))
    }

    fn file(&mut self, path: &str, stated: &Stated<Hex>) -> String {
        format!("FileId::new({})", self.number(path, stated))
    }

    fn applet(&mut self, path: &str, stated: &Stated<Applet>) -> String {
        self.note(path, stated.basis);
        let name = |name: &Hex| format!("Some(ApplicationId::new(&{:?}))", name.0);
        stated.value.0.as_ref().map_or("None".to_owned(), name)
    }

    fn word(&mut self, path: &str, of: &str, stated: &Stated<impl Debug>) -> String {
        self.note(path, stated.basis);
        format!("{of}::{:?}", stated.value)
    }

    fn password(&mut self, path: &str, password: &Password) -> String {
        let Password { digits, id, tries } = password;
        self.note(&format!("{path}.digits"), digits.basis);
        self.note(&format!("{path}.id"), id.basis);
        self.note(&format!("{path}.tries"), tries.basis);
        format!("PasswordFormat {{ digits: {}, id: {}, tries: {} }}", digits.value, id.value, tries.value)
    }

    /// Editions that no standard states are assumed until a card confirms them, however often they were seen.
    fn editions(&mut self, editions: &Editions) -> String {
        let bases = [editions.hello.basis, editions.mac.basis];
        let surety = if bases.iter().all(|basis| matches!(basis, Basis::Standard)) { "stated" } else { "assumed" };
        let hello = self.word("editions.hello", "Edition", &editions.hello);
        let mac = self.word("editions.mac", "Edition", &editions.mac);
        format!("Editions::{surety}({hello}, {mac})")
    }

    fn group(&mut self, group: &Group) -> String {
        let path = format!("groups.{}", group.number);
        let file = self.file(&format!("{path}.file"), &group.file);
        let password = self.word(&format!("{path}.password"), "GroupPassword", &group.password);
        let encoding = self.word(&format!("{path}.encoding"), "GroupEncoding", &group.encoding);
        let mut holds = String::new();
        for Held { attribute, tag, basis } in &group.holds {
            self.note(&format!("{path}.holds.{attribute:?}"), *basis);
            holds.push_str(&format!("Held {{ attribute: Attribute::{attribute:?}, tag: Tag::new({tag:#X}) }}, "));
        }
        format!(
            "GroupFormat {{ group: numbered::<{}>(), file: {file}, password: {password}, encoding: {encoding}, \
             holds: &[{holds}] }}, ",
            group.number
        )
    }
}

fn within(what: &str, found: usize, least: usize, most: usize) -> Result<(), String> {
    if (least..=most).contains(&found) { Ok(()) } else { Err(format!("{what}: {found} is not {least} to {most}")) }
}
