/// Makes the tests ready for Node.

import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  build: {
    ssr: "all.ts",
    target: "node20",
    outDir: "../target/tests",
    emptyOutDir: true,
    rolldownOptions: { external: ["playwright-core", "axe-core"] },
  },
});
