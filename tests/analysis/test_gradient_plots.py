"""The figures of gradients, gates and Jacobians show the numbers that they were given."""

import numpy as np
import pytest

from keras_seq.analysis import (
    Activations,
    Connectivity,
    plot_connectivity,
    plot_gates,
    plot_gradient_flow,
    plot_gradient_heatmap,
    plot_jacobian_spectrum,
    plot_unit,
)

TOKENS = ("the", "keys", "are")
FOUND = Activations(
    "lstm",
    TOKENS,
    {"forget": np.linspace(0, 1, 12).reshape(3, 4), "h": np.ones((3, 4)) * [[-1, 1, 0, 2]]},
)


def test_gradient_flow_draws_each_curve_with_gaps_at_zero():
    flows = {"a": {"lstm": [0.0, 1e-3, 1.0], "lstm/c": [1e-9, 1e-3, 1.0]}, "b": [1.0, 2.0, 3.0]}
    (axes,) = plot_gradient_flow(flows).axes
    lines = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    assert list(lines) == ["a: lstm", "a: lstm/c", "b"]
    np.testing.assert_array_equal(lines["a: lstm"], [np.nan, 1e-3, 1.0])
    assert axes.get_yscale() == "log" and axes.get_xlabel() and axes.get_ylabel()
    for bad in ({}, {"a": np.ones((2, 2))}, {"a": []}):
        with pytest.raises(ValueError, match=r"arrays \(time,\)"):
            plot_gradient_flow(bad)


def test_a_heat_map_has_a_row_a_record():
    flows = {
        "one": np.array([[1e-6, 1.0], [0.0, 2.0]]),
        "two": np.array([[1.0, 1.0], [1.0, np.nan]]),
    }
    one, two, bar = plot_gradient_heatmap((flows, [0, 5])).axes
    shown = np.ma.filled(one.images[0].get_array(), np.nan)
    np.testing.assert_array_equal(shown, [[1e-6, 1.0], [np.nan, 2.0]])
    assert [label.get_text() for label in one.get_yticklabels()] == ["0", "5"]
    assert one.images[0].norm.vmin == two.images[0].norm.vmin == 1e-6
    assert "gradient" in bar.get_ylabel()
    assert len(plot_gradient_heatmap((flows, [0, 5]), layers=["two"]).axes) == 2
    with pytest.raises(ValueError, match="received \\['three'\\]"):
        plot_gradient_heatmap((flows, [0, 5]), layers=["three"])


def test_gates_have_units_down_and_tokens_across(tmp_path):
    figure = plot_gates(FOUND, save=tmp_path / "gates.png")
    axes = figure.axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), FOUND.values["forget"].T)
    assert [label.get_text() for label in axes.get_xticklabels()] == list(TOKENS)
    assert (tmp_path / "gates.png").stat().st_size > 1000
    with pytest.raises(ValueError, match="received \\['input'\\]"):
        plot_gates(FOUND, gates=["input"])
    with pytest.raises(ValueError, match="one layer of `gate_activations`"):
        plot_gates({"lstm": FOUND})


def test_a_unit_is_a_bar_a_step():
    (axes,) = plot_unit(FOUND, unit=3).axes
    assert [bar.get_height() for bar in axes.patches] == [2, 2, 2]
    for bad, message in (
        ({"unit": 4}, "from 0 to 3"),
        ({"unit": 0, "state": "c"}, "'forget', 'h'"),
    ):
        with pytest.raises(ValueError, match=message):
            plot_unit(FOUND, **bad)


def test_connectivity_has_a_panel_an_input():
    found = {
        name: Connectivity(name, TOKENS, np.array([3.0, 2.0, 1.0]), None, 0)
        for name in ("source", "target")
    }
    assert len(plot_connectivity(found).axes) == 2
    (axes,) = plot_connectivity(found["source"]).axes
    assert [bar.get_height() for bar in axes.patches] == [3, 2, 1]
    for bad in ({}, {"source": [1.0]}):
        with pytest.raises(ValueError, match="what `connectivity` returned"):
            plot_connectivity(bad)


def test_a_spectrum_has_its_median_and_its_band():
    values = np.array([[4.0, 1.0, 0.5], [2.0, 1.0, 0.0]])
    (axes,) = plot_jacobian_spectrum({"one": values, "rows": np.stack([values, values])}).axes
    one, rows = axes.get_lines()[:2]
    np.testing.assert_allclose(one.get_ydata(), [1.0, 1.0])
    np.testing.assert_allclose(rows.get_ydata(), [1.0, 1.0])
    assert axes.get_yscale() == "log" and len(axes.collections) == 2
    with pytest.raises(ValueError, match=r"received the shape \(3,\)"):
        plot_jacobian_spectrum(np.ones(3))


def test_a_curve_on_another_one_hides_nothing():
    norms = np.geomspace(1e-3, 1, 9)
    flows = {"first": norms, "other": norms[::-1], "again": 1.001 * norms}
    first, other, again = plot_gradient_flow(flows).axes[0].get_lines()
    assert first.get_linewidth() > 2 * again.get_linewidth()
    assert again.get_linestyle() == "--" and other.get_linestyle() == first.get_linestyle() == "-"
