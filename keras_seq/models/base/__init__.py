"""What every task model is made of."""
