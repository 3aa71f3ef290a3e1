//! The standard's ticket flow, end to end: a page with a signed request, the client's local service, the holder at its
//! desk, a virtual card, and the terminal as a program of its own. All calls are HTTP on this computer.

use std::sync::Arc;

use anyhow::Result;
use latchkey_agent::{Agent, CardAgent, KnownTerminal, TerminalTrust};
use latchkey_client::desk::{Desk, DeskView, Phase, RequestView, SitesOfThisRun};
use latchkey_client::service::{CallersOfSystem, Listeners, NoGuest, Service, Surroundings};
use latchkey_client::settings::TerminalSettings;
use latchkey_crypto::assertion::Origin;
use latchkey_crypto::belt;
use latchkey_crypto::cms::SignedMessage;
use latchkey_crypto::cv::rights::{CertHat, DataGroup, EidRights};
use latchkey_crypto::x509::{Certificate, TrustStore};
use latchkey_fixtures::holders::SAMPLE_TERMINAL;
use latchkey_fixtures::random::Seeded;
use latchkey_tests::deployed::{BackEnd, Line, Party, Refused, SITE};
use latchkey_tests::stage::{Portal, PortalOrder, SampleSet, free_port, holder};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::readers::{Desk as Readers, HolderCard};
use crate::ticket_request::ticket_request;
use crate::willing::Willing;

const HOLDER: &str = "hanna-vydumanaya";

/// Client and terminal at work, and a holder at his desk.
pub(crate) struct Scene {
    pub(crate) set: SampleSet,
    pub(crate) service: Service,
    pub(crate) desk: Desk,
    view: watch::Receiver<Arc<DeskView>>,
    terminal: u16,
    pub(crate) portal: Portal,
}

#[expect(clippy::disallowed_methods, reason = "the terminal looks at the machine's clock")]
fn present() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

impl Scene {
    fn set() -> Self {
        Self::set_with(PortalOrder::default(), |_| SITE.to_owned())
    }

    /// With such a portal; `site` is whose terminal it is.
    pub(crate) fn set_with(order: PortalOrder, site: impl FnOnce(&Portal) -> String) -> Self {
        let set = SampleSet::write().unwrap();
        let terminal = free_port().unwrap();
        let order = PortalOrder { terminal_port: Some(terminal), ..order };
        let portal = Portal::start_with(&set, order).unwrap();
        let readers = Readers::with(&HolderCard::of(HOLDER));
        let prompt = Box::new(Willing::with_pin(holder(HOLDER).unwrap().pin));
        let agent = Agent::start(Arc::new(readers), prompt, Box::new(Seeded::new("an agent")), present).unwrap();
        let agent: Arc<dyn CardAgent> = Arc::new(agent);
        let sites = Arc::new(SitesOfThisRun::new(present));
        let desk = Desk::open(Arc::clone(&agent), sites.clone(), None);
        let surroundings = Surroundings {
            desk: desk.clone(),
            agent,
            sites,
            callers: Arc::new(CallersOfSystem),
            guest: Arc::new(NoGuest),
            terminals: Arc::new(settings(&set, &site(&portal))),
            clock: present,
        };
        let service = Service::start(Listeners::bind(0).unwrap(), surroundings).unwrap();
        let view = desk.changes();
        Self { set, service, desk, view, terminal, portal }
    }

    pub(crate) async fn asked(&mut self) -> RequestView {
        let is_asked = |request: &RequestView| request.phase == Phase::AskHandOver;
        let view = self.view.wait_for(|view| view.requests.iter().any(is_asked)).await.unwrap();
        view.requests.iter().find(|request| is_asked(request)).unwrap().clone()
    }
}

/// As an administrator sets it.
fn settings(set: &SampleSet, site: &str) -> TerminalSettings {
    let file = |name: &str| std::fs::read(set.path().join(name)).unwrap();
    let certificate = |name: &str| Certificate::from_der(&file(name)).unwrap();
    let known = KnownTerminal {
        holder: SAMPLE_TERMINAL.into(),
        title: Some("The terminal".into()),
        origins: vec![Origin::parse(site).unwrap()],
    };
    let anchors = vec![certificate("pki/root.cert.der")];
    TerminalSettings {
        trust: TerminalTrust { roots: vec![file("cv/root.cert")], known: vec![known] },
        request_authorities: Some(TrustStore::new(anchors, vec![certificate("pki/authority.cert.der")]).unwrap()),
        request_revocation_lists: ["root", "authority"]
            .map(|name| set.path().join(format!("pki/{name}.crl.der")))
            .into(),
        ..TerminalSettings::default()
    }
}

fn contents(message: &[u8]) -> Value {
    let mut contents = Vec::new();
    SignedMessage::read(message, |part| {
        contents.extend_from_slice(part);
        Ok(())
    })
    .unwrap();
    serde_json::from_slice(&contents).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_lacks_what_the_holder_left_out() {
    let mut scene = Scene::set();
    let request = ticket_request(&scene.set, &[4, 5, 7], &[8, 11]).unwrap();
    let (client, terminal, of_page) = (scene.service.port(), scene.terminal, request.clone());
    let page = tokio::task::spawn_blocking(move || -> Result<Vec<u8>> {
        let mut session = BackEnd::on(Line::to(client, terminal).from_page(SITE));
        session.authenticate_for(&of_page)?;
        let ticket = session.ticket()?;
        session.log_out()?;
        Ok(ticket)
    });
    let asked = scene.asked().await;
    let disclosure = asked.disclosure.unwrap();
    assert_eq!(disclosure.choices().len(), 2, "the date of birth and the sex may be left out");
    scene.desk.narrow(asked.id, disclosure.with_choice(0, false));
    scene.desk.agree(asked.id);
    let ticket = contents(&page.await.unwrap().unwrap());
    let groups: Vec<_> = ticket["groups"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(groups, ["dg11", "dg4", "dg5", "dg7"]);
    let data = ticket["personalData"].as_object().unwrap();
    assert!(data.contains_key("Sex") && !data.contains_key("birth_date"), "{data:?}");
    assert_eq!(ticket["requestHash"], openssl::base64::encode_block(&belt::hash(&[&request])));
}

/// Another request at the terminal than the one that the holder was shown: its hash is in the template.
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_was_handed_another_request_gets_no_card() {
    let mut scene = Scene::set();
    let shown = ticket_request(&scene.set, &[7], &[]).unwrap();
    let other = ticket_request(&scene.set, &[4, 5, 7, 8, 17], &[]).unwrap();
    let (client, terminal) = (scene.service.port(), scene.terminal);
    let page = tokio::task::spawn_blocking(move || other_request(client, terminal, &shown, &other));
    let asked = scene.asked().await;
    scene.desk.agree(asked.id);
    let refused =
        scene.view.wait_for(|view| view.requests.iter().any(|request| matches!(request.phase, Phase::Failed { .. })));
    refused.await.unwrap();
    scene.desk.end(asked.id);
    assert_eq!(page.await.unwrap(), ("terminal-request-other".to_owned(), Some("9".to_owned())));
}

/// A page that shows the client program one request and the terminal another; gives the client's refusal.
fn other_request(client: u16, terminal: u16, shown: &[u8], other: &[u8]) -> (String, Option<String>) {
    let mut line = Line::to(client, terminal).from_page(SITE);
    let base64 = openssl::base64::encode_block;
    let opened = line.call(Party::Client, "/latchkey/v1/ticket", &json!({ "request": base64(shown) })).unwrap();
    // The terminal is told that the holder agreed to what the other request wants.
    let rights = [4, 5, 7, 8, 17].map(|number| EidRights::read(DataGroup::new(number).unwrap()));
    let all = rights.into_iter().fold(EidRights::NONE, |all, right| all | right);
    assert_ne!(opened["certhat"], base64(&CertHat::Eid(all).to_octets()));
    let body = json!({ "request": base64(other), "certhat": base64(&CertHat::Eid(all).to_octets()) });
    let begun = line.call(Party::Terminal, "/latchkey/v1/tickets", &body).unwrap();
    let first = json!({ "terminal_certificate": begun["terminal_certificate"], "cmd_to_card": begun["cmd_to_card"] });
    let error = line.call(Party::Client, "/api/v1/terminal_proxy_bauth_init", &first).unwrap_err();
    let Refused { code, number, .. } = error.downcast().unwrap();
    (code, number)
}
