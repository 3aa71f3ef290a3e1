//! A terminal in process, callers, and client programs that pass on what they are told between it and virtual cards.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_card::CardChannel;
use latchkey_card::bauth::{TerminalTemplate, terminal_certificates};
use latchkey_card::dialogue::{
    AgreedActs, DialogueError, PinStatus, Selected, TerminalAct, TerminalAuthenticating, TerminalChannel,
};
use latchkey_card::password::{Password as _, Pin};
use latchkey_card::profile::Profile;
use latchkey_card::rights::{Authority, DataGroup, EidRights, EsignRights};
use latchkey_crypto::cv::Date;
use latchkey_fixtures::cv::CvPki;
use latchkey_fixtures::holders::{Holder, deployed_holders, issue_card, sample_holders, sample_pki};
use latchkey_fixtures::pki::{Revocation, TestPki};
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::store::InProcess;
use latchkey_fixtures::vcard::VirtualCard;
use latchkey_portal::http::terminal_router;
use latchkey_portal::metrics::Metrics;
use latchkey_portal::revocation::{ListFile, ListsOnDisk};
use latchkey_portal::storage::Steps;
use latchkey_portal::terminal::authority::Authority as IssuingAuthority;
use latchkey_portal::terminal::{
    Caller, Credentials, DocumentRegister, KeysInFiles, Sources, Terminal, TerminalKeys, TerminalRules,
    TerminalSurroundings, Tickets, UnknownDocuments,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use time::OffsetDateTime;
use tower::ServiceExt as _;

use super::credentials::{configured, write, write_files};
use super::records::{open, open_file};
use super::sealing::key;
use crate::support::{Answer, NOW, trust, write_lists};

/// A terminal with its database and files in a directory of its own, and a clock to turn.
pub(crate) struct World {
    pub(crate) terminal: Arc<Terminal>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) pki: TestPki,
    pub(crate) cv: CvPki,
    pub(crate) lists: Arc<ListsOnDisk>,
    pub(crate) directory: TempDir,
    clock: Arc<Mutex<OffsetDateTime>>,
    router: Router,
}

pub(crate) const CALLER: &str = "127.0.0.1";

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}, |_, _| {}).await
    }

    /// `change` alters the rules, `prepare` the files.
    pub(crate) async fn with(change: impl FnOnce(&mut TerminalRules), prepare: impl FnOnce(&Path, &CvPki)) -> Self {
        Self::configured(&configured(), change, prepare).await
    }

    /// With another configuration than the example's.
    pub(crate) async fn configured(
        text: &str,
        change: impl FnOnce(&mut TerminalRules),
        prepare: impl FnOnce(&Path, &CvPki),
    ) -> Self {
        let (directory, pki) = prepared(prepare);
        let steps = open(&directory.path().join("terminal-steps.sqlite")).await;
        Self::node(text, directory, pki, steps, Arc::new(KeysInFiles), change)
    }

    /// With keys that are elsewhere than in the files that the configuration names.
    pub(crate) async fn with_keys(
        text: &str,
        prepare: impl FnOnce(&Path, &CvPki),
        keys: impl FnOnce(&TestPki) -> Arc<dyn TerminalKeys>,
    ) -> Self {
        let (directory, pki) = prepared(prepare);
        let steps = open(&directory.path().join("terminal-steps.sqlite")).await;
        let keys = keys(&pki);
        Self::node(text, directory, pki, steps, keys, |_| {})
    }

    /// With its database in a file, whatever database this run is for.
    pub(crate) async fn on_a_file() -> Self {
        let (directory, pki) = prepared(|_, _| {});
        let steps = Arc::new(open_file(&directory.path().join("terminal-steps.sqlite")).await);
        Self::node(&configured(), directory, pki, steps, Arc::new(KeysInFiles), |_| {})
    }

    /// A terminal on these files and this database.
    fn node(
        text: &str,
        directory: TempDir,
        pki: TestPki,
        steps: Arc<dyn Steps>,
        keys: Arc<dyn TerminalKeys>,
        change: impl FnOnce(&mut TerminalRules),
    ) -> Self {
        let clock = Arc::new(Mutex::new(NOW));
        let (terminal, metrics, lists) =
            terminal(text, directory.path(), &pki, (steps, keys), &clock, "terminal", change);
        let cv = pki.cv_pki().unwrap();
        let router = terminal_router(Arc::clone(&terminal));
        Self { terminal, metrics, pki, cv, lists, directory, clock, router }
    }

    /// Another node on the same database, with random values of its own.
    pub(crate) async fn another_node(&self) -> Router {
        self.node_called("another node").await
    }

    /// One of several others.
    pub(crate) async fn node_called(&self, name: &str) -> Router {
        let steps = open(&self.database()).await;
        let (terminal, _, _) = terminal(
            &configured(),
            self.directory.path(),
            &self.pki,
            (steps, Arc::new(KeysInFiles)),
            &self.clock,
            name,
            |_| {},
        );
        terminal_router(terminal)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("terminal-steps.sqlite")
    }

    pub(crate) fn set_clock(&self, now: OffsetDateTime) {
        *self.clock.lock().unwrap() = now;
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    /// A back end at the usual address.
    pub(crate) fn back_end(&self) -> BackEnd {
        BackEnd { router: self.router(), caller: caller(CALLER) }
    }

    pub(crate) fn revoke(&self, revoked: &[Revocation]) {
        write_lists(self.directory.path(), &self.pki, revoked, NOW);
        assert!(self.lists.renew().faults.is_empty());
    }

    /// The card of the ordinary sample holder.
    pub(crate) fn card(&self) -> VirtualCard {
        self.card_of(&sample_holders()[0])
    }

    pub(crate) fn card_of(&self, holder: &Holder) -> VirtualCard {
        inserted(issue_card(&self.pki, holder, NOW).unwrap())
    }
}

pub(crate) fn inserted(image: latchkey_fixtures::card_image::CardImage) -> VirtualCard {
    VirtualCard::new(image, Box::new(InProcess::default()), Box::new(Seeded::new("the card"))).unwrap()
}

pub(crate) fn caller(address: &str) -> Caller {
    Caller::back_end(address.parse().unwrap(), None)
}

/// The files of a terminal, which `prepare` adds to.
fn prepared(prepare: impl FnOnce(&Path, &CvPki)) -> (TempDir, TestPki) {
    let directory = tempfile::tempdir().unwrap();
    let pki = sample_pki(NOW).unwrap();
    let cv = pki.cv_pki().unwrap();
    write_files(directory.path(), &cv, &super::credentials::terminal(&cv));
    let holders = sample_holders().into_iter().chain(deployed_holders());
    let listed: Vec<_> = holders.map(|holder| format!("{} valid\n", holder.document_number)).collect();
    write(directory.path(), "documents.txt", listed.concat().as_bytes(), 0o644);
    prepare(directory.path(), &cv);
    write_lists(directory.path(), &pki, &[], NOW);
    (directory, pki)
}

fn terminal(
    text: &str,
    directory: &Path,
    pki: &TestPki,
    (steps, keys): (Arc<dyn Steps>, Arc<dyn TerminalKeys>),
    clock: &Arc<Mutex<OffsetDateTime>>,
    seed: &str,
    change: impl FnOnce(&mut TerminalRules),
) -> (Arc<Terminal>, Arc<Metrics>, Arc<ListsOnDisk>) {
    let settings = latchkey_portal::configuration::Configuration::parse(text, directory);
    let settings = settings.unwrap().terminal.unwrap();
    let trust = trust(pki);
    let files = ["root.crl.der", "authority.crl.der"].map(|name| ListFile::kept(directory.join(name))).into();
    let revocation = Arc::new(ListsOnDisk::load(files, &trust).unwrap());
    let metrics = Arc::new(Metrics::new());
    let mut rules = TerminalRules {
        sources: Sources::Loopback,
        session_limit: 1000,
        request_time_limit: Duration::from_secs(60),
        unknown_documents: UnknownDocuments::Refuse,
        trust,
    };
    change(&mut rules);
    let told = Arc::clone(clock);
    let surroundings = TerminalSurroundings {
        steps,
        record_key: key(),
        tickets: settings.tickets.as_ref().map(|files| Tickets::with_keys(files, &*keys).unwrap()),
        credentials: Arc::new(
            Credentials::with_keys(settings.credentials, keys, Date::try_from(NOW.date()).unwrap()).unwrap(),
        ),
        register: Arc::new(DocumentRegister::load(settings.documents).unwrap()),
        revocation: Arc::clone(&revocation),
        authority: settings.authority.as_ref().map(|authority| IssuingAuthority::new(authority).unwrap()),
        audit: Arc::new(crate::support::audit(directory)),
        metrics: Arc::clone(&metrics),
        clock: Box::new(move || *told.lock().unwrap()),
        random: Box::new(Seeded::new(seed)),
    };
    (Terminal::new(rules, surroundings), metrics, revocation)
}

/// The back end of a portal.
#[derive(Clone)]
pub(crate) struct BackEnd {
    pub(crate) router: Router,
    pub(crate) caller: Caller,
}

impl BackEnd {
    pub(crate) async fn post(&self, name: &str, body: Value) -> Answer {
        self.post_at(&format!("/api/v1/{name}"), body).await
    }

    pub(crate) async fn post_at(&self, path: &str, body: Value) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(self.caller);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: head.status, headers: head.headers, body }
    }

    /// An answer that must be success.
    pub(crate) async fn ask(&self, name: &str, body: Value) -> Value {
        self.ask_at(&format!("/api/v1/{name}"), body).await
    }

    pub(crate) async fn ask_at(&self, path: &str, body: Value) -> Value {
        let answer = self.post_at(path, body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    pub(crate) async fn begin(&self) -> Value {
        self.ask("bauth_init", json!({ "so_certificate": "" })).await
    }
}

pub(crate) fn octets(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

pub(crate) fn base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// The rights that client programs ask for when pages of today call them.
pub(crate) fn usual_authority() -> Authority {
    let groups = (1..=11).chain([15, 16]).filter_map(DataGroup::new);
    let eid = groups.fold(EidRights::NONE, |all, group| all | EidRights::read(group));
    Authority { eid: Some(eid), esign: Some(EsignRights::TERMINAL_SIGNING), signatures: None }
}

/// A page and a client program with an open card: all that lies between back end and card.
pub(crate) struct Session<'c> {
    pub(crate) channel: TerminalChannel<'c>,
    pub(crate) back_end: BackEnd,
    pub(crate) hreq: String,
}

/// A client program that has agreed with its holder, and the card's first answer.
pub(crate) fn open_card<'c>(
    card: &'c mut VirtualCard,
    profile: &'c Profile,
    holder: &Holder,
    authority: &Authority,
    begun: &Value,
) -> (TerminalAuthenticating<'c>, Vec<u8>) {
    let agreed = AgreedActs::NONE.with(TerminalAct::Sign);
    try_open_card(card, profile, holder, authority, begun, agreed).unwrap()
}

/// The same with what else the holder has agreed to, and a card that may be pulled.
pub(crate) fn try_open_card<'c>(
    card: &'c mut dyn CardChannel,
    profile: &'c Profile,
    holder: &Holder,
    authority: &Authority,
    begun: &Value,
    agreed: AgreedActs,
) -> Result<(TerminalAuthenticating<'c>, Vec<u8>), DialogueError> {
    let pin = Pin::parse(holder.pin.as_bytes(), 6).unwrap();
    let selected = Selected::select(card, profile)?;
    let shown = PinStatus::Usable { tries_left: 3 };
    let secured = selected.secure_with_pin(pin, shown, authority, &mut Seeded::new("the client"))?;
    let template = TerminalTemplate::parse(&octets(&begun["cmd_to_card"])).unwrap();
    let certificates = terminal_certificates(&octets(&begun["terminal_certificate"])).unwrap();
    secured.authenticate_terminal(&template, &certificates, agreed)
}

impl<'c> Session<'c> {
    /// Begins, and has card and terminal prove themselves.
    pub(crate) async fn established(back_end: BackEnd, card: &'c mut VirtualCard, profile: &'c Profile) -> Self {
        Self::established_with(back_end, card, profile, &sample_holders()[0], &usual_authority()).await
    }

    pub(crate) async fn established_with(
        back_end: BackEnd,
        card: &'c mut VirtualCard,
        profile: &'c Profile,
        holder: &Holder,
        authority: &Authority,
    ) -> Self {
        let begun = back_end.begin().await;
        let hreq = begun["hreq"].as_str().unwrap().to_owned();
        let (authenticating, m1) = open_card(card, profile, holder, authority, &begun);
        let next = back_end.ask("bauth_process", json!({ "hreq": hreq, "card_response": base64(&m1) })).await;
        assert_eq!((&next["header_cmd_to_card"], &next["is_bauth_established"]), (&json!("AIYAAA=="), &json!(false)));
        let (channel, m3) = authenticating.relay_m2(&octets(&next["cmd_to_card"])).unwrap();
        let last = back_end.ask("bauth_process", json!({ "hreq": hreq, "card_response": base64(&m3) })).await;
        let nothing = json!({ "header_cmd_to_card": "", "cmd_to_card": "", "is_bauth_established": true });
        assert_eq!(last, nothing);
        Self { channel, back_end, hreq }
    }

    /// Passes a command on; gives the card's answer, base64.
    pub(crate) fn relay(&mut self, command: &Value) -> String {
        let header = octets(&command["header_cmd_to_card"]).try_into().unwrap();
        base64(&self.channel.relay(header, &octets(&command["cmd_to_card"])).unwrap())
    }

    pub(crate) async fn ask(&self, name: &str, more: Value) -> Value {
        self.back_end.ask(name, self.body(more)).await
    }

    pub(crate) async fn post(&self, name: &str, more: Value) -> Answer {
        self.back_end.post(name, self.body(more)).await
    }

    pub(crate) async fn ask_at(&self, path: &str, more: Value) -> Value {
        self.back_end.ask_at(path, self.body(more)).await
    }

    pub(crate) async fn post_at(&self, path: &str, more: Value) -> Answer {
        self.back_end.post_at(path, self.body(more)).await
    }

    pub(crate) fn body(&self, more: Value) -> Value {
        let mut body = more;
        body["hreq"] = json!(self.hreq);
        body
    }

    /// Reads groups to the end; gives the number of commands.
    pub(crate) async fn read(&mut self, groups: &[&str]) -> usize {
        let mut command = self.ask("read_dg_init", json!({ "data_groups_to_read": groups })).await;
        let mut count = 0;
        while command["is_last_dg_readed"] != json!(true) {
            let answer = self.relay(&command);
            command = self.ask("read_dg", json!({ "card_response": answer })).await;
            count += 1;
        }
        count
    }

    /// Reads groups until that is refused, which it has to be.
    pub(crate) async fn read_until_refused(&mut self, groups: &[&str]) -> Answer {
        let mut command = self.ask("read_dg_init", json!({ "data_groups_to_read": groups })).await;
        loop {
            let answer = self.relay(&command);
            let next = self.post("read_dg", json!({ "card_response": answer })).await;
            if next.status != 200 {
                return next;
            }
            command = next.json();
            assert_eq!(command["is_last_dg_readed"], false, "everything was read");
        }
    }

    /// Has contents signed; gives the last answer.
    pub(crate) async fn sign(&mut self, content: &[u8], detached: bool) -> Answer {
        let first = self.ask("sign_init", json!({})).await;
        let answer = self.relay(&first);
        let second = self.ask("sign_select_app", json!({ "card_response": answer })).await;
        let answer = self.relay(&second);
        let body = json!({ "card_response": answer, "data_to_sign": base64(content), "detached": detached });
        let third = self.ask("sign_data", body).await;
        let answer = self.relay(&third);
        self.post("sign_result", json!({ "card_response": answer })).await
    }
}

pub(crate) const ALL_GROUPS: [&str; 5] = ["dg1", "dg2", "dg3", "dg4", "dg5"];
