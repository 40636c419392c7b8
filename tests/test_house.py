"""What holds for the package as a whole."""

import ast
import functools
import inspect
import pathlib
import subprocess
import sys

import keras
import pytest
from cases import INITIALIZERS, LAYERS, LOSSES, METRICS, SAMPLERS

import keras_seq

ABSTRACT = {
    *("AttentionMechanism", "Cell", "Ensemble", "Pooling", "Preprocessor", "Sampler"),
    *("Task", "Tokenizer"),
}
MADE_BY_A_MODEL = {"Stream"}


def _public_classes(*modules):
    found = [getattr(module, name) for module in modules for name in module.__all__]
    return [one for one in found if inspect.isclass(one)]


def test_every_public_class_has_its_line_in_cases():
    lines = {type(case.make()).__name__ for case in LAYERS}
    lines |= {type(one).__name__ for one in [*INITIALIZERS, *SAMPLERS]}
    lines |= {metric.__name__ for metric in [*METRICS, *LOSSES]}
    classes = _public_classes(
        keras_seq.initializers, keras_seq.layers, keras_seq.models, keras_seq.samplers
    )
    assert {kind.__name__ for kind in classes} - ABSTRACT - MADE_BY_A_MODEL == lines


@pytest.mark.parametrize(
    "kind",
    _public_classes(
        keras_seq.initializers,
        keras_seq.layers,
        keras_seq.models,
        keras_seq.samplers,
        keras_seq.text,
    ),
)
def test_every_public_class_shows_an_example(kind):
    if kind.__name__ in ("Task", "Tokenizer"):
        pytest.skip("abstract: its kinds have the examples")
    assert ">>> " in kind.__doc__ or "```python" in kind.__doc__


@pytest.mark.parametrize("thing", INITIALIZERS, ids=repr)
def test_initializers_survive_a_config(thing):
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(thing))
    assert type(copy) is type(thing)
    assert copy.get_config() == thing.get_config()


@pytest.mark.parametrize("kind", METRICS)
def test_metrics_survive_a_config(kind):
    metric = kind(name="mine")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert type(copy) is kind
    assert copy.get_config() == metric.get_config()


@pytest.mark.skipif(keras.config.backend() == "tensorflow", reason="it is the backend")
def test_the_import_leaves_tensorflow_and_matplotlib_alone():
    script = (
        "import sys, keras; before = set(sys.modules); import keras_seq; "  # torch loads matplotlib
        "keras_seq.text.CharacterTokenizer; "
        "print(sorted({'tensorflow', 'tensorflow_text', 'matplotlib'} & {*sys.modules} - before))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert found.stdout.strip() == "[]", found.stderr


# What holds for the source of the package, read as text. An exception is to become none: the test
# fails as soon as it is no longer needed.
PACKAGE = pathlib.Path(keras_seq.__file__).parent
FLOORS = (  # low to high: no file imports from a floor above its own
    ("backend", "version", "_*"),
    ("text", "initializers", "samplers"),
    ("layers", "datasets", "export"),
    ("models",),
    ("analysis", "distributed"),
    ("callbacks", "testing"),
    ("experiments", "explorer"),
    ("cli", "demo", ""),  # "" is the package itself
)
LONGEST_FILE, LONGEST_FUNCTION = 400, 60  # lines; of a function those of its docstring not counted
LONG_FILES = set()
LONG_FUNCTIONS = set()
CIRCLES = set()
UPWARDS = set()
ASKING = set()


@functools.cache
def sources():
    """From each module of the package to its file and syntax tree."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path, ast.parse(path.read_text())
    return found


def imported(tree):
    """What a file imports, anywhere in it: pairs of a module and a name from it, or `None`.

    What is imported for type checkers alone is left out.
    """
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from ((node.module, alias.name) for alias in node.names)


@functools.cache
def import_graph():
    """From each module of the package to those of it that it imports."""
    files = sources()
    return {
        module: {
            full if (full := f"{source}.{name}") in files else source
            for source, name in imported(tree)
            if source in files
        }
        for module, (_, tree) in files.items()
    }


def floor(module):
    """The floor that a module stands on."""
    part = module.removeprefix("keras_seq").lstrip(".").split(".")[0]
    part = "_*" if part.startswith("_") else part
    floors = [number for number, parts in enumerate(FLOORS) if part in parts]
    assert floors, f"{module} needs a floor: add it to FLOORS in {__file__}"
    return floors[0]


def circles(graph):
    """The groups of modules each of which reaches all others of its group through imports."""

    def reached(start):
        seen, waiting = set(), list(graph[start])
        while waiting:
            module = waiting.pop()
            if module not in seen:
                seen.add(module)
                waiting += graph[module]
        return seen

    reach = {module: reached(module) for module in graph}
    return {
        ", ".join(sorted(other for other in reach[module] if module in reach[other]))
        for module in graph
        if module in reach[module]
    }


def check(broken, exceptions):
    """Nothing breaks a rule but the exceptions, and all of these do."""
    assert not broken - exceptions, f"against the rules: {sorted(broken - exceptions)}"
    assert not exceptions - broken, f"no longer exceptions: {sorted(exceptions - broken)}"


def lines_without_docstring(function):
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= first.end_lineno - first.lineno + 1
    return lines


@pytest.mark.once
def test_files_and_functions_are_short():
    files, functions = set(), set()
    for path, tree in sources().values():
        if len(path.read_text().splitlines()) > LONGEST_FILE:
            files.add(path.stem)
        functions |= {
            f"{path.stem}.{node.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef)
            and lines_without_docstring(node) > LONGEST_FUNCTION
        }
    check(files, LONG_FILES)
    check(functions, LONG_FUNCTIONS)


@pytest.mark.once
def test_imports_go_down():
    graph = import_graph()
    upwards = {
        f"{module} -> {other}"
        for module, others in graph.items()
        for other in others
        if floor(other) > floor(module)
    }
    check(upwards, UPWARDS)
    check({circle.replace("keras_seq.", "") for circle in circles(graph)}, CIRCLES)


@pytest.mark.once
def test_circles_are_seen():
    graph = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"d"}, "e": {"a"}}
    assert circles(graph) == {"a, b, c", "d"}


def users_of(package):
    """The parts of the package that import `package`: folders with `/`, and files."""
    paths = [
        path.relative_to(PACKAGE)
        for path, tree in sources().values()
        if any(
            module == package or module.startswith(f"{package}.") for module, _ in imported(tree)
        )
    ]
    return {f"{path.parts[0]}/" if len(path.parts) > 1 else path.name for path in paths}


@pytest.mark.once
def test_frameworks_stay_where_they_belong():
    assert users_of("keras.src") == set()
    assert users_of("torch") == users_of("jax") == {"backend/"}
    tensorflow = users_of("tensorflow") | users_of("tensorflow_text")
    assert tensorflow <= {"backend/", "export/", "text/", "_tensorflow.py"}


@pytest.mark.once
def test_only_the_backends_ask_which_one_runs():
    asking = {
        module
        for module, (_, tree) in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, (ast.Compare, ast.Subscript))
        for inner in ast.walk(node)
        if isinstance(inner, ast.Call) and getattr(inner.func, "attr", "") == "backend"
    }
    check(asking - {"keras_seq.backend", "keras_seq._tensorflow"}, ASKING)


@pytest.mark.once
def test_no_two_test_files_have_one_name():
    """The test runner takes the name of a file for that of its module."""
    names = [path.name for path in pathlib.Path(__file__).parent.rglob("test_*.py")]
    assert sorted(names) == sorted({*names})
