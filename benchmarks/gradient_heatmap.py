"""The figure of gradients through training: three cells that are to remember for 50 steps.

KERAS_BACKEND=torch python -m benchmarks.gradient_heatmap heatmap.png
"""

import sys

import keras

from keras_seq.analysis import plot_gradient_heatmap
from keras_seq.callbacks import GradientFlow
from keras_seq.datasets import recall
from keras_seq.experiments import ExperimentSettings
from keras_seq.experiments.cells import make_cell, memory_model

CELLS = ("vanilla", "lstm", "lstm:chrono")
LENGTH, EPOCHS, ROWS = 50, 10, 6_400


def main(path):
    flows = {}
    for cell in CELLS:
        keras.utils.set_random_seed(0)
        training, held_out = recall(ROWS + 1_000, LENGTH, seed=0).split(ROWS)
        settings = ExperimentSettings()
        model = memory_model(training, make_cell(cell, settings.units, LENGTH), settings)
        flow = GradientFlow(held_out.inputs[:32], held_out.targets[:32])
        model.fit(
            training.inputs,
            training.targets,
            batch_size=settings.batch_size,
            epochs=EPOCHS,
            verbose=0,
            callbacks=[flow],
        )
        classes = model.predict(held_out.inputs, verbose=0).argmax(axis=-1)
        accuracy = float((classes == held_out.targets).mean())
        print(f"{cell}: accuracy {accuracy:.3f}", flush=True)
        flows[f"{cell}: accuracy {accuracy:.2f}"] = flow.flows["recurrent"]
    plot_gradient_heatmap((flows, flow.times), save=path)


if __name__ == "__main__":
    main(sys.argv[1])
