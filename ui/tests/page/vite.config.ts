/// Builds the window with a mocked program, for the tests.

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import own from "../../vite.config.ts";

export default defineConfig({
  ...own,
  root: import.meta.dirname,
  plugins: [svelte()],
  build: { ...own.build, outDir: "../../target/page", emptyOutDir: true, reportCompressedSize: false },
});
