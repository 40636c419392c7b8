"""The help of the commands, as `tests/snapshots/help.txt` has it, as tables."""

import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]


def as_markdown():
    """Return a section for each command."""
    text = (ROOT / "tests/snapshots/help.txt").read_text("utf-8")
    parts = re.split(r"^\$ (keras-seq.*) --help\n", text, flags=re.MULTILINE)[1:]
    sections = []
    for command, page in zip(parts[::2], parts[1::2], strict=True):
        usage, *boxes = re.split(r"^╭─ (.*?) ─+╮\n", page, flags=re.MULTILINE)
        usage, _, about = usage.partition("\n\n")
        about = re.sub(r"(?m)^ ", "", about.rstrip())
        tables = [
            _table(title, box.split("╰")[0])
            for title, box in zip(boxes[::2], boxes[1::2], strict=True)
        ]
        sections += [f"## {command}", about, f"```text\n{usage.removeprefix('Usage: ')}\n```"]
        sections += [table for table in tables if table]
    return "\n\n".join(sections)


def _table(title, box):
    """The rows of a box: what is said, its type, and what it does."""
    rows = []
    for line in box.splitlines():
        cells = [(m.start(), m[0]) for m in re.finditer(r"\S+(?: \S+)*", line.strip("│"))]
        if (cells and cells[0][0] < 8 and cells[0][1] != "*") or cells[:1] == [(1, "*")]:
            cells = [cell for cell in cells if cell[1] != "*"]
            names = [text for _, text in cells if text.startswith("--")] or [
                cells[0][1].removesuffix("...")
            ]
            rest = cells[len(names) :]
            kind = rest.pop(0)[1] if rest and rest[0][1].startswith("<") else ""
            rows.append([", ".join(f"`{name}`" for name in names), kind, [t for _, t in rest]])
            column = rest[0][0] if rest else 0
        else:
            for start, text in cells:
                if start < column:
                    rows[-1][1] += text
                else:
                    rows[-1][2].append(text)
    rows = [row for row in rows if row[0] != "`--help`"]
    lines = [
        f"| {names} | {_escaped(kind.strip('<>'))} | {_escaped(' '.join(words))} |"
        for names, kind, words in rows
    ]
    return "\n".join([f"| {title} | | |", "|---|---|---|", *lines]) if rows else ""


def _escaped(text):
    return re.sub(r"([|<>*_\[\]])", r"\\\1", text)
