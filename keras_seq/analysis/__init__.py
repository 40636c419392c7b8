"""What a person wants to see of a model: scores and figures."""

from keras_seq.analysis.alignments import alignment, alignment_error_rate, read_alignments
from keras_seq.analysis.attention_plot import plot_attention
from keras_seq.analysis.exposure_bias import exposure_bias
from keras_seq.analysis.plots import plot_exposure_bias, plot_history, plot_score_by_length
from keras_seq.analysis.score_by_length import score_by_length
from keras_seq.analysis.scores import edit_distance, text_scores
from keras_seq.analysis.search_errors import search_errors
from keras_seq.analysis.search_tree import plot_search_tree

__all__ = [
    "alignment",
    "alignment_error_rate",
    "edit_distance",
    "exposure_bias",
    "plot_attention",
    "plot_exposure_bias",
    "plot_history",
    "plot_score_by_length",
    "plot_search_tree",
    "read_alignments",
    "score_by_length",
    "search_errors",
    "text_scores",
]
