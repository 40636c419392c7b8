"""Run the lessons, and write each beside its script as a notebook with its figures.

    python tutorials/build.py                       # all of them, on the backend of KERAS_BACKEND
    python tutorials/build.py 02 --times-only       # run one; write down its time alone
    python tutorials/build.py 02 --text-only        # run nothing: the code is that of the last run

`times.json` has the minutes of each lesson on each backend: those that passed, and those that the
processors computed, which are no more where nothing else runs. The header of a notebook is made
here of that file and of `REPOSITORY`.
"""

import argparse
import ast
import datetime
import json
import os
import pathlib
import re
import resource
import sys
import time

# Where the project is published is not known yet: this is the one place to write it down.
REPOSITORY = "OWNER/keras_seq"

HERE = pathlib.Path(__file__).parent
TIMES = HERE / "times.json"
FAILED = HERE / "failed"  # what runs that failed had put out
LOGGED = r"$|WARNING: All log messages before absl|[IWE]\d{4} "  # by TensorFlow
NAMES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
INSTALL = """\
import importlib.util
import os

if importlib.util.find_spec("keras_seq") is None:  # on Colab the package has to be installed
    !git clone --quiet --depth 1 https://github.com/{repository} checkout
    %pip install --quiet "./checkout[{extras}]"
if os.path.isdir("checkout"):  # it has more trained models than the package
    os.environ["KERAS_SEQ_PRESETS"] = os.path.abspath("checkout/saved_models")
"""
EXTRAS = {"12_train_and_serve_anywhere": "torch,plots,onnx"}  # others have the first two


def scripts():
    """The lessons in their order."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def read(script):
    """The notebook of a script, without outputs: its header, then the cells of the script."""
    import jupytext
    from nbformat.v4 import new_code_cell, new_markdown_cell

    notebook = jupytext.read(script)
    extras = EXTRAS.get(script.stem, "torch,plots")
    header = [
        new_markdown_cell(header_text(script.stem)),
        new_code_cell(INSTALL.format(repository=REPOSITORY, extras=extras).strip()),
    ]
    notebook.cells = [notebook.cells[0], *header, *notebook.cells[1:]]
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02}"
        solution = "solution" in cell.metadata.get("tags", ())
        cell.metadata = {}
        if solution:  # folded in Jupyter, and on Colab
            cell.metadata = {
                "tags": ["solution"],
                "jupyter": {"source_hidden": True},
                "cellView": "form",
            }
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def header_text(lesson):
    """The badge of Colab, and what the last run took."""
    page = f"https://colab.research.google.com/github/{REPOSITORY}/blob/main/tutorials"
    times = json.loads(TIMES.read_text()).get(lesson, {})
    runs = [f"{NAMES[name]} {run['computing']} ({run['date']})" for name, run in times.items()]
    return (
        f"[![Open in Colab](figures/colab.svg)]({page}/{lesson}.ipynb)\n\n"
        f"Minutes of computing in the last run: {', '.join(runs) or 'not run yet'}."
    )


def run(script, times_only):
    """Run one lesson; its time goes into `times.json`, its outputs into the notebook.

    Where it fails, the notebook stays as it was, and the outputs so far go into `FAILED`.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = read(script)
    began, computed = time.perf_counter(), computing_seconds()
    options = {"timeout": None, "record_timing": False, "coalesce_streams": True}
    options["store_widget_state"] = False
    client = NotebookClient(notebook, kernel_name="python3", **options)
    aside = FAILED / f"{script.stem}.ipynb"
    try:
        client.execute(cwd=str(HERE))
        check_outputs(notebook)
    except BaseException:  # a long run that was broken off, too
        FAILED.mkdir(exist_ok=True)
        nbformat.write(notebook, aside)
        print(f"It failed; what it had put out is in {aside}.", file=sys.stderr)
        raise
    aside.unlink(missing_ok=True)
    minutes = {
        "minutes": round((time.perf_counter() - began) / 60, 1),
        "computing": round((computing_seconds() - computed) / 60, 1),
    }
    times = json.loads(TIMES.read_text())
    date = datetime.date.today().isoformat()
    backend = os.environ["KERAS_BACKEND"]
    times.setdefault(script.stem, {})[backend] = {**minutes, "date": date}
    for lesson, runs in times.items():
        times[lesson] = {name: runs[name] for name in NAMES if name in runs}
    TIMES.write_text(json.dumps(dict(sorted(times.items())), indent=2) + "\n")
    target = script.with_suffix(".ipynb")
    if times_only:
        notebook = nbformat.read(target, as_version=4)
    notebook.cells[1].source = header_text(script.stem)
    nbformat.validate(notebook)
    nbformat.write(notebook, target)
    print(f"{script.stem} on {NAMES[backend]}: {minutes}")


def computing_seconds():
    """What processes that have ended computed: the kernel, once it is shut down."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write_text(script):
    """Write text and comments of a script into its notebook, and leave the outputs.

    Raises:
        RuntimeError: where code has changed.
    """
    import nbformat

    target, notebook = script.with_suffix(".ipynb"), read(script)
    code, of_last_run = (
        [cell for cell in cells if cell.cell_type == "code"]
        for cells in (notebook.cells, nbformat.read(target, as_version=4).cells)
    )
    if [without_comments(cell) for cell in code] != [
        without_comments(cell) for cell in of_last_run
    ]:
        raise RuntimeError(f"{script.name} has other code than its notebook: it has to be run.")
    for cell, ran in zip(code, of_last_run, strict=True):
        cell.outputs, cell.execution_count = ran.outputs, ran.execution_count
    nbformat.write(notebook, target)


def without_comments(cell):
    """The code of a cell; that of the first one, which is made here, does nothing in a run."""
    return "" if "%pip" in cell.source else ast.dump(ast.parse(cell.source))


def check_outputs(notebook):
    """Drop what TensorFlow logs as it starts; raise a `RuntimeError` for any other noise.

    A widget goes, too: its picture stays.
    """
    for cell in notebook.cells:
        for output in list(cell.get("outputs", ())):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
            if output.output_type == "stream" and output.name == "stderr":
                if noise := [x for x in output.text.splitlines() if not re.match(LOGGED, x)]:
                    raise RuntimeError(f"{noise[0]} on standard error, by\n{cell.source}")
                cell.outputs.remove(output)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("lessons", nargs="*", help="beginnings of their names, such as 02")
    parser.add_argument("--times-only", action="store_true", help="leave the outputs as they are")
    parser.add_argument("--text-only", action="store_true", help="run nothing; write the text")
    arguments = parser.parse_args()
    os.environ.setdefault("KERAS_BACKEND", "torch")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["PYTHONWARNINGS"] = "ignore:This is a figure"  # what `explore` says without a widget
    if os.environ.pop("CI", None):
        print("CI is set and makes lessons small: it is not handed on.", file=sys.stderr)
    beginnings = tuple(arguments.lessons) or ("",)
    for script in scripts():
        if not script.stem.startswith(beginnings):
            continue
        if arguments.text_only:
            write_text(script)
        else:
            run(script, arguments.times_only)


if __name__ == "__main__":
    main()
