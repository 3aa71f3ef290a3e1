//! What is special about a portal, and its configuration.

use latchkey_fixtures::outside_provider::CLIENT_ID;
use latchkey_fixtures::pki::CARD_HELD_KEY_POLICY;

/// By which requests for tickets name a portal's terminal.
pub const TICKETS_ADDRESS: &str = "https://terminal.example/";

/// What is special about a portal.
#[derive(Debug, Clone, Copy, Default)]
pub struct PortalOrder {
    /// Where its pages look for client programs, if not at the usual port.
    pub client_port: Option<u16>,
    /// Where it listens, if not at a free port.
    pub port: Option<u16>,
    /// Whether it calls itself a sandbox.
    pub is_sandbox: bool,
    /// The port of its public origin, if it is not the one on which it listens.
    pub public_port: Option<u16>,
    /// How long its challenges are good, in seconds, if not for the usual time.
    pub challenge_seconds: Option<u64>,
    /// Where its terminal listens on this computer, if it has one.
    pub terminal_port: Option<u16>,
    /// Whether the terminal speaks HTTPS, with the portal's certificate.
    pub terminal_has_tls: bool,
    /// Where the issuing authority listens on this computer, if the terminal has one.
    pub authority_port: Option<u16>,
    /// Whether other sites can ask who is signed in.
    pub has_provider: bool,
    /// The port on this computer of another provider whose accounts may sign in, if one's may.
    pub outside_port: Option<u16>,
    /// Whether there are two nodes, on a PostgreSQL server of their own.
    pub is_cluster: bool,
}

impl PortalOrder {
    /// Of a node on `port`, whose keys have a folder named by `name`.
    pub(super) fn configuration(self, port: u16, name: u16, database: &str) -> String {
        let public_port = self.public_port.unwrap_or(port);
        let client_port = self.client_port.map(|port| format!("client_port = {port}\n")).unwrap_or_default();
        let limits = self.challenge_seconds.map(|seconds| format!("[limits]\nchallenge_seconds = {seconds}\n"));
        let terminal = self.terminal_port.map(|port| self.terminal(port));
        let provider = if self.has_provider { PROVIDER } else { "" };
        let outside = self.outside_port.map(outside_account).unwrap_or_default();
        let least = if self.outside_port.is_some() { "low" } else { "high" };
        let [belarusian, russian, english] = match self.is_sandbox {
            true => ["Пясочніца: несапраўдны партал", "Песочница: ненастоящий портал", "Sandbox: not a real portal"],
            false => ["Выдуманы партал", "Выдуманный портал", "An invented portal"],
        };
        format!(
            r#"{client_port}public_origin = "https://localhost:{public_port}"
listen = ["127.0.0.1:{port}"]
database = "{database}"
utc_offset = "+03:00"

[name]
be = "{belarusian}"
ru = "{russian}"
en = "{english}"

[tls]
certificate = "tls/portal.cert.pem"
key = "tls/portal.key.pem"

[trust]
anchors = ["pki/root.cert.der"]
intermediates = ["pki/authority.cert.der"]
revocation_lists = ["pki/root.crl.der", "pki/authority.crl.der"]
card_held_policies = ["{policy}"]
other_policies = []
minimum_assurance = "{least}"

{limits}
# Everybody comes from one address here.
[rates]
requests = 100000000
challenges = 100000000
refused_sites = 100000000
site = 100000000

[keys]
folder = "keys-{name}"

[cabinet]
{provider}{outside}
{terminal}"#,
            limits = limits.unwrap_or_default(),
            terminal = terminal.unwrap_or_default(),
            policy = CARD_HELD_KEY_POLICY,
        )
    }

    /// A terminal with the certificates of the sample set, which takes every document that is not listed for a valid one,
    /// and issues tickets to the set's organisation.
    fn terminal(self, port: u16) -> String {
        let mut text = format!(
            r#"[terminal]
listen = ["127.0.0.1:{port}"]
steps = "terminal-{port}.sqlite"
certificate = "cv/terminal.cert"
key = "cv/terminal.key"
password = "cv/terminal.password"
path = ["cv/authority.cert"]
roots = ["cv/root.cert"]
card_authorities = ["cv/authority.cert"]
documents = "documents.txt"
unknown_documents = "report"
[terminal.tickets]
address = "{TICKETS_ADDRESS}"
clients = ["pki/operator.cert.der"]
certificate = "pki/operator.cert.der"
key = "pki/operator.key"
password = "pki/operator.password"
"#
        );
        if self.terminal_has_tls {
            text.push_str("[terminal.tls]\ncertificate = \"tls/portal.cert.pem\"\nkey = \"tls/portal.key.pem\"\n");
        }
        if let Some(authority) = self.authority_port {
            text.push_str(&format!("[terminal.authority]\naddress = \"http://127.0.0.1:{authority}/\"\n"));
        }
        text
    }
}

/// The issuer of the accounts at that port, letter by letter.
pub(crate) fn outside_issuer(port: u16) -> String {
    format!("https://127.0.0.1:{port}")
}

fn outside_account(port: u16) -> String {
    format!(
        r#"
[outside_account]
issuer = "{issuer}"
client_id = "{CLIENT_ID}"
client_secret = "{OUTSIDE_SECRET}"
tls_authorities = "tls/ca.pem"
[outside_account.name]
be = "Выдуманыя ўліковыя запісы"
ru = "Выдуманные учётные записи"
en = "Invented accounts"
"#,
        issuer = outside_issuer(port),
    )
}

/// The file with the portal's secret for the other provider.
pub(super) const OUTSIDE_SECRET: &str = "outside-account.secret";

const PROVIDER: &str = r#"
[provider]
clients = "clients.toml"
"#;
