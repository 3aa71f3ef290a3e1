//! HTTP as it goes over the wire, so that a test says every octet, and the service that it talks to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use latchkey_client::desk::{Desk, Sites, SitesOfThisRun};
use latchkey_client::service::{Caller, Callers, CallersOfSystem, GuestMode, Listeners, Memory, Service, Surroundings};
use latchkey_client::settings::TerminalSettings;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::desk::Scene;
use crate::holder::Holder;
use crate::readers::NOW;

pub(crate) const PORTAL: &str = "https://portal.example";
pub(crate) const REQUEST: &str = "7f0c6a5e-0c8a-4a58-9a0e-3d0f6f1f5c11";
pub(crate) const CHALLENGE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A service with a desk behind it and a holder at the desk.
pub(crate) struct Served {
    pub(crate) scene: Scene,
    pub(crate) port: u16,
    pub(crate) guest: Arc<Guest>,
    pub(crate) service: Service,
    surroundings: Box<dyn Fn() -> Surroundings + Send>,
}

#[derive(Default)]
pub(crate) struct Guest(pub(crate) AtomicBool);

impl GuestMode for Guest {
    fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Says that everybody is another user.
pub(crate) struct Strangers;

impl Callers for Strangers {
    fn caller(&self, _: SocketAddr, _: SocketAddr) -> Caller {
        Caller::OtherUser
    }
}

impl Served {
    pub(crate) fn start() -> Self {
        Self::with(Holder::with_card(), Arc::new(SitesOfThisRun::new(|| NOW)), Arc::new(CallersOfSystem))
    }

    pub(crate) fn with(holder: Holder, sites: Arc<dyn Sites>, callers: Arc<dyn Callers>) -> Self {
        Self::with_terminals(holder, sites, callers, Arc::default())
    }

    pub(crate) fn with_terminals(
        holder: Holder,
        sites: Arc<dyn Sites>,
        callers: Arc<dyn Callers>,
        terminals: Arc<TerminalSettings>,
    ) -> Self {
        let desk = Desk::open(holder.agent.clone(), Arc::clone(&sites), None);
        let guest = Arc::new(Guest::default());
        let (view, agent) = (desk.changes(), holder.agent.clone());
        let (at_desk, guests) = (desk.clone(), Arc::clone(&guest));
        let surroundings = move || Surroundings {
            desk: at_desk.clone(),
            agent: agent.clone(),
            sites: sites.clone(),
            callers: callers.clone(),
            guest: guests.clone(),
            terminals: terminals.clone(),
            clock: || NOW,
        };
        let service = Service::start(Listeners::bind(0).unwrap(), surroundings()).unwrap();
        let scene = Scene { desk, holder, view };
        Self { port: service.port(), scene, guest, service, surroundings: Box::new(surroundings) }
    }

    /// What the service leaves once nobody is connected.
    pub(crate) async fn left(&mut self) -> (Vec<std::net::TcpListener>, Memory) {
        loop {
            if let Some(left) = self.service.leave_if_idle().await {
                return left;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// The service goes on with what it left.
    pub(crate) fn go_on(&mut self, listeners: Listeners, memory: Memory) {
        self.service = Service::resume(listeners, memory, (self.surroundings)()).unwrap();
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// Sends a request of [`PORTAL`]'s page, and gives the connection on which the answer will come.
    pub(crate) async fn send(&self, request: Request<'_>) -> Answering {
        let mut stream = self.connect().await;
        stream.write_all(request.text(self.port).as_bytes()).await.unwrap();
        Answering(stream)
    }

    pub(crate) async fn ask(&self, request: Request<'_>) -> Answer {
        self.send(request).await.answer().await
    }

    pub(crate) async fn sign_in(&self, id: &str) -> Answering {
        let body = sign_in_body(id);
        self.send(Request::post("/latchkey/v1/sign-in", &body)).await
    }
}

pub(crate) fn sign_in_body(id: &str) -> String {
    serde_json::json!({ "requestId": id, "challenge": CHALLENGE, "portalName": "A portal" }).to_string()
}

/// A request, as a well-behaved page would send it unless a test says otherwise.
#[derive(Clone)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: Vec<(&'a str, String)>,
    pub(crate) body: &'a str,
}

impl<'a> Request<'a> {
    pub(crate) fn get(path: &'a str) -> Self {
        Self {
            method: "GET",
            path,
            headers: vec![("Origin", PORTAL.into()), ("Sec-Fetch-Mode", "cors".into())],
            body: "",
        }
    }

    pub(crate) fn post(path: &'a str, body: &'a str) -> Self {
        let mut request = Self { method: "POST", body, ..Self::get(path) };
        request.headers.push(("Content-Type", "application/json".into()));
        request.headers.push(("Content-Length", body.len().to_string()));
        request
    }

    pub(crate) fn method(mut self, method: &'a str) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self
    }

    pub(crate) fn with(self, name: &'a str, value: &str) -> Self {
        self.without(name).and(name, value)
    }

    pub(crate) fn and(mut self, name: &'a str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn text(&self, port: u16) -> String {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        if !self.headers.iter().any(|(name, _)| *name == "Host") {
            text.push_str(&format!("Host: 127.0.0.1:{port}\r\n"));
        }
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text + self.body
    }
}

/// A connection on which an answer will come.
pub(crate) struct Answering(pub(crate) TcpStream);

impl Answering {
    /// Reads one answer: its head, and as much as it announces.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut octets = Vec::new();
        loop {
            if let Some(answer) = Answer::parse(&octets) {
                return answer;
            }
            let mut part = [0; 4096];
            let count = self.0.read(&mut part).await.unwrap();
            assert!(count > 0, "hung up after {:?}", String::from_utf8_lossy(&octets));
            octets.extend_from_slice(&part[..count]);
        }
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    fn parse(octets: &[u8]) -> Option<Self> {
        let text = String::from_utf8(octets.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let answer = Self { status, head: head.to_owned(), body: body.to_owned() };
        let length: usize = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        (body.len() >= length).then_some(answer)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &&str| line.split_once(':').is_some_and(|(other, _)| other.eq_ignore_ascii_case(name));
        self.head.lines().find(named).map(|line| line.split_once(':').unwrap().1.trim())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }
}
