/// One picture of many.

import type { Page } from "playwright-core";

export interface Shot {
  readonly name: string;
  readonly png: Buffer;
}

const columns = 15;
const width = 240;

/// Lays the shots side by side, small, each over its name.
export const contactSheet = async (page: Page, shots: readonly Shot[], path: string): Promise<void> => {
  const context = page.context();
  const sheet = await context.newPage();
  const cells = shots.map(
    ({ name, png }) =>
      `<figure><img src="data:image/png;base64,${png.toString("base64")}" width="${width}" alt=""><figcaption>${name}</figcaption></figure>`,
  );
  const style = `body{margin:16px;background:#8a9a9d;display:grid;grid-template-columns:repeat(${columns},${width}px);gap:16px;font:13px sans-serif}
    figure{margin:0}img{display:block;border-radius:6px}figcaption{padding-top:4px;overflow-wrap:anywhere}`;
  await sheet.setViewportSize({ width: columns * (width + 16) + 16, height: 800 });
  await sheet.setContent(`<!doctype html><style>${style}</style>${cells.join("")}`);
  await sheet.screenshot({ path, fullPage: true });
  await sheet.close();
};
