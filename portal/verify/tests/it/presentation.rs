//! All that a verifier is given for one sign-in, and its form as a text file.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_crypto::assertion::{ChallengeText, Origin};
use latchkey_crypto::x509::{Certificate, RevocationList, TrustStore};
use latchkey_verify::{
    Grace, PendingChallenge, PolicyLevels, Rejection, RevocationLists, SignInPolicy, VerifiedSignIn, verify_sign_in,
};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// Values as they stand in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Presentation {
    pub(crate) now: OffsetDateTime,
    pub(crate) origin: String,
    pub(crate) challenge: String,
    pub(crate) challenge_issued_at: OffsetDateTime,
    pub(crate) challenge_lifetime: Duration,
    pub(crate) challenge_purpose: String,
    pub(crate) minimum_assurance: String,
    pub(crate) card_held_key_policy: String,
    pub(crate) other_key_policy: String,
    pub(crate) anchor: Vec<u8>,
    pub(crate) intermediates: Vec<Vec<u8>>,
    pub(crate) revocation_lists: Vec<Vec<u8>>,
    pub(crate) assertion: Vec<u8>,
}

impl Presentation {
    pub(crate) fn verify(&self) -> Result<VerifiedSignIn, Rejection> {
        verify_sign_in(&self.assertion, &self.pending_challenge(), &self.policy(), &self.revocation(), self.now)
    }

    pub(crate) fn pending_challenge(&self) -> PendingChallenge {
        PendingChallenge {
            text: ChallengeText::parse(&self.challenge).unwrap(),
            issued_at: self.challenge_issued_at,
            lifetime: self.challenge_lifetime,
            purpose: self.challenge_purpose.parse().unwrap(),
        }
    }

    pub(crate) fn policy(&self) -> SignInPolicy {
        let certificate = |der: &Vec<u8>| Certificate::from_der(der).unwrap();
        SignInPolicy {
            origin: Origin::parse(&self.origin).unwrap(),
            trust: TrustStore::new(
                vec![certificate(&self.anchor)],
                self.intermediates.iter().map(certificate).collect(),
            )
            .unwrap(),
            levels: PolicyLevels {
                card_held_key: vec![self.card_held_key_policy.parse().unwrap()],
                other_key: vec![self.other_key_policy.parse().unwrap()],
            },
            minimum_assurance: self.minimum_assurance.parse().unwrap(),
            grace: Grace::NONE,
        }
    }

    /// Each list is by the anchor or one of the intermediates.
    pub(crate) fn revocation(&self) -> RevocationLists {
        let mut lists = RevocationLists::new();
        for der in &self.revocation_lists {
            let verified = std::iter::once(&self.anchor)
                .chain(&self.intermediates)
                .map(|authority| Certificate::from_der(authority).unwrap())
                .find_map(|authority| RevocationList::from_der(der).unwrap().verified_by(&authority).ok());
            lists.insert(verified.unwrap());
        }
        lists
    }

    pub(crate) fn to_text(&self, expect: &str) -> String {
        let mut text = format!(
            "expect: {expect}\n\
             source: made by WRITE_REJECTED=1 cargo test -p latchkey-verify files_are_current\n\
             now: {}\norigin: {}\nchallenge: {}\nchallenge-issued-at: {}\nchallenge-lifetime: {}\n\
             challenge-purpose: {}\nminimum-assurance: {}\ncard-held-key-policy: {}\nother-key-policy: {}\n",
            self.now.format(&Rfc3339).unwrap(),
            self.origin,
            self.challenge,
            self.challenge_issued_at.format(&Rfc3339).unwrap(),
            self.challenge_lifetime.whole_seconds(),
            self.challenge_purpose,
            self.minimum_assurance,
            self.card_held_key_policy,
            self.other_key_policy,
        );
        let lists = [("intermediate", &self.intermediates), ("revocation-list", &self.revocation_lists)];
        text.push_str(&format!("anchor: {}\n", STANDARD.encode(&self.anchor)));
        for (key, values) in lists {
            for value in values {
                text.push_str(&format!("{key}: {}\n", STANDARD.encode(value)));
            }
        }
        text.push_str(&format!("assertion: {}\n", STANDARD.encode(&self.assertion)));
        text
    }

    /// The expected code and the presentation.
    pub(crate) fn from_text(text: &str) -> (String, Self) {
        let mut lines: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for line in text.lines() {
            let (key, value) = line.split_once(": ").unwrap();
            lines.entry(key).or_default().push(value);
        }
        let one = |key: &str| lines[key][0].to_owned();
        let all = |key: &str| -> Vec<Vec<u8>> {
            lines.get(key).into_iter().flatten().map(|value| STANDARD.decode(value).unwrap()).collect()
        };
        let moment = |key: &str| OffsetDateTime::parse(&one(key), &Rfc3339).unwrap();
        let presentation = Self {
            now: moment("now"),
            origin: one("origin"),
            challenge: one("challenge"),
            challenge_issued_at: moment("challenge-issued-at"),
            challenge_lifetime: Duration::seconds(one("challenge-lifetime").parse().unwrap()),
            challenge_purpose: one("challenge-purpose"),
            minimum_assurance: one("minimum-assurance"),
            card_held_key_policy: one("card-held-key-policy"),
            other_key_policy: one("other-key-policy"),
            anchor: all("anchor").remove(0),
            intermediates: all("intermediate"),
            revocation_lists: all("revocation-list"),
            assertion: all("assertion").remove(0),
        };
        (one("expect"), presentation)
    }
}
