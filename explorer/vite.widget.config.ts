/** The module of `ks.analysis.explore`: one file beside the page, with its styles and its worker inside. */

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

/** The runtime of models comes from the kernel: it would make the module fifty times as large. */
function withoutRuntime(): Plugin {
  return {
    name: "without-runtime",
    enforce: "pre",
    transform(code, id) {
      if (!id.includes("onnxruntime-web")) return;
      return code.replace(/new URL\("[^"]*\.wasm",\s*import\.meta\.url\)/g, '"runtime.wasm"');
    },
  };
}

export default defineConfig({
  plugins: [withoutRuntime(), svelte({ compilerOptions: { css: "injected" } })],
  publicDir: false,
  build: {
    outDir: "../keras_seq/explorer/static",
    emptyOutDir: false,
    target: "es2022",
    lib: { entry: "src/widget.ts", formats: ["es"], fileName: () => "widget.js" },
  },
  worker: { format: "es", plugins: () => [withoutRuntime()] },
});
