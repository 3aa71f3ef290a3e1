//! What would keep people from using a page.

use std::fs;
use std::path::Path;

use latchkey_tests::desktop::{Browser, screenshots};
use serde_json::{Value, json};

/// The narrowest window in which nothing may have to be moved sideways (WCAG 2.2, 1.4.10), in CSS pixels.
const NARROW: u32 = 320;

/// Looks over the page that the browser shows, and keeps a picture of it.
pub(crate) fn look_for_barriers(browser: &Browser, name: &str) {
    assert_eq!(barriers(browser), json!([]), "{name}");
    fs::write(screenshots().unwrap().join(format!("page-{name}.png")), browser.picture().unwrap()).unwrap();
}

/// Looks over a page that the browser has loaded without its scripts: in `language`, in a wide window and in one as narrow as a
/// small phone, dark in one of the languages; and keeps pictures. Scripts of the next page do not run either.
pub(crate) fn look_without_scripts(browser: &Browser, language: &str, name: &str) {
    let name = format!("{language}-{name}");
    let keep = |how: &str| {
        let picture = screenshots().unwrap().join(format!("portal-{name}-{how}.png"));
        fs::write(picture, browser.whole_picture().unwrap()).unwrap();
    };
    let scheme = if language == "ru" { "dark" } else { "light" };
    browser.show_in("light").unwrap();
    keep("light");
    browser.show_in(scheme).unwrap();
    browser.show_as_wide_as(NARROW).unwrap();
    keep("narrow");
    // Only now may a script run; what is for those who run none is out of sight then.
    browser.run_scripts(true).unwrap();
    let width = browser.execute("return document.documentElement.scrollWidth", &[]).unwrap();
    browser.show_as_wide_as(0).unwrap();
    assert_eq!(browser.execute("return document.documentElement.lang", &[]).unwrap(), language, "{name}");
    assert_eq!(barriers(browser), json!([]), "{name}, {scheme}");
    assert!(width.as_u64().unwrap() <= u64::from(NARROW), "{name} is {width} wide");
    browser.run_scripts(false).unwrap();
}

/// What axe-core finds.
fn barriers(browser: &Browser) -> Value {
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/node_modules/axe-core/axe.min.js");
    let axe = fs::read_to_string(axe).expect("the pages' packages are installed by ./dev");
    browser.execute(&axe, &[]).unwrap();
    let look = "const done = arguments[0];
                axe.run().then(found => done(found.violations.map(it => it.id + ' ' + it.nodes[0].html)))";
    browser.execute_async(look, &[]).unwrap()
}
