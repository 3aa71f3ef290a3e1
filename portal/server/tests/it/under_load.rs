//! Faults while people sign in: nodes are killed, the database crashes, the disk is full, the clock is set, the authority's
//! lists do not arrive. Each visitor keeps a journal of what was acknowledged to him; afterwards the journals are compared
//! with what the service still knows. Nothing that serves once has served twice, nothing acknowledged is lost, and no
//! cabinet was opened by less than `high`.

mod ledger;
mod nodes;
mod replays;
mod visitors;

use latchkey_fixtures::postgresql::PrivatePostgresql;
use rand_core::Rng as _;

use crate::authority_host::{AuthorityHost, Mood};
use crate::process::Installation;
use ledger::Ledger;
use nodes::{NODES, Nodes, Surroundings};
use visitors::Visitors;

const VISITORS: usize = 6;

/// Six nodes' deaths at moments that chance chose, while the authority's lists trickle in and never arrive.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_are_killed_at_random_moments_lose_and_repeat_nothing() {
    let host = AuthorityHost::of_lists(Mood::Dripping).await;
    let mut nodes = Nodes::start(Installation::new(), Surroundings { lists: Some(&host), ..Surroundings::default() });
    let mut visitors = Visitors::begin(&nodes, VISITORS);
    let mut chance = latchkey_fixtures::random::Seeded::new("deaths");
    for _ in 0..6 {
        visitors.go_on_for(1 + chance.next_u32() as usize % 12).await;
        let node = chance.next_u32() as usize % NODES;
        nodes.kill(node);
        if chance.next_u32().is_multiple_of(2) {
            visitors.go_on_for(2).await;
        }
        nodes.start_again(node);
    }
    let journals = visitors.end().await;
    Ledger::of(&nodes, journals).check().await;
    assert!(host.visits() > 0, "nobody has asked for the lists");
}

/// Two nodes on a PostgreSQL server of their own, which crashes under them, and recovers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_server_that_crashes_loses_and_repeats_nothing() {
    let mut server = PrivatePostgresql::start().unwrap();
    let mut nodes = Nodes::start(Installation::on(&server.address()), Surroundings::default());
    let mut visitors = Visitors::begin(&nodes, VISITORS);
    for round in 0..3 {
        visitors.go_on_for(5).await;
        server.crash().unwrap();
        visitors.be_refused(2).await;
        if round == 1 {
            // A node dies while its database is away.
            nodes.kill(0);
        }
        server.start_again().unwrap();
        if round == 1 {
            nodes.start_again(0);
        }
    }
    let journals = visitors.end().await;
    Ledger::of(&nodes, journals).check().await;
}

/// A disk that takes nothing more: people are told so, and it goes on where it was when there is room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_loses_and_repeats_nothing() {
    let mut nodes = Nodes::start(Installation::in_a_file(), Surroundings::default());
    let mut visitors = Visitors::begin(&nodes, VISITORS);
    for round in 0..3 {
        visitors.go_on_for(5).await;
        nodes.fill_disk();
        visitors.be_refused(VISITORS).await;
        assert!(!nodes.are_ready().await, "nobody would send visitors elsewhere");
        if round == 1 {
            nodes.kill(1);
        }
        nodes.make_room();
        if round == 1 {
            nodes.start_again(1);
        }
    }
    let journals = visitors.end().await;
    Ledger::of(&nodes, journals).check().await;
}

/// Both nodes' clocks are set: ahead by longer than a challenge lasts, and back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_makes_nothing_serve_twice() {
    let surroundings = Surroundings { has_clock_of_its_own: true, ..Surroundings::default() };
    let nodes = Nodes::start(Installation::new(), surroundings);
    let mut visitors = Visitors::begin(&nodes, VISITORS);
    for offset in ["+600s", "-600s", "+0s", "+1200s", "+0s"] {
        visitors.go_on_for(12).await;
        nodes.set_clocks(offset);
    }
    let journals = visitors.end().await;
    // Codes and tokens are young; what the clock has made old meanwhile may be gone.
    Ledger::of(&nodes, journals).without_tokens().check().await;
}
