//! How sites prove who they are, and what those learn who do not.

use axum::http::Request;
use serde_json::json;
use time::Duration;

use super::world::{
    APP, ASSERTION_TYPE, CLINIC, SECRET, SHOP, VERIFIER, basic, form, pairs, sent, statement, userinfo, world,
};
use crate::support::{Answer, NOW, ORIGIN, World};

async fn call(world: &World, authorization: Option<&str>, parameters: &[(&str, &str)]) -> Answer {
    let mut request = Request::post("/introspect").header("content-type", "application/x-www-form-urlencoded");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let body = form(&pairs(&[&[("token", "x")], parameters].concat()));
    world.browser().send(request.body(body.into()).unwrap()).await
}

/// Each way works for the site that is registered for it, and for no other.
#[tokio::test]
async fn each_site_proves_itself_as_it_is_registered() {
    let world = world().await;
    let sound = statement(&json!({}), "one");
    let statements = [("client_assertion_type", ASSERTION_TYPE)];
    type Row<'a> = (&'a str, Option<String>, Vec<(&'a str, &'a str)>);
    let proven: Vec<Row<'_>> = vec![
        ("basic", Some(basic("shop", SECRET)), vec![]),
        ("basic, named in the body too", Some(basic("shop", SECRET)), vec![("client_id", "shop")]),
        ("in the body", None, vec![("client_id", "shop"), ("client_secret", SECRET)]),
        ("a statement", None, vec![statements[0], ("client_assertion", &sound), ("client_id", "clinic")]),
    ];
    for (name, authorization, parameters) in proven {
        let answer = call(&world, authorization.as_deref(), &parameters).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"active": false})), "{name}");
    }
    let sound = statement(&json!({}), "three");
    let refused: Vec<Row<'_>> = vec![
        ("nothing", None, vec![]),
        ("a wrong secret", Some(basic("shop", "wrong")), vec![]),
        ("no secret", Some(basic("shop", "")), vec![]),
        ("the secret of nobody", Some(basic("nobody", SECRET)), vec![]),
        ("another name in the body", Some(basic("shop", SECRET)), vec![("client_id", "app")]),
        ("two ways", Some(basic("shop", SECRET)), vec![("client_secret", SECRET)]),
        ("a statement beside", Some(basic("shop", SECRET)), vec![statements[0], ("client_assertion", &sound)]),
        ("only a name", None, vec![("client_id", "shop")]),
        ("only the name of a site with a key", None, vec![("client_id", "clinic")]),
        ("a secret for a site with a key", None, vec![("client_id", "clinic"), ("client_secret", SECRET)]),
        ("a secret for a site that has none", None, vec![("client_id", "app"), ("client_secret", "")]),
        ("a site that can keep nothing asks about tokens", None, vec![("client_id", "app")]),
        (
            "a statement of an unknown kind",
            None,
            vec![("client_assertion_type", "urn:x"), ("client_assertion", &sound)],
        ),
        (
            "a statement for another site",
            None,
            vec![statements[0], ("client_assertion", &sound), ("client_id", "shop")],
        ),
        ("no statement", None, vec![statements[0], ("client_assertion", "x.y.z")]),
        ("another scheme", Some("Bearer x".to_owned()), vec![]),
        ("no scheme", Some("Basic".to_owned()), vec![]),
        ("no base64", Some("Basic ***".to_owned()), vec![]),
        ("SQL as name", Some(basic("' OR 1=1 --", SECRET)), vec![]),
        ("a name of many characters", Some(basic(&"a".repeat(3000), SECRET)), vec![]),
    ];
    for (name, authorization, parameters) in refused {
        let answer = call(&world, authorization.as_deref(), &parameters).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (401, json!({"error": "invalid_client"})), "{name}");
        assert_eq!(answer.headers.contains_key("www-authenticate"), authorization.is_some(), "{name}");
    }
}

/// Audience injection: a service that a site also uses gives out an address of this one as its own, has the site make a
/// statement for that, and passes it on. What is for an address is for nobody.
#[tokio::test]
async fn audience_injection_a_statement_is_for_the_issuer_and_no_address() {
    let world = world().await;
    let [at_token, at_push, here] = ["token", "par", "introspect"].map(|path| format!("{ORIGIN}/{path}"));
    let rows = [json!(at_token), json!(at_push), json!(here), json!([ORIGIN]), json!([ORIGIN, at_token])];
    for (number, audience) in rows.into_iter().enumerate() {
        let statement = statement(&json!({ "aud": audience }), &format!("injected {number}"));
        let shown = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", statement.as_str())];
        assert_eq!(call(&world, None, &shown).await.json(), json!({"error": "invalid_client"}), "{audience}");
    }
}

/// A statement is for this service, now, once.
#[tokio::test]
async fn statements_are_for_this_service_now_and_once() {
    let world = world().await;
    let now = NOW.unix_timestamp();
    let rows = [
        ("over", json!({"exp": now})),
        ("good for too long", json!({"exp": now + 601})),
        ("no end", json!({"exp": null})),
        ("not yet", json!({"nbf": now + 61})),
        ("from the future", json!({"iat": now + 61})),
        ("another service", json!({"aud": "https://elsewhere.example"})),
        ("another service beside", json!({"aud": [ORIGIN, "https://elsewhere.example"]})),
        ("the service's name with a slash", json!({"aud": format!("{ORIGIN}/")})),
        ("another address", json!({"aud": format!("{ORIGIN}/userinfo")})),
        ("no service", json!({"aud": []})),
        ("by somebody else", json!({"iss": "shop"})),
        ("about somebody else", json!({"sub": "shop"})),
        ("without a name", json!({"jti": ""})),
        ("with a long name", json!({"jti": "a".repeat(257)})),
    ];
    for (name, changes) in rows {
        let statement = statement(&changes, name);
        let shown = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", statement.as_str())];
        assert_eq!(call(&world, None, &shown).await.json()["error"], "invalid_client", "{name}");
    }
    let sound = statement(&json!({"nbf": now + 60, "iat": now + 60}), "once");
    let shown = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", sound.as_str())];
    assert_eq!(call(&world, None, &shown).await.status, 200);
    assert_eq!(call(&world, None, &shown).await.json()["error"], "invalid_client", "it serves once");
    world.provider.as_ref().unwrap().purge().await.unwrap();
    assert_eq!(call(&world, None, &shown).await.json()["error"], "invalid_client", "and is remembered");
}

/// Replay: one node forgets what another one, whose clock is behind, would still take.
#[tokio::test]
async fn statement_replay_a_node_whose_clock_is_behind_takes_none_again() {
    let world = world().await;
    let sound = statement(&json!({}), "once");
    let shown = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", sound.as_str())];
    assert_eq!(call(&world, None, &shown).await.status, 200);
    for (ahead, behind) in [(61, 59), (119, 0)] {
        world.set_clock(NOW + Duration::seconds(ahead));
        world.provider.as_ref().unwrap().purge().await.unwrap();
        world.set_clock(NOW + Duration::seconds(behind));
        let again = call(&world, None, &shown).await;
        assert_eq!(again.json(), json!({"error": "invalid_client"}), "{ahead} {behind}");
    }
}

/// A site is told of its own tokens, and of nobody else's.
#[tokio::test]
async fn tokens_are_told_of_and_ended_by_their_own_site_only() {
    let world = world().await;
    let tokens = SHOP.tokens(&world).await;
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    let known = SHOP.call(&world, "/introspect", &pairs(&[("token", access)])).await.json();
    assert_eq!((&known["active"], &known["client_id"], &known["iss"]), (&json!(true), &json!("shop"), &json!(ORIGIN)));
    assert_eq!(known["exp"].as_i64(), Some(NOW.unix_timestamp() + 300));
    assert_eq!(known["sub"], userinfo(&world, access).await.json()["sub"]);
    let foreign = CLINIC.call(&world, "/introspect", &pairs(&[("token", access)])).await.json();
    assert_eq!(foreign, json!({"active": false}));
    for site in [CLINIC, APP] {
        assert_eq!(site.call(&world, "/revoke", &pairs(&[("token", access)])).await.status, 200);
        assert_eq!(site.call(&world, "/revoke", &pairs(&[("token", refresh)])).await.status, 200);
    }
    assert_eq!(userinfo(&world, access).await.status, 200, "somebody else cannot end it");
    assert_eq!(userinfo(&world, refresh).await.status, 401, "a refresh token is none");
    assert_eq!(SHOP.call(&world, "/revoke", &pairs(&[("token", access)])).await.status, 200);
    assert_eq!(userinfo(&world, access).await.status, 401);
    let again = SHOP.refresh(&world, refresh).await.json();
    SHOP.call(&world, "/revoke", &pairs(&[("token", again["refresh_token"].as_str().unwrap())])).await;
    assert_eq!(userinfo(&world, again["access_token"].as_str().unwrap()).await.status, 401, "all of it ends");
    assert_eq!(SHOP.call(&world, "/revoke", &pairs(&[("token", "x")])).await.status, 200);
    assert_eq!(SHOP.call(&world, "/revoke", &[]).await.json()["error"], "invalid_request");
}

/// What the token address takes and refuses.
#[tokio::test]
async fn requests_for_tokens_are_refused_for_what_they_are() {
    let world = world().await;
    let rows = [
        (vec![], "invalid_request"),
        (vec![("grant_type", "password")], "unsupported_grant_type"),
        (vec![("grant_type", "client_credentials")], "unsupported_grant_type"),
        (vec![("grant_type", "authorization_code")], "invalid_request"),
        (vec![("grant_type", "authorization_code"), ("code", "x"), ("redirect_uri", SHOP.address)], "invalid_request"),
        (
            vec![
                ("grant_type", "authorization_code"),
                ("code", "x"),
                ("redirect_uri", SHOP.address),
                ("code_verifier", VERIFIER),
            ],
            "invalid_grant",
        ),
        (vec![("grant_type", "refresh_token")], "invalid_request"),
        (vec![("grant_type", "refresh_token"), ("refresh_token", "x")], "invalid_grant"),
        (vec![("grant_type", "refresh_token"), ("grant_type", "refresh_token")], "invalid_request"),
    ];
    for (parameters, error) in rows {
        let answer = SHOP.call(&world, "/token", &pairs(&parameters)).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (400, json!({"error": error})), "{parameters:?}");
    }
    let as_json = Request::post("/token").header("content-type", "application/json").body("{}".into()).unwrap();
    let answer = world.browser().send(as_json).await;
    assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (415, Some("invalid_request")));
    let elsewhere = Request::post("/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "https://shop.example");
    let answer = world.browser().send(elsewhere.body("".into()).unwrap()).await;
    assert_eq!(answer.refusal(), (403, "origin-refused".to_owned()), "no page calls there");
    assert!(sent(&world.browser().get(&SHOP.request(&[("prompt", Some("none"))])).await, "error").is_some());
}
