//! What a terminal session hands over, as the holder is told it: each right is one line, and no right is without one.

use latchkey_card::profile::{Attribute, Profile};
use latchkey_crypto::cv::rights::{DataGroup, EidRights, EsignRights, Rights};

use crate::{ShownTerminal, VerifiedRequest};

/// What a terminal session hands over, to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// Who asks by a signed request that was verified; without it nobody vouches for what the site says.
    pub request: Option<VerifiedRequest>,
    /// What may be read and done.
    pub rights: Rights,
    /// What card it is: what its data groups hold.
    pub profile: &'static Profile,
    /// The terminal, as soon as its certificates are known.
    pub terminal: Option<ShownTerminal>,
}

impl Disclosure {
    /// The keys of the texts that say what may be read and done: with a terminal, what its certificates allow too.
    #[must_use]
    pub fn keys(&self) -> Vec<&'static str> {
        disclosed(self.terminal.as_ref().map_or(self.rights, |terminal| terminal.rights & self.rights), self.profile)
    }
}

/// A line that the holder is told: the key of its text, and what strangers' words fill it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisclosureLine {
    /// The text.
    pub key: &'static str,
    /// What it is filled with, by name: to be shown as quoted.
    pub fillings: Vec<(&'static str, String)>,
}

/// Who asks: by a request that was verified, or without anybody who vouches for it.
#[must_use]
pub fn asker_lines(request: Option<&VerifiedRequest>) -> Vec<DisclosureLine> {
    let Some(request) = request else { return vec![line("disclosure-unverified")] };
    let client = filled("disclosure-verified", vec![("client", request.client.clone())]);
    let purpose =
        request.purpose.as_ref().map(|purpose| filled("disclosure-purpose", vec![("purpose", purpose.clone())]));
    [Some(client), purpose].into_iter().flatten().collect()
}

/// Which terminal it is, who vouches for it, and what it has checked; or that it is not known yet.
#[must_use]
pub fn terminal_lines(terminal: Option<&ShownTerminal>) -> Vec<DisclosureLine> {
    let Some(terminal) = terminal else { return vec![line("disclosure-terminal-later")] };
    let number = ("number", terminal.number.clone());
    let name = match &terminal.title {
        Some(title) => filled("disclosure-terminal-known", vec![("title", title.clone()), number]),
        None => filled("disclosure-terminal-unknown", vec![number]),
    };
    let vouched = if terminal.vouched_for { "disclosure-vouched" } else { "disclosure-not-vouched" };
    let bound = if terminal.bound { "disclosure-bound" } else { "disclosure-not-bound" };
    let checks = [(terminal.checks.age, "check-age"), (terminal.checks.place, "check-place")];
    let checks = checks.into_iter().filter(|(is_made, _)| *is_made).map(|(_, key)| line(key));
    [name, line(vouched), line(bound)].into_iter().chain(checks).collect()
}

const fn line(key: &'static str) -> DisclosureLine {
    filled(key, Vec::new())
}

const fn filled(key: &'static str, fillings: Vec<(&'static str, String)>) -> DisclosureLine {
    DisclosureLine { key, fillings }
}

/// The keys of the texts that say what these rights allow on a card of that model, the data groups in their order first.
#[must_use]
pub fn disclosed(rights: Rights, profile: &Profile) -> Vec<&'static str> {
    let groups = || (1..=22).filter_map(DataGroup::new);
    let read = groups().filter(|group| rights.eid.contains(EidRights::read(*group)));
    let is_written = groups().filter_map(EidRights::write).any(|write| rights.eid.contains(write));
    let written = is_written.then_some("act-write-data");
    let eid = EID.into_iter().filter(|(right, _)| rights.eid.contains(*right)).map(|(_, key)| key);
    let renews = rights.esign.contains(EsignRights::TERMINAL_KEYS);
    let esign = ESIGN.into_iter().filter(|(right, _)| rights.esign.contains(*right)).map(|(_, key)| match key {
        // Under the request for the new key's certificate, and nothing else.
        "act-sign" if renews => "act-sign-request",
        key => key,
    });
    let mut keys: Vec<_> = read.flat_map(|group| held(group, profile)).chain(eid).chain(written).chain(esign).collect();
    keys.dedup();
    keys
}

/// The same of rights that are asked of a card whose model nobody knows yet: what any known model would allow for them, and
/// that the card decides which of it.
#[must_use]
pub fn disclosed_by_any_model(rights: impl Fn(&Profile) -> Rights) -> Vec<&'static str> {
    let mut keys: Vec<&'static str> = Vec::new();
    for profile in Profile::KNOWN {
        for key in disclosed(rights(profile), profile) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    let (acts, mut keys): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| key.starts_with("act-"));
    keys.push("disclosure-by-card");
    [keys, acts].concat()
}

/// What a data group holds.
fn held(group: DataGroup, profile: &Profile) -> Vec<&'static str> {
    let holds = profile.group(group).map_or(&[][..], |format| format.holds);
    if holds.is_empty() { vec![unsettled(group)] } else { holds.iter().map(|held| attribute(held.attribute)).collect() }
}

/// Of data groups that no text gives a meaning.
const fn unsettled(group: DataGroup) -> &'static str {
    match group.number() {
        13 => "group-13",
        19 => "group-19",
        20 => "group-20",
        _ => "group-unknown",
    }
}

const fn attribute(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::DocumentType => "group-document-type",
        Attribute::CardSerial => "group-1",
        Attribute::IssuingState => "group-2",
        Attribute::Expiry => "group-3",
        Attribute::GivenName => "group-4",
        Attribute::FamilyName => "group-5",
        Attribute::Patronymic => "group-6",
        Attribute::PersonalNumber => "group-7",
        Attribute::BirthDate => "group-8",
        Attribute::PlaceOfBirth => "group-9",
        Attribute::Citizenship => "group-10",
        Attribute::Sex => "group-11",
        Attribute::OptionalData => "group-12",
        Attribute::WrittenSignature => "group-14",
        Attribute::Issued => "group-15",
        Attribute::IssuingAuthority => "group-16",
        Attribute::Address => "group-17",
        Attribute::Region => "group-18",
        Attribute::Phone => "group-21",
        Attribute::Email => "group-22",
        Attribute::Face => "group-face",
    }
}

const EID: [(EidRights, &str); 4] = [
    (EidRights::AGE_VERIFICATION, "check-age"),
    (EidRights::PLACE_VERIFICATION, "check-place"),
    (EidRights::CAN_ACCESS, "act-without-pin"),
    (EidRights::MANAGE_PIN, "act-manage-pin"),
];

const ESIGN: [(EsignRights, &str); 9] = [
    (EsignRights::ACTIVATE_PIN, "act-manage-pin"),
    (EsignRights::CHANGE_PIN, "act-manage-pin"),
    (EsignRights::UNBLOCK_PIN, "act-manage-pin"),
    (EsignRights::WRITE_NAME, "act-write-name"),
    (EsignRights::ACTIVATE_KEYS, "act-renew-keys"),
    (EsignRights::TERMINAL_KEYS, "act-renew-keys"),
    (EsignRights::BASE_KEYS, "act-renew-keys"),
    (EsignRights::TERMINAL_SIGNING, "act-sign"),
    (EsignRights::BASE_SIGNING, "act-sign-base"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AskedRights;

    #[test]
    fn no_right_is_without_its_line() {
        for profile in Profile::KNOWN {
            for bit in 0..40 {
                let eid = EidRights::from_octets((1_u64 << bit).to_be_bytes()[3..].try_into().unwrap());
                let lines = disclosed(Rights { eid, ..Rights::NONE }, profile);
                assert_eq!(lines.is_empty(), eid == EidRights::NONE, "{}, eID bit {bit}: {lines:?}", profile.name);
            }
            for bit in 0..16 {
                let esign = EsignRights::from_octets((1_u16 << bit).to_be_bytes());
                let lines = disclosed(Rights { esign, ..Rights::NONE }, profile);
                assert_eq!(
                    lines.is_empty(),
                    esign == EsignRights::NONE,
                    "{}, eSign bit {bit}: {lines:?}",
                    profile.name
                );
            }
            assert_eq!(disclosed(Rights::NONE, profile), Vec::<&str>::new());
        }
    }

    /// The number of a group says what it holds on the standard's card only.
    #[test]
    fn what_a_group_holds_is_said_by_the_cards_model() {
        let group = |number| Rights { eid: EidRights::read(DataGroup::new(number).unwrap()), ..Rights::NONE };
        assert_eq!(disclosed(group(3), &Profile::standard()), ["group-3"]);
        assert_eq!(disclosed(group(3), &Profile::kta()), ["group-5", "group-4", "group-6"]);
        assert_eq!(disclosed(group(2), &Profile::kta()), ["group-face"]);
        let any = disclosed_by_any_model(|profile| AskedRights::OfModel { signs: true }.of_card(profile).unwrap());
        for key in ["group-7", "group-document-type", "group-face", "disclosure-by-card"] {
            assert!(any.contains(&key), "{key}");
        }
        assert_eq!(any.last(), Some(&"act-sign"));
    }
}
