"""The parts of `models.compare`: architectures, data, training, and what is measured."""
