/// One picture of many.

import type { Page } from "playwright-core";

export interface Shot {
  readonly name: string;
  readonly jpeg: Buffer;
}

const columns = 12;
const width = 240;
const cell = { width: width + 16, height: width * 1.5 + 56 };

/// Lays the shots side by side, small, each over its name.
export const contactSheet = async (page: Page, shots: readonly Shot[], path: string): Promise<void> => {
  const context = page.context();
  const sheet = await context.newPage();
  const cells = shots.map(
    ({ name, jpeg }) =>
      `<figure><img src="data:image/jpeg;base64,${jpeg.toString("base64")}" width="${width}" alt=""><figcaption>${name}</figcaption></figure>`,
  );
  const style = `body{margin:16px;background:#8a9a9d;display:grid;grid-template-columns:repeat(${columns},${width}px);gap:16px;grid-auto-rows:${cell.height - 16}px;font:13px sans-serif}
    figure{margin:0}img{display:block;border-radius:6px}figcaption{padding-top:4px;overflow-wrap:anywhere}`;
  // As large as the sheet: what lies outside of the view is not always painted.
  const rows = Math.ceil(shots.length / columns);
  await sheet.setViewportSize({ width: columns * cell.width + 16, height: rows * cell.height + 16 });
  await sheet.setContent(`<!doctype html><style>${style}</style>${cells.join("")}`);
  await sheet.screenshot({ path });
  await sheet.close();
};
