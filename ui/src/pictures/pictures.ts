/// Which picture belongs to what. A picture is a thing and what is the matter with it.

export type Thing =
  | "reader"
  | "insert"
  | "inserted"
  | "card"
  | "card-back"
  | "bank-card"
  | "small-window"
  | "letter"
  | "certificate"
  | "site"
  | "network"
  | "link"
  | "program"
  | "clock"
  | "line"
  | "list"
  | "guest";

export type Mark = "cross" | "question" | "bang" | "check" | "clock" | "lock" | "pause" | "plug" | "turn" | "hand" | "busy";

export interface Picture {
  readonly thing: Thing;
  readonly mark: Mark | null;
}

const picture = (thing: Thing, mark: Mark | null = null): Picture => ({ thing, mark });

/// By the code of the failure. A test compares this list with the codes that the program can give.
const ofCode: ReadonlyMap<string, Picture> = new Map([
  // Card service and readers
  ["no-service", picture("program", "pause")],
  ["service-fault", picture("program", "bang")],
  ["service-not-started", picture("program", "question")],
  ["no-reader", picture("reader", "plug")],
  ["unknown-reader", picture("reader", "question")],
  ["reader-gone", picture("reader", "plug")],
  ["card-transmission", picture("inserted", "turn")],
  ["no-card", picture("insert")],
  ["several-cards", picture("inserted", "question")],
  // The card
  ["card-removed", picture("insert", "bang")],
  ["card-reset", picture("inserted", "busy")],
  ["card-silent", picture("inserted", "clock")],
  ["card-mute", picture("card-back", "turn")],
  ["card-busy", picture("inserted", "busy")],
  ["card-unsupported", picture("reader", "cross")],
  ["payment-card", picture("bank-card", "cross")],
  ["travel-document", picture("card", "cross")],
  ["piv-card", picture("card", "cross")],
  ["openpgp-card", picture("card", "cross")],
  ["unknown-card", picture("card", "question")],
  ["card-protocol", picture("inserted", "bang")],
  ["card-closed-channel", picture("inserted", "bang")],
  ["card-refused", picture("inserted", "cross")],
  ["card-malformed-response", picture("inserted", "bang")],
  ["card-signature-faulty", picture("card", "bang")],
  ["key-missing", picture("certificate", "cross")],
  ["key-inactive", picture("certificate", "pause")],
  ["certificate-missing", picture("certificate", "cross")],
  ["certificate-pending", picture("certificate", "clock")],
  ["certificate-faulty", picture("certificate", "bang")],
  ["certificate-not-for-documents", picture("certificate", "hand")],
  ["certificate-expired", picture("certificate", "clock")],
  ["certificate-not-yet-valid", picture("certificate", "pause")],
  // Documents
  ["no-documents", picture("program", "question")],
  ["too-many-documents", picture("line", "bang")],
  ["document-unreadable", picture("program", "question")],
  ["document-not-a-file", picture("program", "cross")],
  // PIN, CAN and PUK
  ["pin-wrong", picture("small-window", "cross")],
  ["pin-blocked", picture("small-window", "lock")],
  ["pin-deactivated", picture("small-window", "pause")],
  ["pin-status-changed", picture("small-window", "busy")],
  ["pin-dead", picture("card", "lock")],
  ["pin2-wrong", picture("small-window", "cross")],
  ["pin2-blocked", picture("small-window", "lock")],
  ["can-wrong", picture("card", "cross")],
  ["puk-wrong", picture("letter", "cross")],
  ["secret-malformed", picture("small-window", "bang")],
  ["last-try-not-allowed", picture("small-window", "hand")],
  ["no-prompt", picture("small-window", "question")],
  // Terminals
  ["terminal-rejected", picture("site", "lock")],
  ["terminal-of-other-site", picture("site", "hand")],
  ["terminal-request-other", picture("site", "question")],
  ["terminal-malformed", picture("site", "bang")],
  ["terminal-act-refused", picture("card", "hand")],
  ["terminal-session-idle", picture("site", "clock")],
  // The holder, and pages that ask
  ["holder-silent", picture("small-window", "clock")],
  ["holder-refused", picture("site", "hand")],
  ["refused-today", picture("site", "hand")],
  ["site-forbidden", picture("site", "lock")],
  ["request-ended", picture("line", "hand")],
  ["request-taken-back", picture("site", "turn")],
  ["too-many-requests", picture("line", "bang")],
  ["cancelled", picture("small-window", "hand")],
  // The program
  ["port-taken", picture("program", "busy")],
  ["program-stopping", picture("program", "pause")],
  ["agent-fault", picture("program", "bang")],
  ["agent-missing", picture("program", "question")],
  ["agent-stopped", picture("program", "bang")],
  // The portal
  ["portal-address-invalid", picture("link", "cross")],
  ["ca-file-unreadable", picture("certificate", "question")],
  ["portal-unreachable", picture("network", "cross")],
  ["portal-untrusted", picture("site", "lock")],
  ["portal-silent", picture("site", "clock")],
  ["portal-redirects", picture("link", "bang")],
  ["portal-answer-malformed", picture("site", "question")],
  ["portal-failed", picture("site", "bang")],
  ["portal-refused", picture("site", "cross")],
]);

/// Codes that begin alike and need no picture each.
const ofBeginning: readonly (readonly [string, Picture])[] = [
  ["portal-refused-challenge", picture("clock", "cross")],
  ["portal-refused-certificate", picture("certificate", "cross")],
  ["portal-refused-issuer", picture("certificate", "cross")],
  ["portal-refused-link", picture("link", "cross")],
  ["portal-refused-completion", picture("link", "cross")],
  ["portal-refused-revocation", picture("certificate", "question")],
  ["portal-refused-unknown-issuer", picture("certificate", "question")],
  ["portal-refused-", picture("site", "cross")],
];

/// The picture for a failure; null for a code that has none.
export const pictureOf = (code: string): Picture | null =>
  ofCode.get(code) ?? ofBeginning.find(([beginning]) => code.startsWith(beginning))?.[1] ?? null;

/// The codes that have one of their own.
export const codesWithPicture: readonly string[] = [...ofCode.keys()];
