/**
 * Open every view of the built page in Chromium, in both themes, wide and at 360 px: it loads, a control
 * moves a figure, the console is silent, no other host is asked, axe finds no serious fault. Then the
 * messages of models and texts that are not as they should be, models of a user's own, and the widget.
 *
 *     node tests/browser.mjs [--shots FOLDER] [--only VIEW]
 *
 * CHROMIUM names the program; without one, nothing is done and said so.
 */

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import assert from "node:assert/strict";
import { beside, chromium, launch, option, PAGE, serve, SHIPPED, weights } from "./chromium.mjs";

const AXE = readFileSync(beside("../node_modules/axe-core/axe.min.js"), "utf8");
const THEMES = ["light", "dark"];
const SIZES = { wide: [1280, 900], phone: [360, 740] };

const MODELS = {
  ...SHIPPED,
  words: beside("../fixtures/words/"),
  subwords: beside("../fixtures/subwords/"),
  classes: beside("../fixtures/classes/"),
  damaged: beside("../fixtures/none/"),
  cut: beside("../fixtures/none/"),
  copies: beside("../fixtures/none/"),
  kind: beside("../fixtures/none/"),
  own: beside("../fixtures/none/"),
  gone: beside("../fixtures/none/"),
};
const manifestOf = (name) => readFileSync(join(MODELS[name], "manifest.json"), "utf8");
/** What is served in the place of the files of models that are not as they should be. */
const CHANGED = {
  "damaged/manifest.json": () => manifestOf("dates").slice(0, 500),
  "cut/manifest.json": () => manifestOf("dates"),
  "cut/encode.onnx": () => "no ONNX",
  "own/manifest.json": () => manifestOf("dates").replaceAll('"CharacterTokenizer"', '"my.parts.Syllables"'),
  "copies/manifest.json": () => JSON.stringify({ ...JSON.parse(manifestOf("dates")), copy: true }),
  "kind/manifest.json": () => manifestOf("dates").replace('"Seq2Seq"', '"LSTM"'),
};
for (const name of ["own", "copies", "kind"]) {
  for (const graph of ["encode", "start", "step"]) {
    CHANGED[`${name}/${graph}.onnx`] = () => readFileSync(join(MODELS.dates, `${graph}.onnx`));
  }
}
/** What `generate` and `tag` answered when the models were exported. */
const exampleOf = (name) => JSON.parse(manifestOf(name)).example;
const [EXAMPLE, TAGGED, DECIDED] = [exampleOf("dates"), exampleOf("pos_en_left"), exampleOf("classes")];
const { label: VERDICT, probabilities: CHANCES } = DECIDED.answer;

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
  tag: {
    figure: ".words",
    act: (page) => slide(page, "Words that have been read", -2),
    settings: `&split=0&text=${encodeURIComponent(TAGGED.answer.tokens.join(" "))}`,
    says: [".tag", TAGGED.answer.tags.join("")],
  },
  decide: {
    figure: "main figure svg",
    act: (page) => write(page, " is"),
    settings: `&text=${encodeURIComponent(DECIDED.text)}`,
    says: [".classes li:first-of-type", `${VERDICT}${CHANCES[VERDICT].toFixed(3)}`],
  },
};

/** Write at the end of the text. */
async function write(page, text) {
  const box = await page.$("main textarea");
  await box.evaluate((node) => (node.focus(), node.setSelectionRange(node.value.length, node.value.length)));
  await page.keyboard.type(text);
}

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
    for (let i = 0; i < Math.abs(times); i++) await page.keyboard.press(times < 0 ? "ArrowLeft" : "ArrowRight");
    return;
  }
  assert.fail(`no slider ${name}`);
}

/** What is served besides: a notebook, and files of models that are not as they should be. */
function other(path) {
  if (path === "/widget") return { type: "text/html", body: WIDGET };
  const name = path.replace("/models/", "");
  return name in CHANGED ? { body: CHANGED[name]() } : null;
}

/** A page, and a list of what goes wrong in it. */
async function open(browser, origin, size = "wide") {
  const page = await browser.newPage();
  const problems = [];
  page.on("console", (message) => ["error", "warn"].includes(message.type()) && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(origin)) problems.push(`asks ${request.url()}`);
  });
  const [width, height] = SIZES[size];
  await page.setViewport({ width, height });
  return { page, problems };
}

/** What axe finds that is serious. */
async function faults(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `axe, ${id}: ${nodes.map((n) => n.html).slice(0, 3).join(" | ")}`);
}

/** Wait until the model itself has answered, not the example that is there before. */
async function answered(page, figure) {
  await page.waitForFunction(
    (selector) => document.querySelector(selector) && !document.querySelector("[data-example]"),
    { timeout: 60_000 }, figure,
  );
}

async function check(browser, origin, name, theme, size, shots) {
  const { page, problems } = await open(browser, origin, size);
  const { figure, act, settings = "", says } = VIEWS[name];
  const begin = performance.now();
  await page.goto(`${origin}/#${name}?theme=${theme}${settings}`, { waitUntil: "load" });
  await page.waitForSelector("main h1");
  const opened = (performance.now() - begin) / 1000;
  await answered(page, figure);
  const seconds = (performance.now() - begin) / 1000;
  if (says) {
    const text = (await page.$$eval(says[0], (nodes) => nodes.map((node) => node.textContent).join(""))).replace(/\s/g, "");
    if (text !== says[1]) problems.push(`it says ${text} for ${says[1]}`);
  }
  const look = () => page.$eval(figure, (node) => node.outerHTML);
  const before = await look();
  await act(page);
  await page.waitForFunction(
    (selector, old) => document.querySelector(selector)?.outerHTML !== old,
    { timeout: 60_000 }, figure, before,
  );
  await new Promise((done) => setTimeout(done, 300)); // the address follows when the settings are at rest
  const address = page.url();
  if (shots) await page.screenshot({ path: join(shots, `${name}-${theme}-${size}.png`), fullPage: true });
  const [broad, dark] = await page.evaluate(() => [
    document.documentElement.scrollWidth - innerWidth,
    getComputedStyle(document.body).backgroundColor,
  ]);
  if (broad > 0) problems.push(`the page is ${broad} px broader than the window`);
  assert.equal(theme === "dark", Number(dark.match(/\d+/)[0]) < 128, `colours of the ${theme} theme: ${dark}`);
  problems.push(...(await faults(page)));
  await page.goto("about:blank");
  await page.goto(address, { waitUntil: "load" });
  await page.waitForSelector(figure, { timeout: 60_000 });
  if (page.url() !== address) problems.push(`the link ${address} became ${page.url()}`);
  await page.close();
  console.log(`${name}, ${theme}, ${size}: open after ${opened.toFixed(2)} s, complete after ${seconds.toFixed(2)} s`);
  return problems.map((problem) => `${name}, ${theme}, ${size}: ${problem}`);
}

/** Addresses, and what the page says there. */
const MESSAGES = [
  ["translate?model=damaged", "[role=status]", "The manifest of the model is damaged: it is no JSON."],
  ["translate?model=cut", "[role=status]", "The model cannot be read: encode.onnx is damaged"],
  ["translate?model=gone", "[role=status]", "The model cannot be read: there is no manifest.json."],
  ["translate?model=own", "[role=status]", "cut into tokens by a my.parts.Syllables, which runs in Python alone"],
  ["translate?model=copies", "[role=status]", "can copy tokens from its text (copy=True), which this page does not show: keras-seq generate answers"],
  ["translate?model=kind", "[role=status]", "This page shows translators, language models, taggers and classifiers; this model is of the kind LSTM."],
  ["translate?text=", "[role=status]", "Type a text, such as"],
  ["translate?text=+", "[role=status]", "Type a text, such as"],
  ["tag?text=", "[role=status]", "Type a sentence, such as"],
  ["decide?text=", "[role=status]", "Type a text, such as"],
  ["write?text=", ".written", ""],
  [`translate?sampler=greedy&text=${"12+May+1999+".repeat(834).slice(0, 10_000)}`, "[role=status]", "The text has 10,000 characters; the first 2,000 are read."],
  [`write?text=${"to+be+or+not".repeat(834).slice(0, 10_000)}`, "[role=status]", "The text has 10,000 characters; the last 2,000 are read."],
  [`tag?text=${"a+fish+".repeat(1429).slice(0, 10_000)}`, "[role=status]", "The text has 10,000 characters; the first 2,000 are read."],
  ["translate?model=words", "main", "This model has no attention: all it knows of the text is the state it begins with."],
];

/** What is said of models and texts that are not as they should be. */
async function messages(browser, origin) {
  const { page, problems } = await open(browser, origin);
  const heard = [];
  for (const [address, place, message] of MESSAGES) {
    const begin = performance.now();
    await page.goto("about:blank");
    await page.goto(`${origin}/#${address}`, { waitUntil: "load" });
    const there = (selector, wanted) => document.querySelector(selector)?.textContent.includes(wanted);
    await page.waitForFunction(there, { timeout: 60_000 }, place, message).catch(async () => {
      const said = await page.$eval("main", (node) => node.textContent);
      heard.push(`${address.slice(0, 60)}: not "${message}", but ${said.slice(0, 600)}`);
    });
    if (/text=\w/.test(address)) await answered(page, ".panel[data-example], .answer, .reading, .words");
    console.log(`${address.slice(0, 40)}: ${((performance.now() - begin) / 1000).toFixed(2)} s`);
  }
  await page.close();
  // The browser itself says of the file that is gone that it is.
  return [...heard, ...problems.filter((problem) => !problem.includes("404"))];
}

/** Models with words and with subwords answer as keras_seq did when it wrote them. */
async function others(browser, origin) {
  const { page, problems } = await open(browser, origin);
  for (const name of ["words", "subwords"]) {
    const { sampler, example: { text, answer } } = JSON.parse(manifestOf(name));
    await page.goto("about:blank");
    await page.goto(`${origin}/#translate?model=${name}&sampler=${sampler.name}&text=${encodeURIComponent(text)}`, { waitUntil: "load" });
    await answered(page, ".answer");
    const tokens = await page.$eval(".answer", (node) => node.dataset.text);
    if (tokens !== answer.text) problems.push(`${name}: ${tokens} for ${answer.text}`);
  }
  await page.close();
  return problems;
}

/** A host as notebooks are one: it has traits, and gives the files that are asked for. */
const WIDGET = `<!doctype html><html lang="en"><title>notebook</title><link rel="icon" href="data:,"><body><h1>A notebook</h1><div id="cell"></div><script type="module">
  import widget from "/widget.js";
  // First, since a page counts as loaded while its script still waits for a file.
  window.inside = (selector) => [...(document.getElementById("cell").shadowRoot?.querySelectorAll(selector) ?? [])];
  const asked = new URLSearchParams(location.search);
  document.body.style.cssText = asked.get("theme") === "dark" ? "background: #111; color: #eee" : "background: #fff";
  const about = JSON.parse(asked.get("about"));
  const names = ["manifest.json", ...Object.values((await (await fetch("/models/" + about.name + "/manifest.json")).json()).graphs).map((g) => g.file)];
  const traits = { about, files: names, settings: JSON.parse(asked.get("settings")), figure: asked.get("figure") ?? "" };
  const heard = new Set();
  const model = {
    get: (name) => traits[name], set() {}, save_changes() {},
    on: (event, f) => heard.add(f), off: (event, f) => heard.delete(f),
    async send({ file }) {
      if (asked.get("silent")) return;
      const bytes = await (await fetch(file === "runtime.wasm" ? asked.get("wasm") : "/models/" + about.name + "/" + file)).arrayBuffer();
      for (const f of heard) f({ file }, [new DataView(bytes)]);
    },
  };
  const end = widget.render({ model, el: document.getElementById("cell") });
  window.end = () => { end(); return heard.size; };
</script></body></html>`;
const PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=";

async function widget(browser, origin, shots) {
  const wasm = readdirSync(join(PAGE, "assets")).find((name) => name.endsWith(".wasm"));
  const views = {
    dates: ["Seq2Seq", EXAMPLE.text, ".answer", `${EXAMPLE.answer.text}end`],
    shakespeare: ["LanguageModel", "ROMEO:", ".reading", null],
    pos_en_left: ["TextTagger", TAGGED.answer.tokens.join(" "), ".tag", TAGGED.answer.tags.join("")],
    classes: ["TextClassifier", DECIDED.text, ".classes li:first-of-type", `${VERDICT}${CHANCES[VERDICT].toFixed(3)}`],
  };
  const all = [];
  for (const [name, [kind, text, figure, wanted]] of Object.entries(views)) {
    for (const theme of THEMES) {
      const { page, problems } = await open(browser, origin, theme === "dark" ? "phone" : "wide");
      const about = JSON.stringify({ name, kind });
      const query = new URLSearchParams({ about, settings: JSON.stringify({ text, split: false }), theme, wasm: `/assets/${wasm}`, figure: PICTURE });
      await page.goto(`${origin}/widget?${query}`, { waitUntil: "load" });
      await page.waitForFunction((selector) => window.inside(selector).length, { timeout: 60_000 }, figure).catch(async () => {
        const said = await page.evaluate(() => window.inside(".page").map((node) => node.textContent));
        assert.fail(`the widget of ${name} says ${said}; ${problems.join("; ")}`);
      });
      const said = await page.evaluate((selector) => window.inside(selector).map((node) => node.textContent).join("").replace(/\s/g, ""), figure);
      if (wanted !== null && said !== wanted) problems.push(`it says ${said} for ${wanted}`);
      const shown = await page.evaluate(() => window.inside("img").map((node) => getComputedStyle(node).display)[0]);
      if (shown !== "none") problems.push("the picture is still there");
      const color = await page.evaluate(() => getComputedStyle(window.inside(".page")[0]).backgroundColor);
      if ((theme === "dark") !== Number(color.match(/\d+/)[0]) < 128) problems.push(`colours of the ${theme} theme: ${color}`);
      const broad = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (broad > 0) problems.push(`it is ${broad} px broader than the window`);
      if (shots) await page.screenshot({ path: join(shots, `widget-${name}-${theme}.png`), fullPage: true });
      problems.push(...(await faults(page)));
      if ((await page.evaluate(() => window.end())) !== 0) problems.push("it goes on listening");
      await page.close();
      all.push(...problems.map((problem) => `widget, ${name}, ${theme}: ${problem}`));
    }
  }
  const { page, problems } = await open(browser, origin);
  const query = new URLSearchParams({ about: JSON.stringify({ name: "dates", kind: "Seq2Seq" }), settings: '{"text":"1 May 1999"}', figure: PICTURE, silent: "1" });
  await page.goto(`${origin}/widget?${query}`, { waitUntil: "load" });
  await page.waitForFunction(() => window.inside("img").length, { timeout: 60_000 });
  if (await page.evaluate(() => getComputedStyle(window.inside("img")[0]).display === "none")) problems.push("no picture where nobody answers");
  const late = "Its files come from the kernel, which is busy or no longer there";
  await page.waitForFunction((wanted) => window.inside("[role=status]")[0].textContent.includes(wanted), { timeout: 60_000 }, late);
  await page.close();
  return [...all, ...problems];
}

async function main() {
  const program = chromium();
  if (!program) return console.log("The browser test is skipped: there is no Chromium (CHROMIUM names one).");
  const shots = option("--shots");
  if (shots) mkdirSync(shots, { recursive: true });
  const server = await serve(MODELS, other);
  const origin = `http://127.0.0.1:${server.address().port}`;
  const browser = await launch(program);
  const weight = Object.values(weights()).reduce((a, b) => a + b, 0);
  const problems = weight > 500_000 ? [`the page weighs ${weight} bytes`] : [];
  console.log(`The page weighs ${Math.round(weight / 1000)} kB.`);
  try {
    for (const name of Object.keys(VIEWS)) {
      if (option("--only") && option("--only") !== name) continue;
      for (const size of Object.keys(SIZES)) {
        for (const theme of THEMES) problems.push(...(await check(browser, origin, name, theme, size, shots)));
      }
    }
    for (const [name, run] of Object.entries({ messages, others, widget })) {
      if (!option("--only") || option("--only") === name) problems.push(...(await run(browser, origin, shots)));
    }
  } finally {
    await browser.close();
    server.close();
  }
  assert.deepEqual(problems, []);
}

await main();
