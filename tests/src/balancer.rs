//! What stands in front of several nodes: visitors' connections go to the nodes in turn, and past those that do not answer.
//! It sees nothing of what passes, which is TLS.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::Result;

/// A balancer. It ends with the process.
#[derive(Debug)]
pub(crate) struct Balancer {
    passed: Arc<Vec<AtomicUsize>>,
}

impl Balancer {
    /// Takes connections of `listener` to these nodes.
    ///
    /// # Errors
    /// If there can be no thread for it.
    pub(crate) fn start(listener: TcpListener, nodes: Vec<SocketAddr>) -> Result<Self> {
        let passed: Arc<Vec<_>> = Arc::new(nodes.iter().map(|_| AtomicUsize::new(0)).collect());
        let counted = Arc::clone(&passed);
        thread::Builder::new().name("balancer".to_owned()).spawn(move || {
            for (turn, visitor) in listener.incoming().flatten().enumerate() {
                let (nodes, counted) = (nodes.clone(), Arc::clone(&counted));
                thread::spawn(move || pass_on(&visitor, &nodes, turn, &counted));
            }
        })?;
        Ok(Self { passed })
    }

    /// How many connections each node has had.
    pub(crate) fn passed(&self) -> Vec<usize> {
        self.passed.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }
}

/// Serves one connection until either side hangs up.
fn pass_on(visitor: &TcpStream, nodes: &[SocketAddr], turn: usize, counted: &[AtomicUsize]) -> io::Result<()> {
    let in_turn = nodes.iter().zip(counted).cycle().skip(turn % nodes.len().max(1)).take(nodes.len());
    for (address, count) in in_turn {
        if let Ok(node) = TcpStream::connect(address) {
            count.fetch_add(1, Ordering::Relaxed);
            return join(visitor, &node);
        }
    }
    visitor.shutdown(Shutdown::Both)
}

fn join(visitor: &TcpStream, node: &TcpStream) -> io::Result<()> {
    let (to_visitor, from_node) = (visitor.try_clone()?, node.try_clone()?);
    let answers = thread::spawn(move || pour(&from_node, &to_visitor));
    let asked = pour(visitor, node);
    answers.join().unwrap_or(Ok(())).and(asked)
}

/// Whichever end is gone, the other learns it.
fn pour(mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
    let copied = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
    copied.map(drop)
}
