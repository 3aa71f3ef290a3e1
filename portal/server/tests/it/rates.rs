//! How much one source, or one site, is served in a minute.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::Request;
use latchkey_fixtures::random::Seeded;
use latchkey_portal::provider::ProviderMaterial;
use latchkey_portal::rates::{Limit, PLACES, RateSettings, Rates};
use latchkey_portal::terminal::Caller;
use proptest::prelude::*;
use time::Duration;

use crate::process::Installation;
use crate::provider::world::{SHOP, clients, pairs, settings, write_files};
use crate::support::{Answer, NOW, World};

fn rates(change: impl FnOnce(&mut RateSettings)) -> Rates {
    let mut settings = RateSettings::boundless();
    change(&mut settings);
    Rates::new(settings, &mut Seeded::new("rates"))
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A service that serves little, with the shop.
async fn world(change: impl FnOnce(&mut RateSettings)) -> World {
    World::with_provider(
        |settings| change(&mut settings.rates),
        |directory| {
            write_files(directory, &clients());
            ProviderMaterial::load(&settings(directory)).unwrap()
        },
    )
    .await
}

/// A request as it comes over a connection from there.
async fn get(world: &World, from: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(Caller::back_end(address(from), None));
    world.browser().send(request).await
}

#[tokio::test]
async fn who_asks_for_too_much_is_put_off_and_told_until_when() {
    let world = world(|rates| rates.requests = 3).await;
    for _ in 0..3 {
        assert_eq!(get(&world, "192.0.2.1", "/api/v1/session", &[]).await.status, 404);
    }
    let answer = get(&world, "192.0.2.1", "/api/v1/session", &[]).await;
    assert_eq!(answer.refusal(), (429, "too-many-requests".to_owned()));
    assert_eq!(answer.header("retry-after"), "20");
    assert_eq!(get(&world, "192.0.2.2", "/api/v1/session", &[]).await.status, 404, "another source is served");
    assert_eq!(get(&world, "192.0.2.1", "/health/ready", &[]).await.status, 200, "operators are");
    let metrics = get(&world, "192.0.2.1", "/metrics", &[]).await;
    assert!(
        metrics.text().contains("latchkey_portal_rate_limited_total{limit=\"requests\"} 1\n"),
        "{}",
        metrics.text()
    );

    world.set_clock(NOW + Duration::seconds(20));
    assert_eq!(get(&world, "192.0.2.1", "/api/v1/session", &[]).await.status, 404, "who comes then is served");
    assert_eq!(get(&world, "192.0.2.1", "/api/v1/session", &[]).await.status, 429, "one at a time");
}

#[tokio::test]
async fn people_are_told_on_a_page_in_their_language() {
    let world = world(|rates| rates.requests = 1).await;
    let browser = |language| [("accept", "text/html,application/xhtml+xml"), ("accept-language", language)];
    assert_eq!(get(&world, "192.0.2.1", "/", &browser("en")).await.status, 200);
    for (language, words) in
        [("be", "занадта шмат запытаў"), ("ru", "слишком много запросов"), ("en", "Too many requests")]
    {
        let page = get(&world, "192.0.2.1", "/", &browser(language)).await;
        assert_eq!((page.status.as_u16(), page.header("retry-after")), (429, "60"));
        assert_eq!(page.header("content-language"), language);
        assert!(page.text().contains(words) && page.text().contains("too-many-requests"), "{}", page.text());
    }
    let program = get(&world, "192.0.2.1", "/api/v1/session", &browser("en")).await;
    assert_eq!(program.refusal(), (429, "too-many-requests".to_owned()));
    let script = get(&world, "192.0.2.1", "/", &[("accept", "*/*")]).await;
    assert_eq!(script.refusal(), (429, "too-many-requests".to_owned()));
}

#[tokio::test]
async fn challenges_have_a_limit_of_their_own_for_each_source() {
    let world = world(|rates| rates.challenges = 2).await;
    let mut browser = world.browser();
    assert_eq!(browser.post_json("/api/v1/challenges", "{}").await.status, 201);
    assert_eq!(browser.post_form("/link", String::new()).await.status, 200, "a link has a challenge, too");
    let refused = browser.post_json("/api/v1/challenges", "{}").await;
    assert_eq!(refused.refusal(), (429, "too-many-requests".to_owned()));
    assert_eq!(refused.header("retry-after"), "30");
    assert_eq!(browser.get("/").await.status, 200, "other requests are served");
}

#[tokio::test]
async fn whose_word_counts_for_where_a_request_comes_from() {
    let mut settings = RateSettings::boundless();
    settings.proxies = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::1/128".parse().unwrap()];
    let rows: &[(&str, &str, &[&str], &str)] = &[
        ("nobody forwards", "192.0.2.1", &[], "192.0.2.1"),
        ("a visitor says he is somebody else", "192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
        ("a proxy forwards", "10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
        ("the visitor has written in front", "10.0.0.1", &["203.0.113.9, 192.0.2.1"], "192.0.2.1"),
        ("in a header of his own", "10.0.0.1", &["203.0.113.9", "192.0.2.1"], "192.0.2.1"),
        ("two proxies", "10.0.0.1", &["192.0.2.1, 10.0.0.2"], "192.0.2.1"),
        ("a proxy by IPv6", "2001:db8::1", &["2001:db8:7::9"], "2001:db8:7::9"),
        ("a proxy as IPv4 in IPv6", "::ffff:10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
        ("with a port", "10.0.0.1", &["192.0.2.1:4711"], "192.0.2.1"),
        ("nothing but nonsense", "10.0.0.1", &["unknown"], "10.0.0.1"),
        ("nonsense behind a visitor", "10.0.0.1", &["192.0.2.1, ,"], "10.0.0.1"),
        ("a proxy says nothing", "10.0.0.1", &[], "10.0.0.1"),
        ("proxies only", "10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
    ];
    for (name, peer, forwarded, source) in rows {
        let found = settings.source_address(address(peer), forwarded.iter().copied());
        assert_eq!(found, address(source), "{name}");
    }
}

#[tokio::test]
async fn behind_a_proxy_visitors_are_told_apart() {
    let world = world(|rates| (rates.requests, rates.proxies) = (1, vec!["10.0.0.1/32".parse().unwrap()])).await;
    let ask = async |from, visitor| get(&world, from, "/", &[("x-forwarded-for", visitor)]).await.status;
    assert_eq!(ask("10.0.0.1", "192.0.2.1").await, 200);
    assert_eq!(ask("10.0.0.1", "198.51.100.1, 192.0.2.1").await, 429, "he cannot be somebody else by saying so");
    assert_eq!(ask("10.0.0.1", "192.0.2.2").await, 200);
    assert_eq!(ask("192.0.2.3", "192.0.2.4").await, 200);
    assert_eq!(ask("192.0.2.3", "192.0.2.5").await, 429, "who is no proxy is not believed");
}

/// Who tries secrets is put off; the site's own server, somewhere else, is not.
#[tokio::test]
async fn who_fails_to_be_a_site_is_put_off_and_the_site_is_not() {
    let world = world(|rates| (rates.refused_sites, rates.requests) = (2, 1)).await;
    let attempt = async || {
        let form = "grant_type=refresh_token&refresh_token=x&client_id=shop&client_secret=guessed";
        let mut request = Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
        request = request.header("accept", "application/json");
        let mut request = request.body(Body::from(form)).unwrap();
        request.extensions_mut().insert(Caller::back_end(address("192.0.2.1"), None));
        world.browser().send(request).await
    };
    for _ in 0..2 {
        assert_eq!(attempt().await.status, 401);
    }
    let answer = attempt().await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "30"));
    assert_eq!(answer.json(), serde_json::json!({"error": "temporarily_unavailable"}));
    for _ in 0..3 {
        assert_eq!(SHOP.refresh(&world, "x").await.status, 400, "the site proves who it is, elsewhere");
    }
}

#[tokio::test]
async fn a_site_has_a_limit_of_its_own() {
    let world = world(|rates| rates.site = 2).await;
    let token = pairs(&[("token", "x")]);
    assert_eq!(SHOP.call(&world, "/revoke", &token).await.status, 200);
    assert_eq!(SHOP.call(&world, "/introspect", &token).await.status, 200);
    let answer = SHOP.call(&world, "/revoke", &token).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "30"));
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    let other = crate::provider::world::CLINIC;
    assert_eq!(other.call(&world, "/revoke", &token).await.status, 200, "others are served");
}

/// A site that proves nothing is whoever says so: each of its users is served for himself.
#[tokio::test]
async fn nobody_uses_up_what_a_public_site_is_served() {
    let world = world(|rates| (rates.site, rates.requests) = (2, 3)).await;
    let ask = async |from: &str, path: &str| {
        let form = "grant_type=authorization_code&client_id=app&token=x";
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        let mut request = request.body(Body::from(form)).unwrap();
        request.extensions_mut().insert(Caller::back_end(address(from), None));
        world.browser().send(request).await
    };
    for path in ["/token", "/par", "/revoke"] {
        assert_ne!(ask("192.0.2.1", path).await.status, 429, "{path}");
    }
    let answer = ask("192.0.2.1", "/token").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "20"));
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    assert_eq!(ask("192.0.2.2", "/token").await.status, 400, "its other users are served");
}

/// What tokens tell counts, too, for the site or, where that proves nothing, for whoever asks.
#[tokio::test]
async fn what_tokens_tell_is_counted() {
    let world = world(|rates| rates.site = 4).await;
    let tokens = SHOP.tokens(&world).await;
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let ask = async |from| get(&world, from, "/userinfo", &[("authorization", &bearer)]).await;
    for from in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        assert_eq!(ask(from).await.status, 200);
    }
    let answer = ask("192.0.2.4").await;
    assert_eq!(answer.refusal(), (429, "too-many-requests".to_owned()));
    assert_eq!(answer.header("retry-after"), "15");
}

#[tokio::test]
async fn tokens_that_are_none_are_counted_where_they_come_from() {
    let world = world(|rates| rates.requests = 2).await;
    let guess = async || get(&world, "192.0.2.1", "/userinfo", &[("authorization", "Bearer x")]).await.status;
    for status in [401, 401, 429] {
        assert_eq!(guess().await, status);
    }
}

#[test]
fn an_ipv6_household_is_one_source() {
    let rates = rates(|_| {});
    let source = |text| rates.source(address(text));
    assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::9"));
    assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
    assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
    assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    assert_ne!(source("192.0.2.1"), rates.site("192.0.2.1"), "a site's name is no address");
}

#[test]
fn a_clock_that_is_set_back_locks_nobody_out() {
    let rates = rates(|settings| settings.requests = 1);
    let source = rates.source(address("192.0.2.1"));
    rates.take(Limit::Requests, &source, NOW).unwrap();
    assert!(rates.take(Limit::Requests, &source, NOW).is_err());
    rates.take(Limit::Requests, &source, NOW - Duration::hours(1)).unwrap();
    let after = rates.take(Limit::Requests, &source, NOW - Duration::hours(1)).unwrap_err().after;
    assert_eq!(after.as_secs(), 60);
}

/// As many sources as there are places, each with all that it may have: memory does not grow, and of others some two in
/// five share both places with them.
#[test]
fn a_flood_from_many_sources_leaves_most_others_served() {
    let rates = rates(|settings| settings.requests = 1);
    for number in 0..u32::try_from(PLACES).unwrap() {
        let flooding = rates.source(IpAddr::from(number.to_be_bytes()));
        let _ = rates.take(Limit::Requests, &flooding, NOW);
    }
    let others = (0..1000_u32).map(|number| rates.source(IpAddr::from((0xF000_0000 + number).to_be_bytes())));
    let served = others.filter(|other| rates.look(Limit::Requests, other, NOW).is_ok()).count();
    assert!(served > 500, "{served} of 1000");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_connection_the_source_is_its_other_end() {
    let installation = Installation::new();
    let path = installation.directory.path().join("portal.toml");
    let configuration = std::fs::read_to_string(&path).unwrap();
    let configuration = configuration.replace("challenges = 100000000", "challenges = 1");
    std::fs::write(&path, configuration.replace("#proxies = [\"192.0.2.7\"]", "proxies = [\"127.0.0.1\"]")).unwrap();
    let service = installation.start();
    let client = installation.client();
    let ask = async |visitor: Option<&str>| {
        let request = client.post(service.url("/api/v1/challenges")).json(&serde_json::json!({}));
        let request = visitor.into_iter().fold(request, |request, visitor| request.header("x-forwarded-for", visitor));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!((ask(None).await, ask(None).await), (201, 429));
    assert_eq!((ask(Some("192.0.2.1")).await, ask(Some("192.0.2.1")).await), (201, 429));
}

proptest! {
    /// Whatever comes when: within any minute no more than twice the limit, and over all no more than the limit and what
    /// time has brought; and who was told to wait is served after that time.
    #[test]
    fn no_more_is_served_than_may_be(limit in 1_u32..50, waits in prop::collection::vec(0_i64..5_000, 1..300)) {
        let rates = rates(|settings| settings.challenges = limit);
        let source = rates.source(address("192.0.2.1"));
        let (mut now, mut served) = (NOW, 0_u32);
        for wait in waits {
            now += Duration::milliseconds(wait);
            match rates.take(Limit::Challenges, &source, now) {
                Ok(()) => served += 1,
                Err(exceeded) => prop_assert!(rates.look(Limit::Challenges, &source, now + exceeded.after).is_ok()),
            }
            let minutes = (now - NOW).as_seconds_f64() / 60.0;
            prop_assert!(f64::from(served) <= f64::from(limit) * (1.0 + minutes) + 1e-6);
        }
    }
}
