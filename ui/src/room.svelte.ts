/// What all screens share: what the program says, where the holder is in the window, and how he acts.

import { getContext, setContext } from "svelte";
import type { Backend, Language, Snapshot } from "./backend";
import { type Page, screenOf } from "./screen";
import { textsIn } from "./texts";

const place = Symbol("room");

export class Room {
  readonly backend: Backend;
  #snapshot: Snapshot = $state.raw() as Snapshot;
  #page: Page = $state.raw({ at: "card" });
  #aside: Page | null = $state.raw(null);
  /// What is said to those who listen to the page, besides the heading of each screen.
  announcement: string = $state("");
  /// The program could not be asked.
  silent: boolean = $state(false);

  readonly screen = $derived.by(() => screenOf(this.#snapshot, this.#page, this.#aside));
  readonly language: Language = $derived.by(() => this.#snapshot.language);
  readonly texts = $derived.by(() => textsIn(this.language));

  constructor(backend: Backend, snapshot: Snapshot) {
    this.backend = backend;
    this.#snapshot = snapshot;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  get page(): Page {
    return this.#aside ?? this.#page;
  }

  hear(snapshot: Snapshot): void {
    const [before] = this.#snapshot.requests;
    const [now] = snapshot.requests;
    if (before?.id !== now?.id || now?.phase.name !== "failed") this.#aside = null;
    if (snapshot.requests.length > this.#snapshot.requests.length && before) {
      this.announcement = textsIn(snapshot.language).request.others;
    }
    // What the holder asked to see is shown as soon as the card has said it.
    if (this.#snapshot.card.contents === null && snapshot.card.contents !== null) this.#page = { at: "contents" };
    // Files that were dropped on whatever page was open.
    if (this.#snapshot.documents.files.length === 0 && snapshot.documents.files.length > 0) {
      this.#page = { at: "documents" };
    }
    this.#snapshot = snapshot;
  }

  /// Goes to a page; from a failed request, without leaving it.
  go(page: Page): void {
    this.announcement = "";
    if (this.#snapshot.requests.length > 0) this.#aside = page;
    else this.#page = page;
  }

  /// Whether there is somewhere to go back to.
  get deep(): boolean {
    return this.#aside !== null || this.#before() !== null;
  }

  back(): void {
    this.announcement = "";
    if (this.#aside !== null) this.#aside = null;
    else this.#page = this.#before() ?? { at: "card" };
  }

  /// Does what the holder asked for; tells if the program could not be asked.
  act(action: (backend: Backend) => Promise<void>): void {
    action(this.backend).then(
      () => {
        this.silent = false;
      },
      () => {
        this.silent = true;
      },
    );
  }

  #before(): Page | null {
    switch (this.#page.at) {
      case "contents":
      case "task":
        return { at: "card" };
      case "settings":
        return this.#page.section === null ? null : { at: "settings", section: null };
      case "first-steps":
      case "no-reader":
      case "lost":
      case "guest":
      case "about":
        return { at: "help" };
      default:
        return null;
    }
  }
}

export const share = (room: Room): Room => setContext(place, room);

export const useRoom = (): Room => getContext<Room>(place);
