//! A private PC/SC service with a sample holder's card, and the agent's program that sees both.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use latchkey_agent::wire::{AgentProcess, AgentProgram, Appearance};
use latchkey_agent::{
    AskedRights, CardAgent, CardRequest, CardTask, Exchange, ReaderChoice, Request, SESSION_IDLE_TIME, SessionPassword,
    SignIn, TerminalSession, TerminalTrust,
};
use latchkey_crypto::assertion::{ChallengeText, Origin};
use latchkey_fixtures::card_image::CardImage;
use latchkey_fixtures::faults::{FaultProfile, FaultyCard};
use latchkey_fixtures::holders::{
    Holder, deployed_holders, issue_card, issue_deployed_card, sample_holders, sample_pki,
};
use latchkey_fixtures::pcscd::PrivatePcscd;
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::store::{CardStore, InProcess};
use latchkey_fixtures::vcard::VirtualCard;
use latchkey_fixtures::vcard::automaton::PinState;
use latchkey_fixtures::vpcd::InsertedCard;
use latchkey_tests::desktop::Screen;
use time::OffsetDateTime;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

/// A holder with a usable PIN.
pub(crate) const ORDINARY: &str = "hanna-vydumanaya";

/// Who asks.
pub(crate) const ORIGIN: &str = "https://portal.example";

/// Readers, cards and where the agent's program is.
pub(crate) struct Stage {
    pub(crate) service: PrivatePcscd,
    folder: tempfile::TempDir,
    scripts: AtomicU32,
}

/// A card's memory, which outlives its stay in a reader.
#[derive(Clone)]
pub(crate) struct HolderCard {
    image: CardImage,
    memory: InProcess,
}

impl HolderCard {
    pub(crate) fn of(id: &str) -> Self {
        static IMAGES: OnceLock<Vec<CardImage>> = OnceLock::new();
        let images = IMAGES.get_or_init(|| {
            let pki = sample_pki(NOW).unwrap();
            let standard = sample_holders().into_iter().map(|holder| issue_card(&pki, &holder, NOW).unwrap());
            let deployed =
                deployed_holders().into_iter().map(|holder| issue_deployed_card(&pki, &holder, NOW).unwrap());
            standard.chain(deployed).collect()
        });
        let image = images.iter().find(|image| image.name.as_str() == id).unwrap().clone();
        Self { image, memory: InProcess::default() }
    }

    pub(crate) fn pin_state(&self) -> PinState {
        self.memory.clone().load().unwrap().map_or(self.image.pin_state, |memory| memory.pin_state)
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self {
            service: PrivatePcscd::start(1).unwrap(),
            folder: tempfile::tempdir().unwrap(),
            scripts: AtomicU32::new(0),
        }
    }

    pub(crate) fn insert(&self, card: &HolderCard) -> InsertedCard {
        self.insert_with(card, FaultProfile::default())
    }

    /// With these faults.
    pub(crate) fn insert_with(&self, card: &HolderCard, faults: FaultProfile) -> InsertedCard {
        let random = Box::new(Seeded::new("a card in a test"));
        let card = VirtualCard::new(card.image.clone(), Box::new(card.memory.clone()), random).unwrap();
        let card = FaultyCard::new(card, faults, []).unwrap();
        let port = self.service.readers()[0].port;
        InsertedCard::insert(card, SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap()
    }

    /// The agent's program without a screen.
    pub(crate) fn agent(&self) -> AgentProcess {
        self.agent_in(&[], &format!("'{PROGRAM}' \"$@\""))
    }

    /// The agent's program on that screen, with further arguments.
    pub(crate) fn agent_on(&self, screen: &Screen, arguments: &str) -> AgentProcess {
        self.agent_in(&surroundings(screen), &format!("'{PROGRAM}' \"$@\" {arguments}"))
    }

    /// The same for a person who has texts at twice their size.
    pub(crate) fn large_agent_on(&self, screen: &Screen, arguments: &str) -> AgentProcess {
        let mut surroundings = surroundings(screen);
        surroundings.push(("GDK_DPI_SCALE".into(), "2".into()));
        self.agent_in(&surroundings, &format!("'{PROGRAM}' \"$@\" {arguments}"))
    }

    /// The same, with what passes over its pipes written down.
    pub(crate) fn recorded_agent_on(&self, screen: &Screen, arguments: &str) -> AgentProcess {
        let [told, answered] = self.recordings().map(|file| file.display().to_string());
        let line = format!("sh -c 'tee \"{told}\" | \"{PROGRAM}\" {arguments} | tee \"{answered}\"'");
        self.agent_in(&surroundings(screen), &line)
    }

    /// What was written down.
    pub(crate) fn traffic(&self) -> (String, String) {
        let [told, answered] = self.recordings().map(|file| fs::read(file).unwrap());
        let readable = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
        (readable(told), readable(answered))
    }

    fn recordings(&self) -> [PathBuf; 2] {
        ["told", "answered"].map(|name| self.folder.path().join(name))
    }

    fn agent_in(&self, surroundings: &[(OsString, OsString)], line: &str) -> AgentProcess {
        let given: String = surroundings
            .iter()
            .map(|(name, value)| format!(" '{}={}'", name.to_str().unwrap(), value.to_str().unwrap()))
            .collect();
        let script = self.folder.path().join(format!("agent-{}", self.scripts.fetch_add(1, Ordering::Relaxed)));
        let service = self.service.socket();
        let line = format!("exec env -i 'PCSCLITE_CSOCK_NAME={}'{given} {line}", service.display());
        fs::write(&script, format!("#!/bin/sh\n{line}\n")).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        AgentProcess::new(AgentProgram::at(script), Appearance::default())
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_latchkey-agent");

fn surroundings(screen: &Screen) -> Vec<(OsString, OsString)> {
    let command = screen.command(PROGRAM);
    command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect()
}

pub(crate) fn holder(id: &str) -> Holder {
    sample_holders().into_iter().find(|holder| holder.id == id).unwrap()
}

pub(crate) fn sign_in() -> CardTask {
    CardTask::SignIn(SignIn {
        origin: Origin::parse(ORIGIN).unwrap(),
        challenge: ChallengeText::draw(&mut Seeded::new("a challenge in a test")),
        app_version: "latchkey:test".into(),
    })
}

/// A terminal that nobody knows yet is to do that for a site that nobody vouches for.
pub(crate) fn at_terminal(rights: AskedRights) -> CardTask {
    CardTask::TerminalSession(Box::new(TerminalSession {
        origin: Origin::parse(ORIGIN).unwrap(),
        request: None,
        rights,
        password: SessionPassword::Pin,
        trust: TerminalTrust::default(),
        idle: SESSION_IDLE_TIME,
    }))
}

/// Sends that, with patience enough for a card that was just inserted.
pub(crate) fn ask(agent: &AgentProcess, task: CardTask) -> Exchange {
    let patience = Duration::from_secs(20);
    agent.send(Request::OfCard(CardRequest { reader: ReaderChoice::TheOnlyCard, patience, task }))
}
