//! Another key on a card and a certificate for it: from end to end, pulled at each exchange, and what the authority may do
//! meanwhile.

use latchkey_card::CardChannel;
use latchkey_card::apdu::{Command, Response};
use latchkey_card::channel::ChannelError;
use latchkey_card::dialogue::AgreedActs;
use latchkey_card::profile::Profile;
use latchkey_card::rights::{Authority, EsignRights};
use latchkey_crypto::x509::Certificate;
use latchkey_fixtures::authority::{Answered, JSON};
use latchkey_fixtures::cv::CvPki;
use latchkey_fixtures::holders::{sample_authority, sample_holders};
use latchkey_fixtures::vcard::VirtualCard;
use serde_json::{Value, json};

use super::credentials::configured;
use super::renewal_over_http::Served;
use super::world::{BackEnd, Session, World, base64, octets, try_open_card};
use crate::support::NOW;

const RENEWALS: &str = "/latchkey/v1/renewals";

/// What the client program asks the card for.
fn rights() -> Authority {
    Authority { eid: None, esign: Some(EsignRights::TERMINAL_KEYS | EsignRights::TERMINAL_SIGNING), signatures: None }
}

fn cert_hats() -> String {
    let profile = Profile::standard();
    let template = latchkey_card::bpace::AuthenticationTemplate::new(profile.pin.id, &rights(), profile.rights_order);
    base64(template.cert_hats())
}

/// A terminal with the authority of its configuration.
struct Renewing {
    world: World,
    served: Served,
}

impl Renewing {
    async fn new() -> Self {
        Self::with(|_, _| {}).await
    }

    async fn with(prepare: impl FnOnce(&std::path::Path, &CvPki)) -> Self {
        let served = Served::start(sample_authority(NOW).unwrap(), || NOW).await;
        let world = World::configured(&(configured() + &served.section()), |_| {}, prepare).await;
        Self { world, served }
    }

    /// One session from its beginning to its end; `None` when the card was pulled.
    async fn session(&self, card: &mut Pulled) -> Option<Value> {
        card.card.reset();
        let back_end = self.world.back_end();
        let profile = Profile::standard();
        let begun = back_end.ask_at(RENEWALS, json!({ "certhat": cert_hats() })).await;
        let hreq = begun["hreq"].clone();
        let with = |more: Value| {
            let mut body = more;
            body["hreq"] = hreq.clone();
            body
        };
        let holder = &sample_holders()[0];
        let (waiting, m1) = try_open_card(card, &profile, holder, &rights(), &begun, AgreedActs::RENEWAL).ok()?;
        let next = back_end.ask("bauth_process", with(json!({ "card_response": base64(&m1) }))).await;
        let (mut channel, m3) = waiting.relay_m2(&octets(&next["cmd_to_card"])).ok()?;
        back_end.ask("bauth_process", with(json!({ "card_response": base64(&m3) }))).await;
        let mut answer = back_end.post_at(&format!("{RENEWALS}/start"), with(json!({}))).await;
        loop {
            if answer.status != 200 {
                return Some(answer.json());
            }
            let step = answer.json();
            answer = match step["next"].as_str().unwrap() {
                "command" => {
                    let header = octets(&step["header_cmd_to_card"]).try_into().unwrap();
                    let response = channel.relay(header, &octets(&step["cmd_to_card"])).ok()?;
                    let body = with(json!({ "card_response": base64(&response) }));
                    back_end.post_at(&format!("{RENEWALS}/step"), body).await
                }
                "confirm" => {
                    channel.confirm_pin(None).ok()?;
                    back_end.post_at(&format!("{RENEWALS}/confirmed"), with(json!({}))).await
                }
                _ => return Some(step),
            };
        }
    }

    /// The card's certificate is the issued one, and what it signs counts.
    async fn works(&self, card: &mut Pulled, issued: &Value) {
        card.left = None;
        card.card.reset();
        let profile = Profile::standard();
        let mut session = Session::established(self.world.back_end(), &mut card.card, &profile).await;
        session.read(&["dg5"]).await;
        let signed = session.sign(b"after the renewal", false).await;
        assert_eq!(signed.status, 200, "{}", signed.text());
        let message = octets(&signed.json()["signature"]);
        let issued = octets(&issued["certificate"]);
        let holds = message.windows(issued.len()).any(|window| window == issued);
        assert!(holds, "signed with another certificate");
    }
}

/// A card that is pulled when so many more exchanges have reached it, before its last answer arrives.
struct Pulled {
    card: VirtualCard,
    left: Option<usize>,
    exchanges: usize,
}

impl Pulled {
    fn of(world: &World, left: Option<usize>) -> Self {
        Self { card: world.card(), left, exchanges: 0 }
    }
}

impl CardChannel for Pulled {
    fn transmit(&mut self, command: &Command) -> Result<Response, ChannelError> {
        self.exchanges += 1;
        let response = self.card.transmit(command)?;
        match &mut self.left {
            None => Ok(response),
            Some(left) => match left.checked_sub(1) {
                Some(rest) => {
                    *left = rest;
                    Ok(response)
                }
                None => Err(ChannelError::CardRemoved),
            },
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_gets_another_key_and_signs_with_it() {
    let it = Renewing::new().await;
    let mut card = Pulled::of(&it.world, None);
    let issued = it.session(&mut card).await.unwrap();
    assert_eq!(issued["next"], "issued", "{issued}");
    it.works(&mut card, &issued).await;
    let certificate = Certificate::from_der(&octets(&issued["certificate"])).unwrap();
    assert_eq!(certificate.subject().der(), sample_holders()[0].person.name_object().unwrap());
    // And once more: the key that was new is the old one now.
    let again = it.session(&mut card).await.unwrap();
    assert_ne!(again["certificate"], issued["certificate"]);
    it.works(&mut card, &again).await;
}

/// After each exchange the card has carried out what it was told and its answer is lost; the next session ends with a card
/// that works, whatever the first one has left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_that_is_pulled_at_any_exchange_is_brought_to_its_end() {
    let it = Renewing::new().await;
    let mut whole = Pulled::of(&it.world, None);
    assert_eq!(it.session(&mut whole).await.unwrap()["next"], "issued");
    assert!((40..80).contains(&whole.exchanges), "{} exchanges", whole.exchanges);
    for pulled_after in 0..whole.exchanges {
        let mut card = Pulled::of(&it.world, Some(pulled_after));
        let first = it.session(&mut card).await;
        assert_eq!(first, None, "pulled after {pulled_after}");
        card.left = None;
        let issued = it.session(&mut card).await.unwrap();
        assert_eq!(issued["next"], "issued", "pulled after {pulled_after}: {issued}");
        it.works(&mut card, &issued).await;
    }
}

/// The authority takes its time: the ticket is on the card, and no other key takes the place of the one that waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_issued_yet_is_fetched_later() {
    let it = Renewing::new().await;
    let mut card = Pulled::of(&it.world, None);
    it.served.authority.lock().unwrap().hold_back(true);
    assert_eq!(it.session(&mut card).await.unwrap()["next"], "waiting");
    let exchanges = card.exchanges;
    assert_eq!(it.session(&mut card).await.unwrap()["next"], "waiting");
    assert!(card.exchanges - exchanges < 30, "no key was generated: {} exchanges", card.exchanges - exchanges);
    it.served.authority.lock().unwrap().hold_back(false);
    let issued = it.session(&mut card).await.unwrap();
    it.works(&mut card, &issued).await;
}

/// Another authority does not know the ticket: the key that waited for it is replaced.
#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_nobody_knows_any_more_stands_in_nobodys_way() {
    let it = Renewing::new().await;
    let mut card = Pulled::of(&it.world, None);
    it.served.authority.lock().unwrap().hold_back(true);
    assert_eq!(it.session(&mut card).await.unwrap()["next"], "waiting");
    *it.served.authority.lock().unwrap() = sample_authority(NOW).unwrap();
    let issued = it.session(&mut card).await.unwrap();
    it.works(&mut card, &issued).await;
}

/// Nothing is destroyed before the authority has said that it takes requests.
#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_not_there_leaves_the_old_key() {
    let it = Renewing::new().await;
    let mut card = Pulled::of(&it.world, None);
    it.served.twist(|answer| Answered { status: 503, ..answer });
    assert_eq!(it.session(&mut card).await.unwrap()["code"], "authority-refused");
    it.served.twist(|answer| Answered { status: 200, body: vec![0; 20_000], ..answer });
    assert_eq!(it.session(&mut card).await.unwrap()["code"], "authority-answer-malformed");
    let former = card.card.image().esign.terminal_certificate.0.clone();
    it.works(&mut card, &json!({ "certificate": base64(&former) })).await;
}

/// It refuses, or gives a certificate for somebody or something else, when the new key is there: the card is not made to
/// believe that, and the next session ends well.
#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_fails_later_does_not_fail_the_card() {
    let it = Renewing::new().await;
    let other = it.world.card_of(&sample_holders()[1]).image().esign.terminal_certificate.0.clone();
    let own = it.world.card().image().esign.terminal_certificate.0.clone();
    type When = fn(&Answered) -> bool;
    let rows: [(&str, When, u16, Vec<u8>, &str); 5] = [
        ("refuses the request", |answer| answer.status == 202, 422, Vec::new(), "authority-refused"),
        ("gives another's", |answer| answer.content_type != JSON, 200, other, "authority-answer-malformed"),
        ("gives the old one", |answer| answer.content_type != JSON, 200, own, "authority-answer-malformed"),
        ("gives none", |answer| answer.content_type != JSON, 200, b"none".to_vec(), "authority-answer-malformed"),
        (
            "forgets",
            |answer| answer.content_type != JSON,
            404,
            b"{\"code\":\"request-unknown\"}".to_vec(),
            "authority-answer-malformed",
        ),
    ];
    for (name, when, status, body, code) in rows {
        let mut card = Pulled::of(&it.world, None);
        it.served.twist(
            move |answer| {
                if when(&answer) { Answered { status, body: body.clone(), ..answer } } else { answer }
            },
        );
        assert_eq!(it.session(&mut card).await.unwrap()["code"], code, "{name}");
        it.served.straight();
        let issued = it.session(&mut card).await.unwrap();
        assert_eq!(issued["next"], "issued", "{name}: {issued}");
        it.works(&mut card, &issued).await;
    }
}

fn refusal(answer: &crate::support::Answer) -> (u16, String) {
    answer.refusal()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_renewed_is_refused_before_anything_happens() {
    let begin = async |back_end: BackEnd, certhat: String| {
        refusal(&back_end.post_at(RENEWALS, json!({ "certhat": certhat })).await)
    };
    let impossible = (422, "renewal-impossible".to_owned());
    let without = World::new().await;
    assert_eq!(begin(without.back_end(), cert_hats()).await, impossible, "no authority");
    let it = Renewing::new().await;
    for (name, certhat) in [
        ("no rights", String::new()),
        ("rights that are none", base64(b"none")),
        ("rights to sign", base64(&latchkey_card::rights::CertHat::Esign(EsignRights::TERMINAL_SIGNING).to_octets())),
    ] {
        assert_eq!(begin(it.world.back_end(), certhat).await, impossible, "{name}");
    }
    assert_eq!(begin(it.world.back_end(), "?".to_owned()).await, (400, "body-malformed".to_owned()));
    let weak = Renewing::with(|directory, cv| {
        let all = CvPki::sign_in_rights();
        let rights = latchkey_crypto::cv::rights::Rights { esign: EsignRights::TERMINAL_SIGNING, ..all };
        let terminal = cv.terminal(latchkey_fixtures::holders::SAMPLE_TERMINAL, rights).unwrap();
        super::credentials::write_files(directory, cv, &terminal);
    })
    .await;
    assert_eq!(begin(weak.world.back_end(), cert_hats()).await, impossible, "a terminal without the right");
}

/// A session is for one errand; and each step has its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_is_for_nothing_else_and_nothing_else_renews() {
    let it = Renewing::new().await;
    let back_end = it.world.back_end();
    let wrong = (409, "terminal-wrong-order".to_owned());
    for (path, more) in [
        (format!("{RENEWALS}/start"), json!({})),
        (format!("{RENEWALS}/step"), json!({ "card_response": "AAAA" })),
        (format!("{RENEWALS}/confirmed"), json!({})),
        ("/api/v1/sign_init".to_owned(), json!({})),
        ("/api/v1/read_dg_init".to_owned(), json!({ "data_groups_to_read": ["dg1"] })),
        ("/latchkey/v1/tickets/read".to_owned(), json!({})),
    ] {
        let begun = back_end.ask_at(RENEWALS, json!({ "certhat": cert_hats() })).await;
        let mut body = more;
        body["hreq"] = begun["hreq"].clone();
        assert_eq!(refusal(&back_end.post_at(&path, body).await), wrong, "{path}");
    }
    let (mut card, profile) = (it.world.card(), Profile::standard());
    for name in ["start", "confirmed"] {
        card.reset();
        let session = Session::established(it.world.back_end(), &mut card, &profile).await;
        let refused = session.post_at(&format!("{RENEWALS}/{name}"), json!({})).await;
        assert_eq!(refusal(&refused), wrong, "{name} in a session for sign-in");
    }
}
