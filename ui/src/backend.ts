/// What the window shows and what it can ask for. The program pushes a whole `Snapshot` on every change; a screen is a
/// function of it. No command takes an origin, a challenge, a hash or a secret: the page can only answer what the
/// program asks, by number.

export type Language = "be" | "ru" | "en";
export type Theme = "system" | "light" | "dark" | "contrast";

export interface Snapshot {
  readonly version: string;
  readonly language: Language;
  /// Whether pages can reach the program.
  readonly service: { readonly listening: true } | { readonly listening: false; readonly failure: Failure };
  /// Readers, in the card service's order; null while nobody knows.
  readonly readers: readonly Reader[] | null;
  /// Why the readers are not known.
  readonly readersFailure: Failure | null;
  /// Requests of portals; the first is the one at work, the others wait.
  readonly requests: readonly PortalRequest[];
  /// What the holder does with his own card.
  readonly card: CardView;
  /// Documents that the holder signs himself.
  readonly documents: DocumentsView;
  readonly settings: Settings;
  readonly doctor: DoctorView;
  readonly guest: GuestView;
  /// What is remembered of sites that asked, the newest first; empty if the holder does not want that.
  readonly history: readonly HistoryEntry[];
  /// A newer version than this one, if one is known.
  readonly update: { readonly version: string } | null;
  /// Something that failed beside all that, such as a setting that could not be written, until the holder puts it away.
  readonly notice: Failure | null;
  /// In how many seconds the window closes by itself: it was opened for a request, and that is done. null while it stays.
  readonly closesInSeconds: number | null;
}

/// A failure, worded in the snapshot's language.
export interface Failure {
  readonly code: string;
  readonly whatHappened: string;
  readonly whatToDo: string;
  /// A technical cause: diagnosis is offered.
  readonly technical: boolean;
  /// What the holder can do about it in this window.
  readonly remedy: "retry" | "unblock" | "activate" | "resume" | "choose-reader" | "lost-card" | null;
}

export interface Reader {
  readonly name: string;
  readonly card: boolean;
}

export interface PortalRequest {
  readonly id: number;
  /// As the browser reported it, or as the program itself reached it.
  readonly origin: string;
  /// The name that the page gave itself: proves nothing.
  readonly saysItIs: string | null;
  readonly arrivedBy: "page" | "link";
  /// Of a link: to recognise one's own request.
  readonly shortCode: string | null;
  /// What the page wants signed, by its own names; none: it wants a sign-in.
  readonly documents: readonly { readonly name: string; readonly size: string }[];
  /// What a terminal is let read and do; null: it wants something else.
  readonly disclosure: Disclosure | null;
  readonly phase: Phase;
  /// The holder has to act within so many seconds; null while he need not.
  readonly secondsLeft: number | null;
}

/// What a terminal is let read and do, worded in the snapshot's language.
export interface Disclosure {
  /// Whether the request was signed and checked.
  readonly verified: boolean;
  readonly asker: readonly string[];
  readonly required: readonly string[];
  /// What the holder may leave out.
  readonly optional: readonly { readonly line: string; readonly kept: boolean }[];
  /// Which terminal it is, or that it is not known yet.
  readonly terminal: readonly string[];
}

export type Phase =
  | { readonly name: "ask-host" } // link only: may the program contact this host?
  | { readonly name: "fetching" } // link only
  | { readonly name: "waiting-in-line" }
  | { readonly name: "ask-hand-over" } // who asks, what is handed over: agree or refuse
  | { readonly name: "connect-reader" }
  | { readonly name: "insert-card" }
  | { readonly name: "choose-reader"; readonly readers: readonly string[] }
  | { readonly name: "reading-card" }
  | { readonly name: "agent-asks"; readonly secret: Secret; readonly triesLeft: number | null } // look at the agent's own window
  | { readonly name: "signing" }
  | { readonly name: "sending" } // link only
  | { readonly name: "terminal-at-work"; readonly work: TerminalWork } // what passes cannot be read here
  | { readonly name: "done" }
  | { readonly name: "failed"; readonly failure: Failure };

/// What a terminal is let do: nothing while the page has not brought it.
export type TerminalWork = "awaited" | "reading" | "signing";

export type Secret = "pin" | "pin2" | "new-pin" | "can" | "puk" | "last-try" | "consent";

export type PinStatus =
  | { readonly state: "usable"; readonly triesLeft: number }
  | { readonly state: "suspended" }
  | { readonly state: "blocked" }
  | { readonly state: "deactivated" };

export interface DocumentsView {
  /// Those that were chosen and are not signed yet.
  readonly files: readonly { readonly name: string; readonly folder: string; readonly size: string }[];
  /// Whether the signed files hold the documents.
  readonly attached: boolean;
  readonly phase: Phase | null;
  /// What became of each document.
  readonly results: readonly { readonly name: string; readonly signature: string | null; readonly failure: Failure | null }[] | null;
  /// Why none was signed.
  readonly failure: Failure | null;
}

export interface CardView {
  /// What the card at hand says without a password.
  readonly status: { readonly reader: string; readonly model: string; readonly pin: PinStatus } | null;
  /// What it said with the PIN, until it is removed or the window closed.
  readonly contents: CardContents | null;
  readonly task: CardTaskName | null;
  readonly phase: Phase | null;
  /// What the last task came to.
  readonly result: { readonly task: CardTaskName; readonly failure: Failure | null } | null;
}

export type CardTaskName = "look" | "read" | "change-pin" | "unblock-pin" | "unblock-with-new-pin" | "activate-pin" | "deactivate-with-pin" | "deactivate-with-puk";

export interface CardContents {
  /// Whose it is, by the first certificate that says so.
  readonly holder: { readonly name: string; readonly latinName: string | null; readonly personalNumber: string } | null;
  readonly certificates: readonly {
    readonly subject: string;
    readonly issuer: string;
    readonly serial: string;
    readonly validFrom: string; // RFC 3339
    readonly validTo: string;
    readonly validity: "valid" | "expires-soon" | "expired" | "not-yet";
    readonly usage: string;
  }[];
  /// How many more there are that cannot be read.
  readonly unreadable: number;
}

export interface Settings {
  /// null: as the system says.
  readonly language: Language | null;
  readonly theme: Theme;
  readonly autostart: boolean;
  readonly tray: boolean;
  readonly pinPad: boolean;
  readonly proxy: ProxyChoice;
  /// The proxy that the settings file or the administrator names. The window offers it and takes none: there is nothing
  /// to type into in the window, and a page that was taken over cannot name a proxy of its own.
  readonly proxyAddress: string | null;
  readonly history: boolean;
  /// Why nothing can be remembered here; null if it can.
  readonly historyFailure: Failure | null;
  readonly sites: readonly { readonly origin: string; readonly state: "allowed" | "refused-today" | "allowed-by-administrator" | "forbidden-by-administrator" | "has-terminal"; readonly since: string | null }[];
  /// Names of the settings above that the administrator has fixed.
  readonly fixed: readonly SettingName[];
  /// Where the settings are written, for those who edit files.
  readonly file: string;
}

export type SettingName = "language" | "theme" | "autostart" | "tray" | "pinPad" | "proxy" | "history";

/// As the system says, directly, or by `proxyAddress`.
export type ProxyChoice = "system" | "none" | "address";

export type SettingChange =
  | { readonly name: "language"; readonly value: Language | null }
  | { readonly name: "theme"; readonly value: Theme }
  | { readonly name: "autostart" | "tray" | "pinPad" | "history"; readonly value: boolean }
  | { readonly name: "proxy"; readonly value: ProxyChoice }
  | { readonly name: "forgetSite"; readonly value: string };

export interface DoctorView {
  readonly running: boolean;
  readonly checks: readonly {
    readonly name: string; // stable: pcsc-service, reader, card …
    readonly title: string;
    readonly verdict: "good" | "warning" | "bad" | "not-checked";
    readonly finding: string;
    readonly cure: string | null;
  }[];
  /// To be copied; without personal data.
  readonly report: string | null;
}

export interface GuestView {
  /// The portals a guest can open, as origins.
  readonly portals: readonly string[];
  /// The one that is open.
  readonly portal: string | null;
  readonly phase: "off" | "opening" | "open" | "clearing";
  readonly failure: Failure | null;
}

/// What a site asks for.
export type RequestKind = "sign-in" | "documents" | "terminal";

export interface HistoryEntry {
  readonly at: string; // RFC 3339
  readonly origin: string;
  readonly kind: RequestKind;
  readonly result: "done" | "refused" | "failed";
}

export interface Backend {
  snapshot(): Promise<Snapshot>;
  /// Calls `changed` on every change; the returned function stops that.
  listen(changed: (snapshot: Snapshot) => void): Promise<() => void>;
  agree(request: number): Promise<void>;
  /// Keeps or leaves out the optional line at that place of what a terminal is let read.
  keep(request: number, place: number, kept: boolean): Promise<void>;
  refuse(request: number): Promise<void>;
  /// The window does not close by itself.
  keepOpen(): Promise<void>;
  /// Takes a request off the list: refused ones, failed ones, other pages' in the line.
  end(request: number): Promise<void>;
  retry(request: number): Promise<void>;
  chooseReader(request: number | null, reader: string): Promise<void>;
  moreTime(request: number): Promise<void>;
  card(task: CardTaskName): Promise<void>;
  /// Ends the task at work, or puts away what the last one came to.
  cancelCard(): Promise<void>;
  change(change: SettingChange): Promise<void>;
  /// Looks for the cause; at a portal too, if it is that of a request in the snapshot.
  diagnose(portal: string | null): Promise<void>;
  copyReport(): Promise<void>;
  /// Opens one of `guest.portals`.
  startGuest(portal: string): Promise<void>;
  endGuest(): Promise<void>;
  deleteHistory(): Promise<void>;
  /// Opens the system's dialog. What was chosen comes with the snapshot, and so do files that are dropped on the window.
  chooseDocuments(): Promise<void>;
  removeDocument(number: number): Promise<void>;
  placeDocuments(attached: boolean): Promise<void>;
  signDocuments(): Promise<void>;
  chooseReaderForDocuments(reader: string): Promise<void>;
  /// Ends the signing; without one, puts the documents and their results away.
  cancelDocuments(): Promise<void>;
  /// Shows the folder with the signature of that number.
  showSignature(number: number): Promise<void>;
  /// The holder has read `notice`.
  putNoticeAway(): Promise<void>;
  closeWindow(): Promise<void>;
}
