import assert from "node:assert/strict";
import { test } from "node:test";
import { day, moment, textsIn } from "../src/texts";
import { languages } from "./states";

/// Every text with its key; functions are called with a number and with a word.
const flatten = (value: unknown, path: string): [string, string][] => {
  if (typeof value === "string") return [[path, value]];
  if (typeof value === "function") {
    const say = value as (...parameters: unknown[]) => string;
    return [1, 2, 5, 21].map((count) => [`${path}(${count})`, say(count, count)]);
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, inner]) => flatten(inner, path === "" ? key : `${path}.${key}`));
  }
  throw new Error(`${path} is no text`);
};

const texts = new Map(languages.map((language) => [language, new Map(flatten(textsIn(language), ""))]));

test("every language has every text", () => {
  const keys = [...(texts.get("en")?.keys() ?? [])];
  assert.ok(keys.length > 200);
  for (const language of languages) assert.deepEqual([...(texts.get(language)?.keys() ?? [])], keys, language);
});

test("no text is left untranslated or empty", () => {
  // Words that are the same for everyone, and what has no words.
  const same = new Set(["tasks.look.why", "failure.code(1)", "request.stepPin", "card.pin"]);
  const own = { be: /[а-яёіў]/i, ru: /[а-яё]/i, en: /[a-z]/i } as const;
  for (const language of languages) {
    for (const [key, text] of texts.get(language) ?? []) {
      if (same.has(key)) continue;
      assert.match(text, own[language], `${language} ${key}`);
    }
  }
});

test("each language keeps to its own letters", () => {
  for (const [key, text] of texts.get("be") ?? []) assert.doesNotMatch(text, /[ищъ]/i, `be ${key}: ${text}`);
  for (const [key, text] of texts.get("ru") ?? []) assert.doesNotMatch(text, /[іўґ]/i, `ru ${key}: ${text}`);
  for (const [key, text] of texts.get("en") ?? []) assert.doesNotMatch(text, /[а-яёіў]/i, `en ${key}: ${text}`);
});

test("days are written as each language writes them", () => {
  const noon = "2026-11-22T12:00:00Z";
  assert.deepEqual(
    languages.map((language) => day(noon, language)),
    ["22 лістапада 2026 г.", "22 ноября 2026 г.", "22 November 2026"],
  );
  assert.match(moment(noon, "ru"), /^22 ноября 2026 г\., \d\d:\d\d$/);
});

test("numbers are counted as each language counts", () => {
  const { be, ru, en } = { be: textsIn("be"), ru: textsIn("ru"), en: textsIn("en") };
  assert.deepEqual([1, 2, 5, 11, 21].map(ru.settings.siteCount), ["1 сайт", "2 сайта", "5 сайтов", "11 сайтов", "21 сайт"]);
  assert.deepEqual([1, 3, 5, 12, 31].map(be.settings.siteCount), ["1 сайт", "3 сайты", "5 сайтаў", "12 сайтаў", "31 сайт"]);
  assert.deepEqual([0, 1, 2].map(en.settings.siteCount), ["0 sites", "1 site", "2 sites"]);
});
