//! `latchkey-portal keys` and `cabinets`, and what they note.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use super::configured;
use crate::process::{Installation, set_mode};
use crate::support::ORIGIN;

impl Installation {
    /// With `[keys]` and `[cabinet]`, but no key yet.
    pub(crate) fn with_cabinets() -> Self {
        Self::new().and_cabinets()
    }

    pub(crate) fn and_cabinets(self) -> Self {
        let path = self.directory.path().join("portal.toml");
        let text = configured(&std::fs::read_to_string(&path).unwrap());
        std::fs::write(path, text.replace("#commands = ", "commands = ")).unwrap();
        self
    }

    fn admin(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey-portal"));
        let (subcommand, rest) = arguments.split_at(2);
        command.args(subcommand).arg("--config").arg(self.directory.path().join("portal.toml")).args(rest);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that does not read may be gone.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    pub(crate) fn new_key(&self) -> String {
        let made = self.admin(&["keys", "new", "cabinet"], "");
        assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
        text(&made.stdout).trim().to_owned()
    }

    fn noted(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.directory.path().join("commands.log")).unwrap_or_default();
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_made_listed_and_retired_and_each_time_noted() {
    let installation = Installation::with_cabinets();
    let refused = installation.command("check").output().unwrap();
    assert_eq!(refused.status.code(), Some(3));
    assert!(text(&refused.stderr).contains("`keys.folder` "), "{}", text(&refused.stderr));
    let first = installation.new_key();
    assert_eq!(installation.command("check").output().unwrap().status.code(), Some(0));

    // Somebody signs in under the first key.
    let service = installation.start();
    let client = installation.client();
    sign_in(&installation, &client, &service.url("")).await;
    let second = installation.new_key();
    let listed = installation.admin(&["keys", "list"], "");
    assert_eq!(text(&listed.stdout), format!("{second}\n{first}\n"));
    let refused = installation.admin(&["keys", "retire", &first], "");
    assert_eq!(refused.status.code(), Some(7), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("1 cabinets are still named with"), "{}", text(&refused.stderr));
    service.signal("TERM");
    service.end();

    // Under the second key the cabinet moves, and the first is not needed any more.
    let service = installation.start();
    sign_in(&installation, &client, &service.url("")).await;
    for (key, code) in [(&second, 7), (&first, 0), (&first, 7)] {
        let retired = installation.admin(&["keys", "retire", key], "");
        assert_eq!(retired.status.code(), Some(code), "{key}: {}", text(&retired.stderr));
    }
    let folder = installation.directory.path().join("keys");
    assert!(folder.join(format!("{first}.retired")).exists() && !folder.join(format!("{first}.key")).exists());
    service.signal("TERM");
    service.end();

    let outcomes: Vec<_> = installation
        .noted()
        .iter()
        .map(|line| (line["command"].as_str().unwrap().to_owned(), line["outcome"] == "done", line["key"].clone()))
        .collect();
    let expected = [
        ("keys new", true, &first),
        ("keys new", true, &second),
        ("keys retire", false, &first),
        ("keys retire", false, &second),
        ("keys retire", true, &first),
        ("keys retire", false, &first),
    ];
    assert_eq!(outcomes, expected.map(|(command, done, key)| (command.to_owned(), done, json!(key))));
    assert!(installation.noted().iter().all(|line| line["time"].is_string() && line["user"].is_number()));
}

/// A folder with other keys than those that cabinets are named with would open everybody's cabinet a second time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_start_is_refused_without_a_key_that_cabinets_are_named_with() {
    let installation = Installation::with_cabinets();
    let key = installation.new_key();
    let service = installation.start();
    service.signal("TERM");
    service.end();
    let folder = installation.directory.path().join("keys");
    std::fs::remove_file(folder.join(format!("{key}.key"))).unwrap();
    installation.new_key();
    let refused = installation.command("serve").output().unwrap();
    assert_eq!(refused.status.code(), Some(3));
    let told = text(&refused.stderr);
    assert!(told.contains(&format!("named with the key {key}, which is not in keys.folder")), "{told}");
    set_mode(&folder, 0o755);
    let refused = installation.command("serve").output().unwrap();
    assert!(text(&refused.stderr).contains("keys: is open to others than its owner (mode 755)"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cabinet_is_blocked_by_a_number_that_no_log_and_no_list_of_processes_has() {
    let installation = Installation::with_cabinets();
    installation.new_key();
    let service = installation.start();
    let client = installation.client();
    let accepted = sign_in(&installation, &client, &service.url("")).await;
    let number = accepted["holder"]["personalNumber"].as_str().unwrap();

    for wrong in ["", "Smith\n", "3000000A000PB0 4000000A000PB0\n"] {
        let refused = installation.admin(&["cabinets", "block"], wrong);
        assert_eq!(refused.status.code(), Some(7), "{wrong}");
    }
    let blocked = installation.admin(&["cabinets", "block"], &format!("{}\n", number.to_lowercase()));
    assert_eq!((blocked.status.code(), text(&blocked.stdout)), (Some(0), "blocked; 1 sessions ended\n"));
    let session = client.get(service.url("/api/v1/session")).send().await.unwrap();
    assert_eq!(session.status(), 404);
    let refused = sign_in(&installation, &client, &service.url("")).await;
    assert_eq!(refused["code"], "cabinet-blocked");
    let again = installation.admin(&["cabinets", "block"], number);
    assert_eq!(again.status.code(), Some(0));

    service.signal("TERM");
    let (_, log) = service.end();
    let noted = std::fs::read_to_string(installation.directory.path().join("commands.log")).unwrap();
    let last = installation.noted();
    assert_eq!((&last[4]["outcome"], &last[4]["sessions"]), (&json!("done"), &json!("1")));
    assert_eq!((&last[5]["outcome"], &last[5]["cabinet"]), (&json!("was blocked before"), &last[4]["cabinet"]));
    let digits = number.strip_prefix("PNOBY-").unwrap();
    for told in [&log, &noted] {
        assert!(!told.to_uppercase().contains(digits), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn organisations_are_bound_and_unbound_and_each_time_noted() {
    const NAMES: [&str; 6] = ["--name-be", "Завод", "--name-ru", "Завод", "--name-en", "Works"];
    let installation = Installation::with_cabinets();
    installation.new_key();
    let number = "3000000A000PB0\n";
    let bind =
        |organisation: &'static str| [&["cabinets", "bind", "--organisation", organisation], &NAMES[..]].concat();
    let unbind = ["cabinets", "unbind", "--organisation", "190000018"];
    let rows: [(Vec<&str>, &str, i32, &str); 7] = [
        (bind("190000019"), number, 2, "a legal person's number has nine digits"),
        (bind("190000018"), "Smith\n", 7, "has no personal number"),
        (unbind.to_vec(), number, 7, "the organisation is not bound to that person's cabinet"),
        (bind("190000018"), number, 0, "bound\n"),
        (bind("190000018"), number, 0, "was bound before; the names are changed\n"),
        (unbind.to_vec(), number, 0, "not bound any more\n"),
        (["cabinets", "block"].to_vec(), number, 0, "blocked; 0 sessions ended\n"),
    ];
    for (arguments, input, code, told) in rows {
        let output = installation.admin(&arguments, input);
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
    let refused = installation.admin(&bind("190000018"), number);
    assert_eq!(refused.status.code(), Some(7), "{}", text(&refused.stderr));
    let noted = installation.noted();
    let told: Vec<_> =
        noted.iter().skip(1).map(|line| (&line["command"], &line["outcome"], &line["organisation"])).collect();
    let line = |place: usize| (told[place].0.as_str().unwrap(), told[place].1.as_str().unwrap());
    assert_eq!(line(2), ("cabinets bind", "done"));
    assert_eq!(line(3), ("cabinets bind", "was bound before"));
    assert_eq!(line(4), ("cabinets unbind", "done"));
    assert_eq!((line(6), told[6].2), (("cabinets bind", "the cabinet is blocked"), &json!("190000018")));
    assert!(!noted.iter().any(|line| line.to_string().contains("3000000A")));
}

#[test]
fn without_their_sections_the_commands_say_what_is_missing() {
    let installation = Installation::new();
    for (arguments, key) in [(["keys", "list"], "`keys` is missing"), (["cabinets", "block"], "`cabinet` is missing")] {
        let refused = installation.admin(&arguments, "3000000A000PB0\n");
        assert_eq!(refused.status.code(), Some(3), "{arguments:?}");
        assert!(text(&refused.stderr).contains(key), "{}", text(&refused.stderr));
    }
    let path = installation.directory.path().join("portal.toml");
    let text_of = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, text_of.replace("#[cabinet]", "[cabinet]")).unwrap();
    let refused = installation.command("check").output().unwrap();
    assert!(text(&refused.stderr).contains("`cabinet` needs the section [keys]"), "{}", text(&refused.stderr));
}

pub(crate) async fn sign_in(installation: &Installation, client: &reqwest::Client, service: &str) -> Value {
    let issued = client.post(format!("{service}/api/v1/challenges")).json(&json!({})).send().await.unwrap();
    let issued: Value = issued.json().await.unwrap();
    let assertion = installation.card().sign(ORIGIN, issued["challenge"].as_str().unwrap());
    let path = issued["assertionPath"].as_str().unwrap();
    let request = client.post(format!("{service}{path}")).header("content-type", "application/json");
    request.body(assertion).send().await.unwrap().json().await.unwrap()
}
