//! Terminal, client and the virtual card together: each was shown to be right on its own, here they meet.

use latchkey_card::CardChannel;
use latchkey_card::apdu::{Command, Response, StatusWord};
use latchkey_card::bauth::{Auxiliary, AuxiliaryAttribute, Day, Mode, TerminalTemplate, terminal_certificates};
use latchkey_card::bpace::AuthenticationTemplate;
use latchkey_card::channel::ChannelError;
use latchkey_card::dialogue::{
    AgreedActs, DialogueError, PinStatus, Selected, TerminalAct, TerminalAuthenticating, TerminalChannel,
};
use latchkey_card::password::{Can, Password, Pin};
use latchkey_card::profile::{Edition, Profile, TerminalHello};
use latchkey_card::rights::{Authority, DataGroup, EidRights, EsignRights};
use latchkey_card::terminal::{
    AfterM1, AwaitingM1, CardTrustAnchors, Established, Findings, KeyAct, KeyOutcome, Next, Offer, RelayedCommand,
    TerminalEditions, TerminalFile,
};
use latchkey_crypto::belt;
use latchkey_crypto::bign::PublicKey;
use latchkey_crypto::cv::rights::Rights;
use latchkey_crypto::cv::{Date, TrustAnchor, TrustAnchors};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_crypto::signature::SignatureAlgorithm;
use latchkey_crypto::x509::{Certificate, CertificateRequest};
use latchkey_fixtures::card_image::{self, CardImage};
use latchkey_fixtures::cv::{Certified, CvPki};
use latchkey_fixtures::holders::{issue_card, sample_holders, sample_pki};
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::store::InProcess;
use latchkey_fixtures::vcard::VirtualCard;
use time::OffsetDateTime;
use time::macros::{date, datetime};

const NOW: OffsetDateTime = datetime!(2026-11-30 12:00 UTC);
const EDITIONS: TerminalEditions =
    TerminalEditions { hello: TerminalHello::TemplateAndCertHats, mac: Edition::Errata2020 };

/// A card in a reader that counts what it is told.
struct Counted {
    card: VirtualCard,
    commands: usize,
}

impl CardChannel for Counted {
    fn transmit(&mut self, command: &Command) -> Result<Response, ChannelError> {
        self.commands += 1;
        self.card.transmit(command)
    }
}

fn image() -> CardImage {
    issue_card(&sample_pki(NOW).unwrap(), &sample_holders()[0], NOW).unwrap()
}

fn inserted(image: CardImage) -> Counted {
    let card = VirtualCard::new(image, Box::new(InProcess::default()), Box::new(Seeded::new("card"))).unwrap();
    Counted { card, commands: 0 }
}

fn cv_pki() -> CvPki {
    sample_pki(NOW).unwrap().cv_pki().unwrap()
}

fn group(number: u8) -> DataGroup {
    DataGroup::new(number).unwrap()
}

/// Rights to these groups and to what the holder does in eSign.
fn authority(groups: &[u8], esign: EsignRights) -> Authority {
    let eid = groups.iter().fold(EidRights::AGE_VERIFICATION, |all, number| all | EidRights::read(group(*number)));
    Authority { eid: Some(eid), esign: Some(esign), signatures: None }
}

/// The identification service's terminal.
struct Terminal {
    certified: Certified,
    offer: Offer,
    template: TerminalTemplate,
    editions: TerminalEditions,
    random: Seeded,
}

impl Terminal {
    fn new(rights: Rights, template: TerminalTemplate) -> Self {
        let pki = cv_pki();
        let certified = pki.terminal("980000000001", rights).unwrap();
        let offer = Offer::new(&[pki.authority().certificate.clone(), certified.certificate.clone()], &template);
        Self { certified, offer, template, editions: EDITIONS, random: Seeded::new("terminal") }
    }

    fn asking() -> TerminalTemplate {
        let day = |date: time::Date| Day::try_from(date).unwrap();
        let auxiliary =
            Auxiliary { born_by: Some(day(date!(2008 - 11 - 30))), ..Auxiliary::valid_on(day(date!(2026 - 11 - 30))) };
        TerminalTemplate::new(Mode::Bilateral, None, Some(auxiliary))
    }

    fn receive_m1(&mut self, cert_hats: &[u8], answer: &[u8]) -> (AfterM1, RelayedCommand) {
        let awaiting = AwaitingM1::new(&self.template, cert_hats, &Profile::KNOWN[0], self.editions);
        awaiting.receive(answer, &self.certified.key, &mut self.random).unwrap()
    }
}

fn trust<T>(act: impl FnOnce(&CardTrustAnchors<'_>) -> T) -> T {
    let pki = cv_pki();
    let anchors = TrustAnchors::new(vec![TrustAnchor::of_root(pki.root().certificate.clone()).unwrap()]);
    let issuers = [pki.authority().certificate.clone()];
    act(&CardTrustAnchors { anchors: &anchors, issuers: &issuers, today: Date::try_from(NOW.date()).unwrap() })
}

fn cert_hats(password_id: u8, authority: &Authority) -> Vec<u8> {
    let profile = Profile::standard();
    AuthenticationTemplate::new(password_id, authority, profile.rights_order).cert_hats().to_vec()
}

/// The client opens its channel with the PIN and lets the terminal show itself.
fn begin<'c>(
    card: &'c mut Counted,
    profile: &'c Profile,
    terminal: &Terminal,
    authority: &Authority,
    agreed: AgreedActs,
) -> Result<(TerminalAuthenticating<'c>, Vec<u8>), DialogueError> {
    let pin = Pin::parse(sample_holders()[0].pin.as_bytes(), 6).unwrap();
    let shown = PinStatus::Usable { tries_left: 3 };
    let selected = Selected::select(card, profile)?;
    let secured = selected.secure_with_pin(pin, shown, authority, &mut Seeded::new("client"))?;
    let template = TerminalTemplate::parse(&terminal.offer.template).unwrap();
    secured.authenticate_terminal(&template, &terminal_certificates(&terminal.offer.certificates).unwrap(), agreed)
}

/// Both channels, after BAUTH.
struct Session<'c> {
    channel: TerminalChannel<'c>,
    established: Option<Established>,
}

fn open<'c>(
    card: &'c mut Counted,
    profile: &'c Profile,
    terminal: &mut Terminal,
    authority: &Authority,
    agreed: AgreedActs,
) -> Session<'c> {
    let (waiting, m1) = begin(card, profile, terminal, authority, agreed).unwrap();
    let (after, command) = terminal.receive_m1(&cert_hats(3, authority), &m1);
    let AfterM1::Bilateral(awaiting) = after else { panic!("a unilateral run") };
    let (channel, m3) = waiting.relay_m2(&command.data).unwrap();
    let established = trust(|trust| awaiting.receive(&m3, trust)).unwrap();
    Session { channel, established: Some(established) }
}

impl Session<'_> {
    fn relay(&mut self, command: &RelayedCommand) -> Vec<u8> {
        self.channel.relay(command.header, &command.data).unwrap()
    }

    fn run<Step, Outcome>(
        &mut self,
        mut next: Next<Step, Outcome>,
        receive: impl Fn(Step, &[u8]) -> Next<Step, Outcome>,
    ) -> Outcome {
        loop {
            match next {
                Next::Done(outcome) => return outcome,
                Next::Command(step, command) => next = receive(step, &self.relay(&command)),
            }
        }
    }

    fn take(&mut self) -> Established {
        self.established.take().unwrap()
    }

    fn read(&mut self, files: &[TerminalFile]) -> Findings {
        let next = self.take().read(files).unwrap();
        let (findings, established) = self.run(next, |step, answer| step.receive(answer).unwrap());
        self.established = Some(established);
        findings
    }

    fn sign(&mut self, hash: &[u8; 32]) -> [u8; 48] {
        let (step, command) = self.take().sign().unwrap();
        let answer = self.relay(&command);
        let (step, command) = step.receive(&answer).unwrap();
        let answer = self.relay(&command);
        let (step, command) = step.receive(&answer, hash).unwrap();
        let answer = self.relay(&command);
        let (signature, established) = step.receive(&answer).unwrap();
        self.established = Some(established);
        signature
    }

    /// The terminal gives the client its turn, and the client confirms with the PIN that it has kept.
    fn confirm(&mut self) {
        let (step, command) = self.take().hand_over().unwrap();
        let answer = self.relay(&command);
        let handed_over = step.receive(&answer).unwrap();
        self.channel.confirm_pin(None).unwrap();
        self.established = Some(handed_over.resume());
    }

    fn manage(&mut self, act: KeyAct) -> KeyOutcome {
        let (step, command) = self.take().manage_key(act).unwrap();
        let next = Next::Command(step, command);
        let (outcome, established) = self.run(next, |step, answer| step.receive(answer).unwrap());
        self.established = Some(established);
        outcome
    }

    fn write(&mut self, file: TerminalFile, contents: &[u8]) {
        let (step, command) = self.take().write_file(file, contents).unwrap();
        let established = self.run(Next::Command(step, command), |step, answer| step.receive(answer).unwrap());
        self.established = Some(established);
    }
}

fn groups(numbers: &[u8]) -> Vec<TerminalFile> {
    numbers.iter().map(|number| TerminalFile::DataGroup(group(*number))).collect()
}

/// Nine commands up to the terminal's channel, three for the attributes, then each file's and the three of a signature.
#[test]
fn a_terminal_reads_what_was_agreed_and_has_a_signature_made() {
    let image = image();
    let profile = Profile::standard();
    let mut card = inserted(image.clone());
    let mut terminal = Terminal::new(CvPki::sign_in_rights(), Terminal::asking());
    let authority = authority(&[4, 5, 7], EsignRights::TERMINAL_SIGNING);
    let agreed = AgreedActs::NONE.with(TerminalAct::Sign);
    let mut session = open(&mut card, &profile, &mut terminal, &authority, agreed);
    assert_eq!(session.established.as_ref().unwrap().card().name().as_str(), sample_holders()[0].document_number);

    let files = [groups(&[4, 5, 7, 8]), vec![TerminalFile::Certificate]].concat();
    let findings = session.read(&files);
    let validity = [(AuxiliaryAttribute::DocumentValidity, true), (AuxiliaryAttribute::AgeVerification, true)];
    assert_eq!(findings.attributes, validity);
    for (number, (file, read)) in [4, 5, 7].into_iter().zip(&findings.files) {
        assert_eq!(*file, TerminalFile::DataGroup(group(number)));
        let held = &image.data_groups[&card_image::DataGroup::new(number).unwrap()];
        assert_eq!(read.as_ref().unwrap().to_vec(), held.0, "DG{number}");
    }
    assert_eq!(findings.files[3].1, Err(StatusWord::NOT_ALLOWED), "a group that the holder has not agreed to");
    let certificate = findings.files[4].1.as_ref().unwrap().to_vec();
    assert_eq!(certificate, image.esign.terminal_certificate.0);

    let hash = belt::hash(&[b"what the holder has agreed to"]);
    let signature = session.sign(&hash);
    let key = Certificate::from_der(&certificate).unwrap();
    let algorithm = SignatureAlgorithm::Bign(HashAlgorithm::BeltHash);
    assert_eq!(key.public_key().verify_hash(algorithm, &hash, &signature), Ok(()));
    drop(session);
    let blocks: usize = [4, 5, 7]
        .map(|number| image.data_groups[&card_image::DataGroup::new(number).unwrap()].0.len().div_ceil(224))
        .iter()
        .sum();
    let of_certificate = certificate.len().div_ceil(224);
    assert_eq!(card.commands, 4 + 5 + 3 + (3 + blocks) + 1 + (2 + of_certificate) + 3);
}

#[test]
fn a_second_signature_wants_a_second_confirmation() {
    let profile = Profile::standard();
    let mut card = inserted(image());
    let mut terminal = Terminal::new(CvPki::sign_in_rights(), TerminalTemplate::new(Mode::Bilateral, None, None));
    let authority = authority(&[5], EsignRights::TERMINAL_SIGNING);
    let agreed = AgreedActs::NONE.with(TerminalAct::Sign);
    let mut session = open(&mut card, &profile, &mut terminal, &authority, agreed);
    session.sign(&[1; 32]);
    session.confirm();
    session.channel.agree(TerminalAct::Sign);
    session.sign(&[2; 32]);
    assert!(session.read(&groups(&[5])).files[0].1.is_ok(), "the terminal's channel goes on");
}

/// Sequence J from end to end, with the one PIN that the holder has entered.
#[test]
fn a_key_is_renewed() {
    let profile = Profile::standard();
    let mut card = inserted(image());
    let mut terminal = Terminal::new(CvPki::sign_in_rights(), TerminalTemplate::new(Mode::Bilateral, None, None));
    let authority = authority(&[5], EsignRights::TERMINAL_SIGNING | EsignRights::TERMINAL_KEYS);
    let mut session = open(&mut card, &profile, &mut terminal, &authority, AgreedActs::RENEWAL);
    assert_eq!(session.manage(KeyAct::Destroy), KeyOutcome::Destroyed);
    session.confirm();
    let KeyOutcome::Generated(public_key) = session.manage(KeyAct::Generate) else { panic!("no key") };
    session.confirm();
    let name = session.read(&[TerminalFile::Name]).files.remove(0).1.unwrap();
    let request = CertificateRequest::new(&name, &public_key).unwrap();
    let signature = session.sign(&request.hash());
    let request = request.signed(&signature).unwrap();
    assert!(PublicKey::from_octets(&public_key).is_ok());
    let ticket = latchkey_card::key::request_ticket(&request);
    session.write(TerminalFile::Certificate, &ticket);
    let read = session.read(&[TerminalFile::Certificate]).files.remove(0).1.unwrap();
    assert_eq!(read.to_vec(), ticket);
    let issued = image().esign.terminal_certificate.0;
    session.write(TerminalFile::Certificate, &issued);
    session.write(TerminalFile::KeyHash, &latchkey_card::key::key_hash(&public_key));
    let read = session.read(&[TerminalFile::Certificate]).files.remove(0).1.unwrap();
    assert_eq!(read.to_vec(), issued);
}

#[test]
fn nothing_is_read_of_a_document_that_has_expired() {
    let profile = Profile::standard();
    let mut card = inserted(image());
    let far = Day::try_from(date!(2060 - 01 - 01)).unwrap();
    let template = TerminalTemplate::new(Mode::Bilateral, None, Some(Auxiliary::valid_on(far)));
    let mut terminal = Terminal::new(CvPki::sign_in_rights(), template);
    let mut session = open(&mut card, &profile, &mut terminal, &authority(&[5], EsignRights::NONE), AgreedActs::NONE);
    let findings = session.read(&groups(&[5]));
    assert_eq!(findings.attributes, [(AuxiliaryAttribute::DocumentValidity, false)]);
    assert!(findings.files.is_empty());
}

/// The age is compared without anybody being named.
#[test]
fn a_unilateral_run_compares_the_age_and_names_nobody() {
    let profile = Profile::standard();
    let mut card = inserted(image());
    let asking = Terminal::asking();
    let template = TerminalTemplate::new(Mode::Unilateral, None, asking.auxiliary().cloned());
    let mut terminal = Terminal::new(CvPki::sign_in_rights(), template);
    let authority = authority(&[5], EsignRights::NONE);
    let (waiting, m1) = begin(&mut card, &profile, &terminal, &authority, AgreedActs::NONE).unwrap();
    let (after, command) = terminal.receive_m1(&cert_hats(3, &authority), &m1);
    let AfterM1::Unilateral(awaiting) = after else { panic!("a bilateral run") };
    let (mut channel, accepted) = waiting.relay_m2(&command.data).unwrap();
    let mut next = awaiting.receive(&accepted).unwrap().verify().unwrap();
    let findings = loop {
        match next {
            Next::Done((findings, _)) => break findings,
            Next::Command(step, command) => {
                next = step.receive(&channel.relay(command.header, &command.data).unwrap()).unwrap();
            }
        }
    };
    let expected = [(AuxiliaryAttribute::DocumentValidity, true), (AuxiliaryAttribute::AgeVerification, true)];
    assert_eq!((findings.attributes.as_slice(), findings.files.len()), (&expected[..], 0));
}

#[test]
fn a_session_with_the_can_needs_a_terminal_with_that_right() {
    let profile = Profile::standard();
    let sign_in = CvPki::sign_in_rights();
    let with_can = Rights { eid: sign_in.eid | EidRights::CAN_ACCESS, ..sign_in };
    for (rights, is_accepted) in [(sign_in, false), (with_can, true)] {
        let mut card = inserted(image());
        let terminal = Terminal::new(rights, TerminalTemplate::new(Mode::Bilateral, None, None));
        let can = Can::parse(sample_holders()[0].can.as_bytes(), 6).unwrap();
        let selected = Selected::select(&mut card, &profile).unwrap();
        let authority = authority(&[5], EsignRights::NONE);
        let secured = selected.secure_with_can(can, &authority, &mut Seeded::new("client")).unwrap();
        let certificates = terminal_certificates(&terminal.offer.certificates).unwrap();
        let begun = secured.authenticate_terminal(&terminal.template, &certificates, AgreedActs::NONE);
        match begun {
            Ok(_) => assert!(is_accepted),
            Err(error) => {
                assert!(!is_accepted, "{error}");
                let status = StatusWord::NOT_ALLOWED;
                assert_eq!(error, DialogueError::TerminalCertificateRefused { status });
            }
        }
    }
}

/// An edition that is set wrong on one side: the card refuses M2, or the terminal's first command.
#[test]
fn editions_that_differ_fail_cleanly() {
    let profile = Profile::standard();
    let authority = authority(&[5], EsignRights::NONE);
    let template = || TerminalTemplate::new(Mode::Bilateral, Some([7; 32]), None);
    for hello in [TerminalHello::RequestHash, TerminalHello::RequestHashObject] {
        let mut card = inserted(image());
        let mut terminal = Terminal::new(CvPki::sign_in_rights(), template());
        terminal.editions.hello = hello;
        let (waiting, m1) = begin(&mut card, &profile, &terminal, &authority, AgreedActs::NONE).unwrap();
        let (_, command) = terminal.receive_m1(&cert_hats(3, &authority), &m1);
        let refused = waiting.relay_m2(&command.data).unwrap_err();
        assert_eq!(refused, DialogueError::TerminalNotProven { status: StatusWord::BAD_DATA }, "{hello:?}");
    }
    // On the card's side: its own hello is another one, and of its MAC the client learns first.
    for hello in [card_image::TerminalHelloEdition::RequestHash, card_image::TerminalHelloEdition::RequestHashObject] {
        let mut image = image();
        image.editions.terminal_hello = hello;
        let mut card = inserted(image);
        let asking = TerminalTemplate::new(Mode::Bilateral, Some([7; 32]), Terminal::asking().auxiliary().cloned());
        let mut terminal = Terminal::new(CvPki::sign_in_rights(), asking);
        let (waiting, m1) = begin(&mut card, &profile, &terminal, &authority, AgreedActs::NONE).unwrap();
        let (_, command) = terminal.receive_m1(&cert_hats(3, &authority), &m1);
        let refused = waiting.relay_m2(&command.data).unwrap_err();
        assert_eq!(refused, DialogueError::TerminalNotProven { status: StatusWord::BAD_DATA }, "{hello:?}");
    }
    let mut card = inserted(image());
    let mut terminal = Terminal::new(CvPki::sign_in_rights(), template());
    terminal.editions.mac = Edition::Print2019;
    let mut session = open(&mut card, &profile, &mut terminal, &authority, AgreedActs::NONE);
    let Next::Command(_, command) = session.take().read(&groups(&[5])).unwrap() else { panic!("nothing to ask") };
    let refused = session.channel.relay(command.header, &command.data).unwrap_err();
    assert_eq!(refused, DialogueError::ChannelClosed { status: StatusWord::SECURE_MESSAGING_INCORRECT });
}
