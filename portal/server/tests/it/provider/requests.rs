//! Authorization requests: what is taken, what each fault leads to, and what is done next.

use latchkey_portal::provider::assurance::Demand;
use latchkey_portal::provider::clients::{Client, ClientAuthentication, ClientId, RedirectUri, Registry};
use latchkey_portal::provider::error::ErrorCode;
use latchkey_portal::provider::jws::Algorithm;
use latchkey_portal::provider::parameters::ParametersError;
use latchkey_portal::provider::request::{AuthorizationRequest, CodeChallenge, Consent, Next, RequestFault, ToldFault};
use latchkey_portal::provider::scope::Scopes;
use latchkey_portal::session::{Assurance, Session, Way};
use proptest::prelude::*;
use time::Duration;
use url::form_urlencoded::Serializer;

use crate::storage::session;
use crate::support::NOW;

const ADDRESS: &str = "https://shop.example/back?from=portal";
/// The challenge of [`VERIFIER`]: RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const ISSUER: &str = "https://portal.example";

fn registry() -> Registry {
    Registry::new([Client {
        id: ClientId::parse("shop").unwrap(),
        names: ["Крама", "Магазин", "Shop"].map(str::to_owned),
        redirect_uris: vec![RedirectUri::parse(ADDRESS).unwrap()],
        post_logout_redirect_uris: Vec::new(),
        scopes: Scopes::parse("openid profile"),
        authentication: ClientAuthentication::Public,
        algorithm: Algorithm::Es256,
        may_refresh: false,
        must_push: false,
        must_bind: false,
        logout: None,
    }])
}

/// A sound request with `changes`: another value, or none.
fn query(changes: &[(&str, Option<&str>)]) -> String {
    let sound = [
        ("client_id", "shop"),
        ("redirect_uri", ADDRESS),
        ("response_type", "code"),
        ("scope", "openid profile"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "s & t"),
    ];
    let mut query = Serializer::new(String::new());
    for (name, value) in sound.into_iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name)) {
        query.append_pair(name, value);
    }
    for (name, value) in changes {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

fn parse(changes: &[(&str, Option<&str>)]) -> Result<AuthorizationRequest, RequestFault> {
    AuthorizationRequest::parse(&query(changes), &registry())
}

#[test]
fn a_sound_request_is_taken_and_answered_with_state_and_issuer() {
    let request = parse(&[("nonce", Some("n")), ("login_hint", Some("PNOBY-3000000A000PB0"))]).unwrap();
    assert_eq!((request.state.as_deref(), request.nonce.as_deref()), (Some("s & t"), Some("n")));
    assert_eq!(request.scopes.text(), "openid profile");
    let answer = "https://shop.example/back?from=portal&code=abc&state=s+%26+t&iss=https%3A%2F%2Fportal.example";
    assert_eq!(request.answer("abc", ISSUER), answer);
    let error =
        "https://shop.example/back?from=portal&error=access_denied&state=s+%26+t&iss=https%3A%2F%2Fportal.example";
    assert_eq!(request.error(ErrorCode::AccessDenied).address(ISSUER), error);
}

/// Open redirects: without a registered site and exactly its address, nobody is sent anywhere.
#[test]
fn nobody_is_sent_to_an_address_that_is_not_registered() {
    let addresses = [
        "https://shop.example/back",
        "https://shop.example/back?from=portal&x=1",
        "https://shop.example/back?from=portal#",
        "https://shop.example/back/../back?from=portal",
        "https://shop.example:443/back?from=portal",
        "https://SHOP.example/back?from=portal",
        "https://shop.example.evil.example/back?from=portal",
        "https://shop.example@evil.example/back?from=portal",
        "http://shop.example/back?from=portal",
        "//shop.example/back?from=portal",
        "javascript:alert(1)",
        " https://shop.example/back?from=portal",
    ];
    for address in addresses {
        let fault = parse(&[("redirect_uri", Some(address))]).unwrap_err();
        assert_eq!(fault, RequestFault::Told(ToldFault::RedirectUri), "{address}");
    }
    assert_eq!(parse(&[("redirect_uri", None)]).unwrap_err(), RequestFault::Told(ToldFault::RedirectUri));
    for id in [None, Some("other"), Some("SHOP"), Some("shop "), Some("' OR 1=1 --")] {
        assert_eq!(parse(&[("client_id", id)]).unwrap_err(), RequestFault::Told(ToldFault::UnknownClient), "{id:?}");
    }
}

#[test]
fn a_parameter_that_stands_there_twice_is_refused() {
    for name in ["client_id", "redirect_uri", "state", "code_challenge", "scope", "unknown"] {
        let twice = format!("{}&{name}=a&{name}=a", query(&[]));
        let fault = AuthorizationRequest::parse(&twice, &registry()).unwrap_err();
        assert_eq!(fault, RequestFault::Told(ToldFault::Malformed(ParametersError::Twice)), "{name}");
    }
}

#[test]
fn what_cannot_be_read_is_not_answered() {
    let many = (0..40).map(|number| format!("&a{number}=1")).collect::<String>();
    let rows = [
        (format!("{}&x={}", query(&[]), "a".repeat(2800)), ParametersError::TooLong),
        (format!("{}{many}", query(&[])), ParametersError::TooLong),
        (format!("{}&x=%0d%0aSet-Cookie:+a", query(&[])), ParametersError::Characters),
        (format!("{}&x=%ff", query(&[])), ParametersError::Characters),
    ];
    for (query, error) in rows {
        let fault = AuthorizationRequest::parse(&query, &registry()).unwrap_err();
        assert_eq!(fault, RequestFault::Told(ToldFault::Malformed(error)), "{query}");
    }
}

#[test]
fn each_fault_has_its_error_and_goes_to_the_site_with_its_state() {
    use ErrorCode as E;
    let long = "a".repeat(513);
    let rows: [(&str, Option<&str>, E); 26] = [
        ("response_type", None, E::InvalidRequest),
        ("response_type", Some("token"), E::UnsupportedResponseType),
        ("response_type", Some("code id_token"), E::UnsupportedResponseType),
        ("response_mode", Some("fragment"), E::InvalidRequest),
        // PKCE downgrade
        ("code_challenge", None, E::InvalidRequest),
        ("code_challenge_method", None, E::InvalidRequest),
        ("code_challenge_method", Some("plain"), E::InvalidRequest),
        ("code_challenge_method", Some("s256"), E::InvalidRequest),
        ("code_challenge", Some("short"), E::InvalidRequest),
        ("code_challenge", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM="), E::InvalidRequest),
        ("scope", None, E::InvalidScope),
        ("scope", Some("profile"), E::InvalidScope),
        ("scope", Some("openid personal_number"), E::InvalidScope),
        ("nonce", Some(&long), E::InvalidRequest),
        ("prompt", Some("none login"), E::InvalidRequest),
        ("prompt", Some("create"), E::InvalidRequest),
        ("max_age", Some("-1"), E::InvalidRequest),
        ("max_age", Some("+1"), E::InvalidRequest),
        ("max_age", Some("99999999999"), E::InvalidRequest),
        ("claims", Some("{"), E::InvalidRequest),
        ("claims", Some("[]"), E::InvalidRequest),
        ("claims", Some(r#"{"id_token":{"acr":{"essential":true,"value":4}}}"#), E::InvalidRequest),
        ("claims", Some(r#"{"id_token":{"acr":{"essential":true,"values":"x"}}}"#), E::InvalidRequest),
        ("request", Some("x"), E::RequestNotSupported),
        ("request_uri", Some("https://evil.example/"), E::RequestUriNotSupported),
        ("registration", Some("{}"), E::RegistrationNotSupported),
    ];
    for (name, value, code) in rows {
        let RequestFault::Sent(answer) = parse(&[(name, value)]).unwrap_err() else { panic!("{name} {value:?}") };
        assert_eq!((answer.code, answer.state.as_deref()), (code, Some("s & t")), "{name} {value:?}");
        assert_eq!(answer.redirect_uri.as_str(), ADDRESS);
    }
}

#[test]
fn both_ways_to_demand_a_level_bind() {
    const HIGH: &str = "urn:latchkey:acr:high";
    const LOW: &str = "urn:latchkey:acr:low";
    let essential = |names: &str| format!(r#"{{"id_token":{{"acr":{{"essential":true,"values":[{names}]}}}}}}"#);
    let rows = [
        (Some(HIGH), None, Demand::AtLeast(Assurance::High)),
        (None, Some(essential(&format!("{HIGH:?}"))), Demand::AtLeast(Assurance::High)),
        (Some(LOW), Some(essential(&format!("{HIGH:?}"))), Demand::AtLeast(Assurance::High)),
        (Some(HIGH), Some(essential(&format!("{LOW:?}"))), Demand::AtLeast(Assurance::High)),
        (Some(HIGH), Some(essential("\"other\"")), Demand::Unknown),
        (None, Some(format!(r#"{{"id_token":{{"acr":{{"values":[{HIGH:?}]}}}}}}"#)), Demand::Any),
        (None, Some(r#"{"userinfo":{"name":null}}"#.to_owned()), Demand::Any),
        (None, Some(essential(&format!("{HIGH:?}")).replace("id_token", "userinfo")), Demand::AtLeast(Assurance::High)),
    ];
    for (listed, claims, demand) in rows {
        let request = parse(&[("acr_values", listed), ("claims", claims.as_deref())]).unwrap();
        assert_eq!(request.demand, demand, "{listed:?} {claims:?}");
    }
}

#[test]
fn what_is_done_next_never_lowers_a_demand() {
    use ErrorCode::{ConsentRequired, InteractionRequired, LoginRequired, UnmetAuthenticationRequirements};
    let of = |assurance, age| {
        let signed_in_at = NOW - Duration::seconds(age);
        Some(Session { assurance, signed_in_at, way: Way::Page, ..session() })
    };
    let (high, low) = (of(Assurance::High, 100), of(Assurance::Low, 100));
    // The request began ten seconds ago.
    let (fresh, fresh_low) = (of(Assurance::High, 5), of(Assurance::Low, 5));
    let demand = ("acr_values", "urn:latchkey:acr:high");
    let (given, not, now) = (Consent::GivenBefore, Consent::NotGiven, Consent::GivenNow);
    let none = ("prompt", "none");
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a Option<Session>, Consent, Assurance, Next);
    let rows: [Row<'_>; 19] = [
        (&[], &None, not, Assurance::High, Next::SignIn),
        (&[none], &None, not, Assurance::High, Next::Refuse(LoginRequired)),
        (&[], &high, not, Assurance::High, Next::AskConsent),
        (&[none], &high, not, Assurance::High, Next::Refuse(ConsentRequired)),
        (&[], &high, given, Assurance::High, Next::Answer),
        (&[none], &high, given, Assurance::High, Next::Answer),
        (&[("prompt", "consent")], &high, given, Assurance::High, Next::AskConsent),
        (&[("prompt", "consent")], &high, now, Assurance::High, Next::Answer),
        (&[("prompt", "login")], &high, given, Assurance::High, Next::SignIn),
        (&[("prompt", "login")], &fresh, given, Assurance::High, Next::Answer),
        (&[("max_age", "99")], &high, given, Assurance::High, Next::SignIn),
        (&[("max_age", "100")], &high, given, Assurance::High, Next::Answer),
        (&[("max_age", "99"), none], &high, given, Assurance::High, Next::Refuse(LoginRequired)),
        (&[("max_age", "0")], &fresh, given, Assurance::High, Next::Answer),
        (&[demand], &low, given, Assurance::High, Next::SignIn),
        (&[demand, none], &low, given, Assurance::High, Next::Refuse(InteractionRequired)),
        (&[demand], &fresh_low, given, Assurance::High, Next::Refuse(UnmetAuthenticationRequirements)),
        (&[demand], &low, given, Assurance::Substantial, Next::Refuse(UnmetAuthenticationRequirements)),
        (&[demand, none], &low, given, Assurance::Substantial, Next::Refuse(InteractionRequired)),
    ];
    for (changes, session, consent, highest, next) in rows {
        let changed: Vec<_> = changes.iter().map(|(name, value)| (*name, Some(*value))).collect();
        let request = parse(&changed).unwrap();
        let begun_at = NOW - Duration::seconds(10);
        assert_eq!(request.next(begun_at, session.as_ref(), consent, highest, NOW), next, "{changes:?}");
    }
}

#[test]
fn only_the_verifier_that_the_challenge_was_made_of_serves() {
    let challenge = parse(&[]).unwrap().code_challenge;
    assert_eq!(CodeChallenge::of(VERIFIER), Some(challenge));
    for wrong in ["", &VERIFIER[..42], &format!("{VERIFIER}="), &"a".repeat(129)] {
        assert_eq!(CodeChallenge::of(wrong), None, "{wrong}");
    }
    for other in [CHALLENGE, &VERIFIER.to_lowercase()] {
        assert_ne!(CodeChallenge::of(other), Some(challenge), "{other}");
    }
}

#[test]
fn no_truncation_of_a_request_names_another_address() {
    let whole = query(&[]);
    for kept in 0..whole.len() {
        match AuthorizationRequest::parse(&whole[..kept], &registry()) {
            Ok(request) => assert_eq!(request.redirect_uri.as_str(), ADDRESS),
            Err(RequestFault::Sent(answer)) => assert_eq!(answer.redirect_uri.as_str(), ADDRESS),
            Err(RequestFault::Told(_)) => {}
        }
    }
}

proptest! {
    #[test]
    fn nothing_that_arrives_breaks_the_reading(text in ".{0,200}", name in "[a-z_]{1,20}") {
        let _ = AuthorizationRequest::parse(&text, &registry());
        let _ = parse(&[(name.as_str(), Some(text.as_str()))]);
    }
}
