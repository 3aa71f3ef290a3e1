/// The window over a program that only remembers what it was asked for. Tests say what it shows.

import { mount, unmount } from "svelte";
import "../../src/base.css";
import type { Backend, Snapshot } from "../../src/backend";
import Window from "../../src/Window.svelte";

/// What tests do with the page.
export interface Stage {
  /// Opens the window anew.
  open(snapshot: Snapshot): Promise<void>;
  /// The program says something new to the window that is open.
  push(snapshot: Snapshot): void;
  /// What the window asked for since it was opened, such as `agree(7)`.
  asked(): readonly string[];
  /// Whether the program answers.
  answers: boolean;
}

const place = document.getElementById("window");
if (!place) throw new Error("the page has no place for the window");

let current: Snapshot;
let hear: (snapshot: Snapshot) => void = () => {};
let calls: string[] = [];
let shown: Record<string, unknown> | null = null;

const remember = (name: string) =>
  (...parameters: readonly unknown[]): Promise<void> => {
    calls.push(`${name}(${parameters.map((parameter) => JSON.stringify(parameter)).join(", ")})`);
    return stage.answers ? Promise.resolve() : Promise.reject(new Error("the program does not answer"));
  };

const backend: Backend = {
  snapshot: () => Promise.resolve(current),
  listen: (changed) => {
    hear = changed;
    return Promise.resolve(() => {});
  },
  agree: remember("agree"),
  keep: remember("keep"),
  refuse: remember("refuse"),
  keepOpen: remember("keepOpen"),
  end: remember("end"),
  retry: remember("retry"),
  chooseReader: remember("chooseReader"),
  moreTime: remember("moreTime"),
  card: remember("card"),
  cancelCard: remember("cancelCard"),
  change: remember("change"),
  deleteHistory: remember("deleteHistory"),
  diagnose: remember("diagnose"),
  copyReport: remember("copyReport"),
  startGuest: remember("startGuest"),
  endGuest: remember("endGuest"),
  chooseDocuments: remember("chooseDocuments"),
  removeDocument: remember("removeDocument"),
  placeDocuments: remember("placeDocuments"),
  signDocuments: remember("signDocuments"),
  chooseReaderForDocuments: remember("chooseReaderForDocuments"),
  cancelDocuments: remember("cancelDocuments"),
  showSignature: remember("showSignature"),
  putNoticeAway: remember("putNoticeAway"),
  closeWindow: remember("closeWindow"),
};

const stage: Stage = {
  answers: true,
  async open(snapshot) {
    if (shown) await unmount(shown);
    calls = [];
    stage.answers = true;
    current = snapshot;
    shown = mount(Window, { target: place, props: { backend, first: snapshot } });
    await new Promise((resolve) => requestAnimationFrame(resolve));
  },
  push(snapshot) {
    current = snapshot;
    hear(snapshot);
  },
  asked: () => calls,
};

Object.assign(globalThis, { stage });
