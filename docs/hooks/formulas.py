r"""The formulas of docstrings, written there in plain characters, as LaTeX.

A formula stands indented; labels before it and remarks behind it are divided by two or more spaces:

    forward:   h_t = tanh(W x_t + U h_(t-1))     h_0 = 0 where none is passed

What stands in brackets after `_` or `^` is below or above; `*` is a product of numbers or, with
`times=r"\odot"`, of vectors, element by element; `.` with spaces is a dot product.
"""

import re

GREEK = (
    *("alpha", "beta", "gamma", "lambda", "phi", "pi", "psi", "rho", "sigma", "theta"),
    *("Phi", "Psi", "Sigma"),
)
KNOWN = {"exp", "log", "ln", "cos", "sin", "tanh"}  # to LaTeX
LARGE = {"sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min"}
NAMES = ("r_drop", "top_k", "top_p")  # no subscripts, as in names of one long word more
SIGNS = {
    "<=": r"\le ",
    ">=": r"\ge ",
    "<-": r"\leftarrow ",
    "->": r"\rightarrow ",
    "||": r"\|",
    "...": r"\dots ",
    "&": r"\cap ",
    "{": r"\{",
    "}": r"\}",
    "%": r"\%",
    "#": r"\#",
}
TOKEN = re.compile(
    rf"""`[^`]*` | "[^"]*" | {"|".join(NAMES)} | [A-Za-z]{{3,}}(?:(?:_[a-z]+){{2,}}|_[a-z]{{4,}})
    | [A-Za-z]+(?:\d[A-Za-z]+)*\d* | \d+(?:\.\d+)? | \.\.\.
    | <= | >= | <- | -> | \|\| | \*\* | \s+ | .""",
    re.VERBOSE,
)
ALIGNED = re.compile(r"(?<=\S) {2,}(?=(=|<-|~|\+ ))|(?<=[=+]) {2,}")
CODE = re.compile(
    r"^\s*(def|class|with|import|from|@|>>>|- `|crf =)|\{\"|\w\(\*\*|->   |\b_  |\(self",
    re.MULTILINE,
)
WORDS = re.compile(r"(\b[a-z]{3,}\b[ ,]*){3}")


def as_latex(block, times=r"\cdot "):
    """Return a block as LaTeX in display math, or `None` where it is no formula, such as code."""
    lines = [ALIGNED.sub(" ", line.rstrip()) for line in block.splitlines()]
    alone = [line.strip() for line in lines if "  " not in line.strip()]
    prose = any(WORDS.match(line) and not re.search("[=<~]", line) for line in alone)
    if CODE.search(block) or prose or not re.search(r"[=_^~/]|<-", block):
        return None
    rows, starts = [], [0]
    for line in lines:
        indent = len(line) - len(line.lstrip())
        before = max(0, sum(start <= indent + 1 for start in starts) - 1)
        columns = [(m.start(), m[0]) for m in re.finditer(r"\S+(?: \S+)*", line)]
        if not indent or len(columns) > 1:
            starts = [start for start, _ in columns] if not indent else starts
        cells = [math(text, times) for _, text in columns]
        if indent and not before:
            cells[0] = rf"\quad {cells[0]}"
        rows.append([""] * before + cells)
    width = max(map(len, rows))
    body = " \\\\\n".join(" & ".join(_spaced(row, width)) for row in rows)
    return f"$$\n\\begin{{array}}{{{'l' * width}}}\n{body}\n\\end{{array}}\n$$"


def _spaced(row, width):
    filled = row + [""] * (width - len(row))
    first, *more = [rf"\displaystyle {cell}" for cell in filled]
    return [first, *(rf"\quad {cell}" for cell in more)]


def math(text, times=r"\cdot "):
    """One column as LaTeX."""
    return _Reader(text, times).read().strip()


class _Reader:
    """Reads a column from left to right."""

    def __init__(self, text, times):
        self.tokens = [match[0] for match in TOKEN.finditer(text)]
        self.at = 0
        self.scripted = -1  # where the last script ended
        self.times = times
        bare = re.sub(r"`[^`]*`", "", text)
        self.prose = len(re.findall(r"(?<![\w^(])[a-z]{2,}(?![\w(^])", bare)) > 1

    def read(self, until=None):
        parts = []
        while self.at < len(self.tokens) and self.tokens[self.at] != until:
            parts.append(self._next())
        return "".join(parts)

    def _peek(self, ahead=0):
        at = self.at + ahead
        return self.tokens[at] if 0 <= at < len(self.tokens) else ""

    def _next(self):
        token, before = self._peek(), self._peek(-1)
        self.at += 1
        after = self._peek()
        if token in ("_", "^", "**"):
            while self._peek().isspace():
                self.at += 1
            script = self._script()
            self.scripted = self.at
            return f"{'_' if token == '_' else '^'}{{{script}}}"
        if token == "sqrt" and after == "(":
            return rf"\sqrt{{{self._bracketed()}}}"
        if token == "(":
            self.at -= 1
            return f"({self._bracketed()})"
        if token.isspace():
            word = self._is_word(before) and self.scripted != self.at - 1
            return r"\ " if word or self._is_word(after) else " "
        if token[0] in '`"' and len(token) > 1:
            return rf"\texttt{{{_escaped(token.strip('`'))}}}"
        if token[0].isalpha():
            return self._name(token, before, after)
        return self._sign(token, before, after)

    def _is_word(self, token):
        """Whether it is set as text, with spaces around it."""
        if not token or token[0] == "`":
            return bool(token)
        known = token in (*GREEK, *KNOWN, *LARGE, "sqrt") or re.fullmatch("d[A-Za-z]", token)
        if token == "a":
            return self.prose
        return token[0].isalpha() and len(token) > 1 and not known

    def _name(self, token, before, after):
        if token == "arg" and self._peek(1) == "max":
            self.at += 2
            return rf"\operatorname*{{arg\,max}}{self._below()}"
        if token in GREEK:
            return rf"\{token} "
        if token in LARGE and not (after == " " and self._is_word(self._peek(1))):
            return f"{LARGE[token]}{self._below()} "
        if token in KNOWN:
            return rf"\{token} "
        if token == "log2":
            return r"\log_2 "
        if "_" in token:
            return rf"\texttt{{{_escaped(token)}}}"
        if re.fullmatch("d[A-Za-z]", token) or len(token) == 1:
            alone = before in ("", " ") and after in ("", " ")
            return rf"\text{{{token}}}" if token == "a" and self.prose and alone else token
        if re.fullmatch(r"[A-Z]\d", token):
            return rf"\mathrm{{{token}}}"
        return rf"\operatorname{{{token}}}" if after in ("(", "_", "^") else rf"\text{{{token}}}"

    def _sign(self, token, before, after):
        if token == "*":
            alone = before.isspace() and after.isspace()
            return self.times if alone else "^{*}"
        if token == "." and before.isspace() and after.isspace():
            return r"\cdot "
        if token == "." and before == "(":
            return r"\,\cdot\,"
        if token == "|" and before.isspace() and after.isspace():
            return r"\mid "
        if token == "~":
            return r"\propto " if self._peek(1) in ("exp", "p") else r"\sim "
        return SIGNS.get(token, token)

    def _bracketed(self):
        """What stands in the brackets that begin here."""
        self.at += 1
        inner = self.read(until=")")
        self.at += 1
        return inner

    def _below(self):
        """The subscript of a large operator, with its prime."""
        if self._peek() != "_":
            return ""
        self.at += 1
        script = self._script()
        if self._peek() == "'":
            self.at += 1
            script += "'"
        return f"_{{{script}}}"

    def _script(self):
        token = self._peek()
        if token == "(":
            inner = self._bracketed()
            if re.fullmatch("[a-z]", self._peek()):  # alpha_(t-1)j
                self.at += 1
                inner += f", {self._peek(-1)}"
            return inner
        self.at += 1
        if token in ("-", "<", "<="):  # W_-1, y_<t
            return SIGNS.get(token, token) + self._script()
        if token in GREEK:
            return rf"\{token}"
        if token in LARGE and self._peek() == "(":
            return rf"{LARGE[token]}({self._bracketed()})"
        if len(token) == 1 or token.isdigit():
            return token
        if re.fullmatch(r"[a-z]\d", token):
            return f"{token[0]}{token[1]}"
        if len(token) == 2:  # W_zr, a_ts
            return token
        return rf"\text{{{_escaped(token)}}}"


def _escaped(text):
    return re.sub(r"([_#%&{}])", r"\\\1", text)
