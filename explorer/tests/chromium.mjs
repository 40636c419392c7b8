/** Chromium, and a server of the built page, for the tests in a browser and the measurement of its times. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import puppeteer from "puppeteer-core";

export const beside = (path) => fileURLToPath(new URL(path, import.meta.url));
export const PAGE = beside("../../keras_seq/explorer/static/");
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2", ".json": "application/json", ".wasm": "application/wasm" };
const KINDS = { shakespeare: "LanguageModel", pos_en_left: "TextTagger", classes: "TextClassifier" };

/** Folders of step graphs: those that the page comes with. */
export const SHIPPED = {
  dates: beside("../../saved_models/dates/step/"),
  shakespeare: join(PAGE, "models/shakespeare/"),
  pos_en_left: join(PAGE, "models/pos_en_left/"),
};

/** The path of Chromium, which CHROMIUM names; null where there is none. */
export const chromium = () => process.env.CHROMIUM ?? PLACES.find(existsSync) ?? null;

/** An option of the command line, or null. */
export function option(name) {
  return process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : null;
}

export function launch(program) {
  return puppeteer.launch({ executablePath: program, args: ["--no-sandbox", "--disable-gpu"] });
}

/** The page and models, as `keras-seq explore` serves them; `other` may answer in its place. */
export function serve(models = SHIPPED, other = () => null) {
  assert.ok(existsSync(join(PAGE, "index.html")), "the page is not built: make explorer");
  const index = Object.keys(models).map((name) => ({ name, kind: KINDS[name] ?? "Seq2Seq" }));
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, "http://localhost").pathname);
    const made = other(path);
    if (made) return response.writeHead(200, made.type ? { "content-type": made.type } : {}).end(made.body);
    if (path === "/models/index.json") return response.end(JSON.stringify(index));
    const [, first, model, name] = path.split("/");
    const folder = first === "models" ? models[model] : PAGE;
    const file = join(folder ?? "", first === "models" ? name : path === "/" ? "index.html" : path);
    if (!folder || !file.startsWith(folder) || !existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" }).end(readFileSync(file));
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

/** What the page weighs, packed, by the ends of names: neither the runtime of models, nor models, nor the widget. */
export function weights() {
  const sums = {};
  for (const entry of readdirSync(PAGE, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath ?? entry.path, entry.name);
    if (!entry.isFile() || /(\.wasm|widget\.js)$/.test(file) || file.startsWith(join(PAGE, "models"))) continue;
    sums[extname(file)] = (sums[extname(file)] ?? 0) + gzipSync(readFileSync(file)).length;
  }
  return sums;
}
