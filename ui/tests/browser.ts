/// A browser with the mocked window, under the content security policy of the real one.

import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mkdtemp, rm } from "node:fs/promises";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import type { Snapshot } from "../src/backend";
import type { Stage } from "./page/main";
import { sample, type State } from "./states";
import type { Language } from "../src/backend";

declare global {
  const stage: Stage;
}

/// npm runs the tests in the folder of the pages.
const root = "..";
export const screenshots = join(root, "target/screenshots");

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript",
  css: "text/css",
  svg: "image/svg+xml",
};

const serve = async (): Promise<Server> => {
  const settings: unknown = JSON.parse(await readFile(join(root, "src-tauri/tauri.conf.json"), "utf8"));
  const policy = (settings as { app: { security: { csp: string } } }).app.security.csp;
  const server = createServer((request, response) => {
    const name = request.url === "/" ? "index.html" : (request.url ?? "").replace(/^\/+|\.\./g, "");
    readFile(join("target/page", name)).then(
      (body) => {
        response.setHeader("content-type", types[name.split(".").pop() ?? ""] ?? "application/octet-stream");
        response.setHeader("content-security-policy", policy);
        response.end(body);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return server;
};

export interface Room {
  readonly width: number;
  readonly height: number;
}

/// The window as it opens, and as small as it gets.
export const usual: Room = { width: 480, height: 720 };
export const least: Room = { width: 360, height: 480 };

export class Browser {
  readonly #context: BrowserContext;
  readonly #server: Server;
  readonly #profile: string;
  /// What the pages complained of: errors, and what the policy refused.
  readonly complaints: string[] = [];

  private constructor(context: BrowserContext, server: Server, profile: string) {
    this.#context = context;
    this.#server = server;
    this.#profile = profile;
  }

  static async start(): Promise<Browser> {
    const server = await serve();
    const profile = await mkdtemp(join(tmpdir(), "latchkey-ui-"));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      headless: true,
      viewport: usual,
      args: [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
    return new Browser(context, server, profile);
  }

  async stop(): Promise<void> {
    await this.#context.close();
    this.#server.close();
    await rm(this.#profile, { recursive: true, force: true });
  }

  async page(): Promise<Page> {
    const page = await this.#context.newPage();
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.complaints.push(message.text());
    });
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    await page.emulateMedia({ reducedMotion: "reduce", colorScheme: "light" });
    await page.goto(`http://127.0.0.1:${address.port}/`);
    return page;
  }
}

/// Opens the window on what the program says, without a theme of its own choice: the system's holds.
export const open = (page: Page, snapshot: Snapshot): Promise<void> =>
  page.evaluate((given) => stage.open(given), snapshot);

export const push = (page: Page, snapshot: Snapshot): Promise<void> =>
  page.evaluate((given) => stage.push(given), snapshot);

export const asked = (page: Page): Promise<readonly string[]> => page.evaluate(() => stage.asked());

export const goSilent = (page: Page): Promise<void> =>
  page.evaluate(() => {
    stage.answers = false;
  });

/// Opens a state: the sample, then the presses. A press the program answers with a new sample is not waited for.
export const show = async (page: Page, { sample: name, presses }: State, language: Language): Promise<void> => {
  await open(page, sample(name, language));
  for (const action of presses) {
    await page.evaluate((wanted) => {
      const found = document.querySelector<HTMLElement>(`[data-action="${wanted}"]`);
      if (!found) throw new Error(`there is nothing to press for ${wanted}`);
      found.click();
    }, action);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  }
};

/// The text of the page, twice as large, as people set it in their system.
export const enlarge = (page: Page, factor: number): Promise<void> =>
  page.evaluate((times) => {
    document.documentElement.style.fontSize = `${times * 100}%`;
  }, factor);
