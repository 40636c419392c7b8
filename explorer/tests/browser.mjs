/**
 * Open every view of the built page in Chromium, in both themes, wide and at 360 px: it loads, a control
 * moves a figure, the console is silent, no other host is asked, axe finds no serious fault.
 *
 *     node tests/browser.mjs [--shots FOLDER] [--only VIEW]
 *
 * CHROMIUM names the program; without one, nothing is done and said so.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import assert from "node:assert/strict";
import puppeteer from "puppeteer-core";

const PAGE = fileURLToPath(new URL("../../keras_seq/explorer/static/", import.meta.url));
const AXE = readFileSync(fileURLToPath(new URL("../node_modules/axe-core/axe.min.js", import.meta.url)), "utf8");
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2", ".json": "application/json", ".wasm": "application/wasm" };
const THEMES = ["light", "dark"];
const SIZES = { wide: [1280, 900], phone: [360, 740] };

const MODELS = {
  dates: fileURLToPath(new URL("../../saved_models/dates/step/", import.meta.url)),
  shakespeare: join(PAGE, "models/shakespeare/"),
};
const INDEX = [{ name: "shakespeare", kind: "LanguageModel" }, { name: "dates", kind: "Seq2Seq" }];
/** What `generate` answered when the model was exported. */
const EXAMPLE = JSON.parse(readFileSync(join(MODELS.dates, "manifest.json"), "utf8")).example;

/** For each view: settings, what is done, the part of the page that must be another one
 * after it, and what a part must say before. */
const VIEWS = {
  cell: { figure: ".equations ol", act: (page) => choose(page, "GRU") },
  gradients: { figure: "section:last-of-type figure", act: (page) => slide(page, "Spectral radius", 8) },
  memory: { figure: "main figure svg", act: (page) => press(page, "Train"), settings: "&longest=8&units=4&models=vanilla+gru" },
  translate: {
    figure: ".others",
    act: (page) => slide(page, "Width", 2),
    settings: `&text=${encodeURIComponent(EXAMPLE.text)}`,
    says: [".answer", `${EXAMPLE.answer.text}end`],
  },
  write: { figure: ".reading", act: (page) => slide(page, "Temperature", 5) },
};

async function choose(page, name) {
  await page.evaluate((wanted) => {
    const label = [...document.querySelectorAll("main fieldset label")].find((l) => l.textContent.trim() === wanted);
    label.querySelector("input").click();
  }, name);
}

async function press(page, name) {
  await page.evaluate((wanted) => {
    [...document.querySelectorAll("main button")].find((b) => b.textContent.trim() === wanted).click();
  }, name);
}

/** Move the slider whose label begins so, by the keyboard. */
async function slide(page, name, times = 3) {
  const inputs = await page.$$("main input[type=range]");
  for (const input of inputs) {
    const label = await input.evaluate((node) => node.closest("label").textContent.trim());
    if (!label.startsWith(name)) continue;
    await input.focus();
    for (let i = 0; i < times; i++) await page.keyboard.press("ArrowRight");
    return;
  }
  assert.fail(`no slider ${name}`);
}

/** The page and a model, as `keras-seq explore` serves them. */
function serve() {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, "http://localhost").pathname);
    if (path === "/models/index.json") return response.end(JSON.stringify(INDEX));
    const [, models, model, name] = path.split("/");
    const folder = models === "models" ? MODELS[model] : PAGE;
    const file = join(folder ?? "", models === "models" ? name : path === "/" ? "index.html" : path);
    if (!folder || !file.startsWith(folder) || !existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" }).end(readFileSync(file));
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

async function check(browser, origin, name, theme, size, shots) {
  const page = await browser.newPage();
  const problems = [];
  page.on("console", (message) => ["error", "warn"].includes(message.type()) && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(origin)) problems.push(`asks ${request.url()}`);
  });
  const [width, height] = SIZES[size];
  await page.setViewport({ width, height });
  const { figure, act, settings = "", says } = VIEWS[name];
  const begin = performance.now();
  await page.goto(`${origin}/#${name}?theme=${theme}${settings}`, { waitUntil: "load" });
  await page.waitForSelector("main h1");
  const opened = (performance.now() - begin) / 1000;
  await page.waitForSelector(figure, { timeout: 60_000 });
  const seconds = (performance.now() - begin) / 1000;
  if (says) {
    const text = (await page.$eval(says[0], (node) => node.textContent)).replace(/\s/g, "");
    if (text !== says[1]) problems.push(`it says ${text} for ${says[1]}`);
  }
  const look = () => page.$eval(figure, (node) => node.outerHTML);
  const before = await look();
  await act(page);
  await page.waitForFunction(
    (selector, old) => document.querySelector(selector)?.outerHTML !== old,
    { timeout: 60_000 }, figure, before,
  );
  const address = page.url();
  if (shots) await page.screenshot({ path: join(shots, `${name}-${theme}-${size}.png`), fullPage: true });
  const [broad, dark] = await page.evaluate(() => [
    document.documentElement.scrollWidth - innerWidth,
    getComputedStyle(document.body).backgroundColor,
  ]);
  if (broad > 0) problems.push(`the page is ${broad} px broader than the window`);
  assert.equal(theme === "dark", Number(dark.match(/\d+/)[0]) < 128, `colours of the ${theme} theme: ${dark}`);
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, impact, nodes } of violations) {
    if (["serious", "critical"].includes(impact)) problems.push(`axe, ${id}: ${nodes.map((n) => n.html).slice(0, 3).join(" | ")}`);
  }
  await page.goto("about:blank");
  await page.goto(address, { waitUntil: "load" });
  await page.waitForSelector(figure, { timeout: 60_000 });
  if (page.url() !== address) problems.push(`the link ${address} became ${page.url()}`);
  await page.close();
  console.log(`${name}, ${theme}, ${size}: open after ${opened.toFixed(2)} s, complete after ${seconds.toFixed(2)} s`);
  return problems.map((problem) => `${name}, ${theme}, ${size}: ${problem}`);
}

/** What the page weighs, packed: the fonts too, but neither the runtime of models nor models. */
function weight() {
  const files = readdirSync(PAGE, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const own = files.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  return own
    .filter((file) => !file.endsWith(".wasm") && !file.startsWith(join(PAGE, "models")))
    .reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);
}

async function main() {
  const option = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : null);
  const program = process.env.CHROMIUM ?? PLACES.find(existsSync);
  if (!program) return console.log("The browser test is skipped: there is no Chromium (CHROMIUM names one).");
  assert.ok(existsSync(join(PAGE, "index.html")), "the page is not built: make explorer");
  const shots = option("--shots");
  if (shots) mkdirSync(shots, { recursive: true });
  const server = await serve();
  const origin = `http://127.0.0.1:${server.address().port}`;
  const browser = await puppeteer.launch({ executablePath: program, args: ["--no-sandbox", "--disable-gpu"] });
  const problems = weight() > 500_000 ? [`the page weighs ${weight()} bytes`] : [];
  console.log(`The page weighs ${Math.round(weight() / 1000)} kB.`);
  try {
    for (const name of Object.keys(VIEWS)) {
      if (option("--only") && option("--only") !== name) continue;
      for (const size of Object.keys(SIZES)) {
        for (const theme of THEMES) problems.push(...(await check(browser, origin, name, theme, size, shots)));
      }
    }
  } finally {
    await browser.close();
    server.close();
  }
  assert.deepEqual(problems, []);
}

await main();
