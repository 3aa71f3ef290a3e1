//! A site asks whether its visitor is of age: the portal's own page has the terminal ask the card, through the client's local
//! service and with the holder at its desk. All calls are HTTP, as the page's script makes them.

use latchkey_tests::deployed::{Line, Party};
use latchkey_tests::site::{Browser, HIGH, RelyingParty};
use latchkey_tests::stage::PortalOrder;
use serde_json::{Value, json};

use crate::ticket::Scene;

const ADDRESS: &str = "https://shop.example/back";
const ASKED: &str = r#"&claims={"id_token":{"age_over_18":null}}"#;

/// What page and client program do together, to the end of the reading.
async fn read(browser: &Browser, client: u16, origin: String) {
    let asked = browser.call("/authorize/card/request", &json!({})).await.unwrap();
    let to_client = |path: &'static str, body: Value| {
        let origin = origin.clone();
        async move {
            let called = tokio::task::spawn_blocking(move || {
                Line::to(client, 1).from_page(&origin).call(Party::Client, path, &body).unwrap()
            });
            called.await.unwrap()
        }
    };
    let opened = to_client("/latchkey/v1/ticket", json!({ "request": asked["request"] })).await;
    let begun = json!({ "request": asked["request"], "certhat": opened["certhat"] });
    let begun = browser.call("/authorize/card/begin", &begun).await.unwrap();
    let first = json!({
        "terminal_certificate": begun["terminal_certificate"], "cmd_to_card": begun["cmd_to_card"], "is_bilateral": true,
    });
    let mut answer = to_client("/api/v1/terminal_proxy_bauth_init", first).await;
    loop {
        let step = json!({ "hreq": begun["hreq"], "card_response": answer["card_response"] });
        let step = browser.call("/authorize/card/step", &step).await.unwrap();
        let path = match step["next"].as_str().unwrap() {
            "done" => return,
            "authenticate" => "/api/v1/terminal_proxy_bauth",
            _ => "/api/v1/terminal_proxy_command",
        };
        let command = json!({ "header_cmd_to_card": step["header_cmd_to_card"], "cmd_to_card": step["cmd_to_card"] });
        answer = to_client(path, command).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_portals_page_has_the_card_asked_whether_its_holder_is_of_age() {
    let order = PortalOrder { has_provider: true, ..PortalOrder::default() };
    let mut scene = Scene::set_with(order, |portal| portal.origin());
    let more = ["--scope", "profile", "--scope", "personal_number", "--scope", "age_over_18"];
    let secret = scene.portal.register("shop", ADDRESS, &more).unwrap().unwrap();
    let origin = scene.portal.origin();
    let shop = RelyingParty::discover(&origin, &scene.set.tls_authority(), "shop", &secret, ADDRESS).await.unwrap();
    let browser = Browser::new(&scene.set.tls_authority(), &origin).unwrap();
    let visit = shop.begin(HIGH);
    let page = browser.open(&format!("{}{ASKED}", visit.address)).await.unwrap().page().unwrap();
    assert!(page.contains("data-by-terminal"), "{page}");

    let client = scene.service.port();
    let (reading, deciding) = (read(&browser, client, origin.clone()), async {
        let asked = scene.asked().await;
        let disclosed = format!("{:?}", asked.disclosure);
        assert!(disclosed.contains("shop.example"), "the holder sees for whom: {disclosed}");
        scene.desk.agree(asked.id);
    });
    tokio::join!(reading, deciding);

    let asked = browser.open(&format!("{origin}/authorize/resume")).await.unwrap().page().unwrap();
    let allowed = browser.press(&asked, "/authorize/decision", Some(("decision", "allow"))).await;
    let known = shop.finish(visit, &allowed.unwrap().elsewhere().unwrap()).await.unwrap();
    assert_eq!((known.level.as_str(), known.name.as_str()), (HIGH, "ВЫДУМАННАЯ АННА ПРИМЕРОВНА"));
    assert!(known.personal_number.starts_with("PNOBY-"), "{known:?}");
}
