/// Makes the pictures of the citizens' guides: the screens they speak of, in every language, small.

import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Browser, show } from "./browser";
import { languages, states } from "./states";

const run = promisify(execFile);
const folder = join("..", "docs", "pictures");

/// The name of the picture, and the state that it shows.
const pictures: Readonly<Record<string, string>> = {
  "insert-card": "home-without-card",
  "my-card": "card-usable",
  agree: "ask-hand-over",
  pin: "asks-pin",
  done: "done",
  blocked: "card-blocked",
  lost: "lost-card",
  check: "doctor-bad",
};

await mkdir(folder, { recursive: true });
const browser = await Browser.start();
const page = await browser.page();
for (const language of languages) {
  for (const [name, wanted] of Object.entries(pictures)) {
    const state = states.find((one) => one.name === wanted);
    if (!state) throw new Error(`there is no state ${wanted}`);
    await show(page, state, language);
    const path = join(folder, `${name}.${language}.png`);
    await page.screenshot({ path });
    await run("convert", [path, "-bordercolor", "#9aa5a7", "-border", "1", "+dither", "-colors", "48", "-strip", `PNG8:${path}`]);
  }
}
await browser.stop();
