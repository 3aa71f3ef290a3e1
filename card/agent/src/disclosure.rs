//! What a terminal session hands over, as the holder is told it: each right is one line, and no right is without one.

use latchkey_crypto::cv::rights::{DataGroup, EidRights, EsignRights, Rights};

use crate::{ShownTerminal, VerifiedRequest};

/// What a terminal session hands over, to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// Who asks by a signed request that was verified; without it nobody vouches for what the site says.
    pub request: Option<VerifiedRequest>,
    /// What may be read and done.
    pub rights: Rights,
    /// The terminal, as soon as its certificates are known.
    pub terminal: Option<ShownTerminal>,
}

impl Disclosure {
    /// The keys of the texts that say what may be read and done: with a terminal, what its certificates allow too.
    #[must_use]
    pub fn keys(&self) -> Vec<&'static str> {
        disclosed(self.terminal.as_ref().map_or(self.rights, |terminal| terminal.rights & self.rights))
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

/// The keys of the texts that say what these rights allow, the data groups in their order first.
#[must_use]
pub fn disclosed(rights: Rights) -> Vec<&'static str> {
    let read = (1..)
        .zip(GROUPS)
        .filter(|(number, _)| DataGroup::new(*number).is_some_and(|group| rights.eid.contains(EidRights::read(group))));
    let written = (1..).zip(WRITTEN_GROUPS).filter(|(number, _)| {
        DataGroup::new(*number).and_then(EidRights::write).is_some_and(|write| rights.eid.contains(write))
    });
    let eid = EID.into_iter().filter(|(right, _)| rights.eid.contains(*right)).map(|(_, key)| key);
    let esign = ESIGN.into_iter().filter(|(right, _)| rights.esign.contains(*right)).map(|(_, key)| key);
    let mut keys: Vec<_> =
        read.map(|(_, key)| key).chain(eid).chain(written.map(|(_, key)| key)).chain(esign).collect();
    keys.dedup();
    keys
}

const GROUPS: [&str; 22] = [
    "group-1", "group-2", "group-3", "group-4", "group-5", "group-6", "group-7", "group-8", "group-9", "group-10",
    "group-11", "group-12", "group-13", "group-14", "group-15", "group-16", "group-17", "group-18", "group-19",
    "group-20", "group-21", "group-22",
];

/// Only DG17 to DG22 can be written.
const WRITTEN_GROUPS: [&str; 22] = ["act-write-data"; 22];

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

    #[test]
    fn no_right_is_without_its_line() {
        for bit in 0..40 {
            let eid = EidRights::from_octets((1_u64 << bit).to_be_bytes()[3..].try_into().unwrap());
            let lines = disclosed(Rights { eid, ..Rights::NONE });
            assert_eq!(lines.is_empty(), eid == EidRights::NONE, "eID bit {bit}: {lines:?}");
        }
        for bit in 0..16 {
            let esign = EsignRights::from_octets((1_u16 << bit).to_be_bytes());
            let lines = disclosed(Rights { esign, ..Rights::NONE });
            assert_eq!(lines.is_empty(), esign == EsignRights::NONE, "eSign bit {bit}: {lines:?}");
        }
        assert_eq!(disclosed(Rights::NONE), Vec::<&str>::new());
    }
}
