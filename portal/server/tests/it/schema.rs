//! Requests made of the description, sound and unsound: no answer is outside the description, and none is a fault of the
//! service.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::http::Request;
use latchkey_portal::http::description;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::provider::world::{SECRET, SHOP, VERIFIER, basic, world};
use crate::support::{Answer, CHALLENGE_COOKIE, ORIGIN, SESSION_COOKIE, World};

/// How many requests are made.
const REQUESTS: u32 = 3000;
/// Parameters that the provider knows, and others.
const NAMES: &str = "client_id redirect_uri response_type scope code_challenge code_challenge_method state nonce acr_values \
    claims prompt max_age id_token_hint request_uri grant_type code code_verifier refresh_token token client_secret \
    client_assertion client_assertion_type access_token login_hint post_logout_redirect_uri request ui_locales via \u{202E}";
/// Values that some of them may have.
const VALUES: [&str; 25] = [
    "shop",
    "clinic",
    "app",
    "https://shop.example/back",
    "https://shop.example/bye",
    "code",
    "openid",
    "openid profile",
    "S256",
    "urn:latchkey:acr:high",
    "none",
    "login",
    "0",
    "-1",
    "authorization_code",
    "refresh_token",
    VERIFIER,
    SECRET,
    "{\"id_token\":{\"acr\":{\"essential\":true}}}",
    "page",
    "link",
    "de en",
    "\u{202E}",
    "%00",
    "' OR 1=1 --",
];

/// One operation of the description.
struct Operation {
    method: String,
    path: String,
    described: Value,
}

fn all_operations(description: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, described) in item.as_object().unwrap() {
            let method = method.to_uppercase();
            operations.push(Operation { method, path: path.clone(), described: described.clone() });
        }
    }
    operations
}

/// What is drawn, octet by octet; nothing but zeros after its end.
struct Choices<'c>(std::slice::Iter<'c, u8>);

impl Choices<'_> {
    fn octet(&mut self) -> u8 {
        self.0.next().copied().unwrap_or(0)
    }

    fn of<'v, T>(&mut self, values: &'v [T]) -> &'v T {
        &values[usize::from(self.octet()) % values.len()]
    }

    fn is_one_in(&mut self, many: u8) -> bool {
        self.octet() % many == many - 1
    }

    fn text(&mut self, known: &Known) -> String {
        match self.octet() % 4 {
            0 | 1 => (*self.of(&VALUES)).to_owned(),
            2 => self.of(&known.values).clone(),
            _ => {
                let octets: Vec<_> = (0..self.octet() % 48).map(|_| self.octet()).collect();
                String::from_utf8_lossy(&octets).into_owned()
            }
        }
    }

    /// A value of that schema, now and then of none.
    fn value(&mut self, schema: &Value, schemas: &Value, known: &Known) -> Value {
        if self.is_one_in(8) {
            return self.of(&[json!(null), json!(-1), json!([]), json!({"x": 1}), json!("x"), json!(true)]).clone();
        }
        let schema = resolved(schema, schemas);
        if let Some(values) = schema["enum"].as_array() {
            return self.of(values).clone();
        }
        let Some(properties) = schema["properties"].as_object() else { return self.text(known).into() };
        let mut members = serde_json::Map::new();
        for (name, schema) in properties {
            if !self.is_one_in(6) {
                members.insert(name.clone(), self.value(schema, schemas, known));
            }
        }
        members.into()
    }
}

/// Values that this service gave out.
struct Known {
    values: Vec<String>,
    cookies: Vec<String>,
}

impl Known {
    /// Of a browser that is signed in, has asked for a challenge, and has a request waiting.
    async fn of(world: &World) -> Self {
        let tokens = SHOP.tokens(world).await;
        let mut browser = world.browser();
        let signed_in = browser.sign_in(&world.card()).await;
        let asked = browser.post_json("/api/v1/challenges", "{}").await;
        let linked = browser.post_json("/api/v1/challenges", r#"{"via":"link"}"#).await.json();
        let waiting = browser.get(&SHOP.request(&[("prompt", Some("login"))])).await;
        let code = SHOP.code(&mut browser).await;
        let pair = |cookie: &str| cookie.split(';').next().unwrap().to_owned();
        let mut cookies =
            vec![pair(signed_in.cookie(SESSION_COOKIE).unwrap()), pair(asked.cookie(CHALLENGE_COOKIE).unwrap())];
        let pending = waiting.headers.get_all("set-cookie").iter().map(|cookie| pair(cookie.to_str().unwrap()));
        cookies.extend(pending);
        let challenge = asked.json()["assertionPath"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let link = linked["link"].as_str().unwrap().rsplit('=').next().unwrap().to_owned();
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let bearer = format!("Bearer {}", text("access_token"));
        let values = vec![challenge, link, code, text("access_token"), text("refresh_token"), text("id_token"), bearer];
        Self { values, cookies }
    }
}

fn resolved<'s>(schema: &'s Value, schemas: &'s Value) -> &'s Value {
    match schema["$ref"].as_str() {
        Some(named) => &schemas[named.rsplit('/').next().unwrap()],
        None => schema,
    }
}

fn request(operation: &Operation, schemas: &Value, known: &Known, choices: &mut Choices<'_>) -> Request<Body> {
    let mut path = operation.path.clone();
    while let Some((before, rest)) = path.split_once('{') {
        let (_, after) = rest.split_once('}').unwrap();
        let drawn: String = choices.text(known).bytes().map(|octet| format!("%{octet:02X}")).collect();
        // An empty part would be another address.
        let part = if drawn.is_empty() || choices.is_one_in(2) { choices.of(&known.values).clone() } else { drawn };
        path = format!("{before}{}{after}", part.replace(' ', "%20"));
    }
    let names: Vec<_> = NAMES.split(' ').collect();
    let mut drawn = Serializer::new(String::new());
    for _ in 0..choices.octet() % 10 {
        let name: &str = choices.of::<&str>(&names);
        drawn.append_pair(name, &choices.text(known));
    }
    let sound = SHOP.request(&[]);
    let pairs = if choices.is_one_in(3) { sound.split_once('?').unwrap().1.to_owned() } else { drawn.finish() };
    let content = operation.described["requestBody"]["content"].as_object().and_then(|content| content.iter().next());
    let body = match content {
        None => String::new(),
        Some((kind, described)) if kind == "application/json" => {
            choices.value(&described["schema"], schemas, known).to_string()
        }
        Some(_) => pairs.clone(),
    };
    let has_query = operation.method == "GET" && !choices.is_one_in(4);
    let query = if has_query { format!("?{pairs}") } else { String::new() };
    let kind = content.map_or("text/plain", |(kind, _)| kind);
    let kind = if choices.is_one_in(10) { "text/plain" } else { kind };
    let mut request = Request::builder().method(operation.method.as_str()).uri(format!("{path}{query}"));
    request = request.header("content-type", kind);
    request = match choices.octet() % 6 {
        0 | 1 => request.header("authorization", basic("shop", SECRET)),
        2 => request.header("authorization", choices.of(&known.values)),
        3 => request.header("authorization", "Basic Og=="),
        _ => request,
    };
    request = match choices.octet() % 10 {
        0 => request.header("origin", ORIGIN),
        1 => request.header("origin", "https://elsewhere.example"),
        2 => request.header("accept", "text/html"),
        _ => request,
    };
    for cookie in &known.cookies {
        if choices.is_one_in(2) {
            request = request.header("cookie", cookie);
        }
    }
    request.body(body.into()).unwrap()
}

/// Requests that are served, whatever chance makes of the others.
fn sound_requests(known: &Known) -> [(&'static str, Request<Body>); 4] {
    let (address, form) = (SHOP.request(&[]), "application/x-www-form-urlencoded");
    let pushed = address.split_once('?').unwrap().1.to_owned();
    let bearer = known.values.iter().find(|value| value.starts_with("Bearer ")).unwrap();
    let to_par = Request::post("/par").header("authorization", basic("shop", SECRET)).header("content-type", form);
    let to_challenges = Request::post("/api/v1/challenges").header("content-type", "application/json");
    [
        ("GET /authorize", Request::get(&address).body(Body::empty()).unwrap()),
        ("POST /par", to_par.body(pushed.into()).unwrap()),
        ("GET /userinfo", Request::get("/userinfo").header("authorization", bearer).body(Body::empty()).unwrap()),
        ("POST /api/v1/challenges", to_challenges.body("{}".into()).unwrap()),
    ]
}

/// What is wrong with an answer, if anything is.
fn fault(operation: &Operation, schemas: &Value, answer: &Answer) -> Option<String> {
    if answer.status.is_server_error() {
        return Some("a fault of the service".to_owned());
    }
    let described = &operation.described["responses"][answer.status.as_str()];
    if described.is_null() {
        return Some("a status that is not described".to_owned());
    }
    let kind = answer.headers.get("content-type").map(|kind| kind.to_str().unwrap().split(';').next().unwrap());
    match (kind, described["content"].as_object()) {
        (_, None) if answer.body.is_empty() => None,
        (Some(kind), Some(content)) => match content.get(kind) {
            None => Some(format!("{kind} is not described")),
            Some(it) if it["schema"].is_object() && kind == "application/json" => {
                differs(&answer.json(), &it["schema"], schemas, "")
            }
            Some(_) => None,
        },
        (kind, _) => Some(format!("a body of kind {kind:?} that is not described")),
    }
}

/// In what a value differs from its schema.
fn differs(value: &Value, schema: &Value, schemas: &Value, at: &str) -> Option<String> {
    let schema = resolved(schema, schemas);
    if let Some(kinds) = schema["oneOf"].as_array() {
        let fits = kinds.iter().any(|kind| differs(value, kind, schemas, at).is_none());
        return (!fits).then(|| format!("{at}: of none of several kinds"));
    }
    if schema["enum"].as_array().is_some_and(|values| !values.contains(value)) {
        return Some(format!("{at}: {value} is not listed"));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let has_kind = match &schema["type"] {
        Value::String(named) => named == kind,
        Value::Array(named) => named.iter().any(|named| named == kind),
        _ => true,
    };
    if !has_kind {
        return Some(format!("{at}: {kind} in place of {}", schema["type"]));
    }
    if let (Some(members), Some(properties)) = (value.as_object(), schema["properties"].as_object()) {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        if let Some(missing) = required.iter().find(|name| !members.contains_key(name.as_str().unwrap())) {
            return Some(format!("{at}: {missing} is missing"));
        }
        return members.iter().find_map(|(name, value)| match properties.get(name) {
            None => Some(format!("{at}: {name} is not described")),
            Some(schema) => differs(value, schema, schemas, &format!("{at}/{name}")),
        });
    }
    value.as_array().and_then(|items| items.iter().find_map(|item| differs(item, &schema["items"], schemas, at)))
}

#[test]
fn no_answer_is_outside_the_description() {
    let description = serde_json::to_value(description()).unwrap();
    let (operations, schemas) = (all_operations(&description), &description["components"]["schemas"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (world, known) = runtime.block_on(async {
        let world = world().await;
        let known = Known::of(&world).await;
        (world, known)
    });
    for (name, request) in sound_requests(&known) {
        let operation = operations.iter().find(|it| format!("{} {}", it.method, it.path) == name).unwrap();
        let answer = runtime.block_on(world.browser().send(request));
        assert!(answer.status.as_u16() < 400, "{name}: {}", answer.status);
        assert_eq!(fault(operation, schemas, &answer), None, "{name}");
    }
    let seen = RefCell::new(BTreeMap::<String, BTreeSet<u16>>::new());
    let faults = RefCell::new(BTreeMap::<String, String>::new());
    let octets = proptest::collection::vec(proptest::num::u8::ANY, 1..160);
    let mut runner = TestRunner::new(Config { cases: REQUESTS, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&octets, |octets| {
        let mut choices = Choices(octets.iter());
        let operation = choices.of(&operations);
        let request = request(operation, schemas, &known, &mut choices);
        let told = format!("{} {} {:?}", request.method(), request.uri(), request.headers());
        let answer = runtime.block_on(world.browser().send(request));
        let name = format!("{} {}", operation.method, operation.path);
        seen.borrow_mut().entry(name).or_default().insert(answer.status.as_u16());
        if let Some(fault) = fault(operation, schemas, &answer) {
            let key = format!("{} {}: {fault}: {}", operation.method, operation.path, answer.status);
            let told = format!("{told}\n{}", String::from_utf8_lossy(&answer.body));
            faults.borrow_mut().entry(key).or_insert(told);
        }
        Ok(())
    });
    outcome.unwrap();
    // All of them at once: each has its own place in the description to be mended.
    let faults = faults.into_inner();
    assert!(faults.is_empty(), "{faults:#?}");
    let seen = seen.into_inner();
    assert_eq!(seen.len(), operations.len(), "every operation was asked: {seen:?}");
}

#[tokio::test]
async fn an_answer_that_is_not_described_is_found() {
    let description = serde_json::to_value(description()).unwrap();
    let schemas = &description["components"]["schemas"];
    let operations = all_operations(&description);
    let operation = operations.iter().find(|it| it.path == "/api/v1/challenges").unwrap();
    let world = World::new().await;
    let sound = world.browser().post_json("/api/v1/challenges", "{}").await;
    assert_eq!(fault(operation, schemas, &sound), None);
    let is_found = |change: &dyn Fn(&mut Answer)| {
        let (status, headers, body) = (sound.status, sound.headers.clone(), sound.body.clone());
        let mut answer = Answer { status, headers, body };
        change(&mut answer);
        fault(operation, schemas, &answer).is_some()
    };
    let with = |name: &str, value: Value| {
        let mut body = sound.json();
        body[name] = value;
        body.to_string().into_bytes()
    };
    assert!(is_found(&|it| it.status = axum::http::StatusCode::OK));
    assert!(is_found(&|it| it.status = axum::http::StatusCode::INTERNAL_SERVER_ERROR));
    assert!(is_found(&|it| it.body = with("expiresAt", json!(7))));
    assert!(is_found(&|it| it.body = with("more", json!("x"))));
    assert!(is_found(&|it| it.body = b"{}".to_vec()));
    assert!(is_found(&|it| drop(it.headers.insert("content-type", "text/html".parse().unwrap()))));
}
