"""Training on windows of streams: the state goes on from one batch to the next."""

from keras import ops

from keras_seq._checks import check_positive
from keras_seq.backend import parts, replicas, scope
from keras_seq.models.base.task import Task
from keras_seq.models.language.penalties import penalised_steps
from keras_seq.text.examples import Examples
from keras_seq.text.windows import StreamWindows


class StreamTraining(Task):
    """A task that reads all texts as one, cut into streams side by side.

    Attributes:
        tokenizer: of the texts.
        window: how many steps of a stream are a batch; `None` for batches of whole texts.
        encoder: what reads the tokens.
        stream_state: the `StreamState` of an encoder that has a state, or `None`.
    """

    @property
    def carries(self):
        """Whether the encoder has a state that goes from window to window."""
        return hasattr(self.encoder, "state_size")

    def compile(self, *args, **kwargs):
        if kwargs.get("r_drop") and self.window is not None:
            raise ValueError(
                "`r_drop` makes two passes over a batch, but the state goes on from one to the "
                f"next: it needs window=None; received window={self.window}."
            )
        super().compile(*args, **kwargs)

    def make_batches(self, examples, batch_size, shuffle=False):
        """Return the windows of streams, or, without a `window`, texts of similar length."""
        if self.window is None:
            return super().make_batches(examples, batch_size, shuffle)
        windows = StreamWindows(examples, batch_size, self.window)
        self.prepare_streams(windows.streams + -windows.streams % replicas(self))
        return windows

    def split_examples(self, examples, fraction):
        """Split whole texts, or a single one at a token."""
        if self.window is None or len(examples) > 1:
            return super().split_examples(examples, fraction)
        (fed,), (labels,) = examples.inputs["token_ids"], examples.labels
        count = len(fed) - max(1, int(len(fed) * fraction))
        if count < 1:
            raise ValueError(f"`validation_split={fraction}` of one token leaves none.")
        parts = slice(count), slice(count, None)
        return [
            Examples({"token_ids": [fed[part]]}, [labels[part]], examples.weights) for part in parts
        ]

    def prepare_streams(self, rows):
        """Make the variables that carry the state of so many streams, outside of any graph.

        `fit` and `evaluate` on texts do it themselves.
        """
        if not self.carries or not self.make_room(check_positive("rows", rows)):
            return
        # What was compiled before has the old variables in it. A callback may ask for more room
        # in the middle of a training, which goes on with the new function.
        if self.train_function is not None:
            self.make_train_function(force=True)
        if self.test_function is not None:
            self.make_test_function(force=True)

    def make_room(self, rows):
        """Make the variables for so many streams; returns whether there are new ones."""
        if not self.carries:
            return False
        with scope(self):
            return self.stream_state.prepare(rows // parts(self))

    def batch_totals(self, x, y, sample_weight=None):
        totals = super().batch_totals(x, y, sample_weight)
        mask = ops.not_equal(x["token_ids"], self.tokenizer.pad_token_id)
        return {**totals, **penalised_steps(mask)}

    @property
    def reads_all(self):
        """Whether the texts become streams, cut from all of them together."""
        return self.window is not None

    def passing_variables(self):
        return self.stream_state.variables if self.carries else []

    def fit(self, x=None, y=None, batch_size=None, validation_data=None, **kwargs):
        """Train on texts; the arguments are those of `keras.Model.fit`.

        Args:
            x: one text, or texts in any form that `models.Task` describes; where the model has a
                `window`, all of them are read into memory as ids.
            y: nothing: what is to be predicted is in the texts.
            batch_size: the number of streams, or without a `window` of texts, in a batch.
            validation_data: texts likewise.
            **kwargs: the others; `validation_split` takes the last texts, or the end of a single
                one. `shuffle` has no meaning where there is a `window`.

        Raises:
            ValueError: for a `y`, an empty corpus, and ids where strings belong.
        """
        return super().fit(x, y, batch_size, validation_data=validation_data, **kwargs)

    def evaluate(self, x=None, y=None, batch_size=None, **kwargs):
        """Return loss and metrics on texts; the arguments are those of `keras.Model.evaluate`.

        With a `window` the texts are read as in training, in at most `batch_size` streams that
        begin with state 0: 1 reads them as one.
        """
        return super().evaluate(x, y, batch_size, **kwargs)
