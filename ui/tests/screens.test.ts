/// Every screen and state, in every language, light and dark: usable by everyone, nothing cut off, and as a picture.

import assert from "node:assert/strict";
import { readFile, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { Browser, enlarge, least, open, screenshots, show, usual } from "./browser";
import { failed, failures, languages, sample, states } from "./states";
import { contactSheet, type Shot } from "./sheet";

type Scheme = "light" | "dark";

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly target: readonly unknown[]; readonly failureSummary?: string }[];
}

declare const axe: {
  run(context: Document, options: unknown): Promise<{ readonly violations: readonly Violation[] }>;
};

const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const audit = async (page: Page, options: unknown): Promise<readonly string[]> => {
  const found = await page.evaluate(async (given) => (await axe.run(document, given)).violations, options);
  return found.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} ${target.join(" ")} ${failureSummary ?? ""}`));
};

/// What breaks a rule; all are looked at but these.
const violations = (page: Page, without: readonly string[]): Promise<readonly string[]> =>
  audit(page, {
    resultTypes: ["violations"],
    rules: Object.fromEntries(without.map((rule) => [rule, { enabled: false }])),
  });

/// What breaks one of these rules.
const violationsOf = (page: Page, rules: readonly string[]): Promise<readonly string[]> =>
  audit(page, { resultTypes: ["violations"], runOnly: { type: "rule", values: rules } });

/// What does not fit: a page wider than the window, text that is wider than its box or stands over other text.
const misfits = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() => {
    const found: string[] = [];
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > width) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
    const hidden = (element: Element): boolean => element.closest(".unseen, svg, pre") !== null;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      const text = node.textContent?.trim() ?? "";
      if (!element || text === "" || hidden(element)) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const box of range.getClientRects()) {
        if (box.left < -0.5 || box.right > width + 0.5) found.push(`“${text}” leaves the window`);
        const button = element.closest("button, label, .badge, .panel, .card")?.getBoundingClientRect();
        if (button && (box.left < button.left - 0.5 || box.right > button.right + 0.5 || box.bottom > button.bottom + 0.5)) {
          found.push(`“${text}” leaves its box`);
        }
      }
      // A word may break where it says so, an address and a file's path anywhere.
      if (!element.closest(".host, .data, code, dd")) {
        for (const { 0: word, index } of (node.textContent ?? "").matchAll(/[^\s\u00ad-]+/g)) {
          if (word.includes("/")) continue;
          range.setStart(node, index);
          range.setEnd(node, index + word.length);
          const tops = [...range.getClientRects()].map(({ top }) => Math.round(top));
          if (new Set(tops).size > 1) found.push(`“${word}” is broken`);
        }
      }
      const style = getComputedStyle(element);
      if (style.overflow !== "visible" && element.scrollWidth > element.clientWidth + 1) found.push(`“${text}” is cut off`);
    }
    return found;
  });

/// Anything to type into. Digits typed into this window go nowhere, and must have nowhere to go.
const editable = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      document.querySelectorAll(
        'input:not([type="radio"], [type="checkbox"]), textarea, select, [contenteditable], [role="textbox"]',
      ).length,
  );

/// A text without words: a key, a missing value, or a function that was not called.
const nonsense = (page: Page): Promise<string | null> =>
  page.evaluate(() => /undefined|null|NaN|\[object|=>|\{\s*\$/.exec(document.body.innerText)?.[0] ?? null);

const inColours = (page: Page, colorScheme: Scheme): Promise<void> => page.emulateMedia({ colorScheme });

let browser: Browser;

before(async () => {
  await mkdir(screenshots, { recursive: true });
  browser = await Browser.start();
});
after(() => browser.stop());

const audited = async (): Promise<Page> => {
  const page = await browser.page();
  await page.evaluate(axeSource);
  return page;
};

/// What a picture is taken of is what was painted last: after a change of size that may be a patchwork of before.
const painted = (page: Page): Promise<void> =>
  page.evaluate(() => new Promise<void>((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))));

/// Of the whole page, which takes longer, only if it is longer than the window.
const picture = async (page: Page, name: string): Promise<void> => {
  await painted(page);
  const fullPage = await page.evaluate(() => document.documentElement.scrollHeight > innerHeight);
  await page.screenshot({ path: join(screenshots, `ui-${name}.png`), fullPage });
};

describe("screens", { concurrency: 3 }, () => {
  for (const language of languages) {
    test(`every state in ${language}`, async () => {
      // Colours are the same in every language, so one of them is looked at in dark and large too.
      const main = language === "be";
      const page = await audited();
      const faults: string[] = [];
      for (const state of states) {
        const note = (what: string) => (fault: string) => faults.push(`${state.name}, ${what}: ${fault}`);
        await show(page, state, language);
        const lang = await page.evaluate(() => document.documentElement.lang);
        if (lang !== language) note("language")(`lang is ${lang}`);
        const heading = await page.evaluate(() => [document.querySelectorAll("h1").length, document.activeElement?.tagName]);
        if (heading[0] !== 1 || heading[1] !== "H1") note("heading")(heading.join(" "));
        const empty = await nonsense(page);
        if (empty !== null) note("text")(empty);
        if ((await editable(page)) > 0) note("text field")("there is something to type into");
        (await violations(page, main ? [] : ["color-contrast"])).forEach(note("light"));
        (await misfits(page)).forEach(note("usual size"));
        await picture(page, `${state.name}-${language}-light`);
        if (main) {
          await inColours(page, "dark");
          (await violationsOf(page, ["color-contrast"])).forEach(note("dark"));
          await picture(page, `${state.name}-${language}-dark`);
          await inColours(page, "light");
        }
        await page.setViewportSize(least);
        await enlarge(page, 2);
        (await misfits(page)).forEach(note("twice the text"));
        if (main) await picture(page, `${state.name}-${language}-200`);
        await enlarge(page, 1);
        await page.setViewportSize(usual);
      }
      assert.deepEqual(faults, []);
    });

    test(`every failure in ${language}`, async () => {
      const page = await audited();
      const faults: string[] = [];
      const shots: Shot[] = [];
      for (const failure of failures(language)) {
        await open(page, failed(failure, language));
        const said = await page.evaluate(() => document.querySelector("main")?.innerText ?? "");
        for (const part of [failure.whatHappened, failure.whatToDo, failure.code]) {
          if (!said.includes(part.trim())) faults.push(`${failure.code} does not say: ${part}`);
        }
        faults.push(...(await misfits(page)).map((fault) => `${failure.code}: ${fault}`));
        await painted(page);
        shots.push({ name: failure.code, jpeg: await page.screenshot({ type: "jpeg", quality: 85 }) });
      }
      assert.deepEqual(faults, []);
      await contactSheet(page, shots, join(screenshots, `ui-failures-${language}.png`));
    });
  }

  test("high contrast, by choice and by the system's wish", async () => {
    const page = await audited();
    const faults: string[] = [];
    for (const name of ["ask-hand-over", "card-usable", "doctor-bad", "settings", "asks-pin"]) {
      for (const colorScheme of ["light", "dark"] as const) {
        for (const chosen of [true, false]) {
          await page.emulateMedia({ colorScheme, contrast: chosen ? "no-preference" : "more" });
          const snapshot = sample(name, "be");
          await open(page, chosen ? { ...snapshot, settings: { ...snapshot.settings, theme: "contrast" } } : snapshot);
          const found = await violationsOf(page, ["color-contrast", "color-contrast-enhanced"]);
          faults.push(...found.map((fault) => `${name}, ${colorScheme}: ${fault}`));
          if (chosen) await picture(page, `${name}-be-contrast-${colorScheme}`);
        }
      }
    }
    assert.deepEqual(faults, []);
  });
});

test("the pages complain of nothing, and the content security policy refuses nothing", () => {
  assert.deepEqual(browser.complaints, []);
});
