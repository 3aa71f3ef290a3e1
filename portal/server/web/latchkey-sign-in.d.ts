// SPDX-License-Identifier: Apache-2.0

/** Where the program listens unless an administrator has decided otherwise. */
export const DEFAULT_PORT: 8084;

/**
 * Signs in with an ID card, through the Latchkey program on the visitor's computer. Call it from a click, never while
 * the page loads: the browser may ask the visitor whether the page may call other programs on his computer.
 *
 * It takes as long as the visitor does. A page that is left takes its request back by itself.
 *
 * Rejects with nothing of its own; what `challenge` or `explain` reject with is passed on.
 */
export function signIn(options: Options): Promise<Outcome>;

/**
 * Has documents signed with an ID card: 1 to 255 of at most 8 MiB together. The visitor is shown their names and sizes and
 * decides once for all of them. The program hashes the contents itself; a page cannot have a hash value signed.
 *
 * Like `signIn` in all else.
 */
export function sign(files: readonly Blob[] | FileList, options?: SignOptions): Promise<SignOutcome>;

/**
 * Has the terminal of an identification service read an ID card. Call it from a click.
 *
 * Like `signIn` in all else; what `request`, `begin` and `step` reject with is passed on.
 */
export function readByTerminal(options: TerminalOptions): Promise<TerminalOutcome>;

/** Finds out whether the program runs, and nothing else. Call it from a click too. */
export function probe(options?: Pick<Options, "port" | "explain" | "onProgress" | "signal">): Promise<Reached>;

/**
 * Settles with true when the session of a guest has to end: the card that signed in was taken out, or nobody watches it
 * any more. With false where no guest is served, and when `signal` is aborted.
 */
export function cardRemoved(watch: Watch): Promise<boolean>;

export interface Options extends Omit<SignOptions, "placement"> {
  /**
   * The portal's challenge: 256 random bits or more in base64. A function is called once the program has answered, so
   * that the challenge does not expire while the visitor reads and decides.
   */
  readonly challenge: string | (() => string | Promise<string>);
}

export interface SignOptions {
  /** Whether the signed files hold the documents; without it they do not. */
  readonly placement?: "detached" | "attached";
  /** What the portal calls itself. The program shows it as the portal's own claim. */
  readonly portalName?: string;
  /** Another port than the usual one. */
  readonly port?: number;
  /**
   * Called when the visitor was not asked for the browser's permission yet: the page explains what the browser is about
   * to ask, and settles when the visitor wants to go on. False takes the sign-in back.
   */
  readonly explain?: () => void | boolean | Promise<void | boolean>;
  /** Told how far the sign-in is, for show. */
  readonly onProgress?: (progress: Progress) => void;
  /** Takes the sign-in back. */
  readonly signal?: AbortSignal;
}

export interface Progress {
  /**
   * - `connecting`: the program is called;
   * - `permission-asked`: the browser shows its question;
   * - `waiting-in-line`: the program serves another page first;
   * - `asking-holder`: the program's window asks whether the visitor agrees;
   * - `card`: the card, or its PIN in a window of the program's own, is waited for;
   * - `signing`: the card signs;
   * - `reading`: a terminal reads the card;
   * - `done`: the program is finished.
   */
  readonly phase:
    | "connecting"
    | "permission-asked"
    | "waiting-in-line"
    | "asking-holder"
    | "card"
    | "signing"
    | "reading"
    | "done";
}

export interface TerminalOptions extends Pick<SignOptions, "port" | "explain" | "onProgress" | "signal"> {
  /** The signed request, base64, which the program shows the visitor. Called once the program has answered. */
  readonly request: () => Promise<string>;
  /** Begins at the terminal with what the visitor has agreed to. */
  readonly begin: (certhat: string) => Promise<TerminalBegun>;
  /** Gives the terminal the card's answer. */
  readonly step: (hreq: string, cardResponse: string) => Promise<TerminalStep>;
}

export interface TerminalBegun {
  readonly hreq: string;
  readonly terminal_certificate: string;
  readonly cmd_to_card: string;
}

export type TerminalStep =
  | {
      /** Which kind of command it is. */
      readonly next: "authenticate" | "command";
      readonly header_cmd_to_card: string;
      readonly cmd_to_card: string;
    }
  | { readonly next: "done" };

/** What reading a card comes to. */
export type TerminalOutcome =
  /** The terminal has read it. */
  | { readonly code: "read" }
  | Exclude<Reached, { code: "running" }>
  /** The program answered at first, and then no more. */
  | { readonly code: "connection-lost" };

/** What a sign-in comes to. */
export type Outcome =
  /** The card has signed. `assertion` is for the portal to check; `requestId` for `cardRemoved`. */
  | { readonly code: "signed"; readonly assertion: Assertion; readonly requestId: string }
  | Exclude<Reached, { code: "running" | "not-running" }>
  /**
   * The program is not installed or does not run. If `retried` is there, the visitor has not decided about the browser's
   * permission, and the browser may be asking at this moment; once he has given it, the sign-in is tried once more, and
   * this is what comes of it. Abort `signal` before you sign in anew.
   */
  | { readonly code: "not-running"; readonly retried?: Promise<Outcome> }
  /** The program answered at first, and then no more. */
  | { readonly code: "connection-lost" };

/** What the signing of documents comes to. */
export type SignOutcome =
  /** The visitor agreed. Of each document, in their order, the signature, or why there is none. */
  | { readonly code: "signed"; readonly documents: readonly SignedDocument[]; readonly requestId: string }
  | Exclude<Outcome, { code: "signed" | "not-running" }>
  | { readonly code: "not-running"; readonly retried?: Promise<SignOutcome> };

export type SignedDocument =
  /** CMS SignedData in the form CAdES B-B, DER. */
  | { readonly signature: Uint8Array }
  /** A stable code of the card or its reader. */
  | { readonly reason: string };

/** Whether the program was reached. */
export type Reached =
  /** It runs. `base` is the address of its interface. */
  | { readonly code: "running"; readonly base: string }
  /** It said no; `reason` is its stable code: `holder-refused` if the holder refused, and only then. */
  | { readonly code: "client-refused"; readonly reason: string }
  /** The visitor closed the browser's question without an answer. Asking again is possible, a few times. */
  | { readonly code: "dismissed" }
  /**
   * The browser does not let this page call the computer: the visitor or his administrator has said so, or the page is in
   * a frame without permission, or not served over HTTPS. Whether the program runs cannot be known.
   */
  | { readonly code: "denied" }
  /** The program is not installed or does not run; or the page's own Content-Security-Policy forbids to call it. */
  | { readonly code: "not-running" }
  /** Something listens, but it is not a Latchkey that this page may talk to. */
  | { readonly code: "other-program" }
  /** Something listens and says nothing. */
  | { readonly code: "no-answer" }
  /** `signal` was aborted, `explain` said false, or the page was left. */
  | { readonly code: "taken-back" };

/** An assertion in the JSON shape of Web eID. */
export interface Assertion {
  readonly format: string;
  readonly unverifiedCertificate: string;
  readonly algorithm: string;
  readonly signature: string;
  readonly appVersion: string;
  /** What the authority's status service says of the certificate, if the client brings that along. */
  readonly statusAnswer?: string;
}

export interface Watch {
  /** Of the outcome `signed`. */
  readonly requestId: string;
  readonly port?: number;
  readonly signal?: AbortSignal;
}
