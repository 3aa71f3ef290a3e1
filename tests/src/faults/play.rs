//! Playing a fault: the stage with the fault in it, one sign-in by the ordinary client, and what came of it.

use std::io::{PipeWriter, Write};
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use latchkey_fixtures::faults::kept_profile;
use latchkey_fixtures::holders::Holder;

use super::cable::Cable;
use super::go_between::{GoBetween, look_up};
use super::{Accident, CHALLENGE_SECONDS, Ends, Enters, Fault, OTHER};
use crate::process::Process;
use crate::stage::{Cards, Portal, PortalOrder, SampleSet, holder, pin_state, secret_pipe};

/// How a sign-in ended.
#[derive(Debug)]
pub struct Ended {
    /// The particulars that are compared.
    pub code: String,
    /// The client's exit code.
    pub exit: Option<i32>,
    /// What is left of the PIN.
    pub pin: String,
    /// How many sign-ins the portal accepted; none if it does not run.
    pub accepted: u32,
    /// What happened, as the client says it.
    pub what_happened: String,
    /// What to do, as the client says it.
    pub what_to_do: String,
}

/// From the last that the holder enters: the client gives a silent card up after 20 s, and nothing takes longer.
const CLIENT_ENDS_WITHIN: Duration = Duration::from_secs(30);
/// Until the holder is asked. The machine may be doing something else.
const ASKED_WITHIN: Duration = Duration::from_secs(60);
/// What the client's log says when it is going to ask for the PIN.
const ASKS_FOR_PIN: &str = "WaitingFor(Pin)";

/// Plays a fault, with a client in this language. `show` is told each line of the client's words as it comes.
///
/// # Errors
/// If the stage fails, or the client ends neither well nor with a code.
pub fn play(fault: &Fault, language: &str, show: &mut dyn FnMut(&str)) -> Result<Ended> {
    let holder = holder(fault.holder)?;
    let set = SampleSet::write()?;
    if let Enters::ByCertificate(certificate) = fault.enters {
        set.give_certificate(fault.holder, certificate)?;
    }
    let mut cards = Cards::start(&set, 1)?;
    match fault.enters {
        Enters::ByProfile(profile) => cards.insert_with_faults(fault.holder, 1, &kept_profile(profile))?,
        _ => cards.insert(fault.holder, 1)?,
    }
    let cable = cable(fault, &set, &mut cards)?;
    let portal = Site::open(fault, &set)?;

    let mut client = cards.client()?;
    if let Some(cable) = &cable {
        client.env(crate::stage::SERVICE, cable.socket());
    }
    client.args(["--lang", language, "sign-in", &portal.address, "-v", "--yes", "--json"]);
    client.arg("--ca-file").arg(set.tls_authority());
    if fault.last_try_allowed {
        client.arg("--allow-last-try");
    }
    let mut at_desk = AtDesk { fault, holder: &holder, cards: &mut cards, cable: cable.as_ref() };
    let (exit, said) = at_desk.sign_in(&mut client)?;

    let report = said.lines().find_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    for line in said.lines().filter(|line| !is_log(line) && !line.starts_with('{')) {
        show(line);
    }
    let report = report.context("the client reported nothing").and_then(|report| {
        report.get("error").cloned().with_context(|| format!("the sign-in was not refused:\n{said}"))
    })?;
    let text = |name: &str| report.get(name).and_then(|text| text.as_str()).unwrap_or_default().to_owned();
    let (what_happened, what_to_do) = (text("what"), text("todo"));
    let is_told = |words: &String| words.lines().all(|line| !line.is_empty() && said.contains(line));
    if !is_told(&what_happened) || !is_told(&what_to_do) || what_happened.is_empty() || what_to_do.is_empty() {
        bail!("the refusal comes without words:\n{said}");
    }
    Ok(Ended {
        code: Some(text("portalCode")).filter(|code| !code.is_empty()).unwrap_or_else(|| text("code")),
        exit,
        pin: pin_state(&set, fault.holder)?,
        accepted: portal.accepted(&set)?,
        what_happened,
        what_to_do,
    })
}

impl Ended {
    /// Whether it ended so.
    #[must_use]
    pub fn is(&self, ends: &Ends) -> bool {
        self.code == ends.code
            && self.exit == Some(ends.exit)
            && self.pin == ends.pin.name()
            && self.accepted == ends.accepted
    }
}

fn is_log(line: &str) -> bool {
    line.starts_with(|first: char| first.is_ascii_digit()) && line.contains(" latchkey")
}

fn cable(fault: &Fault, set: &SampleSet, cards: &mut Cards) -> Result<Option<Cable>> {
    match fault.enters {
        Enters::WhileAsked(Accident::ReaderUnplugged) => {
            Cable::plug_in(&set.path().join("pcscd.comm"), cards.service().socket()).map(Some)
        }
        _ => Ok(None),
    }
}

/// What the holder believes to be the portal.
struct Site {
    address: String,
    portal: Option<Portal>,
    _go_between: Option<GoBetween>,
}

impl Site {
    fn open(fault: &Fault, set: &SampleSet) -> Result<Self> {
        let of = |portal: Portal| Self { address: portal.address(), portal: Some(portal), _go_between: None };
        match fault.enters {
            Enters::ByAbsentPortal => {
                // Nobody else gets the port, and nobody answers there.
                let portal = Portal::start(set)?;
                let address = portal.address();
                portal.stop()?;
                Ok(Self { address, portal: None, _go_between: None })
            }
            Enters::WhileAsked(Accident::HolderSlow) => {
                let order = PortalOrder { challenge_seconds: Some(CHALLENGE_SECONDS), ..PortalOrder::default() };
                Portal::start_with(set, order).map(of)
            }
            Enters::ByGoBetween(mischief) => {
                let listener = TcpListener::bind("127.0.0.1:0")?;
                let port = listener.local_addr()?.port();
                // Unless he has a site of his own, he stands where the portal says that it is.
                let public_port = (mischief != super::Mischief::RelayFromOtherOrigin).then_some(port);
                let portal = Portal::start_with(set, PortalOrder { public_port, ..PortalOrder::default() })?;
                let go_between = GoBetween::start(listener, portal.port(), &set.path().join("tls"), mischief)?;
                let address = format!("https://localhost:{}/", go_between.port());
                Ok(Self { address, portal: Some(portal), _go_between: Some(go_between) })
            }
            _ => Portal::start(set).map(of),
        }
    }

    /// How many sign-ins were accepted, as the portal counts.
    fn accepted(&self, set: &SampleSet) -> Result<u32> {
        let Some(portal) = &self.portal else { return Ok(0) };
        let metrics = look_up(&set.tls_authority(), portal.port(), "/metrics")?;
        let counted = metrics.lines().filter(|line| line.starts_with("latchkey_portal_sign_ins_accepted_total{"));
        let numbers = counted.filter_map(|line| line.rsplit(' ').next()?.parse::<u32>().ok());
        Ok(numbers.sum())
    }
}

/// Who and what is at the holder's desk.
struct AtDesk<'play> {
    fault: &'play Fault,
    holder: &'play Holder,
    cards: &'play mut Cards,
    cable: Option<&'play Cable>,
}

impl AtDesk<'_> {
    /// The client's exit code and what it said.
    fn sign_in(&mut self, client: &mut Command) -> Result<(Option<i32>, String)> {
        let mut secrets = secret_pipe(client)?;
        let mut process = Process::start("latchkey", client)?;
        let accident = if let Enters::WhileAsked(accident) = self.fault.enters { Some(accident) } else { None };
        for secret in (self.fault.secrets)(self.holder) {
            if let Some(accident) = accident {
                match process.wait_for_line(ASKS_FOR_PIN, ASKED_WITHIN) {
                    Ok(_) => self.happen(accident)?,
                    // It has made up its mind; what it says of that is judged below.
                    Err(_) if process.has_ended()? => break,
                    Err(error) => return Err(error),
                }
            }
            enter(&mut secrets, secret);
        }
        drop(secrets);
        let (status, said) = process.finish(CLIENT_ENDS_WITHIN)?;
        Ok((status.code(), said))
    }

    fn happen(&mut self, accident: Accident) -> Result<()> {
        match accident {
            Accident::CardSwapped => {
                self.cards.remove(1)?;
                self.cards.insert(OTHER, 1)
            }
            Accident::ReaderUnplugged => {
                if let Some(cable) = self.cable {
                    cable.pull_out();
                }
                Ok(())
            }
            Accident::ServiceKilled => Ok(self.cards.service().kill()?),
            Accident::CardReset => {
                let output =
                    self.cards.with_readers(Command::new("opensc-tool")).args(["--reader", "0", "--reset"]).output()?;
                if !output.status.success() {
                    bail!("opensc-tool could not reset the card: {}", String::from_utf8_lossy(&output.stderr));
                }
                Ok(())
            }
            Accident::HolderSlow => {
                std::thread::sleep(Duration::from_secs(CHALLENGE_SECONDS + 1));
                Ok(())
            }
        }
    }
}

/// A client that has ended already does not read it.
fn enter(secrets: &mut PipeWriter, secret: &str) {
    let _ = writeln!(secrets, "{secret}");
}
