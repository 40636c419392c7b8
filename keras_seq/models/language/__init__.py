"""Language models: what comes next."""
