"""The training of a classifier in a comparison."""

import time

import keras


class Watch(keras.callbacks.Callback):
    """Times the epochs, and stops when the time is over or the model good enough.

    Args:
        minutes: the limit, or `None`.
        enough: the `val_accuracy` that is enough, twice in a row; or `None`.

    Attributes:
        seconds: of each epoch, validation included.
    """

    def __init__(self, minutes=None, enough=None):
        super().__init__()
        self.minutes = minutes
        self.enough = enough
        self.seconds = []
        self.accuracies = []

    def on_train_begin(self, logs=None):
        self.began = time.perf_counter()

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch_began = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        if self.minutes is not None and time.perf_counter() - self.began > 60 * self.minutes:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.epoch_began)
        self.accuracies.append(logs["val_accuracy"])
        if self.enough is None or len(self.accuracies) < 2:
            return
        if min(self.accuracies[-2:]) >= self.enough:
            self.model.stop_training = True


def train(model, data, settings):
    """Train a `TextClassifier`, and leave it with the weights of its best epoch.

    The best epoch is that with the highest accuracy on the development part.

    Args:
        model: a `TextClassifier`.
        data: `ComparisonData`.
        settings: `ComparisonSettings`.

    Returns:
        The seconds of each epoch, a list.
    """
    watch = Watch(settings.minutes, settings.enough)
    best = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="max", patience=settings.patience, restore_best_weights=True
    )
    optimizer = keras.optimizers.Adam(settings.learning_rate, global_clipnorm=settings.clip_norm)
    model.compile(optimizer)
    texts, labels = data.train
    model.fit(
        texts,
        labels,
        validation_data=data.dev,
        batch_size=settings.batch_size,
        epochs=settings.epochs,
        callbacks=[best, watch],
        verbose=0,
    )
    return watch.seconds
