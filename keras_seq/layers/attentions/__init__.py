"""Attention: scores of a query and values, and what is made of them."""
