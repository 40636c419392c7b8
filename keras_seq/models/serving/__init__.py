"""What the task models answer when TensorFlow serves them: strings in, strings out.

Each function here returns the `keras_seq.export.Signature`s of one kind of model. What they hold
is traced by TensorFlow and saved as a graph, so it is TensorFlow from the strings to the strings.
"""
