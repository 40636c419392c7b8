"""The tokens with which a text ends."""


def end_token_ids(tokenizer, stop_tokens):
    """Return what ends a text, for `Sampler.search`.

    Args:
        tokenizer: that of what is written.
        stop_tokens: a token of its vocabulary or several, which end a text as the end token does;
            `None` for none.

    Returns:
        The id of the end token, or a tuple of it and those of the stop tokens.

    Raises:
        ValueError: for what is no token of the vocabulary.
    """
    if stop_tokens is None:
        return tokenizer.end_token_id
    single = isinstance(stop_tokens, str)
    if not single and not isinstance(stop_tokens, (list, tuple, set, frozenset)):
        raise ValueError(
            "`stop_tokens` must be a token of the vocabulary or a list of them; "
            f"received {stop_tokens!r}."
        )
    tokens = [stop_tokens] if single else list(stop_tokens)
    for token in tokens:
        if not isinstance(token, str) or token not in tokenizer:
            raise ValueError(
                f"`stop_tokens` must be tokens of the vocabulary, each a single one; "
                f"received {token!r}."
            )
    ids = {tokenizer.end_token_id, *map(tokenizer.token_to_id, tokens)}
    return tuple(sorted(ids)) if tokens else tokenizer.end_token_id
