# %% [markdown]
# # 12. Train anywhere, serve anywhere
#
# A model that only its notebook can run helps nobody. This lesson takes one translator, the one of
# dates that comes with the package, through three backends, a file, a server's graph, and a graph
# of one step that runs without Keras; and checks each time that it is still the same translator.
#
# **You will learn**
# - the same answers, attention and training from TensorFlow, JAX and PyTorch;
# - what is in a `.keras` file, and what a preset is;
# - a SavedModel, strings in and strings out, and the request that TF Serving gets;
# - ONNX in one piece and in steps, and when to take which: sizes and latencies measured.
#
# **Before this lesson**: [lesson 8](08_encoder_and_decoder.ipynb), for the translator, and
# `pip install 'keras_seq[onnx]'`.

# %%
import functools
import importlib.util
import json
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile
import zipfile

import keras
import numpy as np
import onnxruntime

import keras_seq as ks

claims = ks.experiments.Claims()  # small where CI=true: fewer backends are asked
folder = tempfile.TemporaryDirectory()  # all files of this lesson
place = pathlib.Path(folder.name)
TEXTS = ["le 27 septembre 2016", "3.10.98", "Friday, May 3, 1979", "1. mai 1999"]
ks.analysis.set_figure_style()

# %% [markdown]
# ## Presets
#
# A *preset* is a trained model with a name: a folder with a file and a card that says what it was
# trained on and how good it is.

# %%
for name, preset in ks.presets().items():
    print(f"{name}: {preset['kind']}, {preset['size'] / 2**20:.1f} MiB")
translator = ks.models.Seq2Seq.from_preset("dates")
answers = translator.generate(TEXTS)
print(dict(zip(TEXTS, answers, strict=True)))
claims.add("it reads dates", answers[0], answers[0] == "2016-09-27")

# %% [markdown]
# ## One model, three backends
#
# A backend is the library that computes. Layers written with `keras.ops` run on each; which one
# it is, the environment variable `KERAS_BACKEND` says before Keras is imported. So the next script
# runs here, and then in a process of its own for each other backend that is installed. It lets the
# preset answer, and goes on with the *training* of a small translator that was begun here and saved
# in a `.keras` file, with its optimiser.
#
# **Predict:** in how many digits will the scores agree? And the loss of the epoch that another
# backend trains?

# %%
script = place / "work.py"
script.write_text("""
import json, sys, time
began = time.perf_counter()
import keras, keras_seq as ks
texts, file = globals().get("arguments", sys.argv[1:])
dates = ks.models.Seq2Seq.from_preset("dates")
answers = dates.generate(json.loads(texts), return_scores=True, return_attention=True)
seconds = time.perf_counter() - began
young = keras.saving.load_model(file)
keras.utils.set_random_seed(0)  # the order of the batches
loss = young.fit(*ks.datasets.dates(300, seed=1), epochs=1, verbose=0).history["loss"]
result = {name: [x[name] for x in answers] for name in ("text", "score")}
result |= {"attention": answers[0]["attention"].tolist(), "loss": loss, "seconds": seconds}
if __name__ == "__main__": print(json.dumps(result))
""")
pairs = ks.datasets.dates(300, seed=0)
young = ks.models.Seq2Seq.from_texts(*pairs, tokens="char", units=16, dropout=0.0)
young.compile(keras.optimizers.Adam(0.01))
young.fit(*pairs, epochs=1, verbose=0)
young.save(place / "young.keras")

LIBRARIES = {"torch": "PyTorch", "tensorflow": "TensorFlow", "jax": "JAX"}
here, arguments = LIBRARIES.pop(keras.config.backend()), [json.dumps(TEXTS), place / "young.keras"]
runs = {here: runpy.run_path(str(script), {"arguments": arguments})["result"]}
for name, library in LIBRARIES.items():
    if importlib.util.find_spec(name) is None:
        print(f"{library} is not installed: it is not asked.")
    elif len(runs) == 1 or not claims.small:
        environment = {**os.environ, "KERAS_BACKEND": name}
        command = {"args": [sys.executable, script, *arguments], "env": environment}
        done = subprocess.run(**command, capture_output=True, text=True, check=True)
        runs[library] = json.loads(done.stdout.splitlines()[-1])
mine = runs[here]
claims.add(f"{here}: the same script, the same texts", mine["text"][0], mine["text"] == answers)
for name, run in list(runs.items())[1:]:
    claims.add(f"{name}: the same texts", run["text"][0], run["text"] == answers)
    for what, limit in (("score", 1e-4), ("attention", 1e-4), ("loss", 1e-2)):
        apart = np.abs(np.subtract(run[what], mine[what])).max()
        claims.add(f"{name}: {what} apart from {here} by", apart, apart < limit)
tokens = [*TEXTS[0], "</s>"], [*answers[0], "</s>"]
drawn = {name: ks.analysis.plot_attention(run["attention"], *tokens) for name, run in runs.items()}
ks.analysis.Slides(drawn, "computed by")

# %% [markdown]
# One figure, whoever computes it: the libraries differ by the rounding of float32. A training
# carries a rounding on from batch to batch, so that losses part further than answers, and slowly.
# So a model can be trained where the training is fastest and run where it is needed; what is chosen
# by speed is not chosen for ever.
#
# ## What is in a file
#
# A `.keras` file is a zip: how the model is made, its weights, its optimiser, and here its
# tokenizers too, so that a text is cut in the same way everywhere. Nothing in it is code.

# %%
translator.save(place / "dates.keras")
with zipfile.ZipFile(place / "dates.keras") as archive:
    for info in archive.infolist():
        print(f"{info.filename}: {info.file_size / 1024:,.0f} KiB")
    config = json.loads(archive.read("config.json"))
print(config["registered_name"], sorted(config["config"])[:6], "...")
again = keras.saving.load_model(place / "dates.keras")
claims.add("it comes back as it was", "all texts", again.generate(TEXTS) == answers)
translator.save_to_preset(place / "half", dtype="float16")
half = ks.models.Seq2Seq.from_preset(place / "half")
claims.add("with weights of 16 bits, too", "all texts", half.generate(TEXTS) == answers)

# %% [markdown]
# ## A SavedModel
#
# TF Serving runs graphs of TensorFlow. `export` writes one with everything inside, the cutting
# into characters, the network and the search: a string comes in, a string goes out, and no Python
# of ours is asked. It can be exported from any backend.
#
# The request is JSON. This is its body, and below it the command that would send it:

# %%
translator.export(place / "served", sampler="greedy", examples=TEXTS[:2], verbose=False)
instances = [{"text": text} for text in TEXTS]
body = json.dumps({"signature_name": "serving_default", "instances": instances})
print(f"curl -d '{body}' http://localhost:8501/v1/models/dates:predict")

# %% [markdown]
# No server runs here; the graph that it would run does. `ks.export.load` reads the SavedModel and
# nothing else, and this function does with the body what the server does.

# %%
served = ks.export.load(place / "served")


def serve(body):
    request = json.loads(body)
    inputs = {"text": [row["text"] for row in request["instances"]]}
    answer = served.ask(request["signature_name"], inputs)
    rows = [dict(zip(answer, row, strict=True)) for row in zip(*answer.values(), strict=True)]
    return json.dumps({"predictions": rows})


response = serve(body)
print(response)
rows = json.loads(response)["predictions"]
claims.add("strings in, strings out", "all texts", [row["outputs"] for row in rows] == answers)
print({name: about["about"] for name, about in served.signatures.items()})

# %% [markdown]
# ## ONNX, in one piece and in steps
#
# ONNX is a format for graphs that many runtimes read: on a phone, in a browser, from C++. What
# *reads* a text, a classifier or a tagger, goes into it in one piece, from ids to probabilities.
# What *writes* has a loop in it, and goes into it as its **step**: state in, state out; the loop is
# yours.

# %%
task = ks.datasets.opinions(200 if claims.small else 1_000, seed=0)
keras.utils.set_random_seed(0)
critic = ks.models.TextClassifier.from_texts(task.texts, task.labels, units=16)
critic.compile(keras.optimizers.Adam(0.01))
critic.fit(task.texts, task.labels, epochs=1, verbose=0)
critic.export(place / "critic.onnx", format="onnx", verbose=False)
session = onnxruntime.InferenceSession(str(place / "critic.onnx"))
inputs = critic.as_batch(task.texts[:5])[0]  # ids, (5, words)
(probabilities,) = session.run(["probabilities"], inputs)  # (5, classes)
expected = critic.classify(task.texts[:5], return_probabilities=True)
expected = [list(answer["probabilities"].values()) for answer in expected]
claims.add(
    "ONNX, a classifier: apart by",
    abs(probabilities - expected).max(),
    np.allclose(probabilities, expected, atol=1e-5),
)

# %% [markdown]
# The step graphs of the translator come with its preset; `translator.export(path, format="onnx",
# signature="step")` wrote them. This is the loop, with NumPy and onnxruntime alone.
#
# **Predict:** how large is what goes from step to step?

# %%
step_folder = pathlib.Path(ks.presets()["dates"]["path"]).with_name("step")
steps = ks.export.load_step(step_folder)
state, memory = steps.start(**steps.encode(TEXTS[:1])[0])  # dicts of arrays, the rows first
token, written = steps.target.start_token_id, ""
while len(written) < 20:
    logits, state = steps.step(np.array([token], "int32"), state, memory)  # (1, vocabulary)
    token = int(logits.argmax())
    if token == steps.target.end_token_id:
        break
    written += steps.target.id_to_token(token)
print({name: array.shape for name, array in state.items()})
claims.add("by hand, from step graphs", written, written == answers[0])
claims.add("the library's loop", "all texts", steps.generate(TEXTS) == answers)

# %% [markdown]
# ## Sizes and latencies
#
# **Predict:** one date at a time: which of the three answers first? Which file is the largest? And
# from nothing, in a new process: how long until the first answer?

# %%
PARTS = {".keras": place / "dates.keras", "preset, 16 bits": place / "half" / "model.keras"}
PARTS |= {"SavedModel": place / "served", "step graphs": step_folder}
sizes = {}
for name, part in PARTS.items():
    files = [file for file in (part, *part.rglob("*")) if file.is_file()]
    sizes[name] = [sum(file.stat().st_size for file in files) / 2**20]
claims.add(
    "the preset: smaller by",
    sizes[".keras"][0] / sizes["preset, 16 bits"][0],
    sizes[".keras"][0] > 2 * sizes["preset, 16 bits"][0],
)
ks.experiments.plot_seeds(sizes, "MiB")

# %%
greedy = {"sampler": "greedy"}
ASK = {"generate": functools.partial(translator.generate, **greedy), "SavedModel": served}
ASK["step graphs"], milliseconds = functools.partial(steps.generate, **greedy), {}
for name, ask in ASK.items():
    for label, count in (("a text", 1), ("32 texts", 32)):
        calls = [functools.partial(ask, pairs[0][i : i + count]) for i in (0, 32, 64)]
        fastest = [1e3 * ks.experiments.fastest(call, 3) for call in calls]
        milliseconds.setdefault(name, {})[label] = fastest
claims.add(
    "ms for a text: generate, SavedModel, step graphs",
    [min(times["a text"]) for times in milliseconds.values()],
    min(milliseconds["step graphs"]["a text"]) < min(milliseconds["SavedModel"]["a text"]),
    trained=True,
)
ks.experiments.plot_seeds(milliseconds, "milliseconds", log=True)

# %%
command = f"""
import time; began = time.perf_counter()
import keras_seq as ks
ks.export.load_step({str(step_folder)!r}).generate({TEXTS!r}); print(time.perf_counter() - began)
"""
done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
seconds = {"step graphs": float(done.stdout)}
seconds |= {name: run["seconds"] for name, run in runs.items() if name != here}
claims.add(
    "seconds to the first answer",
    list(seconds.values()),
    min(seconds, key=seconds.get) == "step graphs",
)
ks.experiments.plot_seeds(seconds, "seconds to the first answer", log=True)

# %% [markdown]
# The preset is that small because it has two bytes for a weight, and an optimiser that has
# forgotten everything: zeros, which the zip leaves out. The SavedModel has a graph for everything
# around the network as well, the step graphs have nothing but numbers.
#
# The seconds are those of this machine, and a busy one takes longer at all of it: look at what is
# faster than what. One text is answered soonest by the step graphs, unless `generate` runs on JAX,
# which has compiled its loop; of 32 at once, which a server gets, the SavedModel makes the most,
# and the loop over step graphs the least. And what costs at the start is not the model, it is the
# library.
#
# | | runs where | what goes in | take it for |
# |---|---|---|---|
# | `.keras`, a preset | Python, each backend | strings | going on: training, exports |
# | SavedModel | TF Serving, TensorFlow's C API | strings | a server that batches many requests |
# | ONNX | onnxruntime, on nearly anything | ids | what reads: a class, tags |
# | step graphs | onnxruntime, on nearly anything | ids, a state | what writes; a quick start |
#
# Whatever you take: ask it the same questions as the model, as this lesson does, before anybody
# else asks. `keras-seq serve-check` does it for a SavedModel.
#
# ## What we claimed, what we measured

# %%
claims.check()

# %% [markdown]
# ## Exercises
#
# 1. Make the half-precision model a preset with a name of your own, found by `KERAS_SEQ_PRESETS`.
# 2. Ask the signature `attend` with a JSON body. Which letters does the year look at?
# 3. The answer of a server is wrong for a text. How do you find out whether it is the model, the
#    export, or the request?
# 4. Export the young translator as step graphs with `inspect=True`, and print the forget gate of
#    its first step.

# %% tags=["solution"]
# 1: the folder is the name.
os.environ["KERAS_SEQ_PRESETS"] = str(place)
print(sorted(ks.presets()), ks.models.Task.from_preset("half").generate(TEXTS[1]))
del os.environ["KERAS_SEQ_PRESETS"]

# %% tags=["solution"]
# 2: each of its four digits at the year of the source, by and large.
row = served.ask("attend", {"text": TEXTS[:1]})
attention = np.array(row["attention"][0])[:4]  # of the four digits: (4, source)
source = np.array(row["source_tokens"][0])
print([str(source[step.argmax()]) for step in attention], "of", "".join(source))

# %% tags=["solution"]
# 3: ask the same text in four places, and see where the answers part: `translator.generate`,
# `ks.export.load(...)`, the body through a function such as `serve`, the server. What the export
# itself has answered when it was made stands in its signature.json:
example = served.signatures["serving_default"]["example"]
print(example["request"], example["response"]["predictions"])
assert [row["outputs"] for row in example["response"]["predictions"]] == answers[:2]

# %% tags=["solution"]
# 4: how much of its empty memory does each of 16 units keep? (All of nothing is nothing.)
if not claims.small:  # it takes another process
    export = {"format": "onnx", "signature": "step", "inspect": True, "verbose": False}
    inside = ks.export.load_step(young.export(place / "young", **export))
    state, memory = inside.start(**inside.encode(TEXTS[:1])[0])
    seen = inside.step(np.array([1], "int32"), state, memory, inspect=True)[2]
    print(np.round(seen["layer_0_forget_gate"], 2))

# %% [markdown]
# ## To read
#
# - F. Chollet and others, [Keras](https://keras.io): backends, and saving.
# - C. Olston and others, 2017, [TensorFlow-Serving: flexible, high-performance ML
#   serving](https://arxiv.org/abs/1712.06139).
# - TensorFlow, [the REST API of TF Serving](https://www.tensorflow.org/tfx/serving/api_rest).
# - [ONNX](https://onnx.ai) and [onnxruntime](https://onnxruntime.ai).
# - M. Mitchell and others, 2019, [Model cards for model
#   reporting](https://arxiv.org/abs/1810.03993).
