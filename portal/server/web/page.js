// SPDX-License-Identifier: Apache-2.0
// @ts-check
//
// The portal's own page: signs in through the program, shows in the page's words how far it is, and what came of it.
// Without this script the page offers the link and the command instead.

import { cardRemoved, readByTerminal, signIn } from "/latchkey-sign-in.js";

/** Remembers for the next page of this tab which request signed in, so that the card can be watched there. */
const REQUEST = "latchkey-request";

const main = find(document, "main", HTMLElement);
const port = Number(main.dataset.clientPort);
/** Where the visitor goes on when he is signed in: to the site that asked, if one did. */
const next = main.dataset.next ?? "/";

if (main.dataset.page === "signed-out") offerSignIn();
if (main.dataset.page === "signed-in") watchCard();
if (main.dataset.page === "link") lookForSession();

function offerSignIn() {
  const state = find(main, "#state", HTMLElement);
  const go = find(main, "#go", HTMLButtonElement);
  const cancel = find(main, "#cancel", HTMLButtonElement);
  /** @type {AbortController | undefined} */
  let attempt;
  /** @type {((goOn: boolean) => void) | undefined} */
  let decide;
  go.hidden = false;
  const otherWays = main.querySelector("#other-ways");
  openOtherWays(false);

  go.addEventListener("click", () => (decide ? decide(true) : begin()));
  cancel.addEventListener("click", () => {
    decide?.(false);
    attempt?.abort();
  });

  async function begin() {
    attempt?.abort();
    const mine = (attempt = new AbortController());
    const isMine = () => attempt === mine && !mine.signal.aborted;
    /** @returns {Promise<boolean>} */
    const explain = () =>
      new Promise((settle) => {
        decide = (goOn) => ((decide = undefined), settle(goOn));
        show("explain");
      });
    /** @type {NonNullable<import("./latchkey-sign-in.d.ts").Options["onProgress"]>} */
    const onProgress = ({ phase }) => {
      if (isMine()) show(phase);
    };
    try {
      if (main.dataset.byTerminal !== undefined) return await read({ port, explain, onProgress, signal: mine.signal });
      /** @type {string | undefined} */
      let assertionPath;
      const outcome = await signIn({
        port,
        portalName: main.dataset.portalName,
        signal: mine.signal,
        explain,
        onProgress,
        challenge: async () => {
          const issued = await call("/api/v1/challenges", {}, mine.signal);
          assertionPath = issued.assertionPath;
          return issued.challenge;
        },
      });
      await finish(outcome, mine, () => assertionPath);
    } catch (error) {
      if (attempt !== mine) return;
      if (mine.signal.aborted) show("taken-back");
      else await fail(error);
    }
  }

  /**
   * The portal's own terminal reads the card.
   * @param {Required<Pick<import("./latchkey-sign-in.d.ts").TerminalOptions, "port" | "explain" | "onProgress" | "signal">>} options
   */
  async function read(options) {
    let request = "";
    const outcome = await readByTerminal({
      ...options,
      request: async () => (request = (await call("/authorize/card/request", {}, options.signal)).request),
      begin: (certhat) => call("/authorize/card/begin", { request, certhat }, options.signal),
      step: (hreq, card_response) => call("/authorize/card/step", { hreq, card_response }, options.signal),
    });
    if (options.signal.aborted) return show("taken-back");
    if (outcome.code === "read") return location.replace(next);
    if (outcome.code === "client-refused") return refusedByProgram(outcome.reason);
    show(outcome.code);
  }

  /** @param {string} reason */
  function refusedByProgram(reason) {
    show(main.querySelector(`#states [data-reasons~="${reason}"]`) ?? "client-refused", reason);
  }

  /**
   * @param {import("./latchkey-sign-in.d.ts").Outcome} outcome
   * @param {AbortController} mine
   * @param {() => string | undefined} assertionPath
   */
  async function finish(outcome, mine, assertionPath) {
    if (attempt !== mine) return;
    if (outcome.code === "signed") {
      show("presenting");
      await call(String(assertionPath()), outcome.assertion, mine.signal);
      remember(outcome.requestId);
      location.replace(next);
      return;
    }
    if (outcome.code === "client-refused") return refusedByProgram(outcome.reason);
    show(outcome.code);
    if (outcome.code === "not-running" && outcome.retried) {
      await finish(await outcome.retried, mine, assertionPath);
    }
  }

  /** Where nothing but the terminal serves there are no other ways. @param {boolean} open */
  function openOtherWays(open) {
    if (otherWays instanceof HTMLDetailsElement) otherWays.open = open;
  }

  /** @param {unknown} error */
  async function fail(error) {
    if (!(error instanceof Refusal)) return show("portal-unreachable");
    show("portal-refused", error.code);
    const answer = await fetch(`/refusals/${error.code}`).catch(() => null);
    if (!answer?.ok) return;
    const words = await answer.json();
    find(state, "h2", HTMLElement).textContent = words.whatHappened;
    find(state, "p", HTMLElement).textContent = words.whatToDo;
  }

  /**
   * Shows a state in the page's words. What can be pressed stays where it is, so that the keyboard's place is kept.
   * @param {string | Element} which
   * @param {string} [code]
   */
  function show(which, code) {
    const found = typeof which === "string" ? main.querySelector(`#states [data-state="${which}"]`) : which;
    if (!(found instanceof HTMLTemplateElement)) return;
    const hadFocus = document.activeElement;
    state.replaceChildren(found.content.cloneNode(true));
    state.dataset.tone = found.dataset.tone;
    state.dataset.shown = found.dataset.state;
    const shownCode = state.querySelector("code");
    if (shownCode && code) shownCode.textContent = code;
    find(main, "#welcome", HTMLElement).hidden = true;
    go.hidden = !found.dataset.action;
    go.textContent = found.dataset.action || go.textContent;
    cancel.hidden = found.dataset.cancel === undefined;
    openOtherWays(found.dataset.otherWays !== undefined);
    if ((hadFocus === go && go.hidden) || (hadFocus === cancel && cancel.hidden)) {
      (go.hidden ? (cancel.hidden ? state : cancel) : go).focus();
    }
  }
}

/** A guest's session ends when the card that signed in is taken out. */
async function watchCard() {
  const requestId = recall();
  if (!requestId || !(await cardRemoved({ requestId, port }))) return;
  remember(null);
  await fetch("/api/v1/session", { method: "DELETE" }).catch(() => null);
  const ended = find(main, "template[data-state=ended]", HTMLTemplateElement);
  main.replaceChildren(ended.content.cloneNode(true));
  const title = find(main, "h1", HTMLElement);
  document.title = title.textContent ?? "";
  title.focus();
}

/** A sign-in by link ends in another tab of this browser; whoever comes back to this one finds himself signed in. */
function lookForSession() {
  document.addEventListener("visibilitychange", async () => {
    if (document.visibilityState !== "visible") return;
    const session = await fetch("/api/v1/session").catch(() => null);
    if (session?.ok) location.replace(next);
  });
}

/** What the portal refused, by its stable code. */
class Refusal extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/**
 * @param {string} path
 * @param {object} body
 * @param {AbortSignal} signal
 */
async function call(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal });
  const said = await answer.json();
  if (!answer.ok) throw new Refusal(/^[a-z0-9-]{1,64}$/.test(said.code) ? said.code : "internal-error");
  return said;
}

/** @param {string | null} requestId */
function remember(requestId) {
  try {
    if (requestId) sessionStorage.setItem(REQUEST, requestId);
    else sessionStorage.removeItem(REQUEST);
  } catch {
    // Without a place to remember it, nobody watches the card.
  }
}

function recall() {
  try {
    return sessionStorage.getItem(REQUEST);
  } catch {
    return null;
  }
}

/**
 * @template {Element} T
 * @param {ParentNode} place
 * @param {string} selector
 * @param {new () => T} kind
 * @returns {T}
 */
function find(place, selector, kind) {
  const found = place.querySelector(selector);
  if (found instanceof kind) return found;
  throw new TypeError(`the page has no ${selector}`);
}
