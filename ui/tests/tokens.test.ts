import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const tokens = await readFile("src/tokens.css", "utf8");

const block = (selector: string): ReadonlyMap<string, string> => {
  const start = tokens.indexOf(selector);
  assert.notEqual(start, -1, selector);
  const body = tokens.slice(tokens.indexOf("{", start) + 1, tokens.indexOf("}", start));
  return new Map([...body.matchAll(/(--[\w-]+):\s*([^;]+);/g)].map(([, name, value]) => [name ?? "", value ?? ""]));
};

const usual = block(":root {");
const chosen = block(':root[data-theme="contrast"]');
const wished = block("@media (prefers-contrast: more) {\n  :root");

test("high contrast is the same by choice and by the system's wish", () => {
  assert.deepEqual([...chosen], [...wished]);
});

const hex = (value: string): readonly [string, string] => {
  const both = /light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/.exec(value);
  if (both?.[1] && both[2]) return [both[1], both[2]];
  assert.match(value, /^#[0-9a-f]{6}$/);
  return [value, value];
};

const luminance = (colour: string): number => {
  const [red, green, blue] = [1, 3, 5]
    .map((start) => Number.parseInt(colour.slice(start, start + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
};

const contrast = (one: string, other: string): number => {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05);
};

const grounds = ["--surface", "--surface-raised"];
const pairs: readonly (readonly [string, readonly string[], number])[] = [
  ["--ink", grounds, 7],
  ["--ink", ["--warning-soft", "--bad-soft", "--accent-soft"], 7],
  ["--ink-soft", [...grounds, "--accent-soft", "--bad-soft"], 4.5],
  ["--accent", [...grounds, "--accent-soft"], 4.5],
  ["--accent-strong", [...grounds, "--accent-soft"], 4.5],
  ["--on-accent", ["--accent", "--accent-strong"], 4.5],
  ["--good", [...grounds, "--good-soft"], 4.5],
  ["--warning", [...grounds, "--warning-soft"], 4.5],
  ["--bad", [...grounds, "--bad-soft"], 4.5],
  ["--on-card", ["--card-face"], 4.5],
  ["--line-strong", grounds, 3],
  ["--focus", grounds, 3],
];

for (const [name, values] of [
  ["usual", usual],
  ["high contrast", new Map([...usual, ...chosen])],
] as const) {
  test(`contrast is enough, ${name}`, () => {
    for (const [ink, under, least] of pairs) {
      for (const ground of under) {
        for (const scheme of [0, 1] as const) {
          const [one, other] = [hex(values.get(ink) ?? "")[scheme], hex(values.get(ground) ?? "")[scheme]];
          const found = contrast(one, other);
          const where = `${ink} on ${ground}, ${scheme === 0 ? "light" : "dark"}: ${found.toFixed(2)}`;
          assert.ok(found >= (name === "usual" || least < 4.5 ? least : 7), where);
        }
      }
    }
  });
}
