//! The terminal's role, on its own: BAUTH against published transcripts, and each program against a card that follows a
//! written dialogue. Every step is kept as octets and taken up again before the card's answer is given to it.

mod bauth;
mod faults;
mod programs;
mod records;

use std::collections::VecDeque;

use latchkey_card::apdu::{Command, Header};
use latchkey_card::bauth::{BilateralM2, M1, M3, TerminalTemplate};
use latchkey_card::profile::{Edition, Profile, TerminalHello};
use latchkey_card::secure_messaging::CardSecureMessaging;
use latchkey_card::terminal::{
    AfterM1, AwaitingM1, AwaitingM3, CardTrustAnchors, Established, Next, RelayedCommand, TerminalEditions,
    TerminalStep,
};
use latchkey_crypto::bauth::CardWaiting;
use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::cv::{Certificate, Date, TrustAnchor, TrustAnchors};
use latchkey_crypto::secret::BeltKey;
use latchkey_fixtures::random::{Recorded, Seeded};
use latchkey_fixtures::scripted::{Answer, Exchange, Expected, dialogue};
use latchkey_fixtures::vectors::{Vector, vector};

const EDITIONS: TerminalEditions =
    TerminalEditions { hello: TerminalHello::TemplateAndCertHats, mac: Edition::Errata2020 };

/// Keeps a step as a server does that forgets everything between two requests.
macro_rules! kept {
    ($name:ident, $step:expr) => {{
        let record = latchkey_card::terminal::TerminalStep::from($step).to_secret_octets();
        match latchkey_card::terminal::TerminalStep::from_secret_octets(&record).unwrap() {
            latchkey_card::terminal::TerminalStep::$name(step) => step,
            other => panic!("kept as {other:?}"),
        }
    }};
}
pub(crate) use kept;

fn profile() -> &'static Profile {
    &Profile::KNOWN[0]
}

fn success(data: Vec<u8>) -> Vec<u8> {
    [data, vec![0x90, 0x00]].concat()
}

/// The transcript with the model certificates.
fn model() -> Vector {
    vector("BAUTH bilateral, btok model term.cert/ct.cert, hello_T = BAUTH CDF || CertHAT*")
}

fn key(vector: &Vector, name: &str) -> PrivateKey {
    PrivateKey::from_octets(&vector.input(name).try_into().unwrap()).unwrap()
}

fn certificate(name: &str) -> Certificate {
    Certificate::parse(&vector(name).output("der")).unwrap()
}

fn model_anchors() -> TrustAnchors {
    TrustAnchors::new(vec![TrustAnchor::of_root(certificate("CV certificate ca0000.cert")).unwrap()])
}

/// A day on which all model certificates are in force.
fn model_day() -> Date {
    Date::from_octets([2, 5, 0, 7, 0, 2]).unwrap()
}

/// The model's hello is the template and two CertHAT objects.
fn offered() -> AwaitingM1 {
    let hello = model().input("hello_T");
    let (template, cert_hats) = hello.split_at(11);
    AwaitingM1::new(&TerminalTemplate::parse(template).unwrap(), cert_hats, profile(), EDITIONS)
}

/// The terminal of the model after M2, which is the transcript's.
fn awaiting_m3() -> (AwaitingM3, RelayedCommand) {
    after_m1(offered())
}

fn after_m1(offered: AwaitingM1) -> (AwaitingM3, RelayedCommand) {
    let model = model();
    let m1 = success(M1::encode(&model.output("M1").try_into().unwrap()));
    let mut random = Recorded::new(model.input("R_T"));
    let (after, command) = kept!(AwaitingM1, offered).receive(&m1, &key(&model, "d_T"), &mut random).unwrap();
    assert_eq!(random.left(), 0);
    match after {
        AfterM1::Bilateral(step) => (kept!(AwaitingM3, step), command),
        AfterM1::Unilateral(_) => panic!("a unilateral run"),
    }
}

fn receive_m3(step: AwaitingM3) -> Established {
    let (anchors, today) = (model_anchors(), model_day());
    let trust = CardTrustAnchors { anchors: &anchors, issuers: &[], today };
    let established = step.receive(&success(M3::encode(&model().output("M3"))), &trust).unwrap();
    kept!(Established, established)
}

/// The terminal of the model in a channel with the model's card.
fn established() -> Established {
    receive_m3(awaiting_m3().0)
}

/// The terminal of the model, which has also asked about the document and the age.
fn established_asking(template: &str) -> (Established, BeltKey) {
    let template = TerminalTemplate::parse(&hex::decode(template).unwrap()).unwrap();
    let offered = AwaitingM1::new(&template, b"", profile(), EDITIONS);
    let model = model();
    let mut random = Seeded::new("asking");
    let (card, m1) = CardWaiting::start(&key(&model, "d_T").public_key(), &mut random).unwrap();
    let received = offered.receive(&success(M1::encode(&m1)), &key(&model, "d_T"), &mut random).unwrap();
    let (AfterM1::Bilateral(step), command) = received else { panic!("a unilateral run") };
    let m2 = BilateralM2::decode(&command.data).unwrap();
    let hello = template.hello(TerminalHello::TemplateAndCertHats, b"");
    let answer = card.receive_bilateral_m2(&m2, &hello, &key(&model, "d_CT"), &model.input("cert_CT"));
    let (m3, session_key) = answer.unwrap();
    let (anchors, today) = (model_anchors(), model_day());
    let trust = CardTrustAnchors { anchors: &anchors, issuers: &[], today };
    (step.receive(&success(M3::encode(&m3)), &trust).unwrap(), session_key)
}

fn model_session_key() -> BeltKey {
    BeltKey::new(model().output("K0").try_into().unwrap())
}

/// A card in the terminal's channel that follows a written dialogue: commands and answers are plain in the text.
struct PlayedCard {
    messaging: Option<CardSecureMessaging>,
    exchanges: VecDeque<Exchange>,
    answered: usize,
}

impl PlayedCard {
    fn new(session_key: &BeltKey, text: &str) -> Self {
        Self {
            messaging: Some(CardSecureMessaging::new(session_key, Edition::Errata2020)),
            exchanges: dialogue(text).into(),
            answered: 0,
        }
    }

    /// What a client gives back for the command: the card's whole answer.
    fn answer(&mut self, command: &RelayedCommand) -> Vec<u8> {
        self.answered += 1;
        let [cla, ins, p1, p2] = command.header;
        let wire = Command::new(Header::new(cla, ins, p1, p2)).with_data(&command.data).unwrap();
        let wire = wire.expecting_short_maximum().to_octets();
        let (plain, due) = self.messaging.take().unwrap().unprotect(&wire).expect("not protected as it should be");
        let exchange = self.exchanges.pop_front().unwrap_or_else(|| panic!("nothing more was to be said: {plain:?}"));
        let Expected::Command(expected) = exchange.command else { panic!("no BPACE here") };
        let said = hex::encode_upper(&*plain.to_octets());
        assert_eq!(hex::encode_upper(expected), said, "line {} wants the former", exchange.line);
        let (octets, is_forged) = match exchange.answer {
            Answer::Response(octets) => (octets, false),
            Answer::Forged(octets) => (octets, true),
            Answer::Plain(octets) => return octets,
            other => panic!("{other:?}"),
        };
        let (protected, messaging) = due.protect(&latchkey_card::Response::parse(&octets).unwrap());
        self.messaging = Some(messaging);
        let mut octets = protected.to_octets().to_vec();
        if is_forged {
            octets[3] ^= 1;
        }
        octets
    }

    fn finish(&self) {
        assert!(self.exchanges.is_empty(), "not said: {:?}", self.exchanges);
    }
}

/// Goes on with a program until its end.
fn run<Step, Outcome>(
    card: &mut PlayedCard,
    mut next: Next<Step, Outcome>,
    mut receive: impl FnMut(Step, &[u8]) -> Next<Step, Outcome>,
) -> Outcome {
    loop {
        match next {
            Next::Done(outcome) => return outcome,
            Next::Command(step, command) => next = receive(step, &card.answer(&command)),
        }
    }
}

/// The step's octets are refused if any of them is missing, and so are more.
fn assert_whole(step: &TerminalStep) {
    let record = step.to_secret_octets();
    for kept in 0..record.len() {
        assert!(TerminalStep::from_secret_octets(&record[..kept]).is_err(), "{step:?}: {kept} octets were accepted");
    }
    assert!(TerminalStep::from_secret_octets(&[&record[..], &[0]].concat()).is_err(), "{step:?}: one octet more");
    let again = TerminalStep::from_secret_octets(&record).unwrap();
    assert_eq!(again.to_secret_octets(), record, "{step:?}");
}
