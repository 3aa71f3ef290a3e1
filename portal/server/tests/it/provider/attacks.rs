//! Attacks on the provider, each by its name.

use axum::body::Body;
use axum::http::Request;
use latchkey_portal::provider::CODE_LIFETIME;
use serde_json::json;
use time::Duration;

use super::world::{
    APP, CLINIC, SHOP, agree, card_of_another, clients, decide, field, form, pairs, sent, ticket, userinfo, world,
    world_of,
};
use crate::support::{NOW, ORIGIN, SESSION_COOKIE, World};

const PENDING_COOKIE: &str = "__Host-latchkey-request";

async fn signed_in(world: &World) -> crate::support::Browser {
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    browser
}

/// Cross-site request forgery: another site's page answers the question in the visitor's place.
#[tokio::test]
async fn csrf_another_page_does_not_agree_in_the_visitors_place() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let page = browser.get(&SHOP.request(&[])).await;
    let (request, key) = (field(&page, "request").unwrap(), field(&page, "key").unwrap());
    let sound = [("request", request.as_str()), ("key", key.as_str()), ("decision", "allow")];
    let from_elsewhere = Request::post("/authorize/decision")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "https://shop.example")
        .body(form(&pairs(&sound)).into());
    assert_eq!(browser.send(from_elsewhere.unwrap()).await.refusal(), (403, "origin-refused".to_owned()));
    let other = signed_in(&world).await.session_token().form_key();
    let forms = [
        vec![("request", request.as_str()), ("decision", "allow")],
        vec![("request", request.as_str()), ("key", ""), ("decision", "allow")],
        vec![("request", request.as_str()), ("key", other.as_str()), ("decision", "allow")],
        vec![("key", key.as_str()), ("decision", "allow")],
        vec![("request", key.as_str()), ("key", key.as_str()), ("decision", "allow")],
    ];
    for fields in forms {
        let answer = browser.post_form("/authorize/decision", form(&pairs(&fields))).await;
        assert_eq!(answer.status, 403, "{fields:?}");
        assert!(answer.text().contains("form-refused"), "{fields:?}");
    }
    assert!(sent(&browser.post_form("/authorize/decision", form(&pairs(&sound))).await, "code").is_some());
}

/// Another tab brings another site's request while the visitor reads the first one.
#[tokio::test]
async fn csrf_nobody_agrees_to_another_request_than_the_one_that_was_shown() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let shown = browser.get(&CLINIC.request(&[])).await;
    browser.get(&SHOP.request(&[])).await;
    let answer = agree(&mut browser, &shown).await;
    assert_eq!(answer.status, 403);
    let more = browser.get(&CLINIC.request(&[("state", Some("other"))])).await;
    assert_eq!(more.status, 200, "and nothing was agreed to");
}

/// Session fixation: the visitor of one browser ends up in a session that another one knows.
#[tokio::test]
async fn fixation_a_request_that_was_planted_signs_nobody_in() {
    let world = world().await;
    let mut attacker = world.browser();
    attacker.get(&SHOP.request(&[])).await;
    let mut victim = world.browser();
    victim.cookies.insert(PENDING_COOKIE.to_owned(), attacker.cookies[PENDING_COOKIE].clone());
    world.set_clock(NOW + Duration::seconds(5));
    victim.sign_in(&world.card()).await;
    let asked = victim.get("/authorize/resume").await;
    assert_eq!(asked.status, 200, "the visitor is asked, whoever brought the request");
    let page = attacker.get("/authorize/resume").await;
    assert!(page.text().contains("data-next"), "and the attacker is signed in nowhere");
}

/// A request that was altered, made elsewhere, or has waited for too long.
#[tokio::test]
async fn fixation_a_request_that_waits_cannot_be_altered() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    browser.get(&SHOP.request(&[("prompt", Some("login"))])).await;
    let sealed = browser.cookies[PENDING_COOKIE].clone();
    let parts: Vec<_> = sealed.split('.').collect();
    let earlier = (NOW - Duration::minutes(1)).unix_timestamp() * 1000;
    let altered = [
        String::new(),
        "x".to_owned(),
        format!("{earlier}.{}..{}", parts[1], parts[3]),
        format!("{}.{}..{}", parts[0], parts[1].to_lowercase(), parts[3]),
        format!("{}...{}", parts[0], parts[3]),
        format!("{}.{}.{}.{}", parts[0], parts[1], "A".repeat(43), parts[3]),
        format!("{sealed}A"),
        sealed[..sealed.len() - 1].to_owned(),
        "9".repeat(4000),
    ];
    for altered in altered {
        browser.cookies.insert(PENDING_COOKIE.to_owned(), altered.clone());
        let answer = browser.get("/authorize/resume").await;
        assert_eq!(answer.status, 400, "{altered}");
        assert!(answer.text().contains("site-request-over"), "{altered}");
    }
    browser.cookies.insert(PENDING_COOKIE.to_owned(), sealed.clone());
    assert_eq!(browser.get("/authorize/resume").await.status, 200);
    world.set_clock(NOW + Duration::minutes(15));
    browser.cookies.insert(PENDING_COOKIE.to_owned(), sealed);
    assert!(browser.get("/authorize/resume").await.text().contains("site-request-over"));
    browser.cookies.remove(PENDING_COOKIE);
    assert!(browser.get("/authorize/resume").await.text().contains("site-request-over"));
}

/// Mix-up: a site is made to believe that another service's answer is this one's, or the reverse.
#[tokio::test]
async fn mix_up_every_answer_names_its_issuer() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let page = browser.get(&SHOP.request(&[])).await;
    let refused = decide(&mut browser.clone(), &page, "deny").await;
    let faulty = browser.get(&SHOP.request(&[("scope", Some("profile"))])).await;
    let agreed = agree(&mut browser, &page).await;
    for answer in [&refused, &faulty, &agreed] {
        assert_eq!(sent(answer, "iss").as_deref(), Some(ORIGIN));
    }
    let document = browser.get("/.well-known/openid-configuration").await.json();
    assert_eq!(
        (&document["issuer"], &document["authorization_response_iss_parameter_supported"]),
        (&json!(ORIGIN), &json!(true))
    );
}

/// Code injection: a code that was stolen is given to another site, or to another run of the same one.
#[tokio::test]
async fn code_injection_a_code_serves_its_own_site_address_and_verifier_only() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let code = SHOP.code(&mut browser).await;
    for thief in [CLINIC, APP] {
        let answer = thief.exchange_with(&world, &code, &[("redirect_uri", Some(SHOP.address))]).await;
        assert_eq!(answer.json(), json!({"error": "invalid_grant"}), "{}", thief.id);
    }
    assert_eq!(SHOP.exchange(&world, &code).await.status, 200, "the thieves took nothing away");

    let other = "a".repeat(43);
    let rows: [(&str, Option<&str>); 5] = [
        ("redirect_uri", Some("https://shop.example/back")),
        ("redirect_uri", Some("https://shop.example/back?from=portal&")),
        ("code_verifier", Some(&other)),
        ("code_verifier", Some("short")),
        ("code_verifier", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")),
    ];
    for (name, value) in rows {
        let code = SHOP.code(&mut browser).await;
        let answer = SHOP.exchange_with(&world, &code, &[(name, value)]).await;
        assert_eq!(answer.json(), json!({"error": "invalid_grant"}), "{name} {value:?}");
        assert_eq!(SHOP.exchange(&world, &code).await.json()["error"], "invalid_grant", "it is used up: {name}");
    }
}

/// Code replay: a second use, by whomever, ends what came of the first.
#[tokio::test]
async fn code_replay_ends_what_came_of_the_code() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let code = SHOP.code(&mut browser).await;
    let tokens = SHOP.exchange(&world, &code).await.json();
    assert_eq!(userinfo(&world, tokens["access_token"].as_str().unwrap()).await.status, 200);
    assert_eq!(SHOP.exchange(&world, &code).await.json()["error"], "invalid_grant");
    assert_eq!(userinfo(&world, tokens["access_token"].as_str().unwrap()).await.status, 401);
    let refreshed = SHOP.refresh(&world, tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refreshed.json()["error"], "invalid_grant");

    let late = SHOP.code(&mut browser).await;
    world.set_clock(NOW + CODE_LIFETIME);
    assert_eq!(SHOP.exchange(&world, &late).await.json()["error"], "invalid_grant", "too late");
}

/// PKCE downgrade: a request or an exchange without it, or by the plain method.
#[tokio::test]
async fn pkce_downgrade_is_refused_at_both_ends() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let rows: [&[(&str, Option<&str>)]; 4] = [
        &[("code_challenge", None)],
        &[("code_challenge", None), ("code_challenge_method", None)],
        &[("code_challenge_method", None)],
        &[("code_challenge_method", Some("plain"))],
    ];
    for changes in rows {
        let answer = browser.get(&APP.request(changes)).await;
        assert_eq!(sent(&answer, "error").as_deref(), Some("invalid_request"), "{changes:?}");
    }
    let code = APP.code(&mut browser).await;
    let answer = APP.exchange_with(&world, &code, &[("code_verifier", None)]).await;
    assert_eq!(answer.json()["error"], "invalid_request");
    // A challenge that would stand for none, so that whatever is no verifier serves.
    let answer = browser.get(&APP.request(&[("code_challenge", Some(&"A".repeat(43)))])).await;
    assert_eq!(sent(&answer, "error").as_deref(), Some("invalid_request"));
}

/// Redirect tricks and open redirects: who asks for another address is told so on the portal's own page.
#[tokio::test]
async fn open_redirect_nobody_is_sent_to_an_address_that_is_not_registered() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let addresses = [
        "https://evil.example/",
        "https://shop.example/back?from=portal#@evil.example",
        "https://shop.example.evil.example/back?from=portal",
        "https://shop.example@evil.example/back",
        "https://shop.example/back/../../evil",
        "https://shop.example/Back",
        "http://shop.example/back",
        "//evil.example",
        "javascript:alert(1)",
        "https://shop.example/back\r\nlocation: https://evil.example",
    ];
    for address in addresses {
        for error in [None, Some("bad")] {
            let answer = browser.get(&SHOP.request(&[("redirect_uri", Some(address)), ("prompt", error)])).await;
            assert_eq!(answer.status, 400, "{address}");
            assert!(answer.header("location").is_empty(), "{address}");
            assert!(!answer.text().contains("evil"), "{address}");
        }
    }
    let leaving =
        browser.get("/end-session?client_id=shop&post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F").await;
    assert_eq!((leaving.status.as_u16(), leaving.header("location")), (400, ""));
    assert!(leaving.text().contains("site-address-unknown"));
    let unknown = browser.get(&SHOP.request(&[("client_id", Some("evil"))])).await;
    assert!(unknown.text().contains("site-unknown"));
    let twice = browser.get(&format!("{}&client_id=shop", SHOP.request(&[]))).await;
    assert!(twice.text().contains("site-request-malformed"));
}

/// Header `Host` and its like decide nothing: not the issuer, not an address, not an audience.
#[tokio::test]
async fn host_header_decides_nothing() {
    let world = world().await;
    for path in ["/.well-known/openid-configuration", &SHOP.request(&[("prompt", Some("none"))])] {
        let request = Request::get(path)
            .header("host", "elsewhere.example")
            .header("x-forwarded-host", "elsewhere.example")
            .header("forwarded", "host=elsewhere.example");
        let answer = world.browser().send(request.body(Body::empty()).unwrap()).await;
        assert!(!answer.text().contains("elsewhere") && !answer.header("location").contains("elsewhere"), "{path}");
    }
}

/// Clickjacking: no page of the provider can be shown within another.
#[tokio::test]
async fn clickjacking_no_page_can_be_framed_and_forms_lead_to_the_site_only() {
    let world = world().await;
    let mut browser = world.browser();
    let sign_in = browser.get(&SHOP.request(&[])).await;
    browser.sign_in(&world.card()).await;
    let consent = browser.get(&SHOP.request(&[])).await;
    let leaving =
        browser.get("/end-session?client_id=shop&post_logout_redirect_uri=https%3A%2F%2Fshop.example%2Fbye").await;
    for page in [&sign_in, &consent, &leaving] {
        assert_eq!(page.status, 200);
        let policy = page.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(policy.contains("form-action 'self' https://shop.example; base-uri"), "{policy}");
        assert_eq!(page.header("x-frame-options"), "DENY");
    }
}

/// A refresh token that was copied: whichever of thief and owner comes second ends it for both.
#[tokio::test]
async fn refresh_reuse_ends_the_whole_family() {
    let world = world().await;
    let first = SHOP.tokens(&world).await;
    let second = SHOP.refresh(&world, first["refresh_token"].as_str().unwrap()).await.json();
    let third = SHOP.refresh(&world, second["refresh_token"].as_str().unwrap()).await.json();
    assert_eq!(userinfo(&world, third["access_token"].as_str().unwrap()).await.status, 200);
    let stolen = SHOP.refresh(&world, first["refresh_token"].as_str().unwrap()).await;
    assert_eq!((stolen.status.as_u16(), stolen.json()), (400, json!({"error": "invalid_grant"})));
    assert_eq!(SHOP.refresh(&world, third["refresh_token"].as_str().unwrap()).await.json()["error"], "invalid_grant");
    for tokens in [&first, &second, &third] {
        assert_eq!(userinfo(&world, tokens["access_token"].as_str().unwrap()).await.status, 401);
    }
}

/// Tokens and codes of one site in the hands of another.
#[tokio::test]
async fn token_substitution_one_sites_tokens_are_good_for_no_other() {
    let refreshing = ["keys", "public"].into_iter().fold(clients(), |clients, kind| {
        let by = format!("authentication = \"{kind}\"");
        clients.replace(&by, &format!("refresh_tokens = true\n{by}"))
    });
    let world = world_of(&refreshing).await;
    let shop = SHOP.tokens(&world).await;
    let clinic = CLINIC.tokens(&world).await;
    let claims = ticket(&world, clinic["id_token"].as_str().unwrap()).await;
    assert_eq!(claims["aud"], "clinic", "a ticket names the one site that may believe it");
    for thief in [CLINIC, APP] {
        let foreign = thief.refresh(&world, shop["refresh_token"].as_str().unwrap()).await;
        assert_eq!((foreign.status.as_u16(), foreign.json()), (400, json!({"error": "invalid_grant"})), "{}", thief.id);
    }
    assert_eq!(
        SHOP.refresh(&world, shop["refresh_token"].as_str().unwrap()).await.status,
        200,
        "it is still the shop's"
    );
    let access = shop["access_token"].as_str().unwrap();
    assert_eq!(
        SHOP.refresh(&world, access).await.json()["error"],
        "invalid_grant",
        "an access token refreshes nothing"
    );
    let as_code = SHOP.exchange(&world, access).await;
    assert_eq!(as_code.json()["error"], "invalid_grant");
    for not_a_token in [shop["id_token"].as_str().unwrap(), "", "x", SESSION_COOKIE] {
        assert_eq!(userinfo(&world, not_a_token).await.status, 401, "{not_a_token}");
    }
}

/// The token of a browser's session is good for nothing at the provider, and the reverse.
#[tokio::test]
async fn token_substitution_a_sessions_token_is_no_access_token() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let session = browser.cookies[SESSION_COOKIE].clone();
    let code = SHOP.code(&mut browser).await;
    let tokens = SHOP.exchange(&world, &code).await.json();
    assert_eq!(userinfo(&world, &session).await.status, 401);
    assert_eq!(SHOP.refresh(&world, &session).await.json()["error"], "invalid_grant");
    browser.cookies.insert(SESSION_COOKIE.to_owned(), tokens["access_token"].as_str().unwrap().to_owned());
    assert_eq!(browser.get("/api/v1/session").await.refusal(), (404, "no-session".to_owned()));
}

/// Bodies and queries that are too long, or have too much in them.
#[tokio::test]
async fn oversized_requests_are_refused_before_anything_is_looked_up() {
    let world = world().await;
    let long = "a".repeat(70_000);
    for path in ["/token", "/revoke", "/introspect"] {
        let answer = SHOP.call(&world, path, &pairs(&[("token", &long)])).await;
        assert!([400, 413].contains(&answer.status.as_u16()), "{path}: {}", answer.status);
        assert_eq!(answer.json()["error"], "invalid_request", "{path}");
    }
    for path in ["/authorize", "/end-session", "/authorize/decision", "/end-session/confirm"] {
        let answer = world.browser().post_form(path, format!("x={long}")).await;
        assert!([400, 413].contains(&answer.status.as_u16()), "{path}: {}", answer.status);
    }
    let query = SHOP.request(&[("state", Some(&"a".repeat(2800)))]);
    assert!(world.browser().get(&query).await.text().contains("site-request-malformed"));
    let many: Vec<_> = (0..40).map(|number| (format!("p{number}"), "1".to_owned())).collect();
    assert_eq!(SHOP.call(&world, "/token", &many).await.json()["error"], "invalid_request");
}

/// Enumeration: neither sites nor people can be found out by asking.
#[tokio::test]
async fn enumeration_what_is_refused_says_nothing_of_what_there_is() {
    let world = world().await;
    let mut answers = Vec::new();
    for id in ["shop", "nobody"] {
        let authorization = super::world::basic(id, "wrong");
        let request = Request::post("/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", authorization)
            .body("grant_type=authorization_code&code=x".into());
        let answer = world.browser().send(request.unwrap()).await;
        answers.push((answer.status, answer.headers.clone(), answer.body.clone()));
    }
    assert_eq!(answers[0], answers[1]);
    // A site that is told a person's number, or guesses it, learns nothing by it.
    let mut browser = signed_in(&world).await;
    let mut hinted = Vec::new();
    for hint in ["PNOBY-3000000A000PB0", "PNOBY-9999999A999PB9", "somebody@example.org"] {
        let page = browser.get(&SHOP.request(&[("login_hint", Some(hint))])).await;
        assert!(!page.text().contains(hint), "{hint}");
        hinted.push((page.status, page.body.len()));
    }
    assert!(hinted.iter().all(|page| page == &hinted[0]), "{hinted:?}");
}

/// What a site sends stands in its own answer and nowhere else, as text.
#[tokio::test]
async fn injection_what_a_site_sends_is_text_wherever_it_stands() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let hostile =
        ["<script>alert(1)</script>", "\"><img src=x>", "' OR 1=1; DROP TABLE grants; --", "{{7*7}}", "%00%0a"];
    for text in hostile {
        let changes =
            [("state", Some(text)), ("nonce", Some(text)), ("login_hint", Some(text)), ("ui_locales", Some(text))];
        let page = browser.get(&SHOP.request(&changes)).await;
        let answer = if page.status == 200 {
            assert!(!page.text().contains(text), "{text}");
            agree(&mut browser, &page).await
        } else {
            page
        };
        assert_eq!(sent(&answer, "state").as_deref(), Some(text));
        let tokens = SHOP.exchange(&world, &sent(&answer, "code").unwrap()).await.json();
        assert_eq!(ticket(&world, tokens["id_token"].as_str().unwrap()).await["nonce"], text);
    }
    for text in ["a\r\nset-cookie: x=1", "a\u{7f}", "a\u{0}"] {
        let answer = browser.get(&SHOP.request(&[("state", Some(text))])).await;
        assert!(answer.text().contains("site-request-malformed"), "{text:?}");
    }
}

/// A person who withdraws is not passed off by what another one agreed to.
#[tokio::test]
async fn consent_of_one_person_is_nobody_elses() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    SHOP.code(&mut browser).await;
    let mut other = world.browser();
    other.sign_in(&card_of_another(&world)).await;
    assert_eq!(other.get(&SHOP.request(&[])).await.status, 200, "the other one is asked");
}
