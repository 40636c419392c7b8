"""Studies with models: train many of them with several seeds, and measure each."""

from keras_seq.experiments.claims import Claims
from keras_seq.experiments.comparison import compare, compare_memory
from keras_seq.experiments.gradients import gradient_experiment
from keras_seq.experiments.over_seeds import fastest, over_seeds
from keras_seq.experiments.plots import (
    plot_comparison,
    plot_gradient_experiment,
    plot_memory_comparison,
)
from keras_seq.experiments.seed_plot import plot_seeds
from keras_seq.experiments.settings import ComparisonSettings, ExperimentSettings
from keras_seq.experiments.summaries import comparison_summary, gradient_summary

__all__ = [
    "Claims",
    "ComparisonSettings",
    "ExperimentSettings",
    "compare",
    "compare_memory",
    "comparison_summary",
    "fastest",
    "gradient_experiment",
    "gradient_summary",
    "over_seeds",
    "plot_comparison",
    "plot_gradient_experiment",
    "plot_memory_comparison",
    "plot_seeds",
]
