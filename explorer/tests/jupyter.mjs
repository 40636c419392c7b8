/**
 * Run a notebook with widgets of `ks.analysis.explore` in JupyterLab, in Chromium: two widgets in one notebook
 * answer, keys that are typed in a widget are no commands of the notebook, a cell that is run again has one view,
 * the views follow the theme, and they come again where the page is loaded anew.
 *
 *     node tests/jupyter.mjs [--shots FOLDER]
 *
 * JUPYTER names the Python that has jupyterlab, anywidget and keras_seq; by default that of `.venv`. Without them,
 * or without Chromium, nothing is done and said so.
 */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beside, chromium, launch, option, PAGE } from "./chromium.mjs";

const python = process.env.JUPYTER ?? beside("../../.venv/bin/python");
const TAGGER = join(PAGE, "models/pos_en_left");
const CELLS = [
  "import keras_seq as ks",
  'ks.analysis.explore("dates", "le 27 septembre 2016")',
  `ks.analysis.explore(${JSON.stringify(TAGGER)}, "They fish for fish .")`,
];

/** Why there is nothing to run, or null. */
function missing(program) {
  if (!program) return "there is no Chromium (CHROMIUM names one)";
  if (!existsSync(join(PAGE, "widget.js"))) return "the page is not built: make explorer";
  const found = existsSync(python) && spawnSync(python, ["-c", 'import anywidget, jupyterlab, importlib.util as u; assert u.find_spec("keras_seq")']);
  return found && !found.status ? null : `${python} has no jupyterlab, anywidget and keras_seq (JUPYTER names one)`;
}

function notebook() {
  const cells = CELLS.map((source, i) => ({ cell_type: "code", id: `c${i}`, execution_count: null, metadata: {}, outputs: [], source }));
  const kernelspec = { name: "python3", display_name: "Python 3", language: "python" };
  return JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 });
}

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** JupyterLab in a folder, once it answers. */
async function lab(folder) {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}/`;
  const dirs = Object.fromEntries(["CONFIG", "DATA", "RUNTIME"].map((name) => [`JUPYTER_${name}_DIR`, join(folder, `.${name}`)]));
  const env = { ...process.env, ...dirs, JUPYTERLAB_SETTINGS_DIR: join(folder, ".settings"), JUPYTERLAB_WORKSPACES_DIR: join(folder, ".work"), HOME: folder };
  const options = ["--no-browser", "--allow-root", `--port=${port}`, "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--expose-app-in-browser"];
  const server = spawn(python, ["-m", "jupyterlab", ...options], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [server.stdout, server.stderr]) stream.on("data", (data) => (said += data));
  for (let i = 0; i < 240; i++) {
    if (server.exitCode !== null) break;
    if ((await fetch(`${origin}api`).catch(() => null))?.ok) return { origin, server };
    await new Promise((done) => setTimeout(done, 500));
  }
  server.kill();
  assert.fail(`JupyterLab does not begin: ${said.slice(-2000)}`);
}

/** In the page: the nodes inside of all widgets, and inside of one. */
function inside(selector, index) {
  const roots = [...document.querySelectorAll(".jp-OutputArea *")].filter((node) => node.shadowRoot).map((node) => node.shadowRoot);
  return (index === undefined ? roots : roots.slice(index, index + 1)).flatMap((root) => [...root.querySelectorAll(selector)]);
}

async function main() {
  const program = chromium();
  const why = missing(program);
  if (why) return console.log(`The test in JupyterLab is skipped: ${why}.`);
  const shots = option("--shots");
  if (shots) mkdirSync(shots, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), "explorer-"));
  writeFileSync(join(folder, "notebook.ipynb"), notebook());
  const { origin, server } = await lab(folder);
  const browser = await launch(program);
  try {
    const page = await browser.newPage();
    const problems = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => message.type() === "error" && /widget|explorer|keras|wasm|onnx/i.test(message.text()) && problems.push(message.text()));
    await page.setViewport({ width: 1400, height: 1000 });
    await page.goto(`${origin}lab/tree/notebook.ipynb`, { waitUntil: "load" });
    await page.evaluate(`window.inside = ${inside}`);
    const shoot = (name) => shots && page.screenshot({ path: join(shots, `jupyter-${name}.png`) });
    const until = (condition, ...rest) => page.waitForFunction(condition, { timeout: 180_000 }, ...rest);
    const says = (selector, wanted, index) =>
      until((s, w, i) => window.inside(s, i).map((node) => node.textContent).join("").replace(/\s/g, "") === w, selector, wanted, index);
    const cell = (i) => page.evaluate((at) => document.querySelectorAll(".jp-Notebook .jp-CodeCell")[at].querySelector(".cm-content").focus(), i);
    const run = async (i) => {
      await cell(i);
      await page.keyboard.down("Control");
      await page.keyboard.press("Enter");
      await page.keyboard.up("Control");
    };
    await until(() => document.querySelectorAll(".jp-Notebook .cm-content").length === 3 && document.querySelector(".jp-Toolbar-kernelName, .jp-KernelName") !== null);
    for (const i of CELLS.keys()) await run(i);
    await says(".answer", "2016-09-27end", 0);
    await says(".tag", "PRONVERBADPNOUNPUNCT", 1);
    await shoot("two");

    // What is typed belongs to the widget: "dd" would delete a cell, "b" make one.
    const cells = () => page.$$eval(".jp-Notebook .jp-CodeCell", (nodes) => nodes.length);
    await page.evaluate(() => {
      const [box] = window.inside("input[type=text]", 0);
      box.focus();
      box.setSelectionRange(box.value.length, box.value.length);
    });
    await page.keyboard.type(" bdd");
    await page.waitForFunction(() => window.inside("input[type=text]", 0)[0].value.endsWith(" bdd"), { timeout: 10_000 }).catch(() => problems.push("what is typed does not arrive"));
    const slider = () => page.evaluate(() => window.inside("input[type=range]", 0)[0].value);
    await page.evaluate(() => window.inside("input[type=range]", 0)[0].focus());
    const before = await slider();
    for (const key of ["ArrowLeft", "d", "d", "b"]) await page.keyboard.press(key);
    if ((await slider()) !== String(Number(before) - 1)) problems.push("the slider does not hear its keys");
    if ((await cells()) !== 3) problems.push("keys that were typed in the widget changed the notebook");

    // A cell that is run again has one view, of the text of the cell.
    await run(1);
    await says(".answer", "2016-09-27end", 0);
    const roots = await page.evaluate(() => window.inside(".page").length);
    if (roots !== 2) problems.push(`${roots} views after a second run`);
    await shoot("again");

    // They take the colours of the notebook, and come again where its page is loaded anew.
    const dark = (wanted) => until((w) => window.inside(".page").every((node) => Number(getComputedStyle(node).backgroundColor.match(/\d+/)[0]) < 128 === w), wanted);
    await dark(false);
    await page.evaluate(() => window.jupyterapp.commands.execute("apputils:change-theme", { theme: "JupyterLab Dark" }));
    await dark(true);
    await shoot("dark");
    await page.evaluate(() => window.jupyterapp.commands.execute("docmanager:save"));
    await page.reload({ waitUntil: "load" });
    await page.evaluate(`window.inside = ${inside}`);
    await says(".answer", "2016-09-27end", 0);
    await says(".tag", "PRONVERBADPNOUNPUNCT", 1);
    await dark(true);
    assert.deepEqual(problems, []);
    console.log("Two widgets in JupyterLab answer, after a second run, in the dark, and when the page is loaded anew.");
  } finally {
    await browser.close();
    server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
