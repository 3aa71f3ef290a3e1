import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: "safari17.5",
    license: { fileName: "licences.json" },
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
