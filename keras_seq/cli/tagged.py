"""Files of tagged sentences, by the options of a command."""

from keras_seq.cli.labelled import separator


def read_tagged(
    path, columns="0,-1", tag="upos", scheme=None, repair=False, wanted=None, encoding=None, **how
):
    """The sentences of a file and their tags.

    Args:
        path: columns, or CoNLL-U where its name ends in .conllu or .conllu.gz.
        columns: the places of words and tags, `"0,-1"`.
        tag: in CoNLL-U the name of the column of the tags.
        scheme: what tags of spans are written in; `None` for tags of single words.
        repair: whether to read invalid sequences of tags as conlleval does.
        wanted: the scheme that they are wanted in, where it is another one.
        encoding: as in `datasets.read_lines`.
        **how: `separator` and `comment` of `datasets.read_conll`.

    Returns:
        `(sentences, tags)`, lists of lists of str.

    Raises:
        ValueError: as `datasets.read_conll` and `datasets.read_conllu`, with file and line; for
            `columns` that are not two integers, a file without sentences, and a column without a
            tag.
    """
    schemes = None if scheme is None else (scheme, wanted or scheme)
    if path.name.lower().removesuffix(".gz").endswith(".conllu"):
        pairs = _read_conllu(path, tag, schemes, repair, encoding)
    else:
        how["separator"] = separator(how.get("separator"))
        pairs = _read_columns(path, columns, schemes, repair, encoding=encoding, **how)
    if not pairs:
        raise ValueError(f"{path} has no sentence.")
    sentences, tags = zip(*pairs, strict=True)
    if all(tag in ("_", "-") for row in tags for tag in row):
        raise ValueError(f"{path} has no tag: there is nothing but {tags[0][0]!r}.")
    return list(sentences), list(tags)


def _read_columns(path, columns, schemes, repair, **how):
    from keras_seq.datasets import read_conll

    try:
        return read_conll(path, _places(columns), schemes, repair=repair, **how)
    except ValueError as error:
        if schemes is None or repair:
            raise
        try:  # is it the order of the tags that is wrong?
            read_conll(path, _places(columns), schemes, repair=True, **how)
        except ValueError:
            raise error from None
        raise ValueError(f"{error} --repair reads such tags as conlleval does.") from error


def _read_conllu(path, tag, schemes, repair, encoding):
    from keras_seq.datasets import read_conllu
    from keras_seq.text.tag_schemes import convert_tags, find_problem

    pairs = []
    for number, sentence in enumerate(read_conllu(path, encoding)):
        tags = sentence.column(tag)
        if schemes is not None:
            problem = None if repair else find_problem(tags, schemes[0])
            if problem is not None:
                raise ValueError("{}, sentence {}, word {}: {}".format(path, number, *problem))
            try:
                tags = convert_tags(tags, *schemes, repair)
            except ValueError as error:  # for no tag of the scheme at all
                raise ValueError(f"{path}, sentence {number}: {error}") from error
        pairs.append((sentence.words, tags))
    return pairs


def _places(columns):
    try:
        word, tag = map(int, columns.split(","))
    except ValueError:
        raise ValueError(
            f"--columns must be two places, such as 0,-1, of words and tags; received {columns!r}."
        ) from None
    return word, tag
