//! The agent in a process of its own: both ends of the wire, and processes that misbehave.

use std::fs;
use std::io::{self, Cursor, PipeReader, PipeWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use latchkey_agent::wire::{
    AgentProcess, AgentProgram, Appearance, FRAME_MAX_SIZE, FromAgent, MAX_OPEN_REQUESTS, Theme, ToAgent, WireFault,
    serve,
};
use latchkey_agent::{Answer, CardAgent, Exchange, Failure, Report, Request, RequestId, SecretKind, Step};

use crate::desk::{Desk, HolderCard, holder};
use crate::holder::{Reply, Scene, of_card, sign_in};

const ORDINARY: &str = "hanna-vydumanaya";

/// An agent served over pipes, and the near ends of them.
struct Served {
    to: Option<PipeWriter>,
    from: PipeReader,
    served: JoinHandle<Result<(), WireFault>>,
}

impl Served {
    fn new(scene: Scene) -> Self {
        let (input, to) = io::pipe().unwrap();
        let (from, output) = io::pipe().unwrap();
        let served = thread::spawn(move || serve(&scene.agent, input, output));
        Self { to: Some(to), from, served }
    }

    fn tell(&mut self, message: &ToAgent) {
        message.write(self.to.as_mut().unwrap()).unwrap();
    }

    fn request(&mut self, id: u64, request: Request) {
        self.tell(&ToAgent::Request(RequestId(id), request));
    }

    fn next(&mut self) -> (u64, Report) {
        let FromAgent(id, report) = FromAgent::read(&mut self.from).unwrap().expect("the agent has ended");
        (id.0, report)
    }

    /// The end of request `id`, whatever is told before.
    fn end_of(&mut self, id: u64) -> Result<Answer, Failure> {
        loop {
            if let (told, Report::Finished(result)) = self.next()
                && told == id
            {
                return result;
            }
        }
    }

    /// Nobody writes any more: how serving ended, and what was told until then.
    fn close(mut self) -> (Result<(), WireFault>, Vec<FromAgent>) {
        drop(self.to.take());
        let mut rest = Vec::new();
        while let Some(message) = FromAgent::read(&mut self.from).unwrap() {
            rest.push(message);
        }
        (self.served.join().unwrap(), rest)
    }
}

fn at_the_desk(replies: impl IntoIterator<Item = Reply>) -> Served {
    Served::new(Scene::new(&Desk::with(&HolderCard::of(ORDINARY)), replies))
}

#[test]
fn a_sign_in_passes_over_the_wire() {
    let mut served = at_the_desk([Reply::Digits(holder(ORDINARY).pin)]);
    served.request(7, of_card(sign_in()));
    let mut steps = Vec::new();
    let answer = loop {
        match served.next() {
            (7, Report::Progress(step)) => steps.push(step),
            (7, Report::Finished(result)) => break result.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(answer, Answer::SignedIn(_)), "{answer:?}");
    assert!(steps.contains(&Step::WaitingFor(SecretKind::Pin)) && steps.ends_with(&[Step::Signing, Step::Done]));
    served.request(8, Request::ListReaders);
    assert!(matches!(served.end_of(8), Ok(Answer::Readers(readers)) if readers.len() == 1));
    served.tell(&ToAgent::End);
    assert!(served.close().0.is_ok());
}

#[test]
fn requests_are_taken_back_one_by_one_and_all_with_the_pipe() {
    let mut served = at_the_desk([Reply::Think, Reply::Think]);
    served.request(1, of_card(sign_in()));
    served.request(2, Request::WatchReaders);
    served.tell(&ToAgent::Cancel(RequestId(1)));
    assert_eq!(served.end_of(1).unwrap_err(), Failure::Cancelled);
    // One that has ended already is none.
    served.tell(&ToAgent::Cancel(RequestId(1)));
    served.request(3, of_card(sign_in()));
    let (ended, rest) = served.close();
    assert!(ended.is_ok());
    for id in [2, 3] {
        let taken_back = rest
            .iter()
            .any(|FromAgent(told, report)| told.0 == id && matches!(report, Report::Finished(Err(Failure::Cancelled))));
        assert!(taken_back, "{id}: {rest:?}");
    }
}

#[test]
fn whoever_breaks_the_protocol_is_served_no_longer() {
    let too_long = u32::try_from(FRAME_MAX_SIZE + 1).unwrap().to_be_bytes();
    let rows: [(&str, Vec<u8>, &str); 6] = [
        ("too long", too_long.to_vec(), "TooLong"),
        ("cut short", vec![0, 0, 0, 9, b'{'], "Truncated"),
        ("no JSON", framed(b"hello"), "Malformed"),
        ("an unknown request", framed(br#"{"request":{"id":1,"request":"show-pin"}}"#), "Malformed"),
        ("spaces", framed(br#"{"cancel": {"id":1}}"#), "OtherSpelling"),
        ("deep", framed(&[b'['; 200_000]), "Malformed"),
    ];
    for (name, octets, fault) in rows {
        let mut served = at_the_desk([Reply::Think]);
        served.request(1, of_card(sign_in()));
        served.to.as_mut().unwrap().write_all(&octets).unwrap();
        let (ended, rest) = served.close();
        let ended = format!("{:?}", ended.unwrap_err());
        assert!(ended.starts_with(fault), "{name}: {ended}");
        let last = rest.last().map(|FromAgent(_, report)| format!("{report:?}"));
        assert_eq!(last.as_deref(), Some("Finished(Err(Cancelled))"), "{name}");
    }
}

#[test]
fn a_number_is_one_requests_at_a_time_and_there_is_an_end_to_them() {
    let mut served = at_the_desk([]);
    served.request(1, Request::WatchReaders);
    served.request(1, Request::WatchReaders);
    assert!(matches!(served.close().0, Err(WireFault::RepeatedRequest(1))));
    let mut served = at_the_desk([]);
    for id in 0..=MAX_OPEN_REQUESTS as u64 {
        served.request(id, Request::WatchReaders);
    }
    assert!(matches!(served.close().0, Err(WireFault::TooManyRequests)));
}

fn framed(octets: &[u8]) -> Vec<u8> {
    [&u32::try_from(octets.len()).unwrap().to_be_bytes()[..], octets].concat()
}

/// A program that does what `script` says, told by the words of a shell.
fn program(folder: &Path, script: &str) -> AgentProgram {
    let path = folder.join("agent");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    AgentProgram::at(path)
}

fn process(folder: &Path, script: &str) -> AgentProcess {
    AgentProcess::new(program(folder, script), Appearance::default())
}

/// A shell's words that write this frame.
fn printf(octets: &[u8]) -> String {
    let octal: String = framed(octets).iter().map(|octet| format!("\\{octet:03o}")).collect();
    format!("printf '{octal}'")
}

#[test]
fn a_program_that_is_not_there_is_told() {
    let agent = AgentProcess::new(AgentProgram::at("/nowhere/latchkey-agent"), Appearance::default());
    let failure = agent.send(Request::ListReaders).finish(|_| ()).unwrap_err();
    assert_eq!(failure.code(), "agent-missing");
    assert!(AgentProgram::installed().path().ends_with("latchkey-agent"));
}

#[test]
fn a_process_that_dies_or_lies_fails_every_open_request_and_is_replaced() {
    let readers = br#"{"id":1,"report":{"answered":{"readers":[]}}}"#;
    let of_another = br#"{"id":99,"report":{"answered":{"readers":[]}}}"#;
    let rows = [
        ("ends at once", "exit 0".to_owned()),
        ("ends badly", "head -c 4 >/dev/null; kill -9 $$".to_owned()),
        ("says what is no message", "echo hello, this is the agent speaking to you; sleep 600".to_owned()),
        ("cut short", format!("{} | head -c 20", printf(readers))),
        ("about a request that nobody made", format!("{}; sleep 600", printf(of_another))),
        ("a spelling of its own", format!("{}; sleep 600", printf(br#"{ "id":1,"report":{"progress":"done"}}"#))),
        (
            "a code that there is not",
            format!("{}; sleep 600", printf(br#"{"id":1,"report":{"failed":{"code":"pin"}}}"#)),
        ),
    ];
    for (name, script) in rows {
        let folder = tempfile::tempdir().unwrap();
        // A shell whose child sleeps must not keep the pipe open.
        let agent = process(folder.path(), &script.replace("sleep 600", "exec sleep 600"));
        let requests: Vec<_> = (0..3).map(|_| agent.send(Request::ListReaders)).collect();
        for request in requests {
            assert_eq!(request.finish(|_| ()).unwrap_err(), Failure::AgentStopped, "{name}");
        }
        let good = format!("{}; exec cat >/dev/null", printf(readers).replace("\\061\\054", "\\064\\054"));
        program(folder.path(), &good);
        let answer = agent.send(Request::ListReaders).finish(|_| ());
        assert!(matches!(answer, Ok(Answer::Readers(_))), "{name}: {answer:?}");
    }
}

#[test]
fn a_request_that_nobody_waits_for_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let agent = process(folder.path(), &format!("cat >'{}'", log.display()));
    drop(agent.send(Request::WatchReaders));
    let exchange = agent.send(Request::ListReaders);
    exchange.cancellation().cancel();
    exchange.cancellation().cancel();
    let pid = agent.process_id().unwrap();
    agent.stop();
    assert_eq!(agent.process_id(), None);
    assert_eq!(exchange.finish(|_| ()).unwrap_err(), Failure::AgentStopped);
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "the process is still there");
    let mut told = Cursor::new(fs::read(log).unwrap());
    let mut messages = Vec::new();
    while let Some(message) = ToAgent::read(&mut told).unwrap() {
        messages.push(format!("{message:?}"));
    }
    let expected = [
        "Request(RequestId(1), WatchReaders)",
        "Cancel(RequestId(1))",
        "Request(RequestId(2), ListReaders)",
        "Cancel(RequestId(2))",
        "End",
    ];
    assert_eq!(messages, expected);
}

#[test]
fn a_process_ends_when_nobody_needs_it_and_takes_its_look_from_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = folder.path().join("arguments");
    let answer = printf(br#"{"id":1,"report":{"answered":{"readers":[]}}}"#);
    let script = format!("echo \"$*\" >>'{}'; {answer}; cat >/dev/null", arguments.display());
    let agent =
        AgentProcess::lingering(program(folder.path(), &script), Appearance::default(), Duration::from_millis(50));
    agent.send(Request::ListReaders).finish(|_| ()).unwrap();
    let pid = agent.process_id().unwrap();
    // Its end is nobody's event: it is looked for.
    let gone = || !Path::new(&format!("/proc/{pid}")).exists();
    let begun = std::time::Instant::now();
    while !gone() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the process stays");
        thread::sleep(Duration::from_millis(10));
    }
    program(folder.path(), &script.replace("\\061\\054", "\\062\\054"));
    agent.set_appearance(Appearance { language: Some("be"), theme: Theme::Dark, pad: true });
    agent.send(Request::ListReaders).finish(|_| ()).unwrap();
    let told = fs::read_to_string(arguments).unwrap();
    assert_eq!(told.lines().collect::<Vec<_>>(), ["--theme system", "--theme dark --lang be --pad"]);
    for theme in Theme::ALL {
        assert_eq!(Theme::of_code(theme.code()), Some(theme));
    }
}

#[test]
fn a_process_is_ended_unless_something_is_asked_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let answer = printf(br#"{"id":1,"report":{"answered":{"readers":[]}}}"#);
    let agent = process(folder.path(), &format!("{answer}; cat >/dev/null"));
    assert!(agent.stop_if_idle(), "there is none");
    agent.send(Request::ListReaders).finish(|_| ()).unwrap();
    let pid = agent.process_id().unwrap();
    let open = agent.send(Request::WatchReaders);
    assert!(!agent.stop_if_idle());
    assert_eq!(agent.process_id(), Some(pid));
    agent.stop();
    open.finish(|_| ()).unwrap_err();
    let agent = process(folder.path(), &format!("{answer}; cat >/dev/null"));
    agent.send(Request::ListReaders).finish(|_| ()).unwrap();
    let pid = agent.process_id().unwrap();
    assert!(agent.stop_if_idle());
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "it is not gone yet");
}

#[test]
fn the_environment_has_nothing_that_could_steer_the_program() {
    // Variables of this process are those of its tests: it is started again with more of them.
    const AGAIN: &str = "LATCHKEY_AGENT_TEST_ENVIRONMENT";
    if let Some(folder) = std::env::var_os(AGAIN) {
        let agent = process(Path::new(&folder), &format!("env >'{}/seen'", folder.to_str().unwrap()));
        agent.send(Request::ListReaders).finish(|_| ()).unwrap_err();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let steering = [
        "LD_PRELOAD_OF_SOMEBODY",
        "LD_LIBRARY_PATH",
        "LD_AUDIT",
        "GTK_MODULES",
        "GTK_PATH",
        "GTK_IM_MODULE",
        "GTK_DEBUG",
        "GTK_THEME",
        "GIO_EXTRA_MODULES",
        "GIO_MODULE_DIR",
        "GDK_PIXBUF_MODULE_FILE",
        "GCONV_PATH",
        "TAURI_AUTOMATION",
        "TAURI_WEBVIEW_AUTOMATION",
        "WEBKIT_INSPECTOR_SERVER",
        "NO_AT_BRIDGE",
        "LIBPCSCLITE_REAL",
        "LC_",
    ];
    let kept = ["DISPLAY", "LC_MESSAGES", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"];
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["wire::the_environment_has_nothing_that_could_steer_the_program", "--exact"])
        .env(AGAIN, folder.path())
        .envs(steering.iter().chain(&kept).map(|name| (name, "here")))
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let seen = fs::read_to_string(folder.path().join("seen")).unwrap();
    let names: Vec<_> = seen.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert!(steering.iter().all(|name| !names.contains(name)), "{names:?}");
    assert!(kept.iter().all(|name| names.contains(name)), "{names:?}");
}

#[test]
fn what_is_told_of_the_holders_activity_hides_his_rhythm() {
    use latchkey_agent::{Asking, Cancellation};
    let (sender, told) = std::sync::mpsc::channel();
    let asking = Asking::new(Cancellation::default(), move || sender.send(()).unwrap());
    (0..20).for_each(|_| asking.holder_acted());
    assert_eq!(told.try_iter().count(), 1);
}

#[test]
fn whoever_drops_an_exchange_takes_the_request_back() {
    let scene = Scene::new(&Desk::with(&HolderCard::of(ORDINARY)), [Reply::Think, Reply::Digits(holder(ORDINARY).pin)]);
    let thought: Exchange = scene.agent.send(of_card(sign_in()));
    while !matches!(thought.next(), Report::Progress(Step::WaitingFor(_))) {}
    drop(thought);
    scene.ask(sign_in()).unwrap();
}
