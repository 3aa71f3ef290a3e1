//! Messages one by one: each survives writing and reading, in one spelling, and none has a place for a secret.

use std::collections::BTreeSet;
use std::ffi::{CString, OsStr};
use std::io::Cursor;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use latchkey_agent::wire::{FRAME_MAX_SIZE, FromAgent, ToAgent, WireFault};
use latchkey_agent::{
    AfterUnblocking, Answer, AskedRights, Asker, CardContents, CardModel, CardRequest, CardStatus, CardTask,
    DOCUMENTS_MAX, DeactivateWith, Document, Documents, Failure, Instruction, KnownTerminal, OtherCard, PinStatus,
    ProbeFindings, ReaderChoice, ReaderEvent, ReaderName, ReaderReport, RelayedCommand, Report, Request, RequestId,
    SESSION_IDLE_TIME, SecretKind, SessionPassword, SessionReport, ShownChecks, ShownTerminal, SignDocuments, SignIn,
    Step, TerminalOffer, TerminalSession, TerminalTrust, VerifiedRequest,
};
use latchkey_crypto::assertion::{APP_VERSION_MAX_SIZE, Assertion, AssertionAlgorithm, ChallengeText, Origin};
use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::cms::{ContentHasher, DetachedSignature, DigestAlgorithm, SignedAttributes};
use latchkey_crypto::cv::rights::{EidRights, EsignRights, Rights};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_crypto::x509::Certificate;
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::vectors::file;
use latchkey_reader::{Atr, CardPresence, Insertion};
use proptest::prelude::*;

use crate::desk::NOW;

fn written(message: &ToAgent) -> Vec<u8> {
    let mut octets = Vec::new();
    message.write(&mut octets).unwrap();
    octets
}

fn told(message: &FromAgent) -> Vec<u8> {
    let mut octets = Vec::new();
    message.write(&mut octets).unwrap();
    octets
}

fn reader() -> ReaderName {
    // As a service may name one: not UTF-8.
    ReaderName::from_service(&CString::new(*b"R\xE9ader").unwrap()).unwrap()
}

fn requests() -> Vec<ToAgent> {
    let sign_in = SignIn {
        origin: Origin::parse("https://portal.example:8443").unwrap(),
        challenge: ChallengeText::draw(&mut Seeded::new("a challenge")),
        app_version: "latchkey:0.1.0".into(),
    };
    let tasks = [
        CardTask::Status,
        CardTask::SignIn(sign_in),
        CardTask::SignDocuments(SignDocuments { asker: Asker::Holder, documents: documents() }),
        CardTask::SignDocuments(SignDocuments {
            asker: Asker::Portal(Origin::parse("https://portal.example").unwrap()),
            documents: documents(),
        }),
        CardTask::ReadCertificates,
        CardTask::Probe,
        CardTask::ChangePin,
        CardTask::UnblockPin(AfterUnblocking::KeepPin),
        CardTask::UnblockPin(AfterUnblocking::NewPin),
        CardTask::ActivatePin,
        CardTask::DeactivatePin(DeactivateWith::Pin),
        CardTask::DeactivatePin(DeactivateWith::Puk),
        CardTask::TerminalSession(Box::new(terminal_session(SessionPassword::Pin))),
        CardTask::TerminalSession(Box::new(TerminalSession {
            rights: AskedRights::OfModel { signs: false },
            request: None,
            trust: TerminalTrust::default(),
            ..terminal_session(SessionPassword::Can)
        })),
    ];
    let of_card = tasks.into_iter().enumerate().map(|(index, task)| {
        let choice = if index % 2 == 0 { ReaderChoice::TheOnlyCard } else { ReaderChoice::Reader(reader()) };
        let patience = Duration::from_millis(index as u64 * 700);
        ToAgent::Request(RequestId(index as u64), Request::OfCard(CardRequest { reader: choice, patience, task }))
    });
    let instructions = [
        Instruction::Authenticate(TerminalOffer {
            certificates: vec![0x7F; 300],
            template: vec![0x80, 0x09],
            bilateral: true,
        }),
        Instruction::Relay(RelayedCommand { header: [0x04, 0xB0, 0x00, 0x00], data: vec![0x97; 9] }),
        Instruction::AllowSignature,
        Instruction::Confirm,
        Instruction::Close,
    ];
    let instructions = instructions.map(|instruction| ToAgent::Instruct(RequestId(7), instruction));
    let others = [
        ToAgent::Request(RequestId(u64::MAX), Request::ListReaders),
        ToAgent::Request(RequestId(0), Request::WatchReaders),
        ToAgent::Cancel(RequestId(3)),
        ToAgent::End,
    ];
    of_card.chain(instructions).chain(others).collect()
}

fn terminal_session(password: SessionPassword) -> TerminalSession {
    let origin = |text| Origin::parse(text).unwrap();
    TerminalSession {
        origin: origin("https://portal.example"),
        request: Some(VerifiedRequest {
            client: "Партал".into(),
            purpose: Some("to open your account".into()),
            hash: [7; 32],
            must_be_bound: true,
        }),
        rights: AskedRights::Exactly(Rights {
            eid: EidRights::from_octets([0, 0, 0xC7, 0xFF, 0]),
            esign: EsignRights::TERMINAL_SIGNING,
        }),
        password,
        trust: TerminalTrust {
            roots: vec![vec![0x7F; 250]],
            known: vec![KnownTerminal {
                holder: "BYTERM0001".into(),
                title: Some("A terminal".into()),
                origins: vec![
                    origin("https://portal.example"),
                    Origin::parse_without_tls("http://pharmacy.example").unwrap(),
                ],
            }],
        },
        idle: SESSION_IDLE_TIME,
    }
}

fn terminal(title: Option<&str>) -> ShownTerminal {
    ShownTerminal {
        number: "BYTERM0001".into(),
        title: title.map(str::to_owned),
        vouched_for: title.is_some(),
        rights: Rights { eid: EidRights::AGE_VERIFICATION, esign: EsignRights::NONE },
        bound: true,
        checks: ShownChecks { age: true, place: false },
    }
}

fn documents() -> Documents {
    // As a file system may name one: not UTF-8.
    let path = PathBuf::from(OsStr::from_bytes(b"/home/holder/contract \xE9.pdf"));
    let contents = Document::Contents { name: "заява.txt".into(), octets: b"contents".to_vec() };
    Documents::new(vec![Document::File(path), contents]).unwrap()
}

/// One of the real size, over nothing: the message does not care.
fn signature() -> DetachedSignature {
    let certificate = Certificate::from_der(&file("pki/person.cert.der")).unwrap();
    let algorithm = AssertionAlgorithm::Bign(HashAlgorithm::BeltHash);
    let digest = ContentHasher::new(DigestAlgorithm::of_signature(algorithm)).finish();
    let attributes = SignedAttributes::new(digest, certificate, algorithm, NOW).unwrap();
    let key = file("pki/person.testkey.der");
    let key = PrivateKey::from_octets(key[key.len() - 32..].try_into().unwrap()).unwrap();
    let hash = attributes.hash().try_into().unwrap();
    attributes.signed(&key.sign_hash(&hash)).unwrap()
}

fn failures() -> Vec<Failure> {
    use Failure as F;
    let name = reader();
    vec![
        F::NoService,
        F::ServiceFault { reason: "out of memory".into() },
        F::NoReader,
        F::UnknownReader { name: name.clone(), readers: vec![name.clone(), name.clone()] },
        F::ReaderGone,
        F::Transmission,
        F::NoCard,
        F::SeveralCards { readers: vec![name] },
        F::CardRemoved,
        F::CardReset,
        F::CardSilent,
        F::CardMute,
        F::CardBusy,
        F::CardUnsupported,
        F::MalformedResponse,
        F::OtherCard(OtherCard::Payment),
        F::OtherCard(OtherCard::TravelDocument),
        F::OtherCard(OtherCard::Piv),
        F::OtherCard(OtherCard::OpenPgp),
        F::OtherCard(OtherCard::Unknown),
        F::CardProtocol,
        F::CardClosedChannel,
        F::CardRefused { status: 0x6A82 },
        F::KeyMissing,
        F::KeyInactive,
        F::CertificateMissing,
        F::CertificatePending,
        F::CertificateFaulty,
        F::SignatureFaulty,
        F::CertificateNotForDocuments,
        F::CertificateExpired,
        F::CertificateNotYetValid,
        F::NoDocuments,
        F::TooManyDocuments,
        F::DocumentUnreadable { reason: "no such file".into() },
        F::DocumentNotAFile,
        F::PinWrong { tries_left: 2 },
        F::PinBlocked,
        F::PinDeactivated,
        F::PinStatusChanged,
        F::PinDead,
        F::Pin2Wrong { tries_left: 2 },
        F::Pin2Blocked,
        F::CanWrong,
        F::PukWrong { tries_left: None },
        F::PukWrong { tries_left: Some(9) },
        F::Cancelled,
        F::HolderSilent,
        F::NoPrompt,
        F::SecretMalformed { kind: SecretKind::NewPin },
        F::LastTryNotAllowed,
        F::TerminalRejected,
        F::TerminalOfOtherSite,
        F::TerminalRequestOther,
        F::TerminalMalformed,
        F::TerminalActRefused,
        F::TerminalSessionIdle,
        F::AgentFault,
        F::AgentStopped,
        F::AgentMissing { reason: "no such file".into() },
    ]
}

fn assertion() -> Assertion {
    let algorithm = AssertionAlgorithm::Bign(HashAlgorithm::BeltHash);
    Assertion::new(vec![0x30; 900], algorithm, vec![7; 48], "latchkey:0.1.0".into()).unwrap()
}

fn reports() -> Vec<FromAgent> {
    let kinds = [
        SecretKind::Pin,
        SecretKind::Pin2,
        SecretKind::NewPin,
        SecretKind::Can,
        SecretKind::Puk,
        SecretKind::LastTryConfirmation,
        SecretKind::Consent,
    ];
    let of_session = [
        SessionReport::Open { cert_hats: vec![0x7F, 0x4C], model: CardModel::Stb79, security_signer: None },
        SessionReport::Open { cert_hats: vec![0x7F], model: CardModel::Kta, security_signer: Some(vec![0x30, 0x00]) },
        SessionReport::Terminal(terminal(None)),
        SessionReport::Terminal(terminal(Some("A terminal"))),
        SessionReport::Answer(vec![0x90, 0x00]),
        SessionReport::SignatureAllowed,
        SessionReport::Confirmed,
        SessionReport::OutOfOrder,
    ];
    let statuses =
        [PinStatus::Usable { tries_left: 2 }, PinStatus::Suspended, PinStatus::Blocked, PinStatus::Deactivated];
    let steps = [
        Step::ReadingDocuments,
        Step::WaitingForReader,
        Step::WaitingForCard,
        Step::ReaderChosen(reader()),
        Step::CardRecognised(CardModel::Stb79),
        Step::CardRecognised(CardModel::Kta),
        Step::HolderActive,
        Step::ChannelOpen,
        Step::Examining,
        Step::CertificateRead,
        Step::Signing,
        Step::Done,
    ];
    let steps = steps.into_iter().chain(kinds.map(Step::WaitingFor)).chain(statuses.map(Step::PinStatusKnown));
    let (insertion, atr) = (Insertion::new(u64::MAX), Atr::new(&[0x3B, 0x80, 0x01]).unwrap());
    let presences = [
        CardPresence::Absent,
        CardPresence::Present { insertion, atr },
        CardPresence::InUseExclusively { insertion, atr },
        CardPresence::Mute { insertion },
    ];
    let events = [
        ReaderEvent::ServiceUp,
        ReaderEvent::ServiceDown,
        ReaderEvent::ReaderAppeared(reader()),
        ReaderEvent::ReaderVanished(reader()),
        ReaderEvent::CardRemoved { reader: reader(), insertion },
    ];
    let cards = presences.into_iter().flat_map(|presence| {
        [
            ReaderEvent::CardInserted { reader: reader(), presence: presence.clone() },
            ReaderEvent::CardChanged { reader: reader(), presence },
        ]
    });
    let (model, pin) = (CardModel::Stb79, PinStatus::Usable { tries_left: 3 });
    let certificates = vec![vec![0x30; 4000], vec![]];
    let answers = [
        Answer::Readers(vec![
            ReaderReport { name: reader(), card: true },
            ReaderReport { name: reader(), card: false },
        ]),
        Answer::CardStatus(CardStatus { reader: reader(), model, pin }),
        Answer::SignedIn(assertion()),
        Answer::DocumentsSigned(vec![Ok(signature()), Err(Failure::DocumentNotAFile)]),
        Answer::Card(CardContents { reader: reader(), model, certificates }),
        Answer::PinManaged(pin),
        Answer::Probed(ProbeFindings { report: "entry: none\n".into(), channel_opened: false }),
        Answer::TerminalSessionEnded,
    ];
    let all = steps
        .map(Report::Progress)
        .chain(events.into_iter().chain(cards).map(Report::Readers))
        .chain(of_session.into_iter().map(Report::Session))
        .chain(answers.into_iter().map(|answer| Report::Finished(Ok(answer))))
        .chain(failures().into_iter().map(|failure| Report::Finished(Err(failure))));
    all.map(|report| FromAgent(RequestId(12), report)).collect()
}

#[test]
fn every_message_arrives_as_it_was_sent() {
    for message in requests() {
        let octets = written(&message);
        let read = ToAgent::read(&mut Cursor::new(&octets)).unwrap().unwrap();
        assert_eq!(format!("{read:?}"), format!("{message:?}"));
        assert_eq!(written(&read), octets);
    }
    for message in reports() {
        let octets = told(&message);
        let read = FromAgent::read(&mut Cursor::new(&octets)).unwrap().unwrap();
        assert_eq!(format!("{read:?}"), format!("{message:?}"));
        assert_eq!(told(&read), octets);
    }
    assert!(ToAgent::read(&mut Cursor::new([])).unwrap().is_none());
}

#[test]
fn every_code_of_a_failure_can_be_told() {
    let told: BTreeSet<_> = failures().iter().map(Failure::code).collect();
    assert_eq!(told, Failure::CODES.into_iter().collect());
}

#[test]
fn no_part_of_a_message_is_one() {
    for octets in requests().iter().map(written) {
        for kept in 1..octets.len() {
            let cut = ToAgent::read(&mut Cursor::new(&octets[..kept]));
            assert!(matches!(cut, Err(WireFault::Truncated)), "a prefix of {kept} octets: {cut:?}");
        }
        // The same with a length that fits.
        for kept in 0..octets.len() - 4 {
            let length = u32::try_from(kept).unwrap().to_be_bytes();
            let cut = [&length[..], &octets[4..4 + kept]].concat();
            assert!(ToAgent::read(&mut Cursor::new(&cut)).is_err(), "{kept} octets of a message");
        }
    }
    for octets in reports().iter().map(told).filter(|octets| octets.len() < 2000) {
        for kept in 0..octets.len() - 4 {
            let length = u32::try_from(kept).unwrap().to_be_bytes();
            let cut = [&length[..], &octets[4..4 + kept]].concat();
            assert!(FromAgent::read(&mut Cursor::new(&cut)).is_err(), "{kept} octets of a message");
        }
    }
}

#[test]
fn what_does_not_fit_its_type_is_refused() {
    let sign_in = |origin: &str, challenge: &str, version: &str| {
        format!(
            r#"{{"request":{{"id":1,"request":{{"of-card":{{"reader":null,"patienceMilliseconds":0,"task":{{"sign-in":{{"origin":"{origin}","challenge":"{challenge}","appVersion":"{version}"}}}}}}}}}}}}"#
        )
    };
    let challenge = ChallengeText::draw(&mut Seeded::new("a challenge"));
    let (origin, challenge) = ("https://portal.example", challenge.as_str());
    let long = "v".repeat(APP_VERSION_MAX_SIZE + 1);
    let read = |json: &str| {
        let length = u32::try_from(json.len()).unwrap().to_be_bytes();
        ToAgent::read(&mut Cursor::new([&length[..], json.as_bytes()].concat()))
    };
    assert!(read(&sign_in(origin, challenge, "v")).is_ok());
    let sign = |documents: &str| {
        format!(
            r#"{{"request":{{"id":1,"request":{{"of-card":{{"reader":null,"patienceMilliseconds":0,"task":{{"sign-documents":{{"origin":null,"documents":[{documents}]}}}}}}}}}}}}"#
        )
    };
    let contents = r#"{"contents":{"name":"a","octets":"AAAA"}}"#;
    assert!(read(&sign(contents)).is_ok());
    assert!(read(&sign(r#"{"file":{"path":"L2E="}}"#)).is_ok());
    let session = |idle: &str| {
        format!(
            r#"{{"request":{{"id":1,"request":{{"of-card":{{"reader":null,"patienceMilliseconds":0,"task":{{"terminal-session":{{"origin":"{origin}","request":null,"rights":{{"exactly":{{"eid":"AAAAAAE=","esign":"AAA="}}}},"password":"pin","roots":[],"known":[],{idle}}}}}}}}}}}}}"#
        )
    };
    let exactly = session(r#""idleMilliseconds":120000"#);
    assert!(read(&exactly).is_ok());
    let of_model =
        exactly.replace(r#"{"exactly":{"eid":"AAAAAAE=","esign":"AAA="}}"#, r#"{"of-model":{"signs":false}}"#);
    assert!(exactly != of_model && read(&of_model).is_ok());
    let relay = |header: &str| {
        format!(r#"{{"instruct":{{"id":1,"instruction":{{"relay":{{"header":"{header}","data":""}}}}}}}}"#)
    };
    assert!(read(&relay("BLAAAA==")).is_ok());
    let long_name = format!(r#"{{"contents":{{"name":"{}","octets":"AAAA"}}}}"#, "a".repeat(256));
    let rows = [
        ("no document", sign("")),
        ("a path that depends on where the agent is", sign(r#"{"file":{"path":"YWE="}}"#)),
        ("too many documents", sign(&vec![contents; DOCUMENTS_MAX + 1].join(","))),
        ("a long name of contents", sign(&long_name)),
        // No request has a place for what somebody else hashed.
        ("a hash value", sign(r#"{"hash":{"name":"a","octets":"AAAA"}}"#)),
        ("a hash value beside contents", sign(&contents.replace("}}", r#","hash":"AAAA"}}"#))),
        ("a site without TLS that signs in", sign_in("http://pharmacy.example", challenge, "v")),
        ("an idle time beyond the longest", session(r#""idleMilliseconds":120001"#)),
        ("rights of two kinds", exactly.replace(r#""esign":"AAA="}"#, r#""esign":"AAA="},"of-model":{"signs":true}"#)),
        ("rights of an unknown kind", exactly.replace("exactly", "all")),
        ("a reserved right", session(r#""idleMilliseconds":1"#).replace("AAAAAAE=", "gAAAAAE=")),
        ("a word of another length", session(r#""idleMilliseconds":1"#).replace("AAAAAAE=", "AAAAAQ==")),
        ("a PIN for a session", session(r#""idleMilliseconds":1,"pin":"123456""#)),
        ("a header of five octets", relay("BLAAAAA=")),
        ("a header of three octets", relay("BLAA")),
        ("another scheme", sign_in("http://portal.example", challenge, "v")),
        ("another spelling of an origin", sign_in("https://PORTAL.example", challenge, "v")),
        ("an address", sign_in("https://portal.example/", challenge, "v")),
        ("a short challenge", sign_in(origin, "AAAA", "v")),
        ("a long name of a program", sign_in(origin, challenge, &long)),
        ("a field too many", sign_in(origin, challenge, r#"v","pin":"123456"#)),
        ("a field twice", sign_in(origin, challenge, r#"v","appVersion":"v"#)),
        ("an empty reader's name", sign_in(origin, challenge, "v").replace("null", r#""""#)),
        ("a reader's name with NUL", sign_in(origin, challenge, "v").replace("null", r#""AAAA""#)),
        ("no base64", sign_in(origin, challenge, "v").replace("null", r#""Reader""#)),
        ("a negative patience", sign_in(origin, challenge, "v").replace(":0,", ":-1,")),
        ("a list for an object", r#"{"cancel":[1]}"#.to_owned()),
        ("two messages", r#"{"cancel":{"id":1}}{"cancel":{"id":1}}"#.to_owned()),
        ("a message of the other direction", r#"{"id":1,"report":{"progress":"done"}}"#.to_owned()),
    ];
    for (name, json) in rows {
        assert!(read(&json).is_err(), "{name}");
    }
}

#[test]
fn nothing_larger_than_a_frame_is_written_or_read() {
    let certificates = vec![vec![0; 8000]; 1200];
    let contents = CardContents { reader: reader(), model: CardModel::Stb79, certificates };
    let message = FromAgent(RequestId(1), Report::Finished(Ok(Answer::Card(contents))));
    assert!(matches!(message.write(&mut Vec::new()), Err(WireFault::TooLong(_))));
    let length = u32::try_from(FRAME_MAX_SIZE + 1).unwrap().to_be_bytes();
    let endless = std::io::Read::chain(&length[..], std::io::repeat(b'['));
    assert!(matches!(FromAgent::read(&mut { endless }), Err(WireFault::TooLong(_))));
}

/// Everything in a message that is a free text, with where it is.
fn free_texts(value: &serde_json::Value, place: &str, found: &mut BTreeSet<String>) {
    use serde_json::Value;
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| free_texts(value, key, found)),
        Value::Array(values) => values.iter().for_each(|value| free_texts(value, place, found)),
        Value::String(_) => _ = found.insert(place.to_owned()),
        _ => {}
    }
}

#[test]
fn no_message_has_a_place_for_a_secret() {
    let frames = requests().iter().map(written).chain(reports().iter().map(told)).collect::<Vec<_>>();
    let mut found = BTreeSet::new();
    for octets in frames {
        free_texts(&serde_json::from_slice(&octets[4..]).unwrap(), "", &mut found);
    }
    // Each with the type that it is read into.
    let places = [
        "",                 // the word for the end
        "answer",           // the card's answer to a terminal, at most 65,538 octets
        "answered",         // Answer
        "appVersion",       // at most 255 octets, the program's own name
        "atr",              // Atr
        "certHats",         // the rights that a card was asked for
        "card-recognised",  // CardModel
        "certificates",     // octets of the card's files, or a terminal's
        "challenge",        // ChallengeText
        "client",           // whom a verified request's certificate speaks of: shown, at most 200 characters
        "code",             // Failure::CODES
        "data",             // of a terminal's command for the card
        "eid",              // EidRights
        "esign",            // EsignRights
        "hash",             // of a verified request
        "header",           // of a terminal's command: four octets
        "holder",           // a terminal's name
        "instruction",      // Instruction
        "kind",             // SecretKind
        "model",            // CardModel
        "name",             // ReaderName, or what a page calls contents: shown, never used
        "number",           // a terminal's name: shown, at most 200 characters
        "octets",           // contents that a page sent
        "origin",           // Origin
        "origins",          // Origin
        "password",         // SessionPassword: which one opens the card, never the password itself
        "path",             // of a file to sign
        "pin-status-known", // PinStatus
        "presence",         // CardPresence
        "progress",         // Step
        "purpose",          // what a verified request is for: shown, at most 200 characters
        "reader",           // ReaderName
        "reader-appeared",  // ReaderName
        "reader-chosen",    // ReaderName
        "reader-vanished",  // ReaderName
        "readers",          // ReaderEvent or ReaderName
        "reason",           // the operating system's words, at most 500 octets
        "report",           // findings about a card, at most four MiB of lines without a person's data
        "request",          // Request
        "roots",            // CV certificates of an administrator's
        "securitySigner",   // the certificate of an organisation
        "session",          // SessionReport
        "signature",        // DetachedSignature
        "signed-in",        // Assertion
        "task",             // CardTask
        "template",         // of a terminal, for the card
        "title",            // what an administrator calls a terminal: shown, at most 200 characters
        "waiting-for",      // SecretKind
    ];
    assert_eq!(found, places.map(str::to_owned).into());
}

proptest! {
    #[test]
    fn octets_are_refused_or_a_message_in_its_one_spelling(octets in any::<Vec<u8>>()) {
        let framed = [&u32::try_from(octets.len()).unwrap().to_be_bytes()[..], &octets].concat();
        if let Ok(Some(message)) = ToAgent::read(&mut Cursor::new(&framed)) {
            prop_assert_eq!(written(&message), framed.clone());
        }
        if let Ok(Some(message)) = FromAgent::read(&mut Cursor::new(&framed)) {
            prop_assert_eq!(told(&message), framed);
        }
    }

    #[test]
    fn a_message_with_a_slip_is_refused_or_another_message(
        which in 0_usize..100, at in any::<prop::sample::Index>(), octet in any::<u8>(), kind in 0..3
    ) {
        let (requests, reports) = (requests(), reports());
        let slip = |mut octets: Vec<u8>| {
            let at = 4 + at.index(octets.len() - 4);
            match kind {
                0 => octets[at] = octet,
                1 => octets.insert(at, octet),
                _ => _ = octets.remove(at),
            }
            let length = u32::try_from(octets.len() - 4).unwrap().to_be_bytes();
            octets[..4].copy_from_slice(&length);
            octets
        };
        let altered = slip(written(&requests[which % requests.len()]));
        if let Ok(Some(message)) = ToAgent::read(&mut Cursor::new(&altered)) {
            prop_assert_eq!(written(&message), altered);
        }
        let altered = slip(told(&reports[which % reports.len()]));
        if let Ok(Some(message)) = FromAgent::read(&mut Cursor::new(&altered)) {
            prop_assert_eq!(told(&message), altered);
        }
    }
}
