//! One sample of every screen and state that the window knows, in every language: the pages are built and tested with
//! them. Where they differ from what the program says now, the test writes the new ones if it is told to:
//! `LATCHKEY_WRITE_SAMPLES=yes cargo test -p latchkey-client samples`.

mod every_failure;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use latchkey_agent::{
    AskedRights, Failure, OtherCard, ReaderName, SIGNING, ShownChecks, ShownTerminal, VerifiedRequest,
};
use latchkey_card::profile::Profile;
use latchkey_card::rights::Authority;
use latchkey_client::app::snapshot::{
    self, ArrivedBy, CardContents, CardResult, CardStatus, CardTaskName, CardView, CertificateView, DoctorCheck,
    DoctorVerdict, DoctorView, DocumentResult, DocumentsView, GuestPhase, GuestView, HistoryEntry, HistoryKind,
    HistoryResult, Holder, NewerVersion, Phase, PinStatus, PortalRequest, Reader, Secret, ServiceState, Settings, Site,
    SiteState, Snapshot, TerminalWork, Validity,
};
use latchkey_client::desk::{RequestFailure, TerminalDisclosure};
use latchkey_client::disclosure::DisclosureWords;
use latchkey_client::documents::DocumentFailure;
use latchkey_client::portal::PortalFailure;
use latchkey_client::service::ServiceFailure;
use latchkey_client::settings::{ProxyChoice, SettingName, SettingsFailure, Theme};
use latchkey_client::texts::{self, Language, Texts};
use latchkey_client::wording::Told;
use latchkey_crypto::cv::rights::{DataGroup, EidRights, EsignRights, Rights};
use serde::Serialize;

use every_failure::failures;

const READER: &str = "Example Reader 00 00";
const OTHER_READER: &str = "Another Reader 01 00";
const ORIGIN: &str = "https://portal.example";

/// What one file holds.
#[derive(Serialize)]
struct Samples {
    /// Every failure that a screen can show.
    failures: Vec<snapshot::Failure>,
    /// Every state by its name.
    states: BTreeMap<&'static str, Snapshot>,
}

#[test]
fn the_pages_samples_are_what_the_program_says() {
    for language in Language::ALL {
        let samples = samples(&texts::texts(language));
        let mut text = serde_json::to_string_pretty(&samples).unwrap();
        text.push('\n');
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../ui/src/samples/{}.json", language.code()));
        if std::env::var_os("LATCHKEY_WRITE_SAMPLES").is_some() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &text).unwrap();
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        assert!(kept == text, "{} is stale: write it anew with LATCHKEY_WRITE_SAMPLES=yes", file.display());
    }
}

#[test]
fn there_is_a_sample_of_every_failure() {
    for language in Language::ALL {
        let words = failures(&texts::texts(language));
        let sampled: BTreeSet<_> = words.iter().map(|failure| failure.code.as_str()).collect();
        for code in Failure::CODES
            .into_iter()
            .chain(PortalFailure::CODES)
            .chain(RequestFailure::OWN_CODES)
            .chain(ServiceFailure::CODES)
        {
            assert!(sampled.contains(code), "no sample of {code}");
        }
        for key in texts::source(language).lines().filter_map(|line| line.strip_prefix("failure-portal-refused-")) {
            let code = format!("portal-refused-{}", key.split(' ').next().unwrap());
            assert!(sampled.contains(code.as_str()), "no sample of {code}");
        }
        assert!(words.iter().all(|failure| !failure.what_to_do.is_empty()));
    }
}

fn reader() -> ReaderName {
    ReaderName::parse(READER).unwrap()
}

fn reader_view(name: &str, card: bool) -> Reader {
    Reader { name: name.to_owned(), card }
}

fn other_reader() -> ReaderName {
    ReaderName::parse(OTHER_READER).unwrap()
}

fn samples(texts: &Texts) -> Samples {
    let mut states = BTreeMap::new();
    for (name, state) in home(texts)
        .into_iter()
        .chain(requests(texts))
        .chain(card(texts))
        .chain(documents(texts))
        .chain(settings(texts))
        .chain(doctor(texts))
        .chain(guest(texts))
    {
        assert!(states.insert(name, state).is_none(), "{name} twice");
    }
    Samples { failures: failures(texts), states }
}

fn blank(texts: &Texts) -> Snapshot {
    Snapshot {
        version: "0.1.0",
        language: texts.language().code(),
        service: ServiceState::Listening,
        readers: Some(vec![reader_view(READER, true)]),
        readers_failure: None,
        requests: Vec::new(),
        card: CardView::default(),
        settings: Settings {
            language: None,
            theme: Theme::System,
            autostart: true,
            tray: true,
            pin_pad: false,
            proxy: ProxyChoice::System,
            proxy_address: None,
            history: false,
            history_failure: None,
            sites: Vec::new(),
            fixed: Vec::new(),
            file: "/home/hanna/.config/latchkey/settings.toml".to_owned(),
        },
        documents: DocumentsView::default(),
        doctor: DoctorView::default(),
        guest: GuestView { portals: vec![ORIGIN.to_owned()], portal: None, phase: GuestPhase::Off, failure: None },
        history: Vec::new(),
        update: None,
        notice: None,
        closes_in_seconds: None,
    }
}

type States = Vec<(&'static str, Snapshot)>;

fn home(texts: &Texts) -> States {
    let with_readers = |readers: &[(&str, bool)]| Snapshot {
        readers: Some(readers.iter().map(|(name, card)| reader_view(name, *card)).collect()),
        ..blank(texts)
    };
    let failed = |failure: &dyn Told| snapshot::Failure::of(failure, texts);
    vec![
        ("home", blank(texts)),
        (
            "home-notice",
            Snapshot {
                notice: Some(failed(&SettingsFailure::Unwritable {
                    path: "/home/hanna/.config/latchkey/settings.toml".into(),
                    reason: "No space left on device (os error 28)".to_owned(),
                })),
                ..blank(texts)
            },
        ),
        ("home-newer-version", Snapshot { update: Some(NewerVersion { version: "0.2.0".to_owned() }), ..blank(texts) }),
        ("home-looking-for-readers", Snapshot { readers: None, ..blank(texts) }),
        ("home-without-reader", with_readers(&[])),
        ("home-without-card", with_readers(&[(READER, false)])),
        ("home-two-readers", with_readers(&[(READER, false), (OTHER_READER, true)])),
        (
            "home-without-card-service",
            Snapshot { readers: None, readers_failure: Some(failed(&Failure::NoService)), ..blank(texts) },
        ),
    ]
}

fn request(phase: Phase) -> PortalRequest {
    PortalRequest {
        id: 1,
        origin: ORIGIN.to_owned(),
        says_it_is: Some("An invented portal".to_owned()),
        arrived_by: ArrivedBy::Page,
        short_code: None,
        documents: Vec::new(),
        disclosure: None,
        phase,
        seconds_left: None,
    }
}

fn documents(texts: &Texts) -> States {
    let file = |number: usize| snapshot::ChosenDocument {
        name: format!("contract {number}.pdf"),
        folder: "/home/hanna/Documents".to_owned(),
        size: texts.size(4_217_000 / number as u64),
    };
    let with = |documents: DocumentsView| Snapshot { documents, ..blank(texts) };
    let chosen = |count: usize| DocumentsView { files: (1..=count).map(file).collect(), ..DocumentsView::default() };
    let at = |phase| with(DocumentsView { phase: Some(phase), ..chosen(2) });
    let failed = |failure: &dyn Told| Some(snapshot::Failure::of(failure, texts).without_remedy());
    let exists = DocumentFailure::OutputExists { file: "/home/hanna/Documents/contract 2.pdf.p7s".into() };
    let result = |number: usize, failure: Option<snapshot::Failure>| DocumentResult {
        name: format!("contract {number}.pdf"),
        signature: failure.is_none().then(|| format!("contract {number}.pdf.p7s")),
        failure,
    };
    let results = |results| with(DocumentsView { results: Some(results), ..DocumentsView::default() });
    vec![
        ("documents-one", with(chosen(1))),
        ("documents-chosen", with(DocumentsView { attached: true, ..chosen(3) })),
        ("documents-many", with(chosen(40))),
        ("documents-asking", at(Phase::AgentAsks { secret: Secret::Pin, tries_left: Some(3) })),
        ("documents-signing", at(Phase::Signing)),
        ("documents-signed", results(vec![result(1, None), result(2, None)])),
        ("documents-one-not-signed", results(vec![result(1, None), result(2, failed(&exists))])),
        (
            "documents-failed",
            with(DocumentsView { failure: failed(&Failure::CertificateNotForDocuments), ..chosen(2) }),
        ),
    ]
}

fn by_link(phase: Phase) -> PortalRequest {
    PortalRequest { arrived_by: ArrivedBy::Link, short_code: Some("4217".to_owned()), ..request(phase) }
}

fn disclosure(texts: &Texts, optional: Rights, terminal: Option<ShownTerminal>) -> snapshot::Disclosure {
    let verified = optional != Rights::NONE;
    let shown = TerminalDisclosure {
        request: verified.then(|| VerifiedRequest {
            client: "Municipal services".to_owned(),
            purpose: Some("to register your new address".to_owned()),
            hash: [7; 32],
            must_be_bound: true,
        }),
        rights: if verified {
            let Authority { eid, .. } = Profile::standard().words;
            AskedRights::Exactly(Rights { eid: eid.unwrap(), esign: EsignRights::NONE } | optional)
        } else {
            AskedRights::OfModel { signs: true }
        },
        optional: if verified { optional } else { SIGNING },
        terminal,
    };
    let DisclosureWords { asker, required, optional, terminal } = DisclosureWords::of_request(&shown, texts);
    let optional = optional.into_iter().map(|(line, kept)| snapshot::Optional { line, kept }).collect();
    snapshot::Disclosure { verified, asker, required, optional, terminal }
}

fn shown_terminal() -> ShownTerminal {
    ShownTerminal {
        number: "980000000001".to_owned(),
        title: Some("The city's terminal".to_owned()),
        vouched_for: true,
        rights: Rights::NONE,
        bound: false,
        checks: ShownChecks::default(),
    }
}

fn requests(texts: &Texts) -> States {
    let document = |number: usize| snapshot::Document {
        name: format!("contract {number}.pdf"),
        size: texts.size(4_217_000 / number as u64),
    };
    let documents =
        |count: usize| PortalRequest { documents: (1..=count).map(document).collect(), ..request(Phase::AskHandOver) };
    let with = |request: PortalRequest| Snapshot { requests: vec![request], ..blank(texts) };
    let asks = |secret, tries_left| with(request(Phase::AgentAsks { secret, tries_left }));
    let failed = |failure: &dyn Told| with(request(Phase::Failed { failure: snapshot::Failure::of(failure, texts) }));
    let without_card = |phase| Snapshot { readers: Some(vec![reader_view(READER, false)]), ..with(request(phase)) };
    let long_name =
        "A portal that has given itself a name which is so long that it hardly fits on two lines".to_owned();
    let long_origin = "https://electronic-services.department-of-examples.municipality.portal.example:8443";
    let data = |phase, optional, terminal| PortalRequest {
        says_it_is: None,
        disclosure: Some(disclosure(texts, optional, terminal)),
        ..request(phase)
    };
    let at_work = |work, terminal| data(Phase::TerminalAtWork { work }, Rights::NONE, terminal);
    let asking = |secret| Phase::AgentAsks { secret, tries_left: (secret == Secret::Pin).then_some(3) };
    let group = |number| EidRights::read(DataGroup::new(number).unwrap());
    let optional = Rights { eid: group(17) | group(21) | group(22), esign: EsignRights::NONE };
    let waiting = |id, origin: &str| PortalRequest {
        id,
        origin: origin.to_owned(),
        says_it_is: None,
        ..request(Phase::WaitingInLine)
    };
    vec![
        ("link-ask-host", with(PortalRequest { says_it_is: None, short_code: None, ..by_link(Phase::AskHost) })),
        ("link-fetching", with(PortalRequest { says_it_is: None, short_code: None, ..by_link(Phase::Fetching) })),
        ("link-ask-hand-over", with(by_link(Phase::AskHandOver))),
        ("link-sending", with(by_link(Phase::Sending))),
        ("link-done", with(by_link(Phase::Done))),
        ("ask-hand-over", with(request(Phase::AskHandOver))),
        ("ask-hand-over-unnamed", with(PortalRequest { says_it_is: None, ..request(Phase::AskHandOver) })),
        (
            "ask-hand-over-long-names",
            with(PortalRequest {
                origin: long_origin.to_owned(),
                says_it_is: Some(long_name),
                ..request(Phase::AskHandOver)
            }),
        ),
        ("ask-hand-over-documents", with(documents(3))),
        ("ask-hand-over-many-documents", with(documents(40))),
        ("ask-hand-over-data", with(data(Phase::AskHandOver, Rights::NONE, None))),
        ("ask-hand-over-ticket", with(data(Phase::AskHandOver, optional, None))),
        ("terminal-awaited", with(at_work(TerminalWork::Awaited, None))),
        ("terminal-reading", with(at_work(TerminalWork::Reading, Some(shown_terminal())))),
        ("terminal-signing", with(at_work(TerminalWork::Signing, Some(shown_terminal())))),
        ("terminal-asks-pin", with(data(asking(Secret::Pin), Rights::NONE, None))),
        ("terminal-asks-pin2", with(data(asking(Secret::Pin2), Rights::NONE, None))),
        ("terminal-asks-consent", with(data(asking(Secret::Consent), Rights::NONE, Some(shown_terminal())))),
        ("terminal-asks-consent-hurry", {
            let asks = data(asking(Secret::Consent), Rights::NONE, Some(shown_terminal()));
            with(PortalRequest { seconds_left: Some(28), ..asks })
        }),
        ("terminal-done", with(data(Phase::Done, Rights::NONE, Some(shown_terminal())))),
        ("page-documents-signing", with(PortalRequest { phase: Phase::Signing, ..documents(2) })),
        ("page-documents-done", with(PortalRequest { phase: Phase::Done, ..documents(2) })),
        ("ask-hand-over-hurry", with(PortalRequest { seconds_left: Some(28), ..request(Phase::AskHandOver) })),
        (
            "queue",
            Snapshot {
                requests: vec![
                    request(Phase::AskHandOver),
                    waiting(2, "https://clinic.example"),
                    waiting(3, "https://library.example"),
                ],
                ..blank(texts)
            },
        ),
        ("connect-reader", Snapshot { readers: Some(Vec::new()), ..with(request(Phase::ConnectReader)) }),
        ("insert-card", without_card(Phase::InsertCard)),
        (
            "choose-reader",
            Snapshot {
                readers: Some(vec![reader_view(READER, true), reader_view(OTHER_READER, true)]),
                ..with(request(Phase::ChooseReader { readers: vec![READER.to_owned(), OTHER_READER.to_owned()] }))
            },
        ),
        ("reading-card", with(request(Phase::ReadingCard))),
        ("asks-pin", asks(Secret::Pin, Some(3))),
        ("asks-pin-two-tries", asks(Secret::Pin, Some(2))),
        ("asks-pin-hurry", {
            let mut state = asks(Secret::Pin, Some(3));
            state.requests.iter_mut().for_each(|request| request.seconds_left = Some(28));
            state
        }),
        ("asks-last-try", asks(Secret::LastTry, Some(1))),
        ("asks-can", asks(Secret::Can, Some(1))),
        ("signing", with(request(Phase::Signing))),
        ("done", with(request(Phase::Done))),
        ("done-closing", Snapshot { closes_in_seconds: Some(5), ..with(request(Phase::Done)) }),
        ("failed-pin-wrong", failed(&Failure::PinWrong { tries_left: 2 })),
        ("failed-pin-wrong-last-try", failed(&Failure::PinWrong { tries_left: 1 })),
        ("failed-pin-blocked", failed(&Failure::PinBlocked)),
        ("failed-pin-deactivated", failed(&Failure::PinDeactivated)),
        ("failed-card-removed", failed(&Failure::CardRemoved)),
        ("failed-card-service", failed(&Failure::NoService)),
        ("failed-wrong-card", failed(&Failure::OtherCard(OtherCard::Payment))),
    ]
}

fn words_of(texts: &Texts, be: &str, ru: &str, en: &str) -> String {
    match texts.language() {
        Language::Belarusian => be,
        Language::Russian => ru,
        Language::English => en,
    }
    .to_owned()
}

fn status(texts: &Texts, pin: PinStatus) -> CardStatus {
    CardStatus { reader: READER.to_owned(), model: texts.say("model-stb-34-101-79"), pin }
}

fn contents(texts: &Texts, validity: Validity) -> CardContents {
    let name = words_of(texts, "ВЫДУМАНАЯ ГАННА ТЭСТАЎНА", "ВЫДУМАННАЯ АННА ТЕСТОВНА", "ВЫДУМАННАЯ АННА ТЕСТОВНА");
    let (valid_from, valid_to) = match validity {
        Validity::Valid => ("2026-01-15T00:00:00Z", "2031-01-15T00:00:00Z"),
        Validity::ExpiresSoon => ("2021-12-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        Validity::Expired => ("2020-01-15T00:00:00Z", "2025-01-15T00:00:00Z"),
        Validity::NotYet => ("2027-01-15T00:00:00Z", "2032-01-15T00:00:00Z"),
    };
    CardContents {
        holder: Some(Holder {
            name: name.clone(),
            latin_name: Some("HANNA VYDUMANAYA".to_owned()),
            personal_number: "PNOBY-3000000A000PB0".to_owned(),
        }),
        certificates: vec![CertificateView {
            subject: name,
            issuer: "Invented Authority".to_owned(),
            serial: "40:9F:03:C1".to_owned(),
            valid_from: valid_from.to_owned(),
            valid_to: valid_to.to_owned(),
            validity,
            usage: texts.say("usage-signing-in"),
        }],
        unreadable: 0,
    }
}

fn card(texts: &Texts) -> States {
    let with = |card: CardView| Snapshot { card, ..blank(texts) };
    let at_hand = |pin| CardView { status: Some(status(texts, pin)), ..CardView::default() };
    let usable = PinStatus::Usable { tries_left: 3 };
    let doing = |task, phase| with(CardView { task: Some(task), phase: Some(phase), ..at_hand(usable) });
    let asks = |task, pin, secret, tries_left| {
        let phase = Some(Phase::AgentAsks { secret, tries_left });
        with(CardView { task: Some(task), phase, ..at_hand(pin) })
    };
    let came_to = |task, pin, failure: Option<&dyn Told>| {
        let failure = failure.map(|failure| snapshot::Failure::of(failure, texts));
        with(CardView { result: Some(CardResult { task, failure }), ..at_hand(pin) })
    };
    let read = |validity| with(CardView { contents: Some(contents(texts, validity)), ..at_hand(usable) });
    let unlooked = |failure: &dyn Told| {
        let failure = Some(snapshot::Failure::of(failure, texts));
        with(CardView { result: Some(CardResult { task: CardTaskName::Look, failure }), ..CardView::default() })
    };
    vec![
        (
            "card-looking",
            with(CardView { task: Some(CardTaskName::Look), phase: Some(Phase::ReadingCard), ..CardView::default() }),
        ),
        ("card-usable", with(at_hand(usable))),
        ("card-two-tries", with(at_hand(PinStatus::Usable { tries_left: 2 }))),
        ("card-suspended", with(at_hand(PinStatus::Suspended))),
        ("card-blocked", with(at_hand(PinStatus::Blocked))),
        ("card-deactivated", with(at_hand(PinStatus::Deactivated))),
        ("card-wrong", unlooked(&Failure::OtherCard(OtherCard::Payment))),
        ("card-unknown", unlooked(&Failure::OtherCard(OtherCard::Unknown))),
        ("card-mute", unlooked(&Failure::CardMute)),
        (
            "card-choose-reader",
            Snapshot {
                readers: Some(vec![reader_view(READER, true), reader_view(OTHER_READER, true)]),
                ..with(CardView {
                    task: Some(CardTaskName::Look),
                    phase: Some(Phase::ChooseReader { readers: vec![READER.to_owned(), OTHER_READER.to_owned()] }),
                    ..CardView::default()
                })
            },
        ),
        ("card-reading", doing(CardTaskName::Read, Phase::ReadingCard)),
        ("card-read", read(Validity::Valid)),
        ("card-read-expires-soon", read(Validity::ExpiresSoon)),
        ("card-read-expired", read(Validity::Expired)),
        ("card-read-not-yet", read(Validity::NotYet)),
        ("card-asks-pin", asks(CardTaskName::ChangePin, usable, Secret::Pin, Some(3))),
        ("card-asks-new-pin", asks(CardTaskName::ChangePin, usable, Secret::NewPin, None)),
        ("card-asks-puk", asks(CardTaskName::UnblockPin, PinStatus::Blocked, Secret::Puk, None)),
        ("card-pin-changed", came_to(CardTaskName::ChangePin, usable, None)),
        ("card-pin-unblocked", came_to(CardTaskName::UnblockPin, usable, None)),
        ("card-pin-activated", came_to(CardTaskName::ActivatePin, usable, None)),
        ("card-pin-deactivated", came_to(CardTaskName::DeactivateWithPin, PinStatus::Deactivated, None)),
        (
            "card-change-failed",
            came_to(
                CardTaskName::ChangePin,
                PinStatus::Usable { tries_left: 2 },
                Some(&Failure::PinWrong { tries_left: 2 }),
            ),
        ),
        (
            "card-unblock-failed",
            came_to(CardTaskName::UnblockPin, PinStatus::Blocked, Some(&Failure::PukWrong { tries_left: Some(9) })),
        ),
        ("card-dead", came_to(CardTaskName::UnblockPin, PinStatus::Blocked, Some(&Failure::PinDead))),
    ]
}

fn settings(texts: &Texts) -> States {
    let site = |origin: &str, state, since: Option<&str>| Site {
        origin: origin.to_owned(),
        state,
        since: since.map(str::to_owned),
    };
    let remembered = |at: &str, origin: &str, kind, result| HistoryEntry {
        at: at.to_owned(),
        origin: origin.to_owned(),
        kind,
        result,
    };
    let some = Settings {
        sites: vec![
            site(ORIGIN, SiteState::Allowed, Some("2026-11-20T09:12:00Z")),
            site("https://prizes.example", SiteState::RefusedToday, Some("2026-11-22T08:00:00Z")),
            site("https://clinic.example", SiteState::HasTerminal, Some("2026-11-21T14:30:00Z")),
        ],
        ..blank(texts).settings
    };
    let managed = Settings {
        language: Some(texts.language().code()),
        theme: Theme::Contrast,
        proxy: ProxyChoice::Address,
        proxy_address: Some("http://proxy.example:3128".to_owned()),
        sites: vec![
            site(ORIGIN, SiteState::AllowedByAdministrator, None),
            site("https://prizes.example", SiteState::ForbiddenByAdministrator, None),
        ],
        fixed: vec![SettingName::Language, SettingName::Autostart, SettingName::Proxy, SettingName::History],
        ..some.clone()
    };
    vec![
        ("settings", Snapshot { settings: some.clone(), ..blank(texts) }),
        (
            "settings-history",
            Snapshot {
                settings: Settings { history: true, ..some },
                history: vec![
                    remembered("2026-11-23T10:05:00Z", ORIGIN, HistoryKind::Terminal, HistoryResult::Done),
                    remembered("2026-11-23T09:40:00Z", ORIGIN, HistoryKind::Terminal, HistoryResult::Refused),
                    remembered("2026-11-22T11:00:00Z", ORIGIN, HistoryKind::Documents, HistoryResult::Done),
                    remembered(
                        "2026-11-22T08:30:00Z",
                        "https://clinic.example",
                        HistoryKind::SignIn,
                        HistoryResult::Failed,
                    ),
                    remembered(
                        "2026-11-22T08:00:00Z",
                        "https://prizes.example",
                        HistoryKind::SignIn,
                        HistoryResult::Refused,
                    ),
                    remembered("2026-11-20T09:12:00Z", ORIGIN, HistoryKind::SignIn, HistoryResult::Done),
                ],
                ..blank(texts)
            },
        ),
        ("settings-managed", Snapshot { settings: managed, ..blank(texts) }),
    ]
}

fn doctor(texts: &Texts) -> States {
    let check = |name: &str, title: [&str; 3], verdict, finding: [&str; 3], cure: Option<[&str; 3]>| DoctorCheck {
        name: name.to_owned(),
        title: words_of(texts, title[0], title[1], title[2]),
        verdict,
        finding: words_of(texts, finding[0], finding[1], finding[2]),
        cure: cure.map(|cure| words_of(texts, cure[0], cure[1], cure[2])),
    };
    let service = ["Служба смарт-карт", "Служба смарт-карт", "Smart card service"];
    let runs = ["Працуе.", "Работает.", "It runs."];
    let reader = ["Счытвальнік", "Считыватель", "Reader"];
    let none = ["Няма ніводнага.", "Нет ни одного.", "There is none."];
    let connect = ["Падключыце счытвальнік.", "Подключите считыватель.", "Connect the reader."];
    let card = ["Картка", "Карта", "Card"];
    let unseen = ["Не праверана.", "Не проверено.", "Not checked."];
    let good = vec![
        check("pcsc-service", service, DoctorVerdict::Good, runs, None),
        check("reader", reader, DoctorVerdict::Good, runs, None),
        check("card", card, DoctorVerdict::Good, runs, None),
    ];
    let bad = vec![
        check("pcsc-service", service, DoctorVerdict::Good, runs, None),
        check("reader", reader, DoctorVerdict::Bad, none, Some(connect)),
        check("card", card, DoctorVerdict::NotChecked, unseen, None),
    ];
    let with = |doctor| Snapshot { doctor, ..blank(texts) };
    let report = Some("latchkey 0.1.0\npcsc-service: good\nreader: bad\ncard: not-checked\n".to_owned());
    vec![
        ("doctor-running", with(DoctorView { running: true, checks: bad[..1].to_vec(), report: None })),
        ("doctor-good", with(DoctorView { running: false, checks: good, report: report.clone() })),
        ("doctor-bad", with(DoctorView { running: false, checks: bad, report })),
    ]
}

fn guest(texts: &Texts) -> States {
    let with = |phase, failure: Option<&dyn Told>| Snapshot {
        guest: GuestView {
            portals: vec![ORIGIN.to_owned(), "https://clinic.example".to_owned()],
            portal: (phase != GuestPhase::Off).then(|| ORIGIN.to_owned()),
            phase,
            failure: failure.map(|failure| snapshot::Failure::of(failure, texts)),
        },
        ..blank(texts)
    };
    vec![
        ("guest-off", with(GuestPhase::Off, None)),
        ("guest-opening", with(GuestPhase::Opening, None)),
        ("guest-open", with(GuestPhase::Open, None)),
        ("guest-clearing", with(GuestPhase::Clearing, None)),
        ("guest-failed", with(GuestPhase::Off, Some(&PortalFailure::Unreachable))),
    ]
}
