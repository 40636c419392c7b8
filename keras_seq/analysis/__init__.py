"""Measures and figures of trained models."""

import importlib
from typing import TYPE_CHECKING

from keras_seq.analysis.activations import Activations, gate_activations, unit_activations
from keras_seq.analysis.alignments import alignment, alignment_error_rate, read_alignments
from keras_seq.analysis.attention_plot import plot_attention
from keras_seq.analysis.best_unit import best_unit
from keras_seq.analysis.bits_by_context import bits_by_context
from keras_seq.analysis.cell_diagram import plot_cell
from keras_seq.analysis.connectivity import Connectivity, connectivity
from keras_seq.analysis.curves import plot_curves
from keras_seq.analysis.exposure_bias import exposure_bias
from keras_seq.analysis.figure_style import set_figure_style
from keras_seq.analysis.gradient_flow import first_to_last_ratio, gradient_flow
from keras_seq.analysis.gradient_norms_plot import plot_gradient_norms
from keras_seq.analysis.gradient_plots import (
    plot_gradient_flow,
    plot_gradient_heatmap,
    plot_jacobian_spectrum,
)
from keras_seq.analysis.highlight import highlight
from keras_seq.analysis.jacobians import jacobian_spectrum, spectral_radius
from keras_seq.analysis.linear_recurrence import linear_recurrence, tanh_recurrence
from keras_seq.analysis.ngram_model import NGramModel
from keras_seq.analysis.plots import plot_exposure_bias, plot_history, plot_score_by_length
from keras_seq.analysis.recurrence_plot import plot_recurrence
from keras_seq.analysis.sample_quality import sample_quality
from keras_seq.analysis.score_by_length import score_by_length
from keras_seq.analysis.scores import edit_distance, text_scores
from keras_seq.analysis.search_errors import search_errors
from keras_seq.analysis.search_tree import plot_search_tree
from keras_seq.analysis.slides import Slides
from keras_seq.analysis.tag_scores import tag_scores
from keras_seq.analysis.unit_plots import plot_connectivity, plot_gates, plot_unit

if TYPE_CHECKING:
    from keras_seq.experiments import (
        gradient_experiment,
        plot_comparison,
        plot_gradient_experiment,
        plot_memory_comparison,
    )
    from keras_seq.experiments import gradient_summary as summary
    from keras_seq.explorer import explore

__all__ = [
    "Activations",
    "Connectivity",
    "NGramModel",
    "Slides",
    "alignment",
    "alignment_error_rate",
    "best_unit",
    "bits_by_context",
    "connectivity",
    "edit_distance",
    "explore",
    "exposure_bias",
    "first_to_last_ratio",
    "gate_activations",
    "gradient_experiment",
    "gradient_flow",
    "highlight",
    "jacobian_spectrum",
    "linear_recurrence",
    "plot_attention",
    "plot_cell",
    "plot_comparison",
    "plot_connectivity",
    "plot_curves",
    "plot_exposure_bias",
    "plot_gates",
    "plot_gradient_experiment",
    "plot_gradient_flow",
    "plot_gradient_heatmap",
    "plot_gradient_norms",
    "plot_history",
    "plot_jacobian_spectrum",
    "plot_memory_comparison",
    "plot_recurrence",
    "plot_score_by_length",
    "plot_search_tree",
    "plot_unit",
    "read_alignments",
    "sample_quality",
    "score_by_length",
    "search_errors",
    "set_figure_style",
    "spectral_radius",
    "summary",
    "tag_scores",
    "tanh_recurrence",
    "text_scores",
    "unit_activations",
]

# The names that are at home in packages which stand above this one: where, and what each is called
# there.
ELSEWHERE = {
    "explore": ("keras_seq.explorer", "explore"),
    "gradient_experiment": ("keras_seq.experiments", "gradient_experiment"),
    "plot_comparison": ("keras_seq.experiments", "plot_comparison"),
    "plot_gradient_experiment": ("keras_seq.experiments", "plot_gradient_experiment"),
    "plot_memory_comparison": ("keras_seq.experiments", "plot_memory_comparison"),
    "summary": ("keras_seq.experiments", "gradient_summary"),
}


def __getattr__(name):
    if name in ELSEWHERE:
        module, there = ELSEWHERE[name]
        return getattr(importlib.import_module(module), there)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *ELSEWHERE})
