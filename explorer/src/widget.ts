/**
 * The view of one model in a notebook: what anywidget asks of a module. The files of the model, and the
 * runtime that computes, come from the kernel in messages, so that none of them is kept in the notebook.
 */

import { mount, unmount } from "svelte";
import ModelWorker from "./steps/model.worker?worker&inline";
import type { Value } from "./address";
import type { Host } from "./host";
import styles from "./styles.css?inline";
import Widget from "./Widget.svelte";

interface Model {
  get(name: string): any;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: unknown): void;
  on(event: string, heard: (...args: any[]) => void): void;
  off(event: string, heard: (...args: any[]) => void): void;
}

const RUNTIME = "runtime.wasm";

/** Ask the kernel for a file. */
function asking(model: Model) {
  const waiting = new Map<string, (bytes: Uint8Array) => void>();
  const heard = (content: { file?: string }, buffers: (DataView | ArrayBuffer)[]) => {
    const [buffer] = buffers ?? [];
    if (!content.file || !buffer) return;
    const bytes = "buffer" in buffer ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength) : new Uint8Array(buffer);
    waiting.get(content.file)?.(bytes.slice());
    waiting.delete(content.file);
  };
  model.on("msg:custom", heard);
  return {
    file: (name: string) =>
      new Promise<Uint8Array>((done) => {
        waiting.set(name, done);
        model.send({ file: name });
      }),
    end: () => model.off("msg:custom", heard),
  };
}

/** Whether what is around an element is dark: notebooks have a theme of their own. */
function isDark(element: Element): boolean {
  for (let node: Element | null = element; node; node = node.parentElement) {
    const [r, g, b, a = 1] = getComputedStyle(node).backgroundColor.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    if (a > 0.5) return 0.3 * r + 0.6 * g + 0.1 * b < 128;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Follow the colours of the notebook, once the element is there and whenever its theme changes. */
function followTheme(el: HTMLElement) {
  const look = () => (el.dataset.theme = isDark(el) ? "dark" : "light");
  look();
  const themes = new MutationObserver(() => setTimeout(look)); // where the styles are there
  for (const node of [document.documentElement, document.body]) themes.observe(node, { attributes: true });
  const sizes = new ResizeObserver(look);
  sizes.observe(el);
  return () => {
    themes.disconnect();
    sizes.disconnect();
  };
}

function render({ model, el }: { model: Model; el: HTMLElement }) {
  const root = el.attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = styles
    .replace(/:root(\[[^\]]*\])/g, ":host($1)")
    .replaceAll(":root", ":host")
    .replace(/\bbody\s*\{/, ".page {");
  const page = document.createElement("div");
  page.className = "page";
  root.append(style, page);
  el.style.display = "block";
  const unfollow = followTheme(el);
  // A letter that is typed here is no command of the notebook.
  el.dataset.lmSuppressShortcuts = "true";
  page.addEventListener("keydown", (event) => event.stopPropagation());
  const files = asking(model);
  const { name, kind } = model.get("about");
  const params = new URLSearchParams(Object.entries(model.get("settings") as Record<string, Value>).map(([k, v]) => [k, String(v)]));
  const host: Host = {
    models: async () => [{ name, kind }],
    async source() {
      const wanted: string[] = model.get("files");
      const [wasm, ...bytes] = await Promise.all([RUNTIME, ...wanted].map(files.file));
      return { files: Object.fromEntries(wanted.map((file, i) => [file, bytes[i]])), wasm };
    },
    example: async () => null,
    late: "Its files come from the kernel, which is busy or no longer there: then run the cell again.",
    worker: () => new ModelWorker(),
    params: () => params,
    keep: () => {},
  };
  const view = mount(Widget, { target: page, props: { host, kind, figure: model.get("figure") } });
  return () => {
    unfollow();
    files.end();
    void unmount(view);
  };
}

export default { render };
