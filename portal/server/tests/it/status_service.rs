//! The status service that is asked while somebody signs in, and the answers that come along with assertions.

use latchkey_fixtures::pki::{Status, StatusOrder, TestPki};
use time::Duration as TimeSpan;

use crate::authority_host::{AuthorityHost, Mood};
use crate::links::signed;
use crate::support::{Answer, Browser, Card, NOW, ORIGIN, World, change};

/// A portal with such a service, and a card that its authority has certified.
async fn scene(mood: Mood) -> (World, AuthorityHost, Card) {
    let pki = TestPki::new("portal", NOW).unwrap();
    let card = Card::issue(&pki, |_| {});
    let host = AuthorityHost::of_status(mood, pki, card.serial_number.clone()).await;
    (World::with_status_service(host.address.join("status").unwrap()).await, host, card)
}

async fn verdict(world: &World, card: &Card) -> String {
    let answer = world.browser().sign_in(card).await;
    let json = answer.json();
    match answer.status.as_u16() {
        200 => json["assurance"].as_str().unwrap().to_owned(),
        _ => answer.refusal().1,
    }
}

/// The lists of this portal are made an hour before `NOW` for thirty days.
#[tokio::test]
async fn the_service_and_the_lists_decide_together() {
    let list_over = NOW + TimeSpan::days(30);
    let in_grace = list_over + TimeSpan::hours(20);
    let beyond = list_over + TimeSpan::hours(25);
    let old = TimeSpan::minutes(11);
    let rows = [
        ("both current", NOW, Mood::Status(Status::Good, NOW), "high"),
        (
            "revoked at the service, not on the list",
            NOW,
            Mood::Status(Status::Revoked(NOW), NOW),
            "certificate-revoked",
        ),
        ("revoked long ago", NOW, Mood::Status(Status::Revoked(NOW - old), NOW - old), "certificate-revoked"),
        (
            "revoked, in answer to another question",
            NOW,
            Mood::OtherNonce(Status::Revoked(NOW), NOW),
            "certificate-revoked",
        ),
        ("the service does not know it", NOW, Mood::Status(Status::Unknown, NOW), "high"),
        ("the service is busy", NOW, Mood::Busy, "high"),
        ("the service breaks off", NOW, Mood::Failing, "high"),
        ("the service is gone", NOW, Mood::Missing, "high"),
        ("lists out of date, service silent", in_grace, Mood::Missing, "substantial"),
        ("lists long out of date, service silent", beyond, Mood::Missing, "revocation-stale"),
    ];
    for (name, now, mood, expected) in rows {
        let (world, _host, card) = scene(mood).await;
        world.set_clock(now);
        assert_eq!(verdict(&world, &card).await, expected, "{name}");
    }
}

/// Grace: at most `substantial`, however good the service's answer about the holder, because the authority's own status is
/// known from a list only.
#[tokio::test]
async fn grace_never_gives_high() {
    let late = NOW + TimeSpan::days(30) + TimeSpan::hours(1);
    let (world, host, card) = scene(Mood::Status(Status::Good, late)).await;
    world.set_clock(late);
    assert_eq!(verdict(&world, &card).await, "substantial");
    let root = world.pki.root().revocation_list(&[], late, 2).unwrap();
    std::fs::write(world.directory().join("root.crl.der"), root).unwrap();
    assert!(world.lists.renew().faults.is_empty());
    assert_eq!(verdict(&world, &card).await, "high", "a fresh list for the authority, a fresh answer for the holder");
    host.set(Mood::OtherNonce(Status::Good, late));
    assert_eq!(verdict(&world, &card).await, "substantial", "an answer to another question");
    let old = late - TimeSpan::minutes(11);
    host.set(Mood::Status(Status::Good, old));
    world.set_clock(late + TimeSpan::minutes(2));
    assert_eq!(verdict(&world, &card).await, "substantial", "an answer of thirteen minutes ago");
}

/// Step-up: whoever is signed in with less does not become surer in grace, on the page or by a link; whoever is not signed in,
/// or is as sure as that already, is let in.
#[tokio::test]
async fn grace_makes_no_session_surer() {
    let late = NOW + TimeSpan::days(30) + TimeSpan::hours(1);
    let rows = [("low", Err("revocation-stale")), ("substantial", Ok("substantial")), ("high", Ok("substantial"))];
    for (former, expected) in rows {
        let (world, _host, card) = scene(Mood::Missing).await;
        world.set_clock(late);
        let mut browser = world.browser();
        assert_eq!(browser.sign_in(&card).await.json()["assurance"], "substantial", "who is not signed in");
        let statement = match former {
            "low" => "UPDATE sessions SET assurance = 'low'",
            "high" => "UPDATE sessions SET assurance = 'high'",
            _ => "UPDATE sessions SET assurance = 'substantial'",
        };
        change(&world.database(), statement).await;
        let verdict = async |browser: &mut Browser, answer: Answer| match answer.status.as_u16() {
            200 | 303 => Ok(browser.get("/api/v1/session").await.json()["assurance"].as_str().unwrap().to_owned()),
            _ => Err(answer),
        };
        let mut on_page = browser.clone();
        let answer = on_page.sign_in(&card).await;
        let outcome = verdict(&mut on_page, answer).await.map_err(|answer| answer.refusal().1);
        assert_eq!(outcome, expected.map(str::to_owned).map_err(str::to_owned), "{former}");
        if former != "low" {
            // The page has taken the place of the session.
            continue;
        }
        let path = signed(&world, &mut browser).await;
        let answer = browser.get(&path).await;
        let told = verdict(&mut browser, answer).await.unwrap_err();
        assert!(told.text().contains("revocation-stale"), "{}", told.text());
        assert_eq!(browser.get("/api/v1/session").await.json()["assurance"], "low");
    }
}

/// Nobody waits twice for a service that is silent.
#[tokio::test]
async fn a_silent_service_rests() {
    let (world, host, card) = scene(Mood::Failing).await;
    assert_eq!(verdict(&world, &card).await, "high");
    let other = Card::issue(&world.pki, |order| order.label = "other".to_owned());
    assert_eq!(verdict(&world, &other).await, "high");
    assert_eq!(host.visits(), 1);
    host.set(Mood::Status(Status::Revoked(NOW), NOW));
    world.set_clock(NOW + TimeSpan::seconds(31));
    assert_eq!(verdict(&world, &card).await, "certificate-revoked");
    assert_eq!(host.visits(), 2);
    let metrics = String::from_utf8(world.browser().get("/metrics").await.body).unwrap();
    for outcome in ["unreachable", "resting", "revoked"] {
        let line = format!("latchkey_portal_status_service_answers_total{{outcome=\"{outcome}\"}} 1");
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
}

/// Who presents an answer with his assertion spares the service the question, if the answer is one.
#[tokio::test]
async fn an_answer_that_comes_along_counts_if_it_is_one() {
    let late = NOW + TimeSpan::days(29);
    let (world, host, card) = scene(Mood::Status(Status::Revoked(NOW), NOW)).await;
    world.set_clock(late);
    let answer = |status, at| {
        let order =
            StatusOrder { serial_number: &card.serial_number, status, this_update: at, next_update: None, nonce: None };
        world.pki.authority().status_answer(&order).unwrap()
    };
    let altered = {
        let mut octets = answer(Status::Good, late);
        *octets.last_mut().unwrap() ^= 1;
        octets
    };
    let rows = [
        ("good and fresh", answer(Status::Good, late), "high", 0),
        ("revoked", answer(Status::Revoked(NOW), late), "certificate-revoked", 0),
        ("altered: the service is asked", altered, "certificate-revoked", 1),
        ("no answer at all: the service is asked", b"good".to_vec(), "certificate-revoked", 2),
    ];
    for (name, stapled, expected, visits) in rows {
        let mut browser = world.browser();
        let challenge = browser.challenge().await;
        let assertion = card.sign_with(ORIGIN, &challenge.text, Some(stapled));
        let answer = browser.post_json(&challenge.path, assertion).await;
        let verdict = match answer.status.as_u16() {
            200 => answer.json()["assurance"].as_str().unwrap().to_owned(),
            _ => answer.refusal().1,
        };
        assert_eq!((verdict.as_str(), host.visits()), (expected, visits), "{name}");
    }
}
