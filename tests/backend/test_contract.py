"""Every backend defines the names of `keras_seq.backend.api.Backend`, read without importing it."""

import ast
import pathlib

import pytest

import keras_seq.backend
from keras_seq.backend.api import Backend

pytestmark = pytest.mark.once
FOLDER = pathlib.Path(keras_seq.backend.__file__).parent
BACKENDS = ("tensorflow", "jax", "torch")


def tree(path):
    return ast.parse(path.read_text())


def parameters(function, skip=0):
    """The names of the parameters of a function, and the values of those that have a default."""
    arguments = function.args
    assert not (arguments.posonlyargs or arguments.kwonlyargs or arguments.kwarg)
    names = [argument.arg for argument in arguments.args[skip:]]
    return names, [ast.literal_eval(value) for value in arguments.defaults]


def contract():
    """From each name to its parameters, or to `None` for what is not called."""
    (kind,) = (x for x in tree(FOLDER / "api.py").body if getattr(x, "name", None) == "Backend")
    methods = {x.name: parameters(x, 1) for x in kind.body if isinstance(x, ast.FunctionDef)}
    constants = {x.target.id: None for x in kind.body if isinstance(x, ast.AnnAssign)}
    return {**methods, **constants}


def branches():
    """From each backend to the names that `keras_seq.backend` takes for it, and their files."""
    taken, (branch,) = {}, (x for x in tree(FOLDER / "__init__.py").body if isinstance(x, ast.If))
    while True:
        name = branch.test.comparators[0].value
        taken[name] = {
            alias.name: imports.module for imports in branch.body for alias in imports.names
        }
        if not isinstance(branch.orelse[0], ast.If):
            return taken
        (branch,) = branch.orelse


def defined(module):
    """What a file itself defines: functions with their parameters, and constants."""
    body = tree(FOLDER.joinpath(*module.split(".")[2:]).with_suffix(".py")).body
    functions = {x.name: parameters(x) for x in body if isinstance(x, ast.FunctionDef)}
    constants = {x.targets[0].id: None for x in body if isinstance(x, ast.Assign)}
    return {**functions, **constants}


def test_all_three_are_there():
    assert tuple(branches()) == BACKENDS
    assert all(hasattr(keras_seq.backend, name) for name in contract())


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_backend_has_the_names_of_the_contract_with_their_parameters(backend):
    taken = branches()[backend]
    files = {module: defined(module) for module in taken.values()}
    assert {name: files[module].get(name, "?") for name, module in taken.items()} == contract()
    folders = {module.split(".")[2] for module in taken.values()}
    assert folders <= {backend, "plain"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_folder_defines_nothing_public_that_is_not_used(backend):
    """What a backend has is taken by `keras_seq.backend`, or by another file of the folder."""
    files = {path: tree(path) for path in (FOLDER / backend).glob("[!_]*.py")}
    imported = {
        alias.name
        for parsed in files.values()
        for node in ast.walk(parsed)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for path in files:
        public = {name for name in defined(f"keras_seq.backend.{backend}.{path.stem}")}
        public = {name for name in public if name.islower() and not name.startswith("_")}
        assert public <= imported | set(branches()[backend]), path.name


@pytest.mark.parametrize("backend", BACKENDS)
def test_files_of_a_backend_fit_on_a_few_screens(backend):
    for path in (FOLDER / backend).glob("*.py"):
        assert len(path.read_text().splitlines()) <= 260, path.name


def test_the_contract_documents_every_function():
    for name in contract():
        text = getattr(Backend, name).__doc__ if contract()[name] else Backend.__doc__
        assert text and (contract()[name] or f"{name}: " in text)


def test_gradients_of_tensorflow_are_forgotten_with_their_graph():
    """Nothing but `with_gradient` itself takes the function that keeps a gradient for ever."""
    users = [
        getattr(node, "name", None)
        for path in (FOLDER / "tensorflow").glob("*.py")
        for node in tree(path).body
        for inner in ast.walk(node)
        if getattr(inner, "attr", None) in ("custom_gradient", "RegisterGradient")
    ]
    assert users == ["with_gradient"]
