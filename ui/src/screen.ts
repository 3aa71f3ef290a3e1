/// Which screen the window shows: one at a time, a function of the snapshot and of where the holder went in the window.

import type { CardTaskName, Phase, PortalRequest, RequestKind, Snapshot } from "./backend";

export type SettingsSection = "language" | "theme" | "starting" | "pin-pad" | "sites" | "proxy" | "history";

/// Where the holder can go by himself.
export type Page =
  | { readonly at: "card" }
  | { readonly at: "contents" }
  | { readonly at: "documents" }
  | { readonly at: "task"; readonly task: CardTaskName }
  | { readonly at: "lost" }
  | { readonly at: "check"; readonly portal: string | null }
  | { readonly at: "settings"; readonly section: SettingsSection | null }
  | { readonly at: "help" }
  | { readonly at: "first-steps" }
  | { readonly at: "no-reader" }
  | { readonly at: "guest" }
  | { readonly at: "about" };

export type Screen =
  | { readonly name: "work"; readonly task: CardTaskName; readonly phase: Phase }
  | { readonly name: "result"; readonly task: CardTaskName }
  | { readonly name: "request"; readonly request: PortalRequest }
  | { readonly name: "guest-open" }
  | { readonly name: "page"; readonly page: Page };

/// `aside` is where the holder went from a request that failed, to look for the cause or to mend it.
export const screenOf = (snapshot: Snapshot, page: Page, aside: Page | null): Screen => {
  const { card, guest } = snapshot;
  const [request] = snapshot.requests;
  if (card.task !== null && card.phase !== null && card.task !== "look") {
    return { name: "work", task: card.task, phase: card.phase };
  }
  if (card.result !== null && card.result.task !== "look") return { name: "result", task: card.result.task };
  if (request) {
    const stays = aside !== null && request.phase.name === "failed";
    return stays ? { name: "page", page: aside } : { name: "request", request };
  }
  if (guest.phase !== "off") return { name: "guest-open" };
  if (page.at === "contents" && card.contents === null) return { name: "page", page: { at: "card" } };
  if (page.at === "task" && card.status === null) return { name: "page", page: { at: "card" } };
  return { name: "page", page };
};

/// Changes when the screen does: then the reading position goes to the new heading.
export const screenKey = (screen: Screen): string => {
  switch (screen.name) {
    case "work":
      return `work ${screen.task} ${phaseKey(screen.phase)}`;
    case "result":
      return `result ${screen.task}`;
    case "request":
      return `request ${screen.request.id} ${phaseKey(screen.request.phase)}`;
    case "guest-open":
      return "guest-open";
    case "page":
      return Object.values(screen.page).join(" ");
  }
};

const phaseKey = (phase: Phase): string => {
  switch (phase.name) {
    case "agent-asks":
      return `${phase.name} ${phase.secret}`;
    case "failed":
      return `${phase.name} ${phase.failure.code}`;
    case "terminal-at-work":
      return `${phase.name} ${phase.work}`;
    default:
      return phase.name;
  }
};

/// What a site asks for.
export const kindOf = ({ documents, disclosure }: PortalRequest): RequestKind =>
  disclosure !== null ? "terminal" : documents.length > 0 ? "documents" : "sign-in";

/// What people read of an origin: the host, and the port if it is not the usual one.
export const hostOf = (origin: string): string => origin.replace(/^https:\/\//, "");
