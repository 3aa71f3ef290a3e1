/// Everything by keyboard alone, and everything that changes is said.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import type { Snapshot } from "../src/backend";
import { textsIn } from "../src/texts";
import { asked, Browser, goSilent, open, push, show } from "./browser";
import { sample, states } from "./states";

interface Stop {
  readonly name: string;
  readonly ring: boolean;
  readonly seen: boolean;
}

/// Where the keyboard is.
const here = (page: Page): Promise<Stop> =>
  page.evaluate(() => {
    const element = document.activeElement ?? document.body;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const label = element.closest("label");
    const name = element.getAttribute("aria-label") ?? label?.innerText ?? (element as HTMLElement).innerText;
    return {
      name: element === document.body ? "" : name.trim(),
      ring: style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 3,
      seen: box.top > -1 && box.bottom < innerHeight + 1 && box.left >= 0 && box.right <= innerWidth,
    };
  });

const press = async (page: Page, action: string): Promise<void> => {
  for (let stops = 0; stops < 30; stops += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((wanted) => document.activeElement?.getAttribute("data-action") === wanted, action)) {
      assert.ok((await here(page)).ring, `${action} shows that the keyboard is at it`);
      await page.keyboard.press("Enter");
      return;
    }
  }
  assert.fail(`Tab does not lead to ${action}`);
};

const heading = (page: Page): Promise<string> => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");

const said = (page: Page): Promise<string> =>
  page.evaluate(() => [...document.querySelectorAll('[role="alert"], [role="status"]')].map((place) => place.textContent).join(" ").trim());

/// Waits until a question takes answers: not the one that was meant for the question before.
const attentive = (page: Page) =>
  page.waitForFunction(() => document.querySelector('[data-action="agree"]')?.getAttribute("aria-disabled") === "false");

let browser: Browser;
before(async () => {
  browser = await Browser.start();
});
after(() => browser.stop());

describe("keyboard", { concurrency: 2 }, () => {
  test("a sign-in, from the question to the closed window", async () => {
    const page = await browser.page();
    const texts = textsIn("be");
    await open(page, sample("ask-hand-over", "be"));
    assert.match(await heading(page), /portal\.example/);
    await attentive(page);
    await press(page, "agree");
    assert.deepEqual(await asked(page), ["agree(1)"]);
    const steps: readonly (readonly [string, string])[] = [
      ["insert-card", texts.request.insertCard],
      ["reading-card", texts.request.readingCard],
      ["asks-pin", texts.agent.pin],
      ["signing", texts.request.signing],
      ["done-closing", texts.request.done],
    ];
    for (const [name, title] of steps) {
      await push(page, sample(name, "be"));
      await page.waitForFunction((wanted) => document.activeElement?.textContent?.trim() === wanted, title);
      assert.equal(await page.title(), `${title} – Latchkey`);
    }
    await press(page, "close");
    await page.waitForFunction(() => stage.asked().length === 3);
    assert.deepEqual(await asked(page), ["agree(1)", "end(1)", "closeWindow()"]);
  });

  test("every screen: each stop has a name, a ring and stands in sight, and Tab comes round again", async () => {
    const page = await browser.page();
    const faults: string[] = [];
    for (const state of states) {
      await show(page, state, "be");
      let stops = 0;
      for (; stops < 60; stops += 1) {
        await page.keyboard.press("Tab");
        const stop = await here(page);
        if (stop.name === "") break;
        if (!stop.ring) faults.push(`${state.name}: no ring at ${stop.name}`);
        if (!stop.seen) faults.push(`${state.name}: ${stop.name} is out of sight`);
      }
      if (stops === 60) faults.push(`${state.name}: Tab does not come round`);
    }
    assert.deepEqual(faults, []);
  });

  test("an answer just after a question has come is none: it may be meant for what stood there before", async () => {
    const page = await browser.page();
    const at = sample("link-ask-host", "en");
    await open(page, at);
    for (const question of [at, sample("ask-hand-over", "en")]) {
      await push(page, question);
      const answers = ["agree", "not-now", "refuse"];
      await page.evaluate((actions) => {
        for (const action of actions) document.querySelector<HTMLElement>(`[data-action="${action}"]`)?.click();
      }, answers);
      assert.deepEqual(await asked(page), [], question.requests[0]?.phase.name);
      await attentive(page);
    }
    const other = sample("ask-hand-over", "en");
    await push(page, { ...other, requests: other.requests.map((request) => ({ ...request, id: request.id + 1 })) });
    await page.evaluate(() => document.querySelector<HTMLElement>('[data-action="agree"]')?.click());
    assert.deepEqual(await asked(page), []);
  });

  test("a group that may be left out of a ticket is left out by a click, or by the space bar", async () => {
    const page = await browser.page();
    const at = sample("ask-hand-over-ticket", "en");
    await open(page, at);
    const boxes = page.locator('input[type="checkbox"]');
    const lines = at.requests[0]?.disclosure?.optional ?? [];
    assert.deepEqual([await boxes.count(), lines.map(({ kept }) => kept)], [3, [true, true, true]]);
    await page.getByLabel(lines[1]?.line ?? "", { exact: true }).click();
    assert.deepEqual(await asked(page), ["keep(1, 1, false)"]);
    // The program says what is handed over now; the window shows that, and the question is still the same.
    const without = (place: number, now: Snapshot): Snapshot => ({
      ...now,
      requests: now.requests.map((request) => {
        if (request.disclosure === null) return request;
        const optional = request.disclosure.optional.map((one, at) => (at === place ? { ...one, kept: false } : one));
        return { ...request, disclosure: { ...request.disclosure, optional } };
      }),
    });
    await push(page, without(1, at));
    const kept = () => boxes.evaluateAll((all) => all.map((one) => (one as HTMLInputElement).checked));
    assert.deepEqual(await kept(), [true, false, true]);
    await boxes.nth(2).focus();
    await page.keyboard.press("Space");
    assert.deepEqual((await asked(page)).slice(-1), ["keep(1, 2, false)"]);
    await push(page, without(2, without(1, at)));
    assert.deepEqual(await kept(), [true, false, false]);
    await attentive(page);
    await press(page, "agree");
    assert.deepEqual((await asked(page)).slice(-1), ["agree(1)"]);
  });

  test("a terminal at work: what it does is said, of which site it is, and how far", async () => {
    const page = await browser.page();
    const texts = textsIn("en").request;
    const steps: readonly (readonly [string, string])[] = [
      ["terminal-asks-pin", texts.stepPin],
      ["terminal-asks-pin2", texts.stepPin],
      ["terminal-awaited", texts.stepTerminal],
      ["terminal-asks-consent", texts.stepTerminal],
      ["terminal-reading", texts.stepTerminal],
      ["terminal-signing", texts.stepTerminal],
    ];
    await open(page, sample("ask-hand-over-data", "en"));
    for (const [name, step] of steps) {
      await push(page, sample(name, "en"));
      await page.waitForFunction((wanted) => document.querySelector('[aria-current="step"]')?.textContent?.trim() === wanted, step);
      const shown = await page.evaluate(() => document.querySelector("main")?.innerText ?? "");
      assert.match(shown, /Terminal of portal\.example/, name);
      assert.doesNotMatch(shown, /[Ss]ign(ed)?[- ]in/, name);
    }
    assert.match(await page.evaluate(() => document.body.innerText), /The terminal has your card sign[^]*The city's terminal/);
    await push(page, sample("terminal-done", "en"));
    await page.waitForFunction((title) => document.activeElement?.textContent?.trim() === title, texts.doneTerminal);
    assert.equal(await page.locator('[aria-current="step"]').count(), 0);
    assert.doesNotMatch(await page.evaluate(() => document.body.innerText), /sign-in/);
  });

  test("Escape says: not now", async () => {
    const page = await browser.page();
    const expected: readonly (readonly [string, readonly string[]])[] = [
      ["ask-hand-over", ["end(1)"]],
      ["link-ask-host", ["end(1)"]],
      ["asks-pin", ["end(1)"]],
      ["insert-card", ["end(1)"]],
      ["failed-card-removed", ["end(1)"]],
      ["done", ["end(1)"]],
      ["card-asks-pin", ["cancelCard()"]],
      ["card-pin-changed", ["cancelCard()"]],
      ["card-usable", ["closeWindow()"]],
      ["guest-open", []],
    ];
    for (const [name, calls] of expected) {
      await open(page, sample(name, "en"));
      await page.keyboard.press("Escape");
      assert.deepEqual(await asked(page), calls, name);
    }
  });

  test("Escape leads back from a page within, and from a look for the cause to the failure", async () => {
    const page = await browser.page();
    await show(page, { name: "", sample: "settings", presses: ["section-settings", "settings-theme"] }, "en");
    await page.keyboard.press("Escape");
    assert.equal(await heading(page), "Settings");
    await open(page, sample("failed-card-service", "en"));
    const failure = await heading(page);
    await press(page, "diagnose");
    assert.deepEqual(await asked(page), ['diagnose("https://portal.example")']);
    await page.waitForFunction((was) => document.activeElement?.textContent?.trim() !== was, failure);
    await page.keyboard.press("Escape");
    assert.equal(await heading(page), failure);
  });

  test("a blocked PIN is mended from the sign-in that failed of it, and the sign-in goes on", async () => {
    const page = await browser.page();
    await open(page, sample("failed-pin-blocked", "en"));
    await press(page, "mend");
    await press(page, "begin");
    assert.deepEqual(await asked(page), ['card("unblock-with-new-pin")']);
    const failed = sample("failed-pin-blocked", "en");
    const result: Snapshot["card"]["result"] = { task: "unblock-with-new-pin", failure: null };
    await push(page, { ...failed, card: { ...failed.card, result } });
    await press(page, "sign-in-again");
    await page.waitForFunction(() => stage.asked().length === 3);
    assert.deepEqual((await asked(page)).slice(1), ["cancelCard()", "retry(1)"]);
  });

  test("what was asked to be seen is shown when the card says it, and forgotten with it", async () => {
    const page = await browser.page();
    await open(page, sample("card-usable", "en"));
    await push(page, sample("card-read", "en"));
    await page.waitForFunction(() => document.activeElement?.textContent?.trim() === "This is on your card");
    await push(page, sample("home-without-card", "en"));
    await page.waitForFunction(() => !document.body.innerText.includes("VYDUMANAYA"));
  });

  test("choices are made with the arrow keys, switches with the space bar", async () => {
    const page = await browser.page();
    await show(page, { name: "", sample: "settings", presses: ["section-settings", "settings-theme"] }, "en");
    await page.locator("input:checked").focus();
    await page.keyboard.press("ArrowDown");
    await show(page, { name: "", sample: "settings", presses: ["section-settings", "settings-pin-pad"] }, "en");
    await page.locator("input").focus();
    await page.keyboard.press("Space");
    assert.deepEqual((await asked(page)).slice(-1), ['change({"name":"pinPad","value":true})']);
  });
});

describe("what changes is said", { concurrency: 2 }, () => {
  test("time that runs out, with a way to more", async () => {
    const page = await browser.page();
    await open(page, sample("asks-pin-hurry", "en"));
    assert.match(await said(page), /30 seconds left\. After that the request ends by itself/);
    await press(page, "more-time");
    assert.deepEqual(await asked(page), ["moreTime(1)"]);
  });

  test("another page that asks", async () => {
    const page = await browser.page();
    await open(page, sample("ask-hand-over", "en"));
    await push(page, sample("queue", "en"));
    await page.waitForFunction(() => document.querySelector('[role="status"]')?.textContent !== "");
    assert.match(await said(page), /Also waiting/);
  });

  test("a report that was copied, and a program that does not answer", async () => {
    const page = await browser.page();
    await show(page, { name: "", sample: "doctor-bad", presses: ["section-check"] }, "en");
    await press(page, "copy");
    await page.waitForFunction(() => document.querySelector('[role="status"]')?.textContent?.startsWith("Copied"));
    await goSilent(page);
    await press(page, "copy");
    await page.waitForFunction(() => document.querySelector(".silent") !== null);
    assert.match(await said(page), /does not answer/);
  });

  test("language and theme follow the program at once", async () => {
    const page = await browser.page();
    await open(page, sample("settings", "en"));
    const other = sample("settings", "be");
    await push(page, { ...other, settings: { ...other.settings, theme: "dark" } });
    await page.waitForFunction(() => document.documentElement.lang === "be");
    const theme = await page.evaluate(() => [document.documentElement.dataset["theme"], getComputedStyle(document.body).colorScheme]);
    assert.deepEqual(theme, ["dark", "dark"]);
  });
});
