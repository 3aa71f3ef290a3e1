//! Terminal sessions: what the holder is shown before what, what a page's or terminal's wrong step comes to, and that the
//! card is reset whatever happens.

use std::sync::mpsc;
use std::time::Duration;

use latchkey_agent::{
    Answer, AskedRights, Asker, CardAgent, CardModel, CardTask, Exchange, Failure, Instruction, KnownTerminal, Purpose,
    RelayedCommand, Report, SESSION_IDLE_TIME, SecretKind, SessionPassword, SessionReport, TerminalOffer,
    TerminalSession, TerminalTrust, VerifiedRequest,
};
use latchkey_card::apdu::{Command, Header, StatusWord};
use latchkey_card::bauth::{Mode, TerminalTemplate};
use latchkey_card::profile::Profile;
use latchkey_card::rights::{Authority, CertHat, EsignRights};
use latchkey_crypto::assertion::Origin;
use latchkey_crypto::cv::rights::{EidRights, Rights};
use latchkey_fixtures::cv::CvPki;
use latchkey_fixtures::holders::sample_cv_pki;
use latchkey_fixtures::terminal::PlayedTerminal;

use crate::desk::{Desk, Event, HolderCard, NOW, holder};
use crate::holder::{Reply, Scene, Text, of_card, origin};

const ORDINARY: &str = "hanna-vydumanaya";
pub(crate) const TERMINAL: &str = "BYTERM0001";

fn pin() -> Reply {
    Reply::Digits(holder(ORDINARY).pin)
}

fn pki() -> CvPki {
    CvPki::new("terminal sessions", NOW.date()).unwrap()
}

/// What deployed pages want of the card.
pub(crate) fn rights() -> Rights {
    let Authority { eid, esign, .. } = Profile::standard().words;
    Rights { eid: eid.unwrap(), esign: esign.unwrap() }
}

pub(crate) fn session(pki: &CvPki) -> TerminalSession {
    TerminalSession {
        origin: origin(),
        request: None,
        rights: AskedRights::Exactly(rights()),
        password: SessionPassword::Pin,
        trust: TerminalTrust {
            roots: vec![pki.root().certificate.to_octets()],
            known: vec![KnownTerminal {
                holder: TERMINAL.into(),
                title: Some("The terminal".into()),
                origins: vec![origin()],
            }],
        },
        idle: SESSION_IDLE_TIME,
    }
}

fn offer(pki: &CvPki, request_hash: Option<[u8; 32]>) -> TerminalOffer {
    let terminal = pki.terminal(TERMINAL, CvPki::sign_in_rights()).unwrap();
    let certificates = [pki.authority().certificate.to_octets(), terminal.certificate.to_octets()].concat();
    let template = TerminalTemplate::new(Mode::Bilateral, request_hash, None);
    TerminalOffer { certificates, template: template.octets().to_vec(), bilateral: true }
}

/// A session at a desk, driven step by step.
pub(crate) struct Driven {
    pub(crate) scene: Scene,
    exchange: Exchange,
}

impl Driven {
    fn new(replies: impl IntoIterator<Item = Reply>, session: TerminalSession) -> Self {
        Self::in_scene(Scene::new(&Desk::with(&HolderCard::of(ORDINARY)), replies), session)
    }

    pub(crate) fn in_scene(scene: Scene, session: TerminalSession) -> Self {
        let exchange = scene.agent.send(of_card(CardTask::TerminalSession(Box::new(session))));
        Self { scene, exchange }
    }

    fn open(replies: impl IntoIterator<Item = Reply>, session: TerminalSession) -> Self {
        Self::new(replies, session).opened()
    }

    fn opened(self) -> Self {
        let SessionReport::Open { cert_hats, model, security_signer } = self.next().unwrap() else {
            panic!("not open")
        };
        assert_eq!((model, security_signer), (CardModel::Stb79, None));
        let esign = CertHat::Esign(rights().esign).to_octets();
        assert_eq!(cert_hats, [CertHat::Eid(rights().eid).to_octets(), esign].concat());
        self
    }

    /// What is told of the session next, or its end.
    pub(crate) fn next(&self) -> Result<SessionReport, Result<Answer, Failure>> {
        loop {
            match self.exchange.next() {
                Report::Session(report) => return Ok(report),
                Report::Finished(result) => return Err(result),
                _ => {}
            }
        }
    }

    pub(crate) fn give(&self, instruction: Instruction) {
        self.exchange.instructions().give(instruction);
    }

    /// How it ends after the last instruction; the card is reset then, and nobody is in a transaction.
    pub(crate) fn end(&self) -> Result<Answer, Failure> {
        let end = loop {
            if let Err(end) = self.next() {
                break end;
            }
        };
        assert!(!self.scene.desk.is_in_transaction());
        let last = self.scene.desk.events().into_iter().rev().find(|event| {
            matches!(event, Event::Command(_) | Event::ResetByDrop | Event::Ended(latchkey_reader::CardAfter::Reset))
        });
        assert!(!matches!(last, Some(Event::Command(_))) || !self.scene.desk.has_card("Reader"), "not reset: {last:?}");
        end
    }
}

#[test]
fn before_the_pin_the_holder_is_shown_who_asks_and_what_may_be_read() {
    let pki = pki();
    let request = VerifiedRequest {
        client: "A portal".into(),
        purpose: Some("to open an account".into()),
        hash: [7; 32],
        must_be_bound: false,
    };
    for request in [None, Some(request)] {
        let driven = Driven::open([pin()], TerminalSession { request: request.clone(), ..session(&pki) });
        let questions = driven.scene.questions();
        let [(SecretKind::Pin, question)] = &questions[..] else { panic!("{questions:?}") };
        assert_eq!((&question.asker, question.purpose), (&Asker::Portal(origin()), Purpose::HandOverData));
        let disclosure = question.disclosure.as_ref().unwrap();
        assert_eq!((&disclosure.request, disclosure.rights), (&request, rights()));
        assert_eq!(disclosure.terminal, None);
        for key in ["group-1", "group-5", "group-7", "group-11", "group-15", "group-16", "act-sign"] {
            assert!(disclosure.keys().contains(&key), "{key}");
        }
        assert_eq!(disclosure.keys().len(), 14);
        driven.give(Instruction::Close);
        assert!(matches!(driven.end(), Ok(Answer::TerminalSessionEnded)));
    }
}

#[test]
fn the_can_opens_a_session_too() {
    let can = Reply::Digits(holder(ORDINARY).can);
    let driven = Driven::open([can], TerminalSession { password: SessionPassword::Can, ..session(&pki()) });
    assert_eq!(driven.scene.asked(), [SecretKind::Can]);
    driven.give(Instruction::Close);
    assert!(driven.end().is_ok());
}

#[test]
fn a_no_and_a_wrong_pin_open_nothing() {
    let pki = pki();
    let refused = Driven::new([Reply::Cancel], session(&pki));
    assert_eq!(refused.end().unwrap_err(), Failure::Cancelled);
    let wrong = Driven::new([Reply::Digits("000000")], session(&pki));
    assert_eq!(wrong.end().unwrap_err(), Failure::PinWrong { tries_left: 2 });
}

#[test]
fn a_session_can_be_taken_back_while_it_asks_and_while_it_waits() {
    let pki = pki();
    let (asked, is_asked) = mpsc::channel();
    let thinking = Reply::after(move |_| asked.send(()).unwrap(), Reply::Think);
    let driven = Driven::new([thinking], session(&pki));
    is_asked.recv().unwrap();
    driven.exchange.cancellation().cancel();
    assert_eq!(driven.end().unwrap_err(), Failure::Cancelled);

    let driven = Driven::open([pin()], session(&pki));
    driven.exchange.cancellation().cancel();
    assert_eq!(driven.end().unwrap_err(), Failure::Cancelled);
}

#[test]
fn an_idle_session_ends_by_itself() {
    let driven = Driven::open([pin()], TerminalSession { idle: Duration::from_millis(50), ..session(&pki()) });
    assert_eq!(driven.end().unwrap_err(), Failure::TerminalSessionIdle);
    assert_eq!(Failure::TerminalSessionIdle.code(), "terminal-session-idle");
}

#[test]
fn a_card_that_is_pulled_or_reset_between_two_steps_ends_the_session() {
    let driven = Driven::open([pin()], session(&pki()));
    driven.scene.desk.pull("Reader");
    assert_eq!(driven.end().unwrap_err(), Failure::CardRemoved);

    let driven = Driven::open([pin()], session(&pki()));
    driven.scene.desk.foreign_reset("Reader");
    driven.give(Instruction::Authenticate(offer(&pki(), None)));
    assert_eq!(driven.end().unwrap_err(), Failure::CardReset);
}

#[test]
fn no_step_is_taken_out_of_its_order() {
    let driven = Driven::open([pin()], session(&pki()));
    let before = driven.scene.desk.instructions();
    let relay = |header| Instruction::Relay(RelayedCommand { header, data: vec![0x7C, 0x00] });
    let wrong = [
        relay([0x00, 0x86, 0x00, 0x00]),
        relay([0x04, 0xB0, 0x00, 0x00]),
        relay([0x00, 0xB0, 0x00, 0x00]),
        Instruction::AllowSignature,
    ];
    for instruction in wrong {
        let shown = format!("{instruction:?}");
        driven.give(instruction);
        assert_eq!(driven.next().unwrap(), SessionReport::OutOfOrder, "{shown}");
    }
    assert_eq!(driven.scene.desk.instructions(), before, "something reached the card");
    driven.give(Instruction::Close);
    assert!(driven.end().is_ok());
}

/// Terminals that are not let in, and why; none of their octets reaches the card.
#[test]
fn a_terminal_that_is_not_accepted_reaches_no_card() {
    let pki = pki();
    let stranger = CvPki::new("somebody else", NOW.date()).unwrap();
    let of_other = TerminalTrust {
        known: vec![KnownTerminal {
            holder: TERMINAL.into(),
            title: None,
            origins: vec![Origin::parse("https://other.example").unwrap()],
        }],
        ..session(&pki).trust
    };
    let request =
        |must_be_bound| VerifiedRequest { client: "A portal".into(), purpose: None, hash: [7; 32], must_be_bound };
    let with = |request| TerminalSession { request: Some(request), ..session(&pki) };
    let rows = [
        ("of another root", session(&pki), offer(&stranger, None), Failure::TerminalRejected),
        (
            "without certificates",
            session(&pki),
            TerminalOffer { certificates: Vec::new(), ..offer(&pki, None) },
            Failure::TerminalRejected,
        ),
        (
            "with octets that are no certificate",
            session(&pki),
            TerminalOffer { certificates: vec![0x7F, 0x21, 0x00], ..offer(&pki, None) },
            Failure::TerminalRejected,
        ),
        (
            "without its authority",
            session(&pki),
            TerminalOffer {
                certificates: pki.terminal(TERMINAL, CvPki::sign_in_rights()).unwrap().certificate.to_octets(),
                ..offer(&pki, None)
            },
            Failure::TerminalRejected,
        ),
        (
            "with a malformed template",
            session(&pki),
            TerminalOffer { template: vec![0x80, 0x00], ..offer(&pki, None) },
            Failure::TerminalMalformed,
        ),
        (
            "with another template than it says",
            session(&pki),
            TerminalOffer { bilateral: false, ..offer(&pki, None) },
            Failure::TerminalMalformed,
        ),
        (
            "of another site",
            TerminalSession { trust: of_other, ..session(&pki) },
            offer(&pki, None),
            Failure::TerminalOfOtherSite,
        ),
        ("for a request that nobody made", session(&pki), offer(&pki, Some([7; 32])), Failure::TerminalRequestOther),
        ("for another request", with(request(false)), offer(&pki, Some([8; 32])), Failure::TerminalRequestOther),
        ("for no request where it must", with(request(true)), offer(&pki, None), Failure::TerminalRequestOther),
    ];
    for (name, session, offer, failure) in rows {
        let driven = Driven::open([pin()], session);
        let before = driven.scene.desk.instructions();
        driven.give(Instruction::Authenticate(offer));
        assert_eq!(driven.end().unwrap_err(), failure, "{name}");
        assert_eq!(driven.scene.desk.instructions(), before, "{name}: something reached the card");
    }
}

/// Nobody has said before that the terminal is this site's, or nobody vouches for it: the holder is shown it and asked.
#[test]
fn a_terminal_that_is_not_known_is_asked_about() {
    let pki = pki();
    let known = session(&pki).trust.known;
    let rows = [
        ("unknown", TerminalTrust { known: Vec::new(), ..session(&pki).trust }, true, None),
        ("not vouched for", TerminalTrust { roots: Vec::new(), known }, false, Some("The terminal")),
    ];
    for (name, trust, vouched_for, title) in rows {
        let driven = Driven::open([pin(), Reply::Cancel], TerminalSession { trust, ..session(&pki) });
        let before = driven.scene.desk.instructions();
        driven.give(Instruction::Authenticate(offer(&pki, None)));
        assert_eq!(driven.end().unwrap_err(), Failure::Cancelled, "{name}");
        assert_eq!(driven.scene.desk.instructions(), before, "{name}: something reached the card");
        let questions = driven.scene.questions();
        let (kind, question) = &questions[1];
        assert_eq!(*kind, SecretKind::Consent, "{name}");
        let terminal = question.disclosure.as_ref().unwrap().terminal.clone().unwrap();
        assert_eq!((terminal.number.as_str(), terminal.title.as_deref()), (TERMINAL, title), "{name}");
        assert_eq!(terminal.vouched_for, vouched_for, "{name}");
        assert!(rights().contains(terminal.rights), "{name}: more than the holder was shown");
        assert!(!terminal.rights.eid.contains(EidRights::CAN_ACCESS), "{name}");
    }
}

/// BAUTH between the sample card and a terminal that its roots know, by the session's own steps.
fn authenticated(replies: impl IntoIterator<Item = Reply>) -> (Driven, PlayedTerminal) {
    authenticated_in(Scene::new(&Desk::with(&HolderCard::of(ORDINARY)), replies))
}

fn authenticated_in(scene: Scene) -> (Driven, PlayedTerminal) {
    let pki = sample_cv_pki(NOW).unwrap();
    let mut terminal = PlayedTerminal::new(&pki, TERMINAL, CvPki::sign_in_rights(), None).unwrap();
    let driven = Driven::in_scene(scene, session(&pki)).opened();
    driven.give(Instruction::Authenticate(TerminalOffer {
        certificates: terminal.certificates(),
        template: terminal.template().to_vec(),
        bilateral: true,
    }));
    let SessionReport::Terminal(shown) = driven.next().unwrap() else { panic!("the terminal is not told of") };
    assert_eq!((shown.title.as_deref(), shown.vouched_for, shown.rights), (Some("The terminal"), true, rights()));
    let cert_hats = [CertHat::Eid(rights().eid).to_octets(), CertHat::Esign(rights().esign).to_octets()].concat();
    let m2 = terminal.receive_m1(&answer(&driven), &cert_hats).unwrap();
    driven.give(Instruction::Relay(RelayedCommand { header: [0x00, 0x86, 0x00, 0x00], data: m2 }));
    terminal.receive_m3(&answer(&driven)).unwrap();
    (driven, terminal)
}

pub(crate) fn answer(driven: &Driven) -> Vec<u8> {
    match driven.next() {
        Ok(SessionReport::Answer(octets)) => octets,
        other => panic!("no answer: {other:?}"),
    }
}

pub(crate) fn say(terminal: &mut PlayedTerminal, command: &Command) -> Instruction {
    let (header, data) = terminal.say(command).unwrap();
    Instruction::Relay(RelayedCommand { header, data })
}

pub(crate) fn sign() -> Command {
    Command::new(Header::new(0x00, 0x2A, 0x9E, 0x9A)).with_data(&[7; 32]).unwrap()
}

#[test]
fn a_recording_has_headers_lengths_and_status_of_what_a_terminal_says() {
    let text = Text::default();
    let card = HolderCard::of(ORDINARY);
    let (driven, mut terminal) = authenticated_in(Scene::recorded(&Desk::with(&card), [pin()], &text));
    let eid = [0xD1, 0x12, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F, 0x07, 0x01];
    let commands = [
        Command::new(Header::new(0x00, 0xA4, 0x04, 0x0C)).with_data(&eid).unwrap(),
        Command::new(Header::new(0x00, 0xA4, 0x02, 0x0C)).with_data(&[0x01, 0x05]).unwrap(),
        Command::new(Header::new(0x00, 0xB0, 0x00, 0x00)).expecting_short_maximum(),
    ];
    let (mut passed, mut read) = (Vec::new(), Vec::new());
    for command in commands {
        let Instruction::Relay(relayed) = say(&mut terminal, &command) else { panic!("nothing is relayed") };
        passed.push(relayed.data.clone());
        driven.give(Instruction::Relay(relayed));
        let answer = answer(&driven);
        read = terminal.hear(&answer).unwrap().data().to_vec();
        passed.push(answer);
    }
    // The family name came to the terminal.
    assert!(card.image.data_groups.values().any(|group| group.0 == read), "{read:02X?}");
    driven.give(Instruction::Close);
    assert!(driven.end().is_ok());
    drop(driven);

    let text = text.get();
    assert_eq!(text.matches("# On the terminal's channel\n>> 04 A4 ").count(), 2, "{text}");
    assert_eq!(text.matches("# On the terminal's channel\n>> 04 B0 00 00 ").count(), 1, "{text}");
    assert!(text.contains("# PSO:Verify Certificate\n~ 00 2A 00 BE\n< 90 00\n"), "{text}");
    for octets in passed.iter().chain([&read]) {
        for run in octets.windows(6) {
            let spaced = run.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(" ");
            assert!(!text.contains(&spaced), "{spaced} is in the recording:\n{text}");
        }
    }
}

#[test]
fn what_the_holder_did_not_agree_to_reaches_no_card() {
    let acts = [
        sign(),
        Command::new(Header::new(0x00, 0x46, 0x80, 0x00)).with_data(&[0xB6, 3, 0x84, 1, 0x11]).unwrap(),
        Command::new(Header::new(0x00, 0xD6, 0x00, 0x00)).with_data(&[1]).unwrap(),
        Command::new(Header::new(0x00, 0x24, 0x00, 0x03)).with_data(b"123456654321").unwrap(),
    ];
    for act in acts {
        let (driven, mut terminal) = authenticated([pin()]);
        let before = driven.scene.desk.instructions();
        driven.give(say(&mut terminal, &act));
        assert_eq!(driven.end().unwrap_err(), Failure::TerminalActRefused, "{act:?}");
        assert_eq!(driven.scene.desk.instructions(), before, "{act:?} reached the card");
    }
}

#[test]
fn a_signature_is_made_when_the_holder_has_allowed_it_and_not_before() {
    let (driven, mut terminal) = authenticated([pin(), Reply::Yes]);
    driven.give(Instruction::AllowSignature);
    assert_eq!(driven.next().unwrap(), SessionReport::SignatureAllowed);
    let (kind, question) = driven.scene.questions().pop().unwrap();
    assert_eq!((kind, question.purpose, question.digits), (SecretKind::Consent, Purpose::SignForTerminal, 0));
    let esign = [0xD1, 0x12, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F, 0x07, 0x02];
    let commands = [
        Command::new(Header::new(0x00, 0xA4, 0x04, 0x0C)).with_data(&esign).unwrap(),
        Command::new(Header::new(0x00, 0x22, 0x41, 0xB6)).with_data(&[0x84, 1, 0x11, 0x80, 1, 0x90]).unwrap(),
        sign().expecting_short_maximum(),
    ];
    for command in commands {
        driven.give(say(&mut terminal, &command));
        assert!(terminal.hear(&answer(&driven)).unwrap().status().is_success(), "{command:?}");
    }
    // The holder was asked about one.
    let before = driven.scene.desk.instructions();
    driven.give(say(&mut terminal, &sign()));
    assert_eq!(driven.end().unwrap_err(), Failure::TerminalActRefused);
    assert_eq!(driven.scene.desk.instructions(), before, "a second signature reached the card");

    let (driven, _terminal) = authenticated([pin(), Reply::Cancel]);
    driven.give(Instruction::AllowSignature);
    assert_eq!(driven.end().unwrap_err(), Failure::Cancelled);
}

/// A session for renewing the key, with a terminal that card and holder have let in.
fn renewing(replies: impl IntoIterator<Item = Reply>) -> (Driven, PlayedTerminal) {
    let pki = sample_cv_pki(NOW).unwrap();
    let session = TerminalSession { rights: TerminalSession::RENEWAL, ..session(&pki) };
    let driven = Driven::new(replies, session);
    let SessionReport::Open { cert_hats, .. } = driven.next().unwrap() else { panic!("not open") };
    assert_eq!(cert_hats, CertHat::Esign(EsignRights::TERMINAL_RENEWAL).to_octets());
    let mut terminal = PlayedTerminal::new(&pki, TERMINAL, CvPki::sign_in_rights(), None).unwrap();
    driven.give(Instruction::Authenticate(TerminalOffer {
        certificates: terminal.certificates(),
        template: terminal.template().to_vec(),
        bilateral: true,
    }));
    assert!(matches!(driven.next(), Ok(SessionReport::Terminal(_))));
    let data = terminal.receive_m1(&answer(&driven), &cert_hats).unwrap();
    driven.give(Instruction::Relay(RelayedCommand { header: [0x00, 0x86, 0x00, 0x00], data }));
    terminal.receive_m3(&answer(&driven)).unwrap();
    (driven, terminal)
}

/// Has the terminal say something that the card does.
fn done(driven: &Driven, terminal: &mut PlayedTerminal, command: &Command) -> StatusWord {
    driven.give(say(terminal, command));
    terminal.hear(&answer(driven)).unwrap().status()
}

fn key_command(instruction: u8, p1: u8, p2: u8) -> Command {
    let command = Command::new(Header::new(0x00, instruction, p1, p2)).with_data(&[0xB6, 3, 0x84, 1, 0x11]).unwrap();
    if instruction == 0x46 { command.expecting_short_maximum() } else { command }
}

fn select_esign() -> Command {
    let esign = [0xD1, 0x12, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F, 0x07, 0x02];
    Command::new(Header::new(0x00, 0xA4, 0x04, 0x0C)).with_data(&esign).unwrap()
}

/// MSE:Set CS to the client's channel.
fn hand_over() -> Command {
    let object = latchkey_card::bauth::ActiveChannel::Client.to_octets();
    Command::new(Header::new(0x00, 0x22, 0x01, 0xA4)).with_data(&object).unwrap()
}

/// The terminal gives its turn away, and the PIN is confirmed.
fn confirm(driven: &Driven, terminal: &mut PlayedTerminal) {
    assert_eq!(done(driven, terminal, &hand_over()), StatusWord::SUCCESS);
    driven.give(Instruction::Confirm);
    assert_eq!(driven.next().unwrap(), SessionReport::Confirmed);
    assert_eq!(done(driven, terminal, &select_esign()), StatusWord::SUCCESS);
}

fn choose_key() -> Command {
    Command::new(Header::new(0x00, 0x22, 0x41, 0xB6)).with_data(&[0x84, 1, 0x11, 0x80, 1, 0x90]).unwrap()
}

/// One PIN and one yes before anything happens; the PIN is confirmed twice; one signature, of the new key.
#[test]
fn a_key_is_renewed_under_one_decision() {
    let (driven, mut terminal) = renewing([pin()]);
    let (kind, question) = driven.scene.questions().pop().unwrap();
    assert_eq!((kind, question.purpose), (SecretKind::Pin, Purpose::RenewKey));
    assert_eq!(question.disclosure.unwrap().keys(), ["act-renew-keys", "act-sign-request"]);
    let ok = StatusWord::SUCCESS;
    assert_eq!(done(&driven, &mut terminal, &select_esign()), ok);
    assert_eq!(done(&driven, &mut terminal, &key_command(0xE6, 0x21, 0x00)), ok);
    // It is not the client's turn.
    driven.give(Instruction::Confirm);
    assert_eq!(driven.next().unwrap(), SessionReport::OutOfOrder);
    confirm(&driven, &mut terminal);
    assert_eq!(done(&driven, &mut terminal, &key_command(0x46, 0x80, 0x00)), ok);
    confirm(&driven, &mut terminal);
    assert_eq!(done(&driven, &mut terminal, &choose_key()), ok);
    assert_eq!(done(&driven, &mut terminal, &sign().expecting_short_maximum()), ok);
    // There is no third confirmation.
    assert_eq!(done(&driven, &mut terminal, &hand_over()), ok);
    driven.give(Instruction::Confirm);
    assert_eq!(driven.end().unwrap_err(), Failure::TerminalActRefused);
    assert_eq!(driven.scene.asked(), [SecretKind::Pin], "asked once");
}

#[test]
fn nothing_is_signed_before_a_key_was_generated() {
    // The old key.
    let (driven, mut terminal) = renewing([pin()]);
    driven.give(say(&mut terminal, &sign()));
    assert_eq!(driven.end().unwrap_err(), Failure::TerminalActRefused);
    // Nor by a question that would not say what the signature is under.
    let (driven, _terminal) = renewing([pin()]);
    driven.give(Instruction::AllowSignature);
    assert_eq!(driven.end().unwrap_err(), Failure::TerminalActRefused);
    // There is a key already, so that none is generated.
    let (driven, mut terminal) = renewing([pin()]);
    let ok = StatusWord::SUCCESS;
    assert_eq!(done(&driven, &mut terminal, &select_esign()), ok);
    confirm(&driven, &mut terminal);
    assert_ne!(done(&driven, &mut terminal, &key_command(0x46, 0x80, 0x00)), ok);
    assert_eq!(done(&driven, &mut terminal, &hand_over()), ok);
    driven.give(Instruction::Confirm);
    assert_eq!(driven.end().unwrap_err(), Failure::TerminalActRefused);
    // A session for something else knows no confirmation.
    let (driven, mut terminal) = authenticated([pin()]);
    assert_eq!(done(&driven, &mut terminal, &select_esign()), ok);
    assert_eq!(done(&driven, &mut terminal, &hand_over()), ok);
    driven.give(Instruction::Confirm);
    assert_eq!(driven.next().unwrap(), SessionReport::OutOfOrder);
}

#[test]
fn what_passes_between_terminal_and_card_is_printed_nowhere() {
    let (driven, mut terminal) = authenticated([pin()]);
    let instruction = say(&mut terminal, &sign());
    assert_eq!(format!("{instruction:?}"), "RelayedCommand([04, 2A, 9E, 9A], 45 octets)");
    let report = SessionReport::Answer(b"BYHANNA".to_vec());
    assert_eq!(format!("{report:?}"), "Answer(7 octets)");
    drop(driven);
}
