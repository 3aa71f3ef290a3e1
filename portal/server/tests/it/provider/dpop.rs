//! Tokens that are bound to a key of the site (RFC 9449): what a proof must be, and what is stolen in vain.

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_portal::provider::dpop::{InvalidProof, KeyThumbprint, Purpose, judge};
use latchkey_portal::provider::jws::{FileKey, TicketKey as _, VerificationKey};
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::sha::sha256;
use proptest::prelude::*;
use serde_json::{Value, json};
use time::Duration;

use super::world::{APP, CLINIC, RSA_KEY, SHOP, Site, agree, clients, form, pairs, sent, world_of};
use crate::support::{Answer, Browser, NOW, ORIGIN, World};

/// A key of a site's own.
struct Key(FileKey);

impl Key {
    fn draw() -> Self {
        let key = EcKey::generate(&EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap()).unwrap();
        Self(FileKey::from_pem(&PKey::from_ec_key(key).unwrap().private_key_to_pem_pkcs8().unwrap()).unwrap())
    }

    fn rsa() -> Self {
        Self(FileKey::from_pem(&RSA_KEY).unwrap())
    }

    fn thumbprint(&self) -> &str {
        self.0.public().id()
    }

    /// Its public half, and nothing more.
    fn jwk(&self) -> Value {
        let jwk = self.0.public().jwk();
        let members = ["kty", "crv", "x", "y", "n", "e"].into_iter();
        members.filter_map(|name| Some((name.to_owned(), jwk.get(name)?.clone()))).collect()
    }

    /// A proof with another header and other claims; what is null is left out.
    fn sign(&self, header: &Value, claims: &Value) -> String {
        let encoded = |value: &Value| {
            let mut kept = value.as_object().unwrap().clone();
            kept.retain(|_, value| !value.is_null());
            URL_SAFE_NO_PAD.encode(Value::Object(kept).to_string())
        };
        let input = format!("{}.{}", encoded(header), encoded(claims));
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(self.0.sign(input.as_bytes()).unwrap()))
    }

    fn proof_with(&self, header: &Value, claims: &Value) -> String {
        let with = |sound: Value, changes: &Value| {
            let mut all = sound;
            for (name, value) in changes.as_object().unwrap() {
                all[name] = value.clone();
            }
            all
        };
        let sound = json!({"typ": "dpop+jwt", "alg": self.0.public().algorithm().name(), "jwk": self.jwk()});
        let address = format!("{ORIGIN}/token");
        let stated = json!({"jti": another_name(), "htm": "POST", "htu": address, "iat": NOW.unix_timestamp()});
        self.sign(&with(sound, header), &with(stated, claims))
    }

    /// A proof for the address of tokens.
    fn proof(&self) -> String {
        self.proof_with(&json!({}), &json!({}))
    }

    /// A proof for that address of the service.
    fn proof_at(&self, path: &str) -> String {
        self.proof_with(&json!({}), &json!({"htu": format!("{ORIGIN}{path}")}))
    }

    /// A proof for asking about the person with that token.
    fn proof_for(&self, token: &str) -> String {
        self.proof_with(&json!({}), &of_userinfo(token))
    }
}

fn of_userinfo(token: &str) -> Value {
    let hash = URL_SAFE_NO_PAD.encode(sha256(token.as_bytes()));
    json!({"htm": "GET", "htu": format!("{ORIGIN}/userinfo"), "ath": hash})
}

/// A name that no other proof of this process has had.
fn another_name() -> String {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static PROOFS: AtomicUsize = AtomicUsize::new(0);
    format!("proof {}", PROOFS.fetch_add(1, Ordering::Relaxed))
}

/// A world in which the app, too, gets refresh tokens.
async fn world() -> World {
    world_of(
        &clients().replace("authentication = \"public\"\n", "authentication = \"public\"\nrefresh_tokens = true\n"),
    )
    .await
}

async fn signed_in(world: &World) -> Browser {
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    browser
}

/// Exchanges a new code of the site's, with that proof.
async fn tokens(world: &World, site: &Site, proof: &str) -> Value {
    let code = site.code(&mut signed_in(world).await).await;
    let answer = site.call_with(world, "/token", &pairs(&site.exchanging(&code)), &[proof]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn refresh(world: &World, site: &Site, tokens: &Value, proofs: &[&str]) -> Answer {
    let token = tokens["refresh_token"].as_str().unwrap();
    let parameters = pairs(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
    site.call_with(world, "/token", &parameters, proofs).await
}

/// Asks about the person.
async fn ask(world: &World, scheme: &str, token: &str, proofs: &[&str]) -> Answer {
    let mut request = Request::get("/userinfo").header("authorization", format!("{scheme} {token}"));
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    world.browser().send(request.body(Body::empty()).unwrap()).await
}

fn access(tokens: &Value) -> &str {
    tokens["access_token"].as_str().unwrap()
}

#[tokio::test]
async fn a_token_is_bound_to_the_key_whose_proof_comes_with_the_code() {
    let world = world().await;
    for (site, key) in [(SHOP, Key::draw()), (APP, Key::rsa())] {
        let tokens = tokens(&world, &site, &key.proof()).await;
        assert_eq!(tokens["token_type"], "DPoP", "{}", site.id);
        for scheme in ["DPoP", "dpop", "DPOP"] {
            let known = ask(&world, scheme, access(&tokens), &[&key.proof_for(access(&tokens))]).await;
            assert_eq!(known.status, 200, "{}: {scheme}: {}", site.id, known.text());
        }
        let refreshed = refresh(&world, &site, &tokens, &[&key.proof()]).await.json();
        assert_eq!(refreshed["token_type"], "DPoP", "{}", site.id);
        let known = ask(&world, "DPoP", access(&refreshed), &[&key.proof_for(access(&refreshed))]).await;
        assert_eq!(known.status, 200, "{}", site.id);
    }
    let key = Key::draw();
    let tokens = tokens(&world, &SHOP, &key.proof()).await;
    let told = SHOP.call(&world, "/introspect", &pairs(&[("token", access(&tokens))])).await.json();
    assert_eq!((&told["token_type"], &told["cnf"]), (&json!("DPoP"), &json!({"jkt": key.thumbprint()})));
    let told = SHOP.call(&world, "/introspect", &pairs(&[("token", tokens["refresh_token"].as_str().unwrap())])).await;
    assert_eq!(told.json().get("cnf"), None, "who proves itself may change its key");
    let plain = SHOP.tokens(&world).await;
    let told = SHOP.call(&world, "/introspect", &pairs(&[("token", access(&plain))])).await.json();
    assert_eq!((&told["token_type"], told.get("cnf")), (&json!("Bearer"), None));
}

/// Each row spoils one thing of a proof (clause 4.3). The code is not used up by any of them.
#[tokio::test]
async fn a_proof_is_for_this_request_now_and_by_the_key_that_it_names() {
    let world = world().await;
    let code = SHOP.code(&mut signed_in(&world).await).await;
    let (key, other) = (Key::draw(), Key::draw());
    let now = NOW.unix_timestamp();
    let with = |name: &str, value: Value| {
        let mut jwk = key.jwk();
        jwk[name] = value;
        json!({ "jwk": jwk })
    };
    let headers = [
        ("another type", json!({"typ": "JWT"})),
        ("a ticket's type in another case", json!({"typ": "DPOP+JWT"})),
        ("no type", json!({"typ": null})),
        ("no algorithm", json!({"alg": null})),
        ("none", json!({"alg": "none"})),
        ("a shared secret", json!({"alg": "HS256", "jwk": {"kty": "oct", "k": "c2VjcmV0"}})),
        ("the other algorithm", json!({"alg": "RS256"})),
        ("another curve's algorithm", json!({"alg": "ES384"})),
        ("no key", json!({"jwk": null})),
        ("a name in place of the key", json!({"jwk": null, "kid": key.thumbprint()})),
        ("another's key", json!({"jwk": other.jwk()})),
        ("a private key", with("d", json!("AAAA"))),
        ("another curve", with("crv", json!("P-384"))),
        ("a point that is not on the curve", with("x", key.jwk()["y"].clone())),
        ("a coordinate that is too long", with("x", json!("A".repeat(86)))),
        ("no coordinate", with("y", Value::Null)),
        ("a kind of key that nobody knows", with("kty", json!("OKP"))),
        ("a text as key", json!({"jwk": "key"})),
        ("an extension", json!({"crit": ["exp"]})),
        ("a body that is not encoded", json!({"b64": false})),
        ("an address of keys", json!({"jwk": null, "jku": "https://evil.example/"})),
    ];
    let claims = [
        ("another method", json!({"htm": "GET"})),
        ("the method in small letters", json!({"htm": "post"})),
        ("no method", json!({"htm": null})),
        ("another address", json!({"htu": format!("{ORIGIN}/userinfo")})),
        ("another service", json!({"htu": "https://elsewhere.example/token"})),
        ("without TLS", json!({"htu": "http://portal.example/token"})),
        ("another port", json!({"htu": format!("{ORIGIN}:8443/token")})),
        ("a name before the host", json!({"htu": "https://portal.example@evil.example/token"})),
        ("no whole address", json!({"htu": "/token"})),
        ("no address", json!({"htu": null})),
        ("too old", json!({"iat": now - 61})),
        ("from the future", json!({"iat": now + 61})),
        ("out of time", json!({"iat": i64::MAX})),
        ("no time", json!({"iat": null})),
        ("a text as time", json!({"iat": "now"})),
        ("no name", json!({"jti": null})),
        ("an empty name", json!({"jti": ""})),
        ("a long name", json!({"jti": "a".repeat(257)})),
    ];
    let sound = key.proof();
    let (head, tail) = sound.split_once('.').unwrap();
    let mut proofs: Vec<(&str, Vec<String>)> = Vec::new();
    for (name, changes) in &headers {
        proofs.push((name, vec![key.proof_with(changes, &json!({}))]));
    }
    for (name, changes) in &claims {
        proofs.push((name, vec![key.proof_with(&json!({}), changes)]));
    }
    proofs.push(("two of them", vec![key.proof(), key.proof()]));
    proofs.push(("two in one", vec![format!("{}, {}", key.proof(), key.proof())]));
    proofs.push(("an empty one", vec![String::new()]));
    proofs.push(("no proof", vec!["x.y.z".to_owned()]));
    proofs.push(("another's signature", vec![format!("{head}.{}", other.proof().split_once('.').unwrap().1)]));
    proofs.push(("an array as header", vec![format!("{}.{tail}", URL_SAFE_NO_PAD.encode("[]"))]));
    proofs.push(("a long one", vec![format!("{sound}{}", "A".repeat(4096))]));
    for (name, proofs) in &proofs {
        let proofs: Vec<_> = proofs.iter().map(String::as_str).collect();
        let answer = SHOP.call_with(&world, "/token", &pairs(&SHOP.exchanging(&code)), &proofs).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (400, json!({"error": "invalid_dpop_proof"})), "{name}");
    }
    let answer = SHOP.call_with(&world, "/token", &pairs(&SHOP.exchanging(&code)), &[&sound]).await;
    assert_eq!(answer.status, 200, "nothing was used up: {}", answer.text());

    let accepted = [
        json!({"iat": now - 60}),
        json!({"iat": now + 60}),
        json!({"htu": format!("{ORIGIN}/token?a=b#c")}),
        json!({"htu": "https://PORTAL.example:443/token"}),
        json!({"nonce": "of nobody", "ath": "of nothing", "nbf": now + 3600, "exp": now - 3600}),
        json!({"jti": "a".repeat(256)}),
    ];
    for changes in accepted {
        let proof = key.proof_with(&json!({}), &changes);
        tokens(&world, &SHOP, &proof).await;
    }
}

/// Replay: a proof that was seen on the way serves nobody again, as long as it would otherwise hold.
#[tokio::test]
async fn dpop_replay_a_proof_serves_once() {
    let world = world().await;
    let key = Key::draw();
    let proof = key.proof_with(&json!({}), &json!({"iat": NOW.unix_timestamp() + 60}));
    let tokens = tokens(&world, &SHOP, &proof).await;
    let asking = key.proof_for(access(&tokens));
    assert_eq!(ask(&world, "DPoP", access(&tokens), &[&asking]).await.status, 200);
    let again = ask(&world, "DPoP", access(&tokens), &[&asking]).await;
    let challenge = "DPoP error=\"invalid_dpop_proof\", algs=\"ES256 RS256\"";
    assert_eq!((again.status.as_u16(), again.header("www-authenticate")), (401, challenge));
    world.set_clock(NOW + Duration::seconds(120));
    world.provider.as_ref().unwrap().purge().await.unwrap();
    let replayed = refresh(&world, &SHOP, &tokens, &[&proof]).await;
    assert_eq!(replayed.json()["error"], "invalid_dpop_proof", "it is remembered until it is too old");
    world.set_clock(NOW + Duration::seconds(181));
    world.provider.as_ref().unwrap().purge().await.unwrap();
    assert_eq!(refresh(&world, &SHOP, &tokens, &[&proof]).await.json()["error"], "invalid_dpop_proof");
    let sound = key.proof_with(&json!({}), &json!({"iat": NOW.unix_timestamp() + 181}));
    assert_eq!(refresh(&world, &SHOP, &tokens, &[&sound]).await.status, 200);
}

/// A token that was stolen without its key: with another key, with proofs for something else, with none.
#[tokio::test]
async fn dpop_stolen_token_serves_nobody_without_its_key() {
    let world = world().await;
    let (key, thief) = (Key::draw(), Key::draw());
    let (mine, other) = (tokens(&world, &SHOP, &key.proof()).await, tokens(&world, &SHOP, &key.proof()).await);
    let token = access(&mine);
    let changed = |changes: Value| {
        let mut claims = of_userinfo(token);
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        key.proof_with(&json!({}), &claims)
    };
    let rows = [
        ("another key", vec![thief.proof_for(token)], "invalid_token"),
        ("no proof", vec![], "invalid_dpop_proof"),
        ("two proofs", vec![key.proof_for(token), key.proof_for(token)], "invalid_dpop_proof"),
        ("a proof for another token", vec![key.proof_for(access(&other))], "invalid_dpop_proof"),
        ("a proof for no token", vec![changed(json!({"ath": null}))], "invalid_dpop_proof"),
        ("a proof for the address of tokens", vec![key.proof()], "invalid_dpop_proof"),
        ("a proof for another method", vec![changed(json!({"htm": "POST"}))], "invalid_dpop_proof"),
        ("an old proof", vec![changed(json!({"iat": NOW.unix_timestamp() - 61}))], "invalid_dpop_proof"),
    ];
    for (name, proofs, error) in rows {
        let proofs: Vec<_> = proofs.iter().map(String::as_str).collect();
        let answer = ask(&world, "DPoP", token, &proofs).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (401, json!({ "error": error })), "{name}");
        assert!(answer.header("www-authenticate").starts_with(&format!("DPoP error=\"{error}\"")), "{name}");
    }
    assert_eq!(ask(&world, "DPoP", token, &[&key.proof_for(token)]).await.status, 200);
}

/// Downgrade: a token that is bound is shown as if it were not, and the reverse.
#[tokio::test]
async fn dpop_downgrade_a_bound_token_is_no_bearers() {
    let world = world().await;
    let key = Key::draw();
    let bound = tokens(&world, &SHOP, &key.proof()).await;
    for proofs in [vec![], vec![key.proof_for(access(&bound))]] {
        let proofs: Vec<_> = proofs.iter().map(String::as_str).collect();
        let answer = ask(&world, "Bearer", access(&bound), &proofs).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (401, json!({"error": "invalid_token"})));
    }
    let in_form = Request::post("/userinfo").header("content-type", "application/x-www-form-urlencoded");
    let in_form = in_form.body(form(&pairs(&[("access_token", access(&bound))])).into()).unwrap();
    assert_eq!(world.browser().send(in_form).await.status, 401);
    let plain = SHOP.tokens(&world).await;
    let answer = ask(&world, "DPoP", access(&plain), &[&key.proof_for(access(&plain))]).await;
    assert_eq!(answer.json(), json!({"error": "invalid_token"}));
    // By POST with the token in the header, too.
    let claims = {
        let mut claims = of_userinfo(access(&bound));
        claims["htm"] = json!("POST");
        claims
    };
    let request = Request::post("/userinfo")
        .header("authorization", format!("DPoP {}", access(&bound)))
        .header("dpop", key.proof_with(&json!({}), &claims));
    assert_eq!(world.browser().send(request.body(Body::empty()).unwrap()).await.status, 200);
}

/// A refresh token of a site that can keep nothing else is bound too: stolen, it gives nothing and takes nothing away.
#[tokio::test]
async fn dpop_stolen_refresh_token_of_a_public_site_gives_nothing() {
    let world = world().await;
    let (key, thief) = (Key::draw(), Key::draw());
    let first = tokens(&world, &APP, &key.proof()).await;
    for proofs in [vec![], vec![thief.proof()]] {
        let proofs: Vec<_> = proofs.iter().map(String::as_str).collect();
        assert_eq!(refresh(&world, &APP, &first, &proofs).await.json()["error"], "invalid_grant");
    }
    let second = refresh(&world, &APP, &first, &[&key.proof()]).await.json();
    assert_eq!(refresh(&world, &APP, &first, &[&thief.proof()]).await.json()["error"], "invalid_grant");
    assert_eq!(ask(&world, "DPoP", access(&second), &[&key.proof_for(access(&second))]).await.status, 200);
    // The owner's second try within half a minute is answered again: the answer may have been lost.
    let proof = key.proof();
    let again = refresh(&world, &APP, &first, &[&proof]).await.json();
    assert_eq!(refresh(&world, &APP, &first, &[&proof]).await.json()["error"], "invalid_dpop_proof");
    assert_eq!(ask(&world, "DPoP", access(&second), &[&key.proof_for(access(&second))]).await.status, 401);
    assert_eq!(ask(&world, "DPoP", access(&again), &[&key.proof_for(access(&again))]).await.status, 200);
    let replayed = refresh(&world, &APP, &second, &[&key.proof()]).await;
    assert_eq!(replayed.json()["error"], "invalid_grant", "what was said to be lost is used");
    assert_eq!(ask(&world, "DPoP", access(&again), &[&key.proof_for(access(&again))]).await.status, 401);

    // A site that proves who it is may take another key, and none.
    let first = tokens(&world, &SHOP, &key.proof()).await;
    let second = refresh(&world, &SHOP, &first, &[&thief.proof()]).await.json();
    assert_eq!(ask(&world, "DPoP", access(&second), &[&key.proof_for(access(&second))]).await.status, 401);
    assert_eq!(ask(&world, "DPoP", access(&second), &[&thief.proof_for(access(&second))]).await.status, 200);
    assert_eq!(refresh(&world, &SHOP, &second, &[]).await.json()["token_type"], "Bearer");
}

/// Code injection: a code is bound to a key before it is made, by its name or by a proof that is sent ahead.
#[tokio::test]
async fn dpop_code_injection_a_bound_code_serves_its_own_key_only() {
    let world = world().await;
    let (key, thief) = (Key::draw(), Key::draw());
    let mut browser = signed_in(&world).await;
    SHOP.code(&mut browser).await;
    let named = SHOP.request(&[("dpop_jkt", Some(key.thumbprint()))]);
    let parameters = |changes: &[(&str, Option<&str>)]| -> Vec<(String, String)> {
        let request = SHOP.request(changes);
        url::form_urlencoded::parse(request.split_once('?').unwrap().1.as_bytes()).into_owned().collect()
    };
    for is_sent_ahead in [false, true] {
        for (proof, expected) in [(None, 400), (Some(&thief), 400), (Some(&key), 200)] {
            let address = if is_sent_ahead {
                let pushed = SHOP.call_with(&world, "/par", &parameters(&[]), &[&key.proof_at("/par")]).await;
                assert_eq!(pushed.status, 201, "{}", pushed.text());
                format!("/authorize?client_id=shop&request_uri={}", pushed.json()["request_uri"].as_str().unwrap())
            } else {
                named.clone()
            };
            let answer = browser.get(&address).await;
            let code = sent(&answer, "code").unwrap();
            let proofs: Vec<_> = proof.map(Key::proof).into_iter().collect();
            let proofs: Vec<_> = proofs.iter().map(String::as_str).collect();
            let answer = SHOP.call_with(&world, "/token", &pairs(&SHOP.exchanging(&code)), &proofs).await;
            assert_eq!(answer.status, expected, "{is_sent_ahead}: {}", answer.text());
            if expected == 400 {
                assert_eq!(answer.json(), json!({"error": "invalid_grant"}));
                let late = SHOP.call_with(&world, "/token", &pairs(&SHOP.exchanging(&code)), &[&key.proof()]).await;
                assert_eq!(late.json()["error"], "invalid_grant", "it is used up");
            }
        }
    }
    let both = parameters(&[("dpop_jkt", Some(key.thumbprint()))]);
    assert_eq!(SHOP.call_with(&world, "/par", &both, &[&key.proof_at("/par")]).await.status, 201);
    let mismatched = SHOP.call_with(&world, "/par", &both, &[&thief.proof_at("/par")]).await;
    assert_eq!(mismatched.json(), json!({"error": "invalid_dpop_proof"}));
    let elsewhere = SHOP.call_with(&world, "/par", &both, &[&key.proof()]).await;
    assert_eq!(elsewhere.json(), json!({"error": "invalid_dpop_proof"}), "a proof for another address");
    for malformed in ["x", &"A".repeat(44), &"=".repeat(43)] {
        let answer = browser.get(&SHOP.request(&[("dpop_jkt", Some(malformed))])).await;
        assert_eq!(sent(&answer, "error").as_deref(), Some("invalid_request"), "{malformed}");
    }
}

/// One site's proof is of no use with another's token, and no proof stands for a site's secret.
#[tokio::test]
async fn dpop_proof_does_not_stand_for_the_site() {
    let world = world().await;
    let key = Key::draw();
    let shop = tokens(&world, &SHOP, &key.proof()).await;
    let (asked, proof) = (pairs(&[("token", access(&shop))]), key.proof_at("/introspect"));
    let foreign = CLINIC.call_with(&world, "/introspect", &asked, &[&proof]).await;
    assert_eq!(foreign.json(), json!({"active": false}));
    let code = SHOP.code(&mut signed_in(&world).await).await;
    let mut unproven = pairs(&SHOP.exchanging(&code));
    unproven.extend(pairs(&[("client_id", "shop")]));
    let request = Request::post("/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("dpop", key.proof())
        .body(form(&unproven).into());
    assert_eq!(world.browser().send(request.unwrap()).await.json(), json!({"error": "invalid_client"}));
}

#[tokio::test]
async fn a_site_may_be_held_to_binding_its_tokens() {
    let held = clients().replacen("refresh_tokens = true", "refresh_tokens = true\ndpop_bound_access_tokens = true", 1);
    let world = world_of(&held).await;
    let key = Key::draw();
    let mut browser = signed_in(&world).await;
    let asked = browser.get(&SHOP.request(&[])).await;
    let code = sent(&agree(&mut browser, &asked).await, "code").unwrap();
    let refused = SHOP.exchange(&world, &code).await;
    assert_eq!(refused.json(), json!({"error": "invalid_dpop_proof"}));
    let answer = SHOP.call_with(&world, "/token", &pairs(&SHOP.exchanging(&code)), &[&key.proof()]).await;
    assert_eq!(answer.status, 200, "the code was not used up");
    assert_eq!(refresh(&world, &SHOP, &answer.json(), &[]).await.json()["error"], "invalid_dpop_proof");
}

const PURPOSE: Purpose<'_> = Purpose { method: "POST", address: "https://portal.example/token", access_token: None };

#[test]
fn every_truncation_and_every_changed_character_of_a_proof_is_refused() {
    let key = Key::draw();
    let proof = key.proof();
    assert_eq!(judge(&proof, &PURPOSE, NOW).unwrap().key.to_string(), key.thumbprint());
    for kept in 0..proof.len() {
        assert_eq!(judge(&proof[..kept], &PURPOSE, NOW), Err(InvalidProof), "{kept}");
        let mut changed = proof.clone().into_bytes();
        changed[kept] = if changed[kept] == b'A' { b'B' } else { b'A' };
        assert_eq!(judge(&String::from_utf8(changed).unwrap(), &PURPOSE, NOW), Err(InvalidProof), "{kept}");
    }
}

/// RFC 9449, figures 1 to 3, and the thumbprint of clause 6.1.
#[test]
fn the_proof_of_the_standard_is_accepted_at_its_own_time() {
    let proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpD\
        a0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In\
        19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF\
        0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
    let at = time::OffsetDateTime::from_unix_timestamp(1_562_262_616).unwrap();
    let purpose = Purpose { method: "POST", address: "https://server.example.com/token", access_token: None };
    let sound = judge(proof, &purpose, at).unwrap();
    assert_eq!(sound.key.to_string(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!(sound.until, at + Duration::minutes(2));
    assert_eq!(KeyThumbprint::parse(&sound.key.to_string()), Some(sound.key));
    assert_eq!(judge(proof, &purpose, NOW), Err(InvalidProof));
}

/// Keys as others write them, and what is no public key of the two kinds.
#[test]
fn keys_are_read_as_they_were_written() {
    for key in [Key::draw(), Key::rsa()] {
        let read = VerificationKey::from_jwk(&key.jwk()).unwrap();
        assert_eq!((read.id(), read.jwk()), (key.thumbprint(), key.0.public().jwk()));
        for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            let mut private = key.jwk();
            private[member] = json!("AAAA");
            assert!(VerificationKey::from_jwk(&private).is_err(), "{member}");
        }
    }
    let small = json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xFF; 128]), "e": "AQAB"});
    let exponent = json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xFF; 256]), "e": "Aw"});
    let zero = json!({"kty": "EC", "crv": "P-256", "x": "", "y": ""});
    for jwk in [small, exponent, zero, json!({}), json!(null), json!("RSA"), json!(["EC"]), json!({"kty": 1})] {
        assert!(VerificationKey::from_jwk(&jwk).is_err(), "{jwk}");
    }
}

proptest! {
    #[test]
    fn nothing_that_arrives_breaks_the_reading_of_proofs(text in "[A-Za-z0-9_.{}\":,-]{0,300}", header in ".{0,80}", claims in ".{0,80}") {
        prop_assert_eq!(judge(&text, &PURPOSE, NOW), Err(InvalidProof));
        let token = format!("{}.{}.AAAA", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        prop_assert_eq!(judge(&token, &PURPOSE, NOW), Err(InvalidProof));
    }
}
