"""A folder of step graphs, run by onnxruntime: state in, state out."""

import json
import pathlib

import numpy as np

from keras_seq.text import CharacterTokenizer, SubwordTokenizer, WordTokenizer
from keras_seq.text.token_checks import SPECIAL_TOKENS

MANIFEST = "manifest.json"
VERSION = 1  # of the manifest; a reader reads what has its own or a lower one


class StepModel:
    """The step graphs of any model or layer.

        state, memory = model.start(...)
        output, state = model.step(inputs, state, memory)

    All are arrays of NumPy, rows first; state and memory are dicts of them, by the names in the
    manifest. `load_step` makes one, or one of the kinds that know text.

    Args:
        path: the folder.
        manifest: its manifest, a dict.
        threads: how many threads compute.

    Attributes:
        manifest: the same.
        sessions: from the name of each graph to its `onnxruntime.InferenceSession`.

    Raises:
        ValueError: for a graph that is not there, or that onnxruntime cannot read.
    """

    def __init__(self, path, manifest, threads=1):
        self.manifest = manifest
        self.sessions = {
            name: _session(pathlib.Path(path) / graph["file"], threads)
            for name, graph in manifest["graphs"].items()
        }
        self._states = [(state["input"], state["output"]) for state in manifest["state"]]
        outputs = manifest["graphs"]["step"]["outputs"]
        self._output, *self._seen = [name for name in outputs if not name.startswith("new_")]
        self._fed = next(iter(manifest["graphs"]["step"]["inputs"]))

    def start(self, rows=1, **inputs):
        """Return `(state, memory)` before the first step.

        Args:
            rows: how many rows, where the start has no other input.
            **inputs: those of the first graph, and of the start: see `manifest["graphs"]`.
        """
        values = self._before(rows, **inputs)
        state = {name: values[name] for name, _ in self._states}
        return state, {name: values[name] for name in self.manifest["memory"]}

    def step(self, inputs, state, memory=None, inspect=False):
        """Make one step in each row.

        Args:
            inputs: token ids, integers `(rows,)`, or what else a step takes first; a dict of arrays
                where it takes several.
            state, memory: as `start`, or the step before, returned them.
            inspect: whether to return what is seen in the step too: where the model attends, and,
                if it was exported with `inspect=True`, the gates and the candidates.

        Returns:
            `(output, state)`, the output being logits `(rows, vocabulary_size)` or what else the
            step gives; with `inspect` `(output, state, seen)`, a dict of arrays.
        """
        if not isinstance(inputs, dict):
            inputs = {self._fed: inputs}
        names = [self._output, *(new for _, new in self._states), *(self._seen if inspect else ())]
        values = self._run("step", {**state, **(memory or {}), **inputs}, names)
        new = {name: values[after] for name, after in self._states}
        if not inspect:
            return values[self._output], new
        return values[self._output], new, {name: values[name] for name in self._seen}

    def _run(self, graph, values, names=None):
        """Run a graph; a dict of its outputs, or of those of some names."""
        described = self.manifest["graphs"][graph]
        names, feeds = names or list(described["outputs"]), {}
        for name, field in described["inputs"].items():
            if name not in values:
                raise ValueError(f"`{graph}` must be given `{name}`; received {[*values]}.")
            feeds[name] = np.asarray(values[name], field["dtype"])
        return dict(zip(names, self.sessions[graph].run(names, feeds), strict=True))

    def _before(self, rows=1, **inputs):
        """Run the graphs before the step, and return all that they were given and gave."""
        values = {"rows": np.zeros(rows, "int32"), **inputs}
        for graph in self.sessions:
            if graph != "step":
                values |= self._run(graph, values)
        return values

    def _tokenizer(self, role):
        """The tokenizer of a role, such as `"source"`."""
        described = self.manifest["tokenizers"][role]
        config = described["config"]
        if "model_proto" not in config:
            config = {"vocabulary": described["vocabulary"], **config}
        return TOKENIZERS[described["class"]](**config)


TOKENIZERS = {kind.__name__: kind for kind in (CharacterTokenizer, SubwordTokenizer, WordTokenizer)}


def knows_tokenizers(manifest):
    """Whether a reader has all tokenizers of a model; a user's own is known to Keras alone."""
    described = manifest.get("tokenizers", {}).values()
    return all(tokenizer["class"] in TOKENIZERS for tokenizer in described)


def describe_tokenizer(tokenizer):
    """Return what the manifest says of a tokenizer, a dict ready for JSON.

    `config` makes it again in Python. `vocabulary` has the tokens by their ids.
    """
    special = dict(zip(("pad", "start", "end", "unknown"), range(len(SPECIAL_TOKENS)), strict=True))
    known = type(tokenizer).__module__.startswith("keras_seq.")
    name = type(tokenizer).__name__
    return {
        "class": name if known else f"{type(tokenizer).__module__}.{name}",
        "config": {k: v for k, v in tokenizer.get_config().items() if k != "vocabulary"},
        "vocabulary": tokenizer.vocabulary,
        "special_ids": special,
    }


def read_manifest(path):
    """Return the manifest in a folder, a dict.

    Raises:
        ValueError: where there is none, one that is damaged, and one of a later version.
    """
    path = pathlib.Path(path)
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        version = manifest["version"]
        manifest["graphs"]["step"], manifest["state"], manifest["kind"]
    except OSError as error:
        raise ValueError(f"There are no step graphs in {path}: no {MANIFEST}.") from error
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path / MANIFEST} is damaged: {error}.") from error
    if version > VERSION:
        raise ValueError(
            f"{path} has step graphs of version {version}, and this reader knows those up to "
            f"{VERSION}: take a newer keras_seq."
        )
    return manifest


def _session(file, threads):
    try:
        import onnxruntime
    except ImportError as error:
        raise ValueError(
            f"Step graphs run on onnxruntime: pip install onnxruntime. ({error})"
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if not file.is_file():
        raise ValueError(f"There is no file {file}, which the manifest beside it names.")
    try:
        return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no class in common
        raise ValueError(f"onnxruntime cannot read {file}: {error}") from error
