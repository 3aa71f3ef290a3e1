//! Sites are told when people have signed out (OpenID Connect Back-Channel Logout 1.0).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_fixtures::pki::tls::TlsFiles;
use latchkey_portal::provider::clients::ClientId;
use latchkey_portal::provider::logout::LogoutAddress;
use latchkey_portal::provider::reach::is_public;
use latchkey_portal::provider::telling::{TRIES_MAX, Telling};
use latchkey_portal::storage::{DueLogout, GrantId, LOGOUTS_OF_SITE_MAX};
use serde_json::{Value, json};
use time::Duration;
use tokio::task::JoinSet;

use super::site_host::{Mood, SiteHost};
use super::world::{
    CLINIC, SHOP, card_of_another, clients, clients_told, field, form, pairs, sent, ticket, world_of,
    world_with_cabinets, world_with_files,
};
use crate::cabinet::block;
use crate::process::present;
use crate::support::{Browser, NOW, ORIGIN, World, change, open};

/// Tells whoever is to be told now, and waits for all of them.
async fn tell(world: &World) {
    let mut telling = Telling::new(Arc::clone(world.provider.as_ref().unwrap()));
    while telling.begin().await.unwrap() {
        telling.finish().await;
    }
}

/// A world whose shop is told there.
async fn told_at(host: &SiteHost) -> World {
    world_of(&clients_told(&[("shop", &host.address)])).await
}

/// A browser that is signed in, and what the shop was given.
async fn signed_in(world: &World) -> (Browser, Value) {
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let code = SHOP.code(&mut browser).await;
    let tokens = SHOP.exchange(world, &code).await.json();
    (browser, tokens)
}

async fn sid(world: &World, tokens: &Value) -> String {
    ticket(world, tokens["id_token"].as_str().unwrap()).await["sid"].as_str().unwrap().to_owned()
}

async fn counted(world: &World, outcome: &str) -> u64 {
    let figures = world.browser().get("/metrics").await;
    let line = format!("latchkey_portal_logouts_total{{outcome=\"{outcome}\"}} ");
    figures.text().lines().find_map(|found| found.strip_prefix(&line)).map_or(0, |times| times.parse().unwrap())
}

/// The message of clause 2.4, sent as clause 2.5 says, to the site that was granted something, and once.
#[tokio::test]
async fn a_site_is_told_that_the_person_has_signed_out() {
    let mut host = SiteHost::start(Mood::Status(200)).await;
    let world = told_at(&host).await;
    let (mut browser, tokens) = signed_in(&world).await;
    CLINIC.code(&mut browser).await;
    tell(&world).await;
    assert!(host.messages().is_empty(), "nothing has ended");
    world.set_clock(NOW + Duration::seconds(40));
    browser.delete("/api/v1/session").await;
    tell(&world).await;
    let message = host.message().await;
    assert_eq!(
        (message.path.as_str(), message.kind.as_str()),
        ("/told?by=portal", "application/x-www-form-urlencoded")
    );
    let token = message.token();
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!((&header["typ"], &header["alg"]), (&json!("logout+jwt"), &json!("ES256")));
    let sid = sid(&world, &tokens).await;
    let told_at = NOW.unix_timestamp() + 40;
    let expected = json!({
        "iss": ORIGIN, "aud": "shop", "iat": told_at, "exp": told_at + 120, "jti": format!("logout-{sid}"), "sid": sid,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    assert_eq!(ticket(&world, &token).await, expected, "neither a nonce nor anybody's name");
    world.set_clock(NOW + Duration::days(1));
    tell(&world).await;
    assert!(host.messages().is_empty(), "once");
    assert_eq!((counted(&world, "told").await, counted(&world, "unreachable").await), (1, 0));
}

/// Every way in which what a site was granted ends before its time.
#[tokio::test]
async fn whatever_ends_a_grant_before_its_time_is_told() {
    const ENDS: [&str; 8] = [
        "signing out on the page",
        "signing out on a site's wish",
        "somebody else signs in",
        "a session is ended",
        "all others are ended",
        "consent is withdrawn",
        "a code is used twice",
        "a refresh token is used twice",
    ];
    for end in ENDS {
        let mut host = SiteHost::start(Mood::Status(204)).await;
        let world = world_with_cabinets(&clients_told(&[("shop", &host.address)])).await;
        let mut browser = world.browser();
        browser.sign_in(&world.card()).await;
        let code = SHOP.code(&mut browser).await;
        let tokens = SHOP.exchange(&world, &code).await.json();
        let sid = sid(&world, &tokens).await;
        let mut cabinet = world.browser();
        cabinet.sign_in(&world.card()).await;
        let page = cabinet.get("/cabinet").await;
        let (key, session) = (field(&page, "key").unwrap(), field(&page, "session").unwrap());
        match end {
            "signing out on the page" => drop(browser.delete("/api/v1/session").await),
            "signing out on a site's wish" => {
                let page = browser.get("/end-session").await;
                let key = [("key".to_owned(), field(&page, "key").unwrap())];
                browser.post_form("/end-session/confirm", form(&key)).await;
            }
            "somebody else signs in" => drop(browser.sign_in(&card_of_another(&world)).await),
            "a session is ended" => {
                let fields = pairs(&[("key", &key), ("session", &session)]);
                cabinet.post_form("/cabinet/sessions/end", form(&fields)).await;
            }
            "all others are ended" => {
                cabinet.post_form("/cabinet/sessions/end-others", format!("key={key}")).await;
            }
            "consent is withdrawn" => {
                cabinet.post_form("/cabinet/sites/withdraw", format!("key={key}&site=shop")).await;
            }
            "a code is used twice" => drop(SHOP.exchange(&world, &code).await),
            _ => {
                let token = tokens["refresh_token"].as_str().unwrap();
                SHOP.refresh(&world, token).await;
                assert_eq!(SHOP.refresh(&world, token).await.status, 400);
            }
        }
        tell(&world).await;
        let told: Vec<_> = host.messages().iter().map(super::site_host::Message::token).collect();
        assert_eq!(told.len(), 1, "{end}");
        assert_eq!(ticket(&world, &told[0]).await["sid"], sid, "{end}");
    }
}

/// A cabinet that is blocked for ever, by a command, ends what sites were granted everywhere.
#[tokio::test]
async fn a_cabinet_that_is_blocked_is_told_to_every_site() {
    let (mut shop, mut clinic) = (SiteHost::start(Mood::Status(200)).await, SiteHost::start(Mood::Status(200)).await);
    let world = world_with_cabinets(&clients_told(&[("shop", &shop.address), ("clinic", &clinic.address)])).await;
    for site in [SHOP, CLINIC, SHOP] {
        site.tokens(&world).await;
    }
    let mut browser = world.browser();
    let holder = browser.sign_in(&world.card()).await.json()["holder"].clone();
    assert_eq!(block(&world, holder["personalNumber"].as_str().unwrap(), NOW).await.sessions, 4);
    tell(&world).await;
    assert_eq!((shop.messages().len(), clinic.messages().len()), (2, 1));
}

/// What is over in its time, goes on, was given back, or was never taken is no sign-out.
#[tokio::test]
async fn nobody_is_told_of_what_is_no_signing_out() {
    let mut host = SiteHost::start(Mood::Status(200)).await;
    let world = told_at(&host).await;
    let (mut browser, tokens) = signed_in(&world).await;
    browser.sign_in(&world.card()).await;
    tell(&world).await;
    assert!(host.messages().is_empty(), "the same person has signed in again");
    SHOP.call(&world, "/revoke", &pairs(&[("token", tokens["refresh_token"].as_str().unwrap())])).await;
    tell(&world).await;
    assert!(host.messages().is_empty(), "the site itself has given it back");
    let unfit = SHOP.code(&mut browser).await;
    SHOP.exchange_with(&world, &unfit, &[("code_verifier", Some(&"a".repeat(43)))]).await;
    SHOP.code(&mut browser).await;
    browser.delete("/api/v1/session").await;
    tell(&world).await;
    assert!(host.messages().is_empty(), "the site never got a ticket");
    signed_in(&world).await;
    world.set_clock(NOW + Duration::minutes(30));
    world.portal.purge().await.unwrap();
    world.provider.as_ref().unwrap().purge().await.unwrap();
    tell(&world).await;
    assert!(host.messages().is_empty(), "the session is over");
}

/// The receiver is gone, has a fault, refuses, sends elsewhere: it's told again, under the same name, until it listens.
#[tokio::test]
async fn a_site_that_does_not_listen_is_told_again_under_the_same_name() {
    let mut host = SiteHost::start(Mood::Status(500)).await;
    let world = told_at(&host).await;
    let (mut browser, _) = signed_in(&world).await;
    browser.delete("/api/v1/session").await;
    let moods = [Mood::Status(500), Mood::Status(400), Mood::Status(404), Mood::Redirect, Mood::Status(202)];
    let (mut now, mut wait, mut told) = (NOW, Duration::seconds(10), Vec::new());
    for mood in moods {
        host.set(mood);
        tell(&world).await;
        let messages = host.messages();
        let [message] = messages.as_slice() else { panic!("{mood:?}: {messages:?}") };
        assert_eq!(message.path, "/told?by=portal", "nobody follows to where the site sends");
        told.push(message.token());
        world.set_clock(now + wait - Duration::MILLISECOND);
        tell(&world).await;
        assert!(host.messages().is_empty(), "{mood:?}: not before its time");
        now += wait;
        wait *= 2;
        world.set_clock(now);
    }
    host.set(Mood::Status(200));
    tell(&world).await;
    told.push(host.token().await);
    let mut claims = Vec::new();
    for token in &told {
        claims.push(ticket(&world, token).await);
    }
    assert!(claims.iter().all(|it| it["jti"] == claims[0]["jti"] && it["sid"] == claims[0]["sid"]), "{claims:?}");
    assert!(claims.windows(2).all(|two| two[0]["iat"].as_i64() < two[1]["iat"].as_i64()), "each is of its own time");
    assert_eq!((counted(&world, "refused").await, counted(&world, "told").await), (5, 1));
    world.set_clock(now + Duration::days(1));
    tell(&world).await;
    assert!(host.messages().is_empty());
}

/// Nobody is at the address, for a day; and a site that is not registered any more is not asked for.
#[tokio::test]
async fn a_site_that_never_listens_is_given_up_after_a_day() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let world = world_of(&clients_told(&[("shop", &format!("http://{free}/"))])).await;
    let (mut browser, _) = signed_in(&world).await;
    browser.delete("/api/v1/session").await;
    let mut logout = DueLogout { grant: GrantId::from([0; 16]), client: ClientId::parse("shop").unwrap(), tries: 0 };
    let mut after = Duration::ZERO;
    for tries in 0..TRIES_MAX {
        tell(&world).await;
        logout.tries = tries;
        after += logout.wait();
        world.set_clock(NOW + after);
    }
    assert!((Duration::hours(23)..Duration::hours(25)).contains(&(after - Duration::HOUR)), "{after}");
    assert_eq!((counted(&world, "unreachable").await, counted(&world, "given-up").await), (31, 1));
    tell(&world).await;
    assert_eq!(counted(&world, "given-up").await, 1, "nothing is left");

    let host = SiteHost::start(Mood::Status(200)).await;
    let world = told_at(&host).await;
    let (mut browser, _) = signed_in(&world).await;
    browser.delete("/api/v1/session").await;
    std::fs::write(world.directory().join("provider/clients.toml"), clients()).unwrap();
    world.provider.as_ref().unwrap().renew();
    tell(&world).await;
    assert_eq!(counted(&world, "nobody").await, 1);
}

/// A site that does not answer, or whose answer has no end, is not waited for by others, nor read.
#[tokio::test]
async fn a_slow_site_delays_nobody_and_an_endless_answer_is_not_read() {
    let (mut slow, mut quick) = (SiteHost::start(Mood::Silent).await, SiteHost::start(Mood::Endless).await);
    let world = world_of(&clients_told(&[("shop", &slow.address), ("clinic", &quick.address)])).await;
    let mut browsers = Vec::new();
    for site in [SHOP, CLINIC] {
        let mut browser = world.browser();
        browser.sign_in(&world.card()).await;
        let code = site.code(&mut browser).await;
        site.exchange(&world, &code).await;
        browsers.push(browser);
    }
    let mut telling = Telling::new(Arc::clone(world.provider.as_ref().unwrap()));
    browsers[0].delete("/api/v1/session").await;
    assert!(telling.begin().await.unwrap());
    slow.message().await;
    browsers[1].delete("/api/v1/session").await;
    assert!(telling.begin().await.unwrap());
    quick.message().await;
    while counted(&world, "told").await == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(counted(&world, "unreachable").await, 0, "the slow one is still waited for");
    telling.finish().await;
    assert_eq!((counted(&world, "told").await, counted(&world, "unreachable").await), (1, 1));
}

/// Two openings of one database, as two nodes have it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_nodes_one_takes_each_end_and_no_site_fills_a_round() {
    let mut host = SiteHost::start(Mood::Status(200)).await;
    let world = told_at(&host).await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    for number in 0..30 {
        let site = if number < 20 { SHOP } else { CLINIC };
        let code = site.code(&mut browser).await;
        site.exchange(&world, &code).await;
    }
    browser.delete("/api/v1/session").await;
    let storages = [open(&world.database()).await, open(&world.database()).await];
    let mut taking = JoinSet::new();
    for number in 0..20 {
        let storage = Arc::clone(&storages[number % 2]);
        taking.spawn(async move { storage.due_logouts(64, NOW).await.unwrap() });
    }
    let mut taken = taking.join_all().await;
    // Those who looked at the same moment have seen the same.
    taken.push(storages[0].due_logouts(64, NOW).await.unwrap());
    for round in &taken {
        let of_shop = round.iter().filter(|logout| logout.client.as_str() == "shop").count();
        assert!(of_shop <= usize::try_from(LOGOUTS_OF_SITE_MAX).unwrap());
    }
    let mut names: Vec<_> = taken.iter().flatten().map(|logout| logout.grant.to_string()).collect();
    names.sort();
    let all = names.len();
    names.dedup();
    assert_eq!((names.len(), all), (30, 30), "each once");
    assert!(storages[1].due_logouts(64, NOW + Duration::seconds(9)).await.unwrap().is_empty());
    let again = storages[1].due_logouts(3, NOW + Duration::seconds(10)).await.unwrap();
    assert_eq!(again.iter().map(|logout| logout.tries).collect::<Vec<_>>(), [1, 1, 1]);
    world.set_clock(NOW + Duration::minutes(1));
    tell(&world).await;
    assert_eq!(host.messages().len(), 20);
    assert_eq!(counted(&world, "nobody").await, 10, "the clinic did not ask to be told");
    change(&world.database(), "UPDATE logouts SET tries = -1").await;
}

/// The message that says that somebody has signed out lets nobody in, and is no hint of anybody.
#[tokio::test]
async fn token_substitution_what_says_that_somebody_has_left_is_no_ticket() {
    let mut host = SiteHost::start(Mood::Status(200)).await;
    let world = told_at(&host).await;
    let (mut browser, _) = signed_in(&world).await;
    browser.delete("/api/v1/session").await;
    tell(&world).await;
    let token = host.token().await;
    let leaving = browser.get(&format!("/end-session?id_token_hint={token}")).await;
    assert!(leaving.text().contains("site-unknown"), "{}", leaving.text());
    let hinted = browser.get(&SHOP.request(&[("id_token_hint", Some(&token))])).await;
    assert_eq!(sent(&hinted, "error").as_deref(), Some("invalid_request"));
    let claims = ticket(&world, &token).await;
    for missing in ["sub", "nonce", "acr", "auth_time"] {
        assert!(claims.get(missing).is_none(), "{missing}");
    }
}

/// A site's address, or its name, leads into the operator's own network.
#[tokio::test]
async fn no_site_has_the_portal_call_its_own_network() {
    let refused = [
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://192.168.1.1/x",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[fe80::1]/",
        "https://[fc00::1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:7f00:1::]/",
        "http://shop.example/",
        "http://127.0.0.1/",
        "https://shop.example/#x",
        "https://user@shop.example/",
        "https://user:secret@shop.example/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://SHOP.example/",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "data:,x",
        "https:///",
        "",
    ];
    for address in refused {
        assert!(LogoutAddress::parse(address, false).is_err(), "{address}");
    }
    for address in ["https://shop.example/told?by=portal", "https://93.184.216.34/", "https://[2606:4700::1111]/"] {
        assert!(LogoutAddress::parse(address, false).is_ok(), "{address}");
    }
    let private = ["http://shop.example/", "http://10.0.0.1/", "http://[::ffff:10.0.0.1]/", "https://a@b.example/"];
    for address in private {
        assert!(LogoutAddress::parse(address, true).is_err(), "{address}");
    }
    for address in ["http://127.0.0.1:8/", "http://[::1]:8/", "https://10.0.0.1/"] {
        assert!(LogoutAddress::parse(address, true).is_ok(), "{address}");
    }

    // What a name leads to is seen only when it is called.
    for (may_be_private, is_called) in [(false, false), (true, true)] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        let told = clients_told(&[("shop", &address)]);
        let told = told.replace("logout_private = true", &format!("logout_private = {may_be_private}"));
        let world = world_of(&told).await;
        let (mut browser, _) = signed_in(&world).await;
        browser.delete("/api/v1/session").await;
        let mut telling = Telling::new(Arc::clone(world.provider.as_ref().unwrap()));
        telling.begin().await.unwrap();
        if is_called {
            while listener.accept().is_err() {
                tokio::task::yield_now().await;
            }
        } else {
            telling.finish().await;
            assert!(listener.accept().is_err(), "the portal has called itself");
            assert_eq!(counted(&world, "unreachable").await, 1);
        }
    }
}

#[test]
fn addresses_of_the_public_network_are_told_from_all_others() {
    let rows = [
        ("8.8.8.8", true),
        ("1.1.1.1", true),
        ("172.15.255.255", true),
        ("172.16.0.0", false),
        ("172.31.255.255", false),
        ("172.32.0.0", true),
        ("100.63.255.255", true),
        ("100.127.255.255", false),
        ("100.128.0.0", true),
        ("192.0.0.255", false),
        ("192.0.1.0", true),
        ("198.17.255.255", true),
        ("198.19.255.255", false),
        ("223.255.255.255", true),
        ("224.0.0.1", false),
        ("255.255.255.255", false),
        ("::", false),
        ("::1", false),
        ("::ffff:8.8.8.8", false),
        ("2001:4860:4860::8888", true),
        ("2001::1", false),
        ("2001:db8::1", false),
        ("2002:808:808::1", true),
        ("2002:a00:1::1", false),
        ("64:ff9b::808:808", true),
        ("64:ff9b::7f00:1", false),
        ("64:ff9b:1:a00:0:100:808:808", false),
        ("64:ff9b:0:1::808:808", false),
        ("3fff::1", false),
        ("3fff:1000::1", true),
        ("fec0::1", false),
        ("ff02::1", false),
        ("4000::1", false),
    ];
    for (address, expected) in rows {
        assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
    }
}

/// The site shows itself by a certificate of the authorities that the operator has named, or is told nothing.
#[tokio::test]
async fn a_site_is_told_over_tls_under_the_configured_authorities_only() {
    for is_known in [true, false] {
        let site = TlsFiles::issue(present()).unwrap();
        let known = if is_known { site.authority.clone() } else { TlsFiles::issue(present()).unwrap().authority };
        let mut host = SiteHost::start(Mood::Status(200)).await;
        let address = host.over_tls(&site);
        let world = world_with_files(&clients_told(&[("shop", &address)]), |directory| {
            std::fs::write(directory.join("provider/sites-tls.pem"), &known).unwrap();
        })
        .await;
        let (mut browser, _) = signed_in(&world).await;
        browser.delete("/api/v1/session").await;
        tell(&world).await;
        assert_eq!(host.messages().len(), usize::from(is_known));
        assert_eq!(
            (counted(&world, "told").await == 1, counted(&world, "unreachable").await == 1),
            (is_known, !is_known)
        );
    }
}
