import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import type { Plugin } from "vite";

/** Every browser that the page is for reads WOFF2: KaTeX's other fonts are left out. */
function onlyWoff2(): Plugin {
  return {
    name: "only-woff2",
    enforce: "pre",
    transform(code, id) {
      if (!id.includes("katex") || !id.endsWith(".css")) return;
      return code.replace(/,\s*url\([^)]*\.(?:woff|ttf)\)\s*format\(["']?\w+["']?\)/g, "");
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [onlyWoff2(), svelte()],
  build: {
    outDir: "../keras_seq/explorer/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
  },
  worker: { format: "es" },
  test: { include: ["tests/*.test.ts"], testTimeout: 60_000 },
});
