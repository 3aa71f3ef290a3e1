//! Each test with its own PC/SC service, in a process of its own: clients find the service by a variable of the
//! environment, which belongs to the whole process and is read once.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use latchkey_fixtures::pcscd::{PcscdOptions, PrivatePcscd, VirtualReader};
use latchkey_reader::{CardPresence, CardReaders, Insertion, PcscOptions, PcscReaders, ReaderEvent, ReaderName};
use rustix::process::{Pid, Signal, kill_process_group};

/// A test that runs in a process of its own, with `PCSCLITE_CSOCK_NAME` set to the path that it is given.
macro_rules! service_test {
    ($(#[$attribute:meta])* fn $name:ident($socket:ident) $body:block) => {
        $(#[$attribute])*
        #[test]
        fn $name() {
            crate::service::in_own_process(concat!(module_path!(), "::", stringify!($name)), |$socket| $body);
        }
    };
}
pub(crate) use service_test;

/// How long to wait for anything that has to happen. Long, since only a failing test ever waits that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// How long a test may take in all.
const WHOLE_TEST: Duration = Duration::from_secs(120);
const SOCKET: &str = "PCSCLITE_CSOCK_NAME";
const CHILD: &str = "LATCHKEY_READER_TEST_CHILD";

pub(crate) fn in_own_process(test: &str, body: impl FnOnce(PathBuf)) {
    if std::env::var_os(CHILD).is_some() {
        return body(std::env::var_os(SOCKET).unwrap().into());
    }
    let folder = tempfile::tempdir().unwrap();
    let (_, name) = test.split_once("::").unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(SOCKET, folder.path().join("pcscd.comm"))
        .env(CHILD, "1")
        .process_group(0)
        .spawn()
        .unwrap();
    let group = Pid::from_child(&child);
    let (ended, end) = channel();
    std::thread::spawn(move || ended.send(child.wait().unwrap()));
    match end.recv_timeout(WHOLE_TEST) {
        Ok(status) => assert!(status.success(), "{name} failed in its own process: see above"),
        Err(_) => {
            // With the service that the test started.
            kill_process_group(group, Signal::KILL).ok();
            panic!("{name} took too long");
        }
    }
}

/// A service, the readers under test, and what they tell.
pub(crate) struct World {
    pub(crate) service: PrivatePcscd,
    pub(crate) readers: PcscReaders,
    pub(crate) events: Receiver<ReaderEvent>,
}

impl World {
    /// A service with two readers and the patience of a test.
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self::with(PcscdOptions { readers: 2, socket: Some(socket) })
    }

    /// Has seen all readers appear, empty.
    pub(crate) fn with(options: PcscdOptions) -> Self {
        let service = PrivatePcscd::start_with(options).unwrap();
        let readers = PcscReaders::start(impatient()).unwrap();
        let world = Self { service, events: readers.subscribe(), readers };
        world.expect_service();
        world
    }

    /// Waits for the service and all its readers, empty.
    pub(crate) fn expect_service(&self) {
        assert_eq!(self.event(), ReaderEvent::ServiceUp);
        for reader in self.service.all_readers() {
            assert_eq!(self.event(), ReaderEvent::ReaderAppeared(name(&reader)));
        }
    }

    /// Waits for the service and its readers, the first of which holds such a card.
    pub(crate) fn expect_service_with_card(&self, expected: impl Fn(&CardPresence) -> bool) {
        assert_eq!(self.event(), ReaderEvent::ServiceUp);
        assert_eq!(self.event(), ReaderEvent::ReaderAppeared(self.name(0)));
        match self.event() {
            ReaderEvent::CardInserted { reader, presence } => {
                assert!(reader == self.name(0) && expected(&presence), "{presence:?}");
            }
            other => panic!("expected a card, not {other:?}"),
        }
        assert_eq!(self.event(), ReaderEvent::ReaderAppeared(self.name(1)));
    }

    pub(crate) fn event(&self) -> ReaderEvent {
        let event = self.events.recv_timeout(PATIENCE);
        event.unwrap_or_else(|_| panic!("nothing happened; the service's log:\n{}", self.service.log()))
    }

    pub(crate) fn port(&self, reader: usize) -> u16 {
        self.service.all_readers()[reader].port
    }

    pub(crate) fn name(&self, reader: usize) -> ReaderName {
        name(&self.service.all_readers()[reader])
    }

    /// Waits for a card to be inserted into that reader, as the next event.
    pub(crate) fn expect_card(&self, reader: usize) -> Insertion {
        match self.event() {
            ReaderEvent::CardInserted { reader: name, presence: CardPresence::Present { insertion, .. } } => {
                assert_eq!(name, self.name(reader));
                insertion
            }
            other => panic!("expected a card, not {other:?}; the service's log:\n{}", self.service.log()),
        }
    }

    /// Waits for that card to be removed, as the next event.
    pub(crate) fn expect_removal(&self, reader: usize, insertion: Insertion) {
        assert_eq!(self.event(), ReaderEvent::CardRemoved { reader: self.name(reader), insertion });
    }

    /// What is in that reader.
    pub(crate) fn presence(&self, reader: usize) -> CardPresence {
        let name = self.name(reader);
        self.readers.list().unwrap().into_iter().find(|state| state.name == name).unwrap().presence
    }
}

pub(crate) fn name(reader: &VirtualReader) -> ReaderName {
    ReaderName::parse(&reader.name).unwrap()
}

/// Short enough to wait for in a test, long enough for a busy machine.
pub(crate) fn impatient() -> PcscOptions {
    PcscOptions { card_answers_within: Duration::from_secs(2), card_free_within: Duration::from_secs(2) }
}
