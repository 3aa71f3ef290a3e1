//! Variables that steer web views.

use std::ffi::OsString;

use latchkey_desktop::surroundings::steering;

const STEERING: &[&str] = &[
    "TAURI_AUTOMATION",
    "TAURI_WEBVIEW_AUTOMATION",
    "TAURI_ANYTHING_NEW",
    "WEBKIT_INSPECTOR_SERVER",
    "WEBKIT_INSPECTOR_HTTP_SERVER",
    "WEBKIT_EXEC_PATH",
    "WEBKIT_INJECTED_BUNDLE_PATH",
    "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS",
    "WebView2_Additional_Browser_Arguments",
    "JSC_dumpOptions",
];
const OTHERS: &[&str] = &[
    "HOME",
    "DISPLAY",
    "LANG",
    "WEBKIT_DISABLE_DMABUF_RENDERER",
    "WEBKIT_DISABLE_COMPOSITING_MODE",
    "TAURI",
    "A_TAURI_",
];

fn found(is_for_tests: bool, names: &[&str]) -> Vec<String> {
    let found = steering(names.iter().map(OsString::from), is_for_tests);
    found.into_iter().map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn a_release_keeps_none_of_them() {
    let all: Vec<_> = STEERING.iter().chain(OTHERS).copied().collect();
    assert_eq!(found(false, &all), STEERING);
    assert_eq!(found(false, OTHERS), [""; 0]);
}

#[test]
fn the_build_for_tests_keeps_remote_control_where_it_is_asked_for_and_nothing_else() {
    let kept = ["TAURI_AUTOMATION", "TAURI_WEBVIEW_AUTOMATION", "WEBKIT_INSPECTOR_SERVER"];
    let left = found(true, STEERING);
    assert!(kept.iter().all(|name| !left.contains(&(*name).to_owned())), "{left:?}");
    assert_eq!(left.len(), STEERING.len() - kept.len());
    assert_eq!(found(true, &["WEBKIT_INSPECTOR_SERVER"]), ["WEBKIT_INSPECTOR_SERVER"]);
}
