/**
 * How fast the built page is, in Chromium: until each view is there, until its model has answered, and until
 * a keystroke is answered. Medians and largest values; what the page weighs.
 *
 *     node tests/speed.mjs [--address http://127.0.0.1:8787/] [--keys 30] [--openings 5] [--only VIEW] [--json FILE]
 *
 * Without an address it serves the page itself. Opened: from the navigation to the first contents, in a browser
 * without a cache. A keystroke: from the key to the frame that shows the first part of the answer, and the whole
 * of it; the next key follows when the page is at rest. CHROMIUM names the program.
 */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { chromium, launch, option, serve, weights } from "./chromium.mjs";

const LONG = "Now is the winter of our discontent made glorious summer by this sun of York. ".repeat(30).slice(0, 2000);
const DATE = "le 27 septembre 2016";

/** What is typed where, or which slider is moved; `settings` of the address. `figure`: what changes where no text is typed. */
const CASES = {
  cell: { view: "cell", field: "main input[type=text]" },
  gradients: { view: "gradients", slider: "Length", figure: "main section:last-of-type figure svg" },
  memory: { view: "memory", slider: "Longest", figure: "main figure svg" },
  translate: { view: "translate", field: "main input[type=text]", settings: { text: DATE } },
  write: { view: "write", field: "main textarea" },
  tag: { view: "tag", field: "main input[type=text]" },
  "translate, 500 characters": { view: "translate", field: "main input[type=text]", settings: { text: `${DATE} `.repeat(24).slice(0, 500) } },
  "write, 2,000 characters": { view: "write", field: "main textarea", settings: { text: LONG } },
  "write, 2,000 characters, at the start": { view: "write", field: "main textarea", settings: { text: LONG }, start: true },
  "tag, 2,000 characters": { view: "tag", field: "main input[type=text]", settings: { text: LONG } },
  "tag, 2,000 characters, at the start": { view: "tag", field: "main input[type=text]", settings: { text: LONG }, start: true },
};

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const largest = (values) => Math.max(...values);

/** In the page: measure from each key to the frame that shows its answer, and the longest task on the way. */
function watch(figure) {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const lines = () => [...document.querySelectorAll(figure)].map((svg) => svg.innerHTML).join();
  let key = 0;
  let heard = false;
  let before = figure && lines();
  window.longest = 0;
  addEventListener("keydown", (event) => (key = event.timeStamp), { capture: true });
  addEventListener("input", () => (heard = true));
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
  }).observe({ type: "longtask" });
  const shows = () => (figure ? lines() !== before : heard && !document.querySelector("main [data-stale]"));
  const complete = () => shows() && !document.querySelector("main [aria-busy=true]");
  window.times = async () => {
    const found = {};
    for (const begin = performance.now(); !found.whole; await frame()) {
      if (performance.now() - begin > 60_000) throw new Error("no answer to a key within a minute");
      if (!found.first && shows()) found.first = performance.now() - key;
      if (complete()) found.whole = performance.now() - key;
    }
    [heard, before] = [false, figure && lines()];
    return found;
  };
}

/** The milliseconds of one opening in a browser without a cache. */
async function opening(browser, address) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  await page.goto(address, { waitUntil: "load" });
  await page.waitForFunction(() => document.querySelector("main h1") && !document.querySelector("[data-example]") && performance.getEntriesByName("first-contentful-paint").length && (document.querySelector("main figure, main h2")), { timeout: 60_000 });
  const found = await page.evaluate(() => ({
    opened: performance.getEntriesByName("first-contentful-paint")[0].startTime,
    complete: performance.now(),
  }));
  await context.close();
  return found;
}

async function keystrokes(browser, address, { field, slider, figure, start }, count) {
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  await page.goto(address, { waitUntil: "load" });
  await page.waitForFunction(() => document.querySelector("main figure, main h2") && !document.querySelector("main [data-example], main [aria-busy=true], main [data-stale]"), { timeout: 120_000 });
  const marked = await page.evaluate((field, slider) => {
    const boxes = [...document.querySelectorAll(field ?? "main input[type=range]")];
    const box = boxes.find((node) => field || node.closest("label").textContent.trim().startsWith(slider));
    box.id = "measured";
    box.focus();
    if (field) box.setSelectionRange(box.value.length, box.value.length);
    return box.value;
  }, field ?? null, slider ?? null);
  if (start) await page.evaluate(() => document.activeElement.setSelectionRange(0, 0));
  await page.evaluate(watch, figure ?? null);
  // A text loses its last characters and gets them again.
  const half = Math.min(Math.floor(count / 2), 15);
  const keys = Array.from({ length: count }, (_, i) => {
    if (slider) return i < Math.min(30, count / 2) ? "ArrowRight" : "ArrowLeft";
    if (start) return i % 2 ? "Backspace" : "x";
    const at = i % (2 * half);
    return at < half ? "Backspace" : marked[marked.length - 2 * half + at];
  });
  const times = [];
  for (const key of keys) {
    const answered = page.evaluate(() => window.times());
    await new Promise((done) => setTimeout(done, 100)); // the page is at rest
    await page.keyboard.press(key === "\n" ? "Enter" : key);
    times.push(await answered);
  }
  const longest = await page.evaluate(() => window.longest);
  await page.close();
  return { first: times.map((t) => t.first), whole: times.map((t) => t.whole), longest };
}

async function main() {
  const program = chromium();
  if (!program) return console.log("There is no Chromium (CHROMIUM names one).");
  const [keys, openings] = [Number(option("--keys") ?? 30), Number(option("--openings") ?? 5)];
  const server = option("--address") ? null : await serve();
  const origin = option("--address") ?? `http://127.0.0.1:${server.address().port}/`;
  const browser = await launch(program);
  const rows = {};
  try {
    for (const [name, about] of Object.entries(CASES)) {
      if (option("--only") && option("--only") !== about.view) continue;
      const address = `${origin}#${about.view}?${new URLSearchParams(about.settings)}`;
      const opened = [];
      for (let i = 0; i < (name === about.view ? openings : 0); i++) opened.push(await opening(browser, address));
      const { first, whole, longest } = await keystrokes(browser, address, about, keys);
      const column = (f, values) => (values.length ? Math.round(f(values)) : "");
      rows[name] = {
        opened: column(median, opened.map((o) => o.opened)),
        "model answers": column(median, opened.map((o) => o.complete)),
        keystroke: column(median, first),
        "largest ": column(largest, first),
        whole: column(median, whole),
        "longest task": Math.round(longest),
      };
      console.log(name, rows[name]);
    }
  } finally {
    await browser.close();
    server?.close();
  }
  const sizes = weights();
  const all = Object.values(sizes).reduce((a, b) => a + b, 0);
  assert.ok(all > 0);
  console.table(rows);
  console.log(`Milliseconds; ${keys} keys, ${openings} openings; load ${loadavg().map((x) => x.toFixed(2)).join(" ")}.`);
  console.log(`The page: ${Math.round(all / 1000)} kB packed (${Object.entries(sizes).map(([end, x]) => `${end} ${Math.round(x / 1000)}`).join(", ")}).`);
  if (option("--json")) writeFileSync(option("--json"), JSON.stringify({ rows, sizes }, null, 1));
}

await main();
