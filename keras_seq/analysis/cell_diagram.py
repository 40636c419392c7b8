"""Wiring diagrams of recurrent cells."""

from keras_seq._checks import check_choice
from keras_seq._typing import Figure, PathLike
from keras_seq.analysis.drawing import COLORS, finished, new_figure

# The kinds of nodes: half of the width and of the height, colour, colour of the letters.
KINDS = {
    "state": (0.62, 0.34, "#FFFFFF", "black"),
    "input": (0.62, 0.34, "#E8E8E8", "black"),
    "gate": (0.62, 0.34, COLORS[4], "black"),
    "layer": (0.62, 0.34, COLORS[5], "black"),
    "dot": (0.26, 0.26, "#FFFFFF", "black"),
    "cell": (0.62, 0.42, COLORS[5], "black"),
    "back": (0.62, 0.42, COLORS[4], "black"),
}


def plot_cell(kind: str, title: str | None = None, save: PathLike | None = None) -> Figure:
    r"""Draw how a recurrent cell is wired.

    Orange boxes are gates, numbers from 0 to 1 that multiply; blue ones are layers with weights of
    their own; a circle multiplies or adds element by element.

        "vanilla"         h_t = tanh(W x_t + U h_(t-1) + b)
        "lstm"            c_t = f c_(t-1) + i g,  h_t = o tanh(c_t)
        "gru"             h_t = z h_(t-1) + (1 - z) n
        "unrolled"        the same cell at four steps
        "bidirectional"   two of them, the second one reading from the last step to the first

    Args:
        kind: one of these names.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for another name.

    Example:

    >>> figure = plot_cell("lstm")
    >>> sorted(text.get_text() for text in figure.axes[0].texts if "sigma" in text.get_text())
    ['$f:\\ \\sigma$', '$i:\\ \\sigma$', '$o:\\ \\sigma$']
    """
    check_choice("kind", kind, DIAGRAMS)
    size, nodes, arrows, words = DIAGRAMS[kind]()
    figure = new_figure((0.95 * size[0], 0.95 * size[1]))
    axes = figure.subplots()
    axes.set(xlim=(0, size[0]), ylim=(0, size[1]), aspect="equal")
    axes.axis("off")
    for arrow in arrows:
        _draw_arrow(axes, nodes, arrow)
    for node in nodes.values():
        _draw_node(axes, *node)
    for x, y, text in words:
        axes.text(x, y, text, ha="center", va="center", fontsize=13)
    return finished(figure, title, save)


def _draw_node(axes, x, y, kind, text):
    from matplotlib.patches import Ellipse, FancyBboxPatch

    width, height, color, letters = KINDS[kind]
    look = {"facecolor": color, "edgecolor": "black", "linewidth": 1.5, "zorder": 3}
    if kind == "dot":
        patch = Ellipse((x, y), 2 * width, 2 * height, **look)
    else:
        corner = (x - width, y - height)
        style = "round,pad=0,rounding_size=0.12"
        patch = FancyBboxPatch(corner, 2 * width, 2 * height, boxstyle=style, **look)
    axes.add_patch(patch)
    axes.text(x, y, text, ha="center", va="center", color=letters, fontsize=14, zorder=4)


def _draw_arrow(axes, nodes, points):
    """A line from node to node, with corners between: the last part is level or upright."""
    places = [nodes[point][:2] if isinstance(point, str) else point for point in points]
    if isinstance(points[-1], str):
        width, height = KINDS[nodes[points[-1]][2]][:2]
        (x0, y0), (x, y) = places[-2:]
        dx, dy = x - x0, y - y0
        # Back along the line, to the border of the node.
        share = max(abs(dx) / width, abs(dy) / height)
        places[-1] = (x - dx / share, y - dy / share)
    look = {"color": "black", "linewidth": 1.8}
    axes.plot(*zip(*places[:-1], strict=True), zorder=1, solid_capstyle="round", **look)
    arrow = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, "mutation_scale": 16, **look}
    axes.annotate("", places[-1], places[-2], arrowprops=arrow, zorder=2)


def _vanilla():
    nodes = {
        "h": (1, 2.4, "state", "$h_{t-1}$"),
        "U": (3, 2.4, "layer", "$U$"),
        "+": (4.8, 2.4, "dot", "+"),
        "tanh": (6.4, 2.4, "layer", "tanh"),
        "new": (8.6, 2.4, "state", "$h_t$"),
        "W": (4.8, 1.3, "layer", "$W$"),
        "x": (4.8, 0.4, "input", "$x_t$"),
        "b": (3.4, 1.3, "state", "$b$"),
        "V": (8.6, 3.6, "layer", "$V$"),
        "y": (6.4, 3.6, "state", "$y_t$"),
    }
    arrows = [("h", "U"), ("U", "+"), ("x", "W"), ("W", "+"), ("+", "tanh"), ("tanh", "new")]
    arrows += [("b", (3.4, 2.0), (4.3, 2.0), (4.3, 2.4), "+"), ("new", "V"), ("V", "y")]
    arrows += [("new", (10.3, 2.4))]
    return (10.4, 4.1), nodes, arrows, []


def _lstm():
    nodes = {
        "c": (0.9, 4.6, "state", "$c_{t-1}$"),
        "keep": (2.6, 4.6, "dot", r"$\times$"),
        "+": (5.0, 4.6, "dot", "+"),
        "new c": (10.2, 4.6, "state", "$c_t$"),
        "write": (5.0, 3.4, "dot", r"$\times$"),
        "f": (2.6, 2.2, "gate", r"$f:\ \sigma$"),
        "i": (4.2, 2.2, "gate", r"$i:\ \sigma$"),
        "g": (5.8, 2.2, "layer", "$g$: tanh"),
        "o": (7.4, 2.2, "gate", r"$o:\ \sigma$"),
        "tanh": (8.7, 3.6, "layer", "tanh"),
        "show": (8.7, 2.2, "dot", r"$\times$"),
        "h": (0.9, 1.25, "state", "$h_{t-1}$"),
        "x": (0.9, 0.38, "input", "$x_t$"),
        "new h": (10.2, 2.2, "state", "$h_t$"),
    }
    arrows = [("c", "keep"), ("keep", "+"), ("+", "new c"), ("f", "keep"), ("write", "+")]
    arrows += [("i", (4.2, 3.4), "write"), ("g", (5.8, 3.4), "write")]
    arrows += [((8.7, 4.6), "tanh"), ("tanh", "show"), ("o", "show"), ("show", "new h")]
    arrows += [
        (name, (1.9, y), (1.9, 0.8), (2.6, 0.8), "f") for name, y in (("h", 1.25), ("x", 0.38))
    ]
    arrows += [((2.6, 0.8), (x, 0.8), name) for x, name in ((4.2, "i"), (5.8, "g"), (7.4, "o"))]
    words = [(1.85, 3.9, "forget"), (5.8, 4.0, "write"), (9.5, 2.9, "show")]
    return (11.0, 5.1), nodes, arrows, words


def _gru():
    nodes = {
        "h": (0.9, 4.2, "state", "$h_{t-1}$"),
        "keep": (4.6, 4.2, "dot", r"$\times$"),
        "+": (8.2, 4.2, "dot", "+"),
        "new": (9.9, 4.2, "state", "$h_t$"),
        "reset": (2.2, 3.1, "dot", r"$\times$"),
        "r": (2.9, 2.0, "gate", r"$r:\ \sigma$"),
        "z": (4.6, 2.0, "gate", r"$z:\ \sigma$"),
        "n": (6.6, 2.0, "layer", "$n$: tanh"),
        "other": (6.0, 3.1, "state", "$1-z$"),
        "write": (8.2, 3.1, "dot", r"$\times$"),
        "same h": (0.9, 1.1, "state", "$h_{t-1}$"),
        "x": (0.9, 0.36, "input", "$x_t$"),
    }
    arrows = [("h", "keep"), ("keep", "+"), ("+", "new"), ("z", "keep"), ("write", "+")]
    arrows += [((4.6, 3.1), "other"), ("other", "write"), ("n", (8.2, 2.0), "write")]
    arrows += [((2.2, 4.2), "reset"), ("r", (2.9, 3.1), "reset")]
    arrows += [("reset", (1.7, 3.1), (1.7, 1.4), (6.9, 1.4), (6.9, 1.66))]
    arrows += [("same h", (1.9, 1.1), (1.9, 0.8), (2.9, 0.8), "r"), ((2.9, 0.8), (4.6, 0.8), "z")]
    arrows += [("x", (6.3, 0.36), (6.3, 1.66)), ((1.9, 0.36), (1.9, 0.8), (2.9, 0.8), "r")]
    return (
        (10.7, 4.7),
        nodes,
        arrows,
        [(4.0, 3.6, "keep"), (8.9, 3.6, "write"), (3.55, 2.75, "reset")],
    )


def _unrolled():
    nodes, arrows, words = {"0": (0.8, 1.7, "state", "$h_0$")}, [], []
    for t in range(1, 5):
        x = 0.5 + 2.2 * t
        nodes[str(t)] = (x, 1.7, "cell", "cell")
        nodes[f"x{t}"] = (x, 0.4, "input", f"$x_{t}$")
        nodes[f"h{t}"] = (x, 3.0, "state", f"$h_{t}$")
        arrows += [(f"x{t}", str(t)), (str(t - 1), str(t)), (str(t), f"h{t}")]
        words += [(x + 0.28, 1.02, "$W$"), (x - 0.98, 1.95, "$U$")]
    return (10.6, 3.5), nodes, [*arrows, ("4", (10.5, 1.7))], words


def _bidirectional():
    nodes, arrows = {}, []
    for t in range(1, 5):
        x = 2.2 * t - 0.6
        nodes[f"x{t}"] = (x, 0.4, "input", f"$x_{t}$")
        nodes[f"f{t}"] = (x, 1.6, "cell", r"$\rightarrow$")
        nodes[f"b{t}"] = (x, 2.9, "back", r"$\leftarrow$")
        nodes[f"y{t}"] = (x, 4.1, "state", f"$h_{t}$")
        left, right = x - 0.85, x + 0.85
        arrows += [(f"x{t}", f"f{t}"), (f"b{t}", f"y{t}")]
        arrows += [((x, 0.95), (right, 0.95), (right, 2.75), (x + 0.62, 2.75))]
        arrows += [((x - 0.62, 1.75), (left, 1.75), (left, 4.1), (x - 0.62, 4.1))]
        if t > 1:
            arrows += [(f"f{t - 1}", f"f{t}"), ((x - 0.62, 3.05), (x - 1.58, 3.05))]
    return (9.9, 4.6), nodes, arrows, []


DIAGRAMS = {
    "vanilla": _vanilla,
    "lstm": _lstm,
    "gru": _gru,
    "unrolled": _unrolled,
    "bidirectional": _bidirectional,
}
