"""What a person wants to see of a model: scores and figures."""

from keras_seq.analysis.plots import plot_attention, plot_history
from keras_seq.analysis.scores import edit_distance, text_scores

__all__ = ["edit_distance", "plot_attention", "plot_history", "text_scores"]
