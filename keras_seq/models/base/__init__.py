"""The parts of every task model."""
