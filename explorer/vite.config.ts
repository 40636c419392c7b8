import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import type { Plugin } from "vite";

/** Every browser that the page is for reads WOFF2, and no formula here is in a script: other fonts of KaTeX are left out. */
function fewFonts(): Plugin {
  return {
    name: "few-fonts",
    enforce: "pre",
    transform(code, id) {
      if (!id.includes("katex") || !id.endsWith(".css")) return;
      const needed = code.replace(/@font-face\s*\{[^}]*KaTeX_(?:Caligraphic|Fraktur|SansSerif|Script|Typewriter)[^}]*\}/g, "");
      return needed.replace(/,\s*url\([^)]*\.(?:woff|ttf)\)\s*format\(["']?\w+["']?\)/g, "");
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [fewFonts(), svelte()],
  build: {
    outDir: "../keras_seq/explorer/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
  },
  worker: { format: "es" },
  test: { include: ["tests/*.test.ts"], testTimeout: 60_000 },
});
