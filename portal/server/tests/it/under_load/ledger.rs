//! What the service knows afterwards, beside what was acknowledged.

use std::collections::BTreeSet;

use reqwest::{Client, RequestBuilder};

use super::nodes::{NODES, Nodes};
use super::visitors::{Fate, Journal};

pub(super) struct Ledger<'n> {
    nodes: &'n Nodes,
    journals: Vec<Journal>,
    client: Client,
    has_tokens: bool,
}

impl<'n> Ledger<'n> {
    pub(super) fn of(nodes: &'n Nodes, journals: Vec<Journal>) -> Self {
        Self { nodes, journals, client: nodes.installation.client_without_cookies(), has_tokens: true }
    }

    /// Does not look at tokens.
    pub(super) fn without_tokens(self) -> Self {
        Self { has_tokens: false, ..self }
    }

    pub(super) async fn check(&self) {
        assert!(self.nodes.are_ready().await);
        for journal in &self.journals {
            for session in &journal.sessions {
                let asking =
                    |node| self.client.get(self.nodes.url(node, "/api/v1/session")).header("cookie", &session.cookie);
                self.ask("a session", session.fate, asking).await;
            }
            for grant in journal.grants.iter().filter(|_| self.has_tokens) {
                let asking = |node| self.client.get(self.nodes.url(node, "/userinfo")).bearer_auth(&grant.access_token);
                self.ask("a token", grant.fate, asking).await;
            }
        }
        self.check_rows().await;
        self.check_cabinets().await;
    }

    async fn ask(&self, what: &str, fate: Fate, asking: impl Fn(usize) -> RequestBuilder) {
        for node in 0..NODES {
            let is_there = asking(node).send().await.unwrap().status() == 200;
            match fate {
                Fate::Lives => assert!(is_there, "{what} was acknowledged, and is lost"),
                Fate::Ended => assert!(!is_there, "{what} has ended, and is there"),
                Fate::Unknown => {}
            }
        }
    }

    /// As many sessions and sign-ins as were acknowledged, and at most those more that nobody was told of.
    async fn check_rows(&self) {
        let sum = |count: fn(&Journal) -> usize| self.journals.iter().map(count).sum::<usize>();
        let acknowledged = sum(|journal| journal.sessions.len());
        let lost = sum(|journal| journal.lost_sign_ins);
        assert!(acknowledged >= self.journals.len(), "hardly anybody was let in");
        let sign_ins = self.number("SELECT count(*) FROM sign_ins").await;
        assert!((acknowledged..=acknowledged + lost).contains(&sign_ins), "{acknowledged} ≤ {sign_ins} ≤ +{lost}");
        let with_fate = |fate| {
            let all = self.journals.iter().flat_map(|journal| &journal.sessions);
            all.filter(|session| session.fate == fate).count()
        };
        let (living, unknown) = (with_fate(Fate::Lives), with_fate(Fate::Unknown));
        let sessions = self.number("SELECT count(*) FROM sessions").await;
        assert!((living..=living + unknown + lost).contains(&sessions), "{living} ≤ {sessions} ≤ +{unknown} +{lost}");
    }

    /// Open are the cabinets of those who have come with their cards, and nobody else's.
    async fn check_cabinets(&self) {
        let people = |counts: fn(&Journal) -> bool| {
            let those = self.journals.iter().filter(|journal| counts(journal));
            those.map(|journal| journal.person).collect::<BTreeSet<_>>()
        };
        let may_open = people(|journal| journal.is_high);
        assert!(may_open.is_disjoint(&people(|journal| !journal.is_high)));
        let must_open = people(|journal| journal.is_high && !journal.sessions.is_empty());
        let opened = self.number("SELECT count(*) FROM cabinets WHERE opened_at IS NOT NULL").await;
        assert!((must_open.len()..=may_open.len()).contains(&opened), "{must_open:?}: {opened}");
        let opened_by_less = "SELECT count(*) FROM cabinets WHERE opened_at IS NOT NULL AND NOT EXISTS \
            (SELECT 1 FROM sign_ins WHERE cabinet = cabinets.id AND assurance = 'high')";
        assert_eq!(self.number(opened_by_less).await, 0);
    }

    async fn number(&self, statement: &'static str) -> usize {
        usize::try_from(self.nodes.installation.number(statement).await).unwrap()
    }
}
