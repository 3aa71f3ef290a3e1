//! What the service counts. No name, number, address or token of a person ever becomes a label.

use std::time::Duration;

use axum::http::Method;
use metrics::{Key, KeyName, Label, Level, Metadata, Recorder as _, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use time::OffsetDateTime;

use crate::rates::Limit;

/// A metric: its name and what it counts.
#[derive(Debug, Clone, Copy)]
pub struct Description {
    /// The name in the output.
    pub name: &'static str,
    /// What it is, and by which labels it is told apart.
    pub text: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Counter,
    Moment,
    Seconds,
}

/// Every metric of the service.
pub const DESCRIPTIONS: [Description; 15] = [
    CHALLENGES_ISSUED,
    SIGN_INS_ACCEPTED,
    SIGN_INS_REFUSED,
    CABINETS_OPENED,
    VERIFICATION_SECONDS,
    REQUESTS,
    REQUEST_SECONDS,
    RATE_LIMITED,
    AUDIT_FAILURES,
    STORAGE_FAILURES,
    REVOCATION_RELOADS,
    REVOCATION_RELOAD_FAILURES,
    REVOCATION_CURRENT_UNTIL,
    REVOCATION_FETCHES,
    STATUS_SERVICE_ANSWERS,
];

/// The metrics of the terminal, which are there where a terminal is configured.
pub const TERMINAL_DESCRIPTIONS: [Description; 5] =
    [TERMINAL_SESSIONS, TERMINAL_ESTABLISHED, TERMINAL_REFUSALS, TERMINAL_CERTIFICATE_UNTIL, TERMINAL_RENEWALS];

/// The metrics of the provider, which are there where one is configured.
pub const PROVIDER_DESCRIPTIONS: [Description; 3] = [TICKETS, PROVIDER_REFUSALS, LOGOUTS];

const TICKETS: Description =
    counter("latchkey_portal_tickets_total", "Tickets issued to sites, by assurance (low, substantial, high).");
const PROVIDER_REFUSALS: Description =
    counter("latchkey_portal_provider_refusals_total", "Times that a site did not get what it asked for, by error.");
const LOGOUTS: Description = counter(
    "latchkey_portal_logouts_total",
    "Tries to tell sites that a person has signed out, by outcome: told, unreachable, refused, given-up, nobody, unsigned.",
);

const TERMINAL_SESSIONS: Description =
    counter("latchkey_portal_terminal_sessions_total", "Sessions begun at the terminal.");
const TERMINAL_ESTABLISHED: Description = counter(
    "latchkey_portal_terminal_established_total",
    "Sessions in which card and terminal proved themselves to each other.",
);
const TERMINAL_REFUSALS: Description =
    counter("latchkey_portal_terminal_refusals_total", "Requests that the terminal refused, by code.");
const TERMINAL_CERTIFICATE_UNTIL: Description = Description {
    name: "latchkey_portal_terminal_certificate_until_timestamp_seconds",
    text: "When the terminal's certificate, or one above it, is not in force any more and no session begins.",
    kind: Kind::Moment,
};

const TERMINAL_RENEWALS: Description = counter(
    "latchkey_portal_terminal_renewals_total",
    "Times that another certificate was asked for, by outcome: renewed, or a code.",
);

const CHALLENGES_ISSUED: Description = counter("latchkey_portal_challenges_issued_total", "Challenges issued.");
const SIGN_INS_ACCEPTED: Description =
    counter("latchkey_portal_sign_ins_accepted_total", "Assertions accepted, by assurance (low, substantial, high).");
const SIGN_INS_REFUSED: Description = counter("latchkey_portal_sign_ins_refused_total", "Assertions refused, by code.");
const CABINETS_OPENED: Description = counter(
    "latchkey_portal_cabinets_opened_total",
    "Dormant cabinets that a first sign-in with the assurance high opened.",
);
const VERIFICATION_SECONDS: Description = seconds(
    "latchkey_portal_verification_duration_seconds",
    "Time that the verification of an assertion took, accepted or not.",
);
const REQUESTS: Description = counter("latchkey_portal_http_requests_total", "Requests, by method, route and status.");
const REQUEST_SECONDS: Description = seconds(
    "latchkey_portal_http_request_duration_seconds",
    "Time from a request's head to its answer's head, by route.",
);
const RATE_LIMITED: Description = counter(
    "latchkey_portal_rate_limited_total",
    "Requests that were put off, by limit: requests, challenges, refused-sites, site.",
);
const AUDIT_FAILURES: Description =
    counter("latchkey_portal_audit_failures_total", "Events that could not be written to the audit log.");
const STORAGE_FAILURES: Description =
    counter("latchkey_portal_storage_failures_total", "Times that the database gave no answer.");
const REVOCATION_RELOADS: Description =
    counter("latchkey_portal_revocation_reloads_total", "Times that changed revocation lists were taken into use.");
const REVOCATION_RELOAD_FAILURES: Description = counter(
    "latchkey_portal_revocation_reload_failures_total",
    "Times that a changed revocation list could not be used, so that the former one stayed in use.",
);

const REVOCATION_FETCHES: Description = counter(
    "latchkey_portal_revocation_fetches_total",
    "Revocation lists asked for, by outcome: taken, unchanged, unreachable, refused, too-long, unusable, not-kept.",
);
const STATUS_SERVICE_ANSWERS: Description = counter(
    "latchkey_portal_status_service_answers_total",
    "Questions for the status service, by outcome: good, revoked, unknown, resting, unreachable, unusable.",
);
const REVOCATION_CURRENT_UNTIL: Description = Description {
    name: "latchkey_portal_revocation_current_until_timestamp_seconds",
    text: "When the first of the revocation lists in use will be out of date and sign-ins will be refused.",
    kind: Kind::Moment,
};

/// What is counted when nobody answers: of an outage the first time is to be seen.
pub(crate) const UNREACHABLE: &str = "unreachable";

/// The upper limits of the histograms' buckets, in seconds.
const BUCKETS: [f64; 11] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

/// The service's counters. One value belongs to one service, so that several can run in one process.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Metrics {
    /// Counters at zero.
    #[must_use]
    pub fn new() -> Self {
        // Fails only for an empty list of limits; summaries would be written in place of histograms.
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).unwrap_or_default();
        let recorder = builder.build_recorder();
        let metrics = Self { handle: recorder.handle(), recorder };
        metrics.describe(&DESCRIPTIONS);
        // Counted from zero, so that a first failure is a change.
        for unlabelled in [
            CHALLENGES_ISSUED,
            CABINETS_OPENED,
            AUDIT_FAILURES,
            STORAGE_FAILURES,
            REVOCATION_RELOADS,
            REVOCATION_RELOAD_FAILURES,
        ] {
            metrics.count(unlabelled, Vec::new(), 0);
        }
        for labelled in [REVOCATION_FETCHES, STATUS_SERVICE_ANSWERS] {
            metrics.count(labelled, vec![Label::from_static_parts("outcome", UNREACHABLE)], 0);
        }
        for limit in Limit::ALL {
            metrics.count(RATE_LIMITED, vec![Label::from_static_parts("limit", limit.name())], 0);
        }
        metrics
    }

    /// Counts what a terminal does, too.
    pub(crate) fn describe_terminal(&self) {
        self.describe(&TERMINAL_DESCRIPTIONS);
        for unlabelled in [TERMINAL_SESSIONS, TERMINAL_ESTABLISHED] {
            self.count(unlabelled, Vec::new(), 0);
        }
    }

    /// Counts what a provider does, too.
    pub(crate) fn describe_provider(&self) {
        self.describe(&PROVIDER_DESCRIPTIONS);
        self.count(LOGOUTS, vec![Label::from_static_parts("outcome", UNREACHABLE)], 0);
    }

    /// Tried to tell a site of an end, with one of the outcomes that the metric names.
    pub(crate) fn logout_told(&self, outcome: &'static str) {
        self.count(LOGOUTS, vec![Label::from_static_parts("outcome", outcome)], 1);
    }

    pub(crate) fn ticket_issued(&self, assurance: &'static str) {
        self.count(TICKETS, vec![Label::from_static_parts("assurance", assurance)], 1);
    }

    pub(crate) fn provider_refused(&self, error: &'static str) {
        self.count(PROVIDER_REFUSALS, vec![Label::from_static_parts("error", error)], 1);
    }

    fn describe(&self, descriptions: &[Description]) {
        for Description { name, text, kind } in descriptions {
            let (name, text) = (KeyName::from_const_str(name), SharedString::const_str(text));
            match kind {
                Kind::Counter => self.recorder.describe_counter(name, None, text),
                Kind::Moment => self.recorder.describe_gauge(name, Some(Unit::Seconds), text),
                Kind::Seconds => self.recorder.describe_histogram(name, Some(Unit::Seconds), text),
            }
        }
    }

    /// The counters in the text format of Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.run_upkeep();
        self.handle.render()
    }

    pub(crate) fn challenge_issued(&self) {
        self.count(CHALLENGES_ISSUED, Vec::new(), 1);
    }

    pub(crate) fn sign_in_accepted(&self, assurance: &'static str) {
        self.count(SIGN_INS_ACCEPTED, vec![Label::from_static_parts("assurance", assurance)], 1);
    }

    pub(crate) fn cabinet_opened(&self) {
        self.count(CABINETS_OPENED, Vec::new(), 1);
    }

    pub(crate) fn sign_in_refused(&self, code: &'static str) {
        self.count(SIGN_INS_REFUSED, vec![Label::from_static_parts("code", code)], 1);
    }

    pub(crate) fn verified_in(&self, took: Duration) {
        self.measure(VERIFICATION_SECONDS, Vec::new(), took);
    }

    /// `route` is one of the router's patterns, never the address that was asked for.
    pub(crate) fn request(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let route = Label::new("route", route.to_owned());
        let labels = vec![
            Label::from_static_parts("method", known_method(method)),
            route.clone(),
            Label::new("status", status.to_string()),
        ];
        self.count(REQUESTS, labels, 1);
        self.measure(REQUEST_SECONDS, vec![route], took);
    }

    pub(crate) fn rate_limited(&self, limit: Limit) {
        self.count(RATE_LIMITED, vec![Label::from_static_parts("limit", limit.name())], 1);
    }

    pub(crate) fn audit_failed(&self) {
        self.count(AUDIT_FAILURES, Vec::new(), 1);
    }

    pub(crate) fn storage_failed(&self) {
        self.count(STORAGE_FAILURES, Vec::new(), 1);
    }

    pub(crate) fn revocation_reloaded(&self) {
        self.count(REVOCATION_RELOADS, Vec::new(), 1);
    }

    pub(crate) fn revocation_reload_failed(&self) {
        self.count(REVOCATION_RELOAD_FAILURES, Vec::new(), 1);
    }

    /// Asked for a list, with one of the outcomes that the metric names.
    pub(crate) fn revocation_fetched(&self, outcome: &'static str) {
        self.count(REVOCATION_FETCHES, vec![Label::from_static_parts("outcome", outcome)], 1);
    }

    pub(crate) fn status_service_asked(&self, outcome: &'static str) {
        self.count(STATUS_SERVICE_ANSWERS, vec![Label::from_static_parts("outcome", outcome)], 1);
    }

    pub(crate) fn revocation_current_until(&self, moment: OffsetDateTime) {
        self.set(REVOCATION_CURRENT_UNTIL, moment);
    }

    pub(crate) fn terminal_session_begun(&self) {
        self.count(TERMINAL_SESSIONS, Vec::new(), 1);
    }

    pub(crate) fn terminal_established(&self) {
        self.count(TERMINAL_ESTABLISHED, Vec::new(), 1);
    }

    pub(crate) fn terminal_refused(&self, code: &'static str) {
        self.count(TERMINAL_REFUSALS, vec![Label::from_static_parts("code", code)], 1);
    }

    pub(crate) fn terminal_certificate_until(&self, moment: OffsetDateTime) {
        self.set(TERMINAL_CERTIFICATE_UNTIL, moment);
    }

    pub(crate) fn terminal_renewal(&self, outcome: &'static str) {
        self.count(TERMINAL_RENEWALS, vec![Label::from_static_parts("outcome", outcome)], 1);
    }

    fn set(&self, metric: Description, moment: OffsetDateTime) {
        // Exact up to 2^53 seconds.
        #[expect(clippy::cast_precision_loss, reason = "a time of day to the second fits")]
        let seconds = moment.unix_timestamp() as f64;
        self.recorder.register_gauge(&Key::from_static_name(metric.name), &METADATA).set(seconds);
    }

    fn count(&self, metric: Description, labels: Vec<Label>, times: u64) {
        self.recorder.register_counter(&Key::from_parts(metric.name, labels), &METADATA).increment(times);
    }

    fn measure(&self, metric: Description, labels: Vec<Label>, took: Duration) {
        self.recorder.register_histogram(&Key::from_parts(metric.name, labels), &METADATA).record(took.as_secs_f64());
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

const fn counter(name: &'static str, text: &'static str) -> Description {
    Description { name, text, kind: Kind::Counter }
}

const fn seconds(name: &'static str, text: &'static str) -> Description {
    Description { name, text, kind: Kind::Seconds }
}

/// Methods are the visitor's to invent; labels must stay few.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
