// SPDX-License-Identifier: Apache-2.0
// @ts-check
//
// Signs in with an ID card, and signs documents with it, from a portal's page, through the Latchkey program on the
// visitor's computer. No dependencies, no words: what happens is told in codes, and the page says it in its visitor's
// language.
// The types beside this file document the interface.
//
// Browsers ask the visitor before a public page may call a program on his own computer. What they then tell the page is
// always the same failure; only the permission's state, asked for before and afresh after each failure, tells the cases
// apart. Hence the order in here.

/** @typedef {import("./latchkey-sign-in.d.ts").Options} Options */
/** @typedef {import("./latchkey-sign-in.d.ts").Outcome} Outcome */
/** @typedef {import("./latchkey-sign-in.d.ts").Progress} Progress */
/** @typedef {import("./latchkey-sign-in.d.ts").Reached} Reached */
/** @typedef {import("./latchkey-sign-in.d.ts").SignOptions} SignOptions */
/** @typedef {import("./latchkey-sign-in.d.ts").SignOutcome} SignOutcome */
/** @typedef {import("./latchkey-sign-in.d.ts").SignedDocument} SignedDocument */
/** @typedef {import("./latchkey-sign-in.d.ts").Watch} Watch */

/** Where the program listens unless an administrator has decided otherwise. */
export const DEFAULT_PORT = 8084;

/** A port that nobody listens on refuses at once; Windows tries for about two seconds. A call that takes longer waits for
 * the visitor's answer to the browser's question. */
const REFUSED_WITHIN = navigator.userAgent.includes("Windows") ? 2500 : 700;
/** How long a program that runs may take to say that it does. */
const ANSWERED_WITHIN = 10_000;
/** A question that is answered later than this was held open. */
const HELD_FROM = 3000;
/** How long to wait where there is nothing to wait for, so that a fault does not become a storm. */
const PAUSE = 1000;

/**
 * Signs in. Call it from a click.
 * @param {Options} options
 * @returns {Promise<Outcome>}
 */
export async function signIn(options) {
  const { challenge } = options;
  // Asked for as late as this, so that it does not grow old while the visitor reads and decides.
  const body = async () => ({ challenge: typeof challenge === "function" ? await challenge() : challenge });
  return /** @type {Promise<Outcome>} */ (until(options, "sign-in", body, signedIn));
}

/**
 * Has documents signed. Call it from a click.
 * @param {readonly Blob[] | FileList} files
 * @param {SignOptions} [options]
 * @returns {Promise<SignOutcome>}
 */
export async function sign(files, options = {}) {
  const body = async () => {
    const documents = [];
    for (const file of files) {
      documents.push({ name: "name" in file && file.name ? file.name : "document", contents: await base64(file) });
    }
    return { documents, placement: options.placement ?? "detached" };
  };
  return /** @type {Promise<SignOutcome>} */ (until(options, "sign", body, signed));
}

/**
 * Has a terminal read the card. Call it from a click.
 * @param {import("./latchkey-sign-in.d.ts").TerminalOptions} options
 * @returns {Promise<import("./latchkey-sign-in.d.ts").TerminalOutcome>}
 */
export async function readByTerminal({ port, explain, onProgress, signal, request, begin, step }) {
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  addEventListener("pagehide", leave);
  const stop = signal ? AbortSignal.any([signal, leaving.signal]) : leaving.signal;
  const reached = await probe({ port, explain, onProgress, signal: stop });
  if (reached.code !== "running") return reached;
  const relay = `${new URL(reached.base).origin}/api/v1/terminal_proxy`;
  try {
    const body = { request: await request() };
    onProgress?.({ phase: "asking-holder" });
    const opened = await told(`${reached.base}/ticket`, body, stop);
    onProgress?.({ phase: "reading" });
    const { hreq, ...first } = await begin(opened.certhat);
    let answer = await told(`${relay}_bauth_init`, { ...first, is_bilateral: true }, stop);
    for (;;) {
      const { next, ...command } = await step(hreq, answer.card_response);
      if (next === "done") return { code: "read" };
      answer = await told(`${relay}_${next === "authenticate" ? "bauth" : "command"}`, command, stop);
    }
  } catch (error) {
    if (stop.aborted) return { code: "taken-back" };
    if (!(error instanceof Refused)) throw error;
    if (error.message) return { code: "client-refused", reason: error.message };
    return { code: (await permission()) === "denied" ? "denied" : "connection-lost" };
  } finally {
    removeEventListener("pagehide", leave);
    // The card is free at once; without this it is so a little later.
    post(`${reached.base}/terminal/close`, {}, { keepalive: true }).catch(() => null);
  }
}

/** The program said no, for a reason with a stable code, or nothing at all. */
class Refused extends Error {}

/** @type {(address: string, body: object, signal: AbortSignal) => Promise<any>} */
async function told(address, body, signal) {
  const answer = await post(address, body, { signal }).catch(() => null);
  if (!answer?.ok) throw new Refused(answer ? await reasonOf(answer) : "");
  return answer.json();
}

/**
 * What the program answered to a sign-in.
 * @param {any} answer
 * @param {string} requestId
 */
const signedIn = ({ assertion }, requestId) => (isObject(assertion) ? { code: "signed", assertion, requestId } : null);

/**
 * What the program answered to documents.
 * @param {any} answer
 * @param {string} requestId
 */
function signed({ documents }, requestId) {
  /** @param {any} document @returns {SignedDocument | null} */
  const read = ({ signature, code }) => {
    if (typeof signature === "string") {
      return { signature: Uint8Array.from(atob(signature), (character) => character.charCodeAt(0)) };
    }
    return isCode(code) ? { reason: code } : null;
  };
  const results = Array.isArray(documents) && documents.every(isObject) ? documents.map(read) : [null];
  return results.includes(null) ? null : { code: "signed", documents: results, requestId };
}

/** @param {Blob} contents */
const base64 = (contents) =>
  new Promise((settle, fail) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => settle(String(reader.result).split(",")[1] ?? ""));
    reader.addEventListener("error", () => fail(reader.error));
    reader.readAsDataURL(contents);
  });

/**
 * Asks the program for something, once more if the browser's permission comes late.
 * @param {SignOptions} options
 * @param {string} operation
 * @param {() => Promise<object>} body
 * @param {(answer: any, requestId: string) => object | null} read
 */
async function until(options, operation, body, read) {
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  addEventListener("pagehide", leave);
  const stop = options.signal ? AbortSignal.any([options.signal, leaving.signal]) : leaving.signal;
  const once = () => attempt(options, operation, body, read, stop);
  const outcome = await once().finally(() => removeEventListener("pagehide", leave));
  if (outcome.code !== "not-running" || (await permission()) !== "prompt") return outcome;
  // The browser may be asking at this very moment, too late for the call that has failed.
  const retried = granted(stop).then((isGranted) => (isGranted ? once() : { code: "taken-back" }));
  return { ...outcome, retried };
}

/**
 * Finds out whether the program runs. Call it from a click: the browser may ask the visitor.
 * @param {Pick<Options, "port" | "explain" | "onProgress" | "signal">} [options]
 * @returns {Promise<Reached>}
 */
export async function probe({ port = DEFAULT_PORT, explain, onProgress, signal } = {}) {
  if ((await permission()) === "prompt" && (await explain?.()) === false) return { code: "taken-back" };
  const stop = signal ?? new AbortController().signal;
  onProgress?.({ phase: "connecting" });
  /** @type {Reached} */
  let reached = { code: "not-running" };
  for (const base of addresses(port)) {
    reached = await ask(base, onProgress, stop);
    if (reached.code !== "not-running") return reached;
  }
  // Whoever may call and is not let read the answer learns here whether somebody listens at all.
  if ((await permission()) !== "prompt") {
    for (const base of addresses(port)) {
      const listens = await fetch(`${base}/status`, { ...PLAIN, ...BLIND, signal: stop }).catch(() => null);
      if (listens) return { code: "other-program" };
    }
  }
  return stop.aborted ? { code: "taken-back" } : reached;
}

/**
 * On computers for guests the program tells when the card that signed in is taken out.
 * @param {Watch} watch
 * @returns {Promise<boolean>}
 */
export async function cardRemoved({ requestId, port = DEFAULT_PORT, signal }) {
  let base = "";
  let failures = 0;
  while (!signal?.aborted && failures < 3) {
    for (const address of base ? [base] : addresses(port)) {
      const started = performance.now();
      const answer = await post(`${address}/requests/${requestId}/card-removed`, {}, { signal }).catch(() => null);
      if (answer?.ok) return (await answer.json()).endSession === true;
      // A program that held the question open did watch the card. If it knows nothing of it now, nobody does; the browser
      // may have asked a second time by itself.
      const wasHeld = performance.now() - started > HELD_FROM;
      if (answer) return base !== "" || wasHeld;
      if (wasHeld) [base, failures] = [address, 0];
    }
    if (!base) return false;
    failures += 1;
    await pause(PAUSE, signal);
  }
  return !signal?.aborted;
}

/**
 * @param {SignOptions} options
 * @param {string} operation
 * @param {() => Promise<object>} body
 * @param {(answer: any, requestId: string) => object | null} read
 * @param {AbortSignal} stop
 * @returns {Promise<{ code: string }>}
 */
async function attempt({ portalName, port, explain, onProgress }, operation, body, read, stop) {
  const reached = await probe({ port, explain, onProgress, signal: stop });
  if (reached.code !== "running") return reached;
  const requestId = crypto.randomUUID();
  const wish = { requestId, portalName, ...(await body()) };
  if (stop.aborted) return { code: "taken-back" };
  const done = new AbortController();
  follow(reached.base, requestId, onProgress, AbortSignal.any([stop, done.signal]));
  try {
    const answer = await post(`${reached.base}/${operation}`, wish, { signal: stop });
    if (!answer.ok) return /** @type {any} */ ({ code: "client-refused", reason: await reasonOf(answer) });
    const json = await answer.json();
    return /** @type {any} */ ((isObject(json) ? read(json, requestId) : null) ?? { code: "other-program" });
  } catch {
    if (stop.aborted) {
      // The connection that breaks off says the same; this one also arrives through whatever stands between.
      post(`${reached.base}/requests/${requestId}/cancel`, {}, { keepalive: true }).catch(() => null);
      return { code: "taken-back" };
    }
    return { code: (await permission()) === "denied" ? "denied" : "connection-lost" };
  } finally {
    done.abort();
  }
}

/**
 * One question whether the program runs. While the visitor is being asked by the browser it takes as long as he does.
 * @param {string} base
 * @param {((progress: Progress) => void) | undefined} onProgress
 * @param {AbortSignal} stop
 * @returns {Promise<Reached>}
 */
async function ask(base, onProgress, stop) {
  const silence = new AbortController();
  const listening = new AbortController();
  const status = await permissionStatus();
  let isAsked = false;
  /** @type {number[]} */
  const timers = [];
  const expectAnswer = () => timers.push(setTimeout(() => silence.abort(), ANSWERED_WITHIN));
  if (status?.state === "prompt") {
    timers.push(setTimeout(() => ((isAsked = true), onProgress?.({ phase: "permission-asked" })), REFUSED_WITHIN));
    const answered = () => status.state !== "prompt" && (onProgress?.({ phase: "connecting" }), expectAnswer());
    status.addEventListener("change", answered, { signal: listening.signal });
  } else {
    expectAnswer();
  }
  try {
    const signal = AbortSignal.any([stop, silence.signal]);
    const answer = await fetch(`${base}/status`, { ...PLAIN, signal });
    if (!answer.ok) return { code: "client-refused", reason: await reasonOf(answer) };
    const { program, api } = await answer.json();
    const isLatchkey = program === "latchkey" && Array.isArray(api) && api.includes("v1");
    return isLatchkey ? { code: "running", base } : { code: "other-program" };
  } catch (error) {
    if (stop.aborted) return { code: "taken-back" };
    if (silence.signal.aborted) return { code: "no-answer" };
    if (error instanceof SyntaxError) return { code: "other-program" };
    const now = await permission();
    if (now === "denied") return { code: "denied" };
    return { code: now === "prompt" && isAsked ? "dismissed" : "not-running" };
  } finally {
    listening.abort();
    timers.forEach(clearTimeout);
  }
}

/**
 * Tells how the request goes, as long as the program says so. It is for show: if it fails, the sign-in goes on.
 * @param {string} base
 * @param {string} requestId
 * @param {((progress: Progress) => void) | undefined} onProgress
 * @param {AbortSignal} signal
 */
async function follow(base, requestId, onProgress, signal) {
  let after = -1;
  for (let failures = 0; onProgress && !signal.aborted && failures < 5; ) {
    try {
      const news = after < 0 ? "" : `?after=${after}`;
      const answer = await fetch(`${base}/requests/${requestId}/progress${news}`, { ...PLAIN, signal });
      const { step, phase } = await answer.json();
      if (!answer.ok) throw new RangeError("the request is not known yet");
      failures = 0;
      if (step > after && PHASES.includes(phase) && !signal.aborted) onProgress({ phase });
      else await pause(PAUSE, signal);
      after = Math.max(after, step);
    } catch {
      failures += 1;
      await pause(PAUSE / 4, signal);
    }
  }
}

/** @type {Progress["phase"][]} */
const PHASES = ["waiting-in-line", "asking-holder", "card", "signing", "done"];

/** @type {RequestInit} */
const PLAIN = { cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer", redirect: "error" };

/** Tells only whether somebody listens. @type {RequestInit} */
const BLIND = { mode: "no-cors", redirect: "follow" };

/** @param {number} port */
const addresses = (port) => [`http://127.0.0.1:${port}/latchkey/v1`, `http://[::1]:${port}/latchkey/v1`];

/**
 * @param {string} address
 * @param {object} body
 * @param {RequestInit} init
 */
const post = (address, body, init) =>
  fetch(address, {
    ...PLAIN,
    ...init,
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

/**
 * The stable code that the program gives as its reason.
 * @param {Response} answer
 */
async function reasonOf(answer) {
  const body = await answer.json().catch(() => null);
  const code = isObject(body) ? body.code : null;
  return isCode(code) ? code : "unknown";
}

/** @param {unknown} code @returns {code is string} */
const isCode = (code) => typeof code === "string" && /^[a-z0-9-]{1,64}$/.test(code);

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** The permission to call this computer; none in browsers that ask for none. */
async function permissionStatus() {
  for (const name of ["loopback-network", "local-network-access"]) {
    try {
      return await navigator.permissions.query({ name: /** @type {PermissionName} */ (name) });
    } catch {
      // A name that this browser does not know.
    }
  }
  return null;
}

const permission = async () => (await permissionStatus())?.state ?? "none";

/**
 * Waits until the visitor gives the permission; false if `stop` comes first.
 * @param {AbortSignal} stop
 * @returns {Promise<boolean>}
 */
async function granted(stop) {
  const status = await permissionStatus();
  if (!status || stop.aborted) return false;
  return new Promise((settle) => {
    const look = () => status.state === "granted" && settle(true);
    status.addEventListener("change", look, { signal: stop });
    stop.addEventListener("abort", () => settle(false));
    look();
  });
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
const pause = (milliseconds, signal) =>
  new Promise((settle) => {
    const timer = setTimeout(settle, milliseconds);
    signal?.addEventListener("abort", () => (clearTimeout(timer), settle()));
  });
