//! The card never signs a hash that came from elsewhere. What another portal's card would have to sign, H(origin) ‖
//! H(challenge) and its hash, goes as a document and as a challenge through every way on which something is signed, and
//! nothing that comes out signs in there.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration as Patience;

use latchkey_agent::wire::{FromAgent, ToAgent, serve};
use latchkey_agent::{
    Agent, Answer, Asker, CardAgent, CardRequest, CardTask, Document, Documents, ReaderChoice, Report, Request,
    RequestId, SignDocuments, SignIn,
};
use latchkey_client::desk::{Desk, Phase, SitesOfThisRun};
use latchkey_client::service::{CallersOfSystem, Listeners, NoGuest, Service, Surroundings};
use latchkey_crypto::assertion::{Assertion, AssertionAlgorithm, ChallengeText, Origin};
use latchkey_crypto::belt;
use latchkey_crypto::cms::SignedMessage;
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_crypto::x509::{Certificate, RevocationList, RevocationLists, TrustStore};
use latchkey_fixtures::holders::sample_pki;
use latchkey_fixtures::random::Seeded;
use latchkey_tests::stage::{Cards, SampleSet, give_secrets};
use latchkey_verify::{Assurance, Grace, PendingChallenge, PolicyLevels, Purpose, SignInPolicy, verify_sign_in};
use time::{Duration, OffsetDateTime};

use crate::readers::{Desk as Readers, HolderCard, NOW, holder};
use crate::willing::Willing;

const HOLDER: &str = "hanna-vydumanaya";
/// Where the attacker wants to be signed in, and the challenge that he got there.
const VICTIM: &str = "https://victim.example";
const CHALLENGE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const ALGORITHM: AssertionAlgorithm = AssertionAlgorithm::Bign(HashAlgorithm::BeltHash);

/// What the attacker hands in, by name.
fn inputs() -> [(&'static str, Vec<u8>); 4] {
    let (of_origin, of_challenge) = (belt::hash(&[VICTIM.as_bytes()]), belt::hash(&[CHALLENGE.as_bytes()]));
    let both = [of_origin, of_challenge].concat();
    let signed = belt::hash(&[&both]).to_vec();
    [
        ("both hashes", both),
        ("the hash that is signed", signed),
        ("origin and challenge", [VICTIM, CHALLENGE].concat().into_bytes()),
        ("the challenge", CHALLENGE.into()),
    ]
}

/// The portal that is attacked.
struct Victim {
    policy: SignInPolicy,
    revocation: RevocationLists,
    now: OffsetDateTime,
}

impl Victim {
    fn new(now: OffsetDateTime, root: &[u8], authority: &[u8], lists: [&[u8]; 2]) -> Self {
        let certificate = |der| Certificate::from_der(der).unwrap();
        let mut revocation = RevocationLists::new();
        for (list, issuer) in lists.into_iter().zip([root, authority]) {
            revocation.insert(RevocationList::from_der(list).unwrap().verified_by(&certificate(issuer)).unwrap());
        }
        let policy = SignInPolicy {
            origin: Origin::parse(VICTIM).unwrap(),
            trust: TrustStore::new(vec![certificate(root)], vec![certificate(authority)]).unwrap(),
            levels: PolicyLevels { card_held_key: vec![], other_key: vec![] },
            minimum_assurance: Assurance::Low,
            grace: Grace::NONE,
        };
        Self { policy, revocation, now }
    }

    fn of_sample_pki() -> Self {
        let pki = sample_pki(NOW).unwrap();
        let lists = [pki.root_revocation_list(&[]).unwrap(), pki.authority_revocation_list(&[]).unwrap()];
        let (root, authority) = (&pki.root().certificate().der, &pki.authority().certificate().der);
        Self::new(NOW, root, authority, [&lists[0], &lists[1]])
    }

    /// Whether it lets somebody in with this, or why not.
    fn lets_in(&self, certificate: &[u8], signature: &[u8]) -> Result<(), &'static str> {
        let assertion =
            Assertion::new(certificate.to_vec(), ALGORITHM, signature.to_vec(), "an attacker".into()).unwrap();
        let challenge = PendingChallenge {
            text: ChallengeText::parse(CHALLENGE).unwrap(),
            issued_at: self.now,
            lifetime: Duration::minutes(5),
            purpose: Purpose::SignIn,
        };
        let json = assertion.to_json();
        let verdict = verify_sign_in(json.as_bytes(), &challenge, &self.policy, &self.revocation, self.now);
        verdict.map(|_| ()).map_err(|rejection| rejection.code())
    }

    /// Tries what is in a signed message: everything but the signature is right for a sign-in.
    fn assert_refuses(&self, message: &[u8], name: &str) {
        let read = SignedMessage::read(message, |_| Ok(())).unwrap();
        let certificate = read.certificates().first().unwrap().der();
        // The last value of a message that we make is the signature.
        let signature = &message[message.len() - 48..];
        assert_eq!(self.lets_in(certificate, signature), Err("signature-invalid"), "{name}");
    }
}

fn agent() -> Agent {
    let readers = Readers::with(&HolderCard::of(HOLDER));
    Agent::start(
        Arc::new(readers),
        Box::new(Willing::with_pin(holder(HOLDER).pin)),
        Box::new(Seeded::new("an agent")),
        || NOW,
    )
    .unwrap()
}

fn of_card(task: CardTask) -> Request {
    Request::OfCard(CardRequest { reader: ReaderChoice::TheOnlyCard, patience: Patience::ZERO, task })
}

/// Every input as a file and as contents.
fn documents(folder: &std::path::Path) -> (Vec<String>, Documents) {
    let (mut names, mut documents) = (Vec::new(), Vec::new());
    for (name, octets) in inputs() {
        let path = folder.join(name);
        fs::write(&path, &octets).unwrap();
        names.extend([format!("{name}, as a file"), format!("{name}, as contents")]);
        documents.extend([Document::File(path), Document::Contents { name: name.into(), octets }]);
    }
    (names, Documents::new(documents).unwrap())
}

fn assert_all_refused(answer: Answer, names: &[String]) {
    let Answer::DocumentsSigned(results) = answer else { panic!("{answer:?}") };
    assert_eq!(results.len(), names.len());
    for (result, name) in results.into_iter().zip(names) {
        Victim::of_sample_pki().assert_refuses(&result.unwrap().to_der(), name);
    }
}

/// Without this the rest would prove nothing: the same card, authority and clock do sign in.
#[test]
fn the_victim_lets_in_who_signs_in_there() {
    let (origin, challenge) = (Origin::parse(VICTIM).unwrap(), ChallengeText::parse(CHALLENGE).unwrap());
    let sign_in = SignIn { origin, challenge, app_version: "a program".into() };
    let answer = agent().send(of_card(CardTask::SignIn(sign_in))).finish(|_| ()).unwrap();
    let Answer::SignedIn(assertion) = answer else { panic!("{answer:?}") };
    let victim = Victim::of_sample_pki();
    assert_eq!(victim.lets_in(assertion.unverified_certificate(), assertion.signature()), Ok(()));
}

#[test]
fn contents_for_the_agent_sign_in_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let (names, documents) = documents(folder.path());
    for asker in [Asker::Holder, Asker::Portal(Origin::parse(VICTIM).unwrap())] {
        let order = SignDocuments { asker, documents: documents.clone() };
        let answer = agent().send(of_card(CardTask::SignDocuments(order))).finish(|_| ()).unwrap();
        assert_all_refused(answer, &names);
    }
}

#[test]
fn contents_over_the_agents_wire_sign_in_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let (names, documents) = documents(folder.path());
    let (input, mut to_agent) = std::io::pipe().unwrap();
    let (mut from_agent, output) = std::io::pipe().unwrap();
    let serving = thread::spawn(move || serve(&agent(), input, output));
    let order = SignDocuments { asker: Asker::Holder, documents };
    let request = of_card(CardTask::SignDocuments(order));
    ToAgent::Request(RequestId(1), request).write(&mut to_agent).unwrap();
    let answer = loop {
        if let Report::Finished(result) = FromAgent::read(&mut from_agent).unwrap().unwrap().1 {
            break result.unwrap();
        }
    };
    ToAgent::End.write(&mut to_agent).unwrap();
    serving.join().unwrap().unwrap();
    assert_all_refused(answer, &names);
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_over_the_local_service_sign_in_nowhere() {
    let agent: Arc<dyn CardAgent> = Arc::new(agent());
    let sites = Arc::new(SitesOfThisRun::new(|| NOW));
    let desk = Desk::open(Arc::clone(&agent), sites.clone(), None);
    let (callers, guest) = (Arc::new(CallersOfSystem), Arc::new(NoGuest));
    let surroundings =
        Surroundings { desk: desk.clone(), agent, sites, callers, guest, terminals: Arc::default(), clock: || NOW };
    let service = Service::start(Listeners::bind(0).unwrap(), surroundings).unwrap();
    let mut view = desk.changes();
    for (number, placement) in ["detached", "attached"].into_iter().enumerate() {
        let body = body(number, placement);
        let port = service.port();
        let page = tokio::task::spawn_blocking(move || post(port, &body));
        let asked = view.wait_for(|view| view.requests.iter().any(|request| request.phase == Phase::AskHandOver));
        let request = asked.await.unwrap().requests[0].id;
        desk.agree(request);
        let answer = page.await.unwrap();
        for (signed, (name, _)) in answer["documents"].as_array().unwrap().iter().zip(inputs()) {
            let message = from_base64(signed["signature"].as_str().unwrap());
            Victim::of_sample_pki().assert_refuses(&message, &format!("{name}, {placement}"));
        }
    }
}

fn body(number: usize, placement: &str) -> String {
    let documents: Vec<_> = inputs()
        .into_iter()
        .map(|(name, octets)| serde_json::json!({ "name": name, "contents": to_base64(&octets) }))
        .collect();
    let request = format!("7f0c6a5e-0c8a-4a58-9a0e-3d0f6f1f5c1{number}");
    serde_json::json!({ "requestId": request, "documents": documents, "placement": placement }).to_string()
}

/// As the attacker's page.
fn post(port: u16, body: &str) -> serde_json::Value {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = format!(
        "POST /latchkey/v1/sign HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://attacker.example\r\n\
         Sec-Fetch-Mode: cors\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, json) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the programs look at the clock")]
fn files_at_the_command_line_sign_in_nowhere() {
    let set = SampleSet::write().unwrap();
    let mut cards = Cards::start(&set, 1).unwrap();
    cards.insert(HOLDER, 1).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let of_set = |name: &str| fs::read(set.path().join("pki").join(name)).unwrap();
    let lists = [of_set("root.crl.der"), of_set("authority.crl.der")];
    let (root, authority) = (of_set("root.cert.der"), of_set("authority.cert.der"));
    let victim = Victim::new(OffsetDateTime::now_utc(), &root, &authority, [&lists[0], &lists[1]]);
    let mut files: Vec<PathBuf> = Vec::new();
    for (name, octets) in inputs() {
        files.push(folder.path().join(name));
        fs::write(files.last().unwrap(), octets).unwrap();
    }
    for (placement, extension) in [("--detached", "p7s"), ("--attached", "p7m")] {
        let mut client = cards.client().unwrap();
        client.args(["--lang", "en", "sign", placement]).args(&files);
        give_secrets(&mut client, &[holder(HOLDER).pin]).unwrap();
        let output = client.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        for file in &files {
            let message = fs::read(format!("{}.{extension}", file.display())).unwrap();
            victim.assert_refuses(&message, &format!("{}, {placement}", file.display()));
        }
    }
}

fn to_base64(octets: &[u8]) -> String {
    openssl::base64::encode_block(octets)
}

fn from_base64(text: &str) -> Vec<u8> {
    openssl::base64::decode_block(text).unwrap()
}
