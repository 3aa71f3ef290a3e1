//! A whole stage for a sign-in: sample cards in virtual readers of a private, real pcscd, and a portal under HTTPS.

mod order;

use std::fs::{self, Permissions};
use std::io::{PipeWriter, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use latchkey_fixtures::card_image::CardImage;
use latchkey_fixtures::data_groups::texts_in;
use latchkey_fixtures::holders::{Holder, deployed_holders, issue_faulty_card, sample_holders, sample_pki};
use latchkey_fixtures::outside_provider::CLIENT_SECRET;
use latchkey_fixtures::pcscd::PrivatePcscd;
use latchkey_fixtures::pki::faults::Fault;
use latchkey_fixtures::postgresql::PrivatePostgresql;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::balancer::Balancer;
use crate::process::{Process, program};
use order::OUTSIDE_SECRET;
pub(crate) use order::outside_issuer;
pub use order::{PortalOrder, TICKETS_ADDRESS};

/// How long a program may take until it is ready. Generous: the machine may be building something else.
const START: Duration = Duration::from_secs(60);

/// Within which every insertion is told: longer than the watch waits before it looks again by itself.
const NOTICED: Duration = Duration::from_secs(45);

/// Tells PC/SC clients which service to talk to.
pub const SERVICE: &str = "PCSCLITE_CSOCK_NAME";

/// Files of the sample set, in a folder that goes with the value.
#[derive(Debug)]
pub struct SampleSet {
    folder: TempDir,
}

impl SampleSet {
    /// Writes the sample set with `latchkey-vcard setup`.
    ///
    /// # Errors
    /// If the program is not built or fails.
    pub fn write() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("latchkey-stage-").tempdir()?;
        let output = Command::new(program("latchkey-vcard")?).arg("setup").arg(folder.path()).output()?;
        if !output.status.success() {
            bail!("latchkey-vcard setup failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(Self { folder })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Gives the card of that holder a certificate with one fault, and the key to it.
    ///
    /// # Errors
    /// If it cannot be issued or written.
    #[expect(clippy::disallowed_methods, reason = "the sample set was made a moment ago")]
    pub fn give_certificate(&self, id: &str, fault: Fault) -> Result<()> {
        let now = OffsetDateTime::now_utc();
        let image = issue_faulty_card(&sample_pki(now)?, &holder(id)?, now, fault)?;
        fs::write(self.path().join("cards").join(format!("{id}.json")), image.to_json()?)?;
        Ok(())
    }

    /// What the organisation of the set has signed: CMS SignedData with `contents` inside, DER.
    ///
    /// # Errors
    /// If the set is incomplete.
    #[expect(clippy::disallowed_methods, reason = "it is signed now")]
    pub fn signed_by_operator(&self, contents: &[u8]) -> Result<Vec<u8>> {
        let certificate = fs::read(self.path().join("pki/operator.cert.der"))?;
        Ok(sample_pki(OffsetDateTime::now_utc())?.signed_by_operator(&certificate, contents)?)
    }

    /// What the card of that holder holds of him, in pieces of at least eight octets that nothing else has: data groups, and
    /// the texts in them.
    ///
    /// # Errors
    /// If there is no such card.
    pub fn personal_data(&self, card: &str) -> Result<Vec<Vec<u8>>> {
        const SHORTEST: usize = 8;
        let image = CardImage::read(&self.path().join("cards").join(format!("{card}.json")))?;
        let authority = fs::read(self.path().join("pki/authority.cert.der"))?;
        let is_known = |text: &str| authority.windows(text.len()).any(|part| part == text.as_bytes());
        // A day is eight digits, which chance writes; as a data group it has ten octets.
        let is_his = |text: &String| {
            text.len() >= SHORTEST && !is_known(text) && !text.bytes().all(|octet| octet.is_ascii_digit())
        };
        let groups: Vec<_> = image.data_groups.values().map(|group| group.0.clone()).collect();
        let texts = groups.iter().flat_map(|group| texts_in(group)).filter(is_his).map(String::into_bytes);
        let whole = groups.iter().filter(|group| group.len() >= SHORTEST).cloned();
        Ok(texts.chain(whole).collect())
    }

    /// The authority of the portal's HTTPS certificate, as a client takes it.
    #[must_use]
    pub fn tls_authority(&self) -> PathBuf {
        self.path().join("tls/ca.pem")
    }
}

/// The sample holder of that name, with a card of whatever model.
///
/// # Errors
/// If there is none; the error lists them.
pub fn holder(id: &str) -> Result<Holder> {
    let holders: Vec<_> = sample_holders().into_iter().chain(deployed_holders()).collect();
    let names: Vec<_> = holders.iter().map(|holder| holder.id).collect();
    let all = names.join(", ");
    holders
        .into_iter()
        .find(|holder| holder.id == id)
        .with_context(|| format!("no holder is called {id:?}; there are {all}"))
}

/// Whether the card of that holder is of the deployed model, which wants its CAN first and has a second PIN.
#[must_use]
pub fn has_deployed_card(holder: &Holder) -> bool {
    deployed_holders().iter().any(|deployed| deployed.id == holder.id)
}

/// Virtual readers in a real pcscd, and the program that plays cards in them.
#[derive(Debug)]
pub struct Cards {
    folder: PathBuf,
    // Tells what the card service has noticed.
    watch: Process,
    // Cards leave their readers before the service ends.
    process: Process,
    service: PrivatePcscd,
}

impl Cards {
    /// Starts pcscd with `readers` virtual readers, all empty.
    ///
    /// # Errors
    /// If a program is missing or does not start.
    pub fn start(set: &SampleSet, readers: usize) -> Result<Self> {
        let service = PrivatePcscd::start(readers)?;
        let mut command = Command::new(program("latchkey-vcard")?);
        command.arg("--directory").arg(set.path()).arg("serve");
        for reader in service.readers() {
            command.arg("--reader").arg(format!("127.0.0.1:{}", reader.port));
        }
        let mut process = Process::start("latchkey-vcard", &mut command)?;
        process.wait_for_line("ready", START)?;
        let mut command = Command::new(program("latchkey")?);
        command.args(["readers", "--watch", "--json"]).env(SERVICE, service.socket());
        let mut watch = Process::start("latchkey readers", &mut command)?;
        for _ in service.all_readers() {
            watch.wait_for_line("reader-appeared", START)?;
        }
        Ok(Self { folder: set.path().to_owned(), watch, process, service })
    }

    /// Inserts the card of a sample holder into reader number `reader`, counted from 1, and waits until the card service
    /// has noticed.
    ///
    /// # Errors
    /// If there is no such card or reader, or the reader is not empty.
    pub fn insert(&mut self, card: &str, reader: usize) -> Result<()> {
        self.insert_by(reader, &["insert", card, &reader.to_string()])
    }

    /// The same with a card that has the faults of this profile.
    ///
    /// # Errors
    /// If there is no such card, reader or profile, or the reader is not empty.
    pub fn insert_with_faults(&mut self, card: &str, reader: usize, profile: &Path) -> Result<()> {
        let profile = profile.to_str().context("the profile's path is no text")?;
        self.insert_by(reader, &["insert", card, &reader.to_string(), "--fault", profile])
    }

    /// A virtual reader now and then does not notice a card that comes while it lets go of the former one; then the card is
    /// put in once more. That the service has noticed, and our own watch has not told, is a failure.
    fn insert_by(&mut self, reader: usize, inserting: &[&str]) -> Result<()> {
        self.control(inserting)?;
        let Err(untold) = self.watch.wait_for_line("card-inserted", NOTICED) else { return Ok(()) };
        if self.service_sees_card_in(reader)? {
            bail!("the card service has noticed the card, and the watch has not: {untold:#}");
        }
        self.control(&["remove", &reader.to_string()])?;
        self.control(inserting)?;
        self.watch.wait_for_line("card-inserted", START).map(|_| ())
    }

    /// Asked anew.
    fn service_sees_card_in(&self, reader: usize) -> Result<bool> {
        let name = self.reader_name(reader).context("there is no such reader")?;
        let output = self.client()?.args(["readers", "--json"]).output()?;
        let listed: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let readers = listed.get("readers").and_then(|readers| readers.as_array()).context("there is no list")?;
        let found = readers.iter().find(|found| found.get("name").is_some_and(|found| *found == name.as_str()));
        found.and_then(|found| found.get("card")?.as_bool()).context("the service lacks the reader")
    }

    /// Takes the card out of reader number `reader`, counted from 1, and waits until the card service has noticed.
    ///
    /// # Errors
    /// If there is no such reader.
    pub fn remove(&mut self, reader: usize) -> Result<()> {
        self.control(&["remove", &reader.to_string()])?;
        self.watch.wait_for_line("card-removed", START).map(|_| ())
    }

    /// Whether there is a card in reader number `reader`, counted from 1: a fault may have taken it out.
    ///
    /// # Errors
    /// If nobody plays cards.
    pub fn has_card(&self, reader: usize) -> Result<bool> {
        let mut command = Command::new(program("latchkey-vcard")?);
        let output = command.arg("--directory").arg(&self.folder).args(["list", "--json"]).output()?;
        let listed: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let readers = listed.get("readers").and_then(|readers| readers.as_array()).context("nobody plays cards")?;
        let reader = reader.checked_sub(1).and_then(|index| readers.get(index)).context("there is no such reader")?;
        Ok(reader.get("card").is_some_and(|card| !card.is_null()))
    }

    /// Waits until the card service has noticed that a card left its reader by itself.
    ///
    /// # Errors
    /// If it does not.
    pub fn wait_for_removal(&mut self) -> Result<()> {
        self.watch.wait_for_line("card-removed", START).map(|_| ())
    }

    /// Waits until the card service has noticed that another card took a card's place.
    ///
    /// # Errors
    /// If it does not.
    pub fn wait_for_swap(&mut self) -> Result<()> {
        self.wait_for_removal()?;
        self.watch.wait_for_line("card-inserted", START).map(|_| ())
    }

    fn control(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(program("latchkey-vcard")?);
        let output = command.arg("--directory").arg(&self.folder).args(arguments).output()?;
        if !output.status.success() {
            bail!("latchkey-vcard {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// A program that will see the virtual readers.
    ///
    /// # Errors
    /// If it is not built.
    pub fn client(&self) -> Result<Command> {
        Ok(self.with_readers(Command::new(program("latchkey")?)))
    }

    /// The same command, which will see the virtual readers.
    #[must_use]
    pub fn with_readers(&self, mut command: Command) -> Command {
        command.env(SERVICE, self.service.socket());
        command
    }

    /// The name of reader number `reader`, counted from 1, as PC/SC lists it.
    #[must_use]
    pub fn reader_name(&self, reader: usize) -> Option<String> {
        self.service.readers().into_iter().nth(reader.checked_sub(1)?).map(|reader| reader.name)
    }

    /// The program that plays the cards.
    #[must_use]
    pub fn player(&self) -> Option<Pid> {
        i32::try_from(self.process.id()).ok().and_then(Pid::from_raw)
    }

    /// The card service.
    pub fn service(&mut self) -> &mut PrivatePcscd {
        &mut self.service
    }

    /// What the card service and the card program have logged.
    pub fn logs(&mut self) -> String {
        format!("{}\n{}", self.service.log(), self.process.said())
    }
}

/// A running portal, of one node or several.
#[derive(Debug)]
pub struct Portal {
    nodes: Vec<Node>,
    /// Where visitors come to.
    port: u16,
    cluster: Option<Cluster>,
}

/// A process of a portal.
#[derive(Debug)]
struct Node {
    process: Process,
    file: PathBuf,
}

/// What several nodes have in common.
#[derive(Debug)]
struct Cluster {
    balancer: Balancer,
    _database: PrivatePostgresql,
}

/// Nodes of a portal that has several.
const NODES: usize = 2;

impl Portal {
    /// Starts a portal that trusts the sample PKI, on a port of its own, with its database in the sample set's folder.
    ///
    /// # Errors
    /// If the program is not built or does not start.
    pub fn start(set: &SampleSet) -> Result<Self> {
        Self::start_with(set, PortalOrder::default())
    }

    /// Starts one whose pages look for client programs on that port of their visitors' computers.
    ///
    /// # Errors
    /// If the program is not built or does not start.
    pub fn start_for_client(set: &SampleSet, client_port: u16) -> Result<Self> {
        Self::start_with(set, PortalOrder { client_port: Some(client_port), ..PortalOrder::default() })
    }

    /// Starts one with these settings.
    ///
    /// # Errors
    /// If the program is not built or does not start.
    pub fn start_with(set: &SampleSet, order: PortalOrder) -> Result<Self> {
        if order.is_cluster {
            return Self::start_cluster(set, order);
        }
        let port = order.port.map_or_else(free_port, Ok)?;
        let (file, database) = (set.path().join(format!("portal-{port}.toml")), format!("portal-{port}.sqlite"));
        fs::write(&file, order.configuration(port, port, &database))?;
        make_keys(set, &file, order)?;
        Ok(Self { nodes: vec![Node::start(file)?], port, cluster: None })
    }

    /// Two nodes on a PostgreSQL server of their own, behind a balancer.
    fn start_cluster(set: &SampleSet, order: PortalOrder) -> Result<Self> {
        let server = PrivatePostgresql::start()?;
        let entrance = TcpListener::bind("127.0.0.1:0")?;
        let public_port = entrance.local_addr()?.port();
        let order = PortalOrder { public_port: Some(public_port), ..order };
        let (mut nodes, mut addresses) = (Vec::new(), Vec::new());
        for number in 0..NODES {
            let port = free_port()?;
            let file = set.path().join(format!("portal-{public_port}-{number}.toml"));
            fs::write(&file, order.configuration(port, public_port, &server.address()))?;
            if number == 0 {
                make_keys(set, &file, order)?;
            }
            nodes.push(Node::start(file)?);
            addresses.push(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        }
        let balancer = Balancer::start(entrance, addresses)?;
        Ok(Self { nodes, port: public_port, cluster: Some(Cluster { balancer, _database: server }) })
    }

    /// Registers a site as an operator does, and has the running service take it. Gives the site's secret, if it has one.
    ///
    /// # Errors
    /// If the command or the service refuses.
    pub fn register(&mut self, id: &str, address: &str, more: &[&str]) -> Result<Option<String>> {
        let [belarusian, russian, english] = match id {
            "clinic" => ["Выдуманая паліклініка", "Выдуманная поликлиника", "An invented clinic"],
            "library" => ["Выдуманая бібліятэка", "Выдуманная библиотека", "An invented library"],
            "shop" => ["Выдуманая крама", "Выдуманный магазин", "An invented shop"],
            other => [other; 3],
        };
        let named = ["--id", id, "--name-be", belarusian, "--name-ru", russian, "--name-en", english];
        let asked = ["--redirect-uri", address, "--scope", "profile", "--scope", "personal_number"];
        let file = &self.nodes.first().context("the portal has no node")?.file;
        let told = operate(file, &["clients", "add"], &[&named[..], &asked, more].concat())?;
        for Node { process, .. } in &mut self.nodes {
            let id = i32::try_from(process.id()).ok().and_then(Pid::from_raw).context("the node has no number")?;
            kill_process(id, Signal::HUP)?;
            process.wait_for_line("the changed clients and keys for tickets are in use", START)?;
        }
        Ok(told.split("client_secret: ").nth(1).map(|secret| secret.trim().to_owned()))
    }

    /// Lets that holder act for an invented organisation, or not any more, as an operator does.
    ///
    /// # Errors
    /// If the command refuses.
    pub fn acts_for_organisation(&self, holder: &Holder, acts: bool) -> Result<()> {
        let names = ["--name-be", "Выдуманая фірма", "--name-ru", "Выдуманная фирма", "--name-en", "An invented firm"];
        let node = self.nodes.first().context("there is no portal")?;
        let mut command = Command::new(program("latchkey-portal")?);
        command.args(["cabinets", if acts { "bind" } else { "unbind" }, "--config"]).arg(&node.file);
        command.args(["--organisation", "190000018"]).args(names.iter().filter(|_| acts));
        let mut bound = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let number = format!("{}\n", holder.person.personal_number);
        bound.stdin.take().context("there is no way in")?.write_all(number.as_bytes())?;
        ensure!(bound.wait()?.success(), "the operator's command fails");
        Ok(())
    }

    /// Kills it, as a power cut does.
    ///
    /// # Errors
    /// If the system does not let it.
    pub fn kill(&mut self) -> Result<()> {
        self.nodes.iter_mut().try_for_each(|node| node.process.kill())
    }

    /// Kills one of its nodes, counted from 0; the others go on.
    ///
    /// # Errors
    /// If there is no such node, or the system does not let it.
    pub fn kill_node(&mut self, number: usize) -> Result<()> {
        self.nodes.get_mut(number).context("there is no such node")?.process.kill()
    }

    /// Starts it once more, on what it has left.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_again(&mut self) -> Result<()> {
        for node in &mut self.nodes {
            node.process = start_portal(&node.file)?;
        }
        Ok(())
    }

    /// How many connections each node has had, if there are several.
    #[must_use]
    pub fn connections(&self) -> Vec<usize> {
        self.cluster.as_ref().map(|cluster| cluster.balancer.passed()).unwrap_or_default()
    }

    /// Where people find it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("https://localhost:{}/", self.port)
    }

    /// The port on which it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its origin, as browsers report it.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// What it has logged.
    pub fn log(&mut self) -> String {
        let logs: Vec<_> = self.nodes.iter_mut().map(|node| node.process.said()).collect();
        logs.join("\n")
    }

    /// Stops it as an operator does, and gives its log. A node that was killed is left out.
    ///
    /// # Errors
    /// If it does not end well.
    pub fn stop(self) -> Result<String> {
        let mut logs = Vec::new();
        for mut node in self.nodes {
            if node.process.has_ended()? {
                continue;
            }
            let (status, said) = node.process.stop()?;
            if !status.success() {
                bail!("the portal ended with {status}:\n{said}");
            }
            logs.push(said);
        }
        Ok(logs.join("\n"))
    }
}

impl Node {
    fn start(file: PathBuf) -> Result<Self> {
        Ok(Self { process: start_portal(&file)?, file })
    }
}

/// Makes the keys that the portal's nodes have in common.
fn make_keys(set: &SampleSet, file: &Path, order: PortalOrder) -> Result<()> {
    let mut uses = vec!["cabinet"];
    if order.terminal_port.is_some() {
        uses.push("record");
        let holders = sample_holders().into_iter().chain(deployed_holders());
        let listed: String = holders.map(|holder| format!("{} valid\n", holder.document_number)).collect();
        fs::write(set.path().join("documents.txt"), listed)?;
    }
    if order.has_provider {
        uses.extend(["subject", "seal", "ticket-es256", "ticket-rs256"]);
        fs::write(set.path().join("clients.toml"), "")?;
    }
    if order.outside_port.is_some() {
        let secret = set.path().join(OUTSIDE_SECRET);
        fs::write(&secret, CLIENT_SECRET)?;
        fs::set_permissions(&secret, Permissions::from_mode(0o600))?;
    }
    for of in uses {
        operate(file, &["keys", "new"], &[of])?;
    }
    Ok(())
}

fn start_portal(configuration: &Path) -> Result<Process> {
    let mut command = Command::new(program("latchkey-portal")?);
    let mut process = Process::start("latchkey-portal", command.arg("serve").arg("--config").arg(configuration))?;
    process.wait_for_line("listening", START)?;
    Ok(process)
}

/// Runs a command of the portal's operator, and gives what it says.
fn operate(configuration: &Path, command: &[&str], arguments: &[&str]) -> Result<String> {
    let mut portal = Command::new(program("latchkey-portal")?);
    let output = portal.args(command).arg("--config").arg(configuration).args(arguments).output()?;
    if !output.status.success() {
        bail!("latchkey-portal {command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// What the card of that holder remembers of its PIN, by the state's name.
///
/// # Errors
/// If there is no such card.
pub fn pin_state(set: &SampleSet, card: &str) -> Result<String> {
    let mut command = Command::new(program("latchkey-vcard")?);
    let output = command.arg("--directory").arg(set.path()).args(["show", card, "--json"]).output()?;
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let state = shown.get("pinState").and_then(|state| state.as_str()).context("the card has no state")?;
    Ok(state.to_owned())
}

/// A port that was free a moment ago: the public origin must be known before the portal listens.
///
/// # Errors
/// If there is none.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Lets `command` read `secrets`, a line each, from a pipe, and tells it so with `--pin-fd`: neither its arguments nor its
/// environment hold them.
///
/// # Errors
/// If there can be no pipe.
pub fn give_secrets(command: &mut Command, secrets: &[&str]) -> Result<()> {
    let mut writer = secret_pipe(command)?;
    for secret in secrets {
        writeln!(writer, "{secret}")?;
    }
    Ok(())
}

/// Lets `command` read secrets from a pipe, and gives the end into which they are written, a line each.
///
/// # Errors
/// If there can be no pipe.
pub fn secret_pipe(command: &mut Command) -> Result<PipeWriter> {
    use command_fds::{CommandFdExt, FdMapping};

    let (reader, writer) = std::io::pipe()?;
    let parent_fd = OwnedFd::from(reader);
    let child_fd = 3;
    command.arg("--pin-fd").arg(child_fd.to_string());
    command.fd_mappings(vec![FdMapping { parent_fd, child_fd }]).context("a descriptor is mapped twice")?;
    command.stdin(Stdio::null());
    Ok(writer)
}
