"""Files of labelled texts, read strictly."""

import csv
import gzip
import random
import re

import pytest

from keras_seq.datasets import read_labelled


def written(folder, content, name="a.tsv"):
    path = folder / name
    path.write_bytes(content.encode())
    return path


def test_columns_by_name_in_any_order(tmp_path):
    path = written(tmp_path, 'label\tnumber\ttext\nx\t1\ta "b", c\ny\t2\t\n\n')
    assert read_labelled(path) == (['a "b", c', ""], ["x", "y"])
    assert read_labelled(path, text="number")[0] == ["1", "2"]


def test_columns_by_place_have_no_line_of_names(tmp_path):
    path = written(tmp_path, "one\tx\r\ntwo\ty\r\n")
    assert read_labelled(path, 0, 1) == (["one", "two"], ["x", "y"])
    assert read_labelled(path, 1, 0) == (["x", "y"], ["one", "two"])


def test_csv_has_quotes_over_lines(tmp_path):
    content = 'text,label\n"a, ""b""\nc",x\nd,y\n'
    expected = (['a, "b"\nc', "d"], ["x", "y"])
    assert read_labelled(written(tmp_path, content, "a.csv")) == expected
    zipped = tmp_path / "a.csv.gz"
    zipped.write_bytes(gzip.compress(content.encode()))
    assert read_labelled(zipped) == expected
    assert read_labelled(written(tmp_path, "a;x\n", "b.csv"), 0, 1, delimiter=";") == (["a"], ["x"])


def test_a_text_of_any_length_and_no_state_of_the_process(tmp_path):
    limit = csv.field_size_limit()
    long = "ab " * 70_000
    for content, name in (
        (f"text\tlabel\n{long}\tx\n", "a.tsv"),
        (f"text,label\n{long},x\n", "a.csv"),
        (f'text,label\n"{long}",x\n', "b.csv"),
    ):
        assert read_labelled(written(tmp_path, content, name)) == ([long], ["x"])
    lines = '""\n' * 70_000
    path = written(tmp_path, f'text,label\n"{lines}",x\n', "c.csv")
    assert read_labelled(path) == (['"\n' * 70_000], ["x"])
    assert csv.field_size_limit() == limit


def test_what_python_writes_as_csv_comes_back(tmp_path):
    """Rows of odd characters, written by the standard library in many ways."""
    rng = random.Random(0)
    path = tmp_path / "a.csv"
    for delimiter in ",;|\t":
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
            texts = ["".join(rng.choices("ab\",;\t \n'|\0\u2028", k=5)) + "." for _ in range(200)]
            labels = [rng.choice(['x"y', '"', "it's", "a,b", "a;b"]) for _ in texts]
            with open(path, "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, delimiter=delimiter, quoting=quoting)
                writer.writerows([("text", "label"), *zip(texts, labels, strict=True)])
            given = {"delimiter": delimiter, "quoted": True}
            assert read_labelled(path, **given) == (texts, labels)
            if delimiter != "|":
                assert read_labelled(path) == (texts, labels)


@pytest.mark.parametrize(
    ("name", "content", "options", "expected"),
    [
        # Excel in countries with a decimal comma, with and without names
        ("a.csv", 'text;label\r\na, b;x\r\n"c; ""d""";y\r\n', {}, (["a, b", 'c; "d"'], "xy")),
        ("a.csv", "sep=;\r\n1,5;x\r\n", {"text": 0, "label": 1}, (["1,5"], "x")),
        ("a.csv", '"sep=|"\ntext|label\na|x\n', {}, (["a"], "x")),
        ("a.csv", "so, so;x\ndull;y\n", {"text": 0, "label": 1}, (["so, so", "dull"], "xy")),
        ("a.csv", "a\tx\nb, c\ty\n", {"text": 0, "label": 1}, (["a", "b, c"], "xy")),
        # what a spreadsheet leaves behind
        ("a.csv", "text,label,\na,x,\nb,y\n,,\n , \n", {}, (["a", "b"], "xy")),
        ("a.csv", "text,label\na,x,,\n", {}, (["a"], "x")),
        ("a.csv", "a,x,\nb,y\n", {"text": 0, "label": 1}, (["a", "b"], "xy")),
        ("a.tsv", "text\tlabel\t\na\tx\t\n\t\t\n", {}, (["a"], "x")),
        # names and columns with blanks around them
        ("a.csv", 'label, text\nx, "a, b" \n y ,c\n', {}, (["a, b", "c"], "xy")),
        # CSV by another name, TSV by another name
        ("a.txt", 'text,label\n"a, b",x\n', {}, (["a, b"], "x")),
        ("a.csv", 'text\tlabel\n"a", b\tx\n', {}, (['"a", b'], "x")),
        # tabs without quotes: they are characters
        ("a.tsv", "text\tlabel\n\"tis\tx\n'tis \"so\ty\n", {}, (['"tis', "'tis \"so"], "xy")),
        ("a.tsv", 'text\tlabel\n"a ""b"""\tx\n"c" d\ty\n', {}, (['"a ""b"""', '"c" d'], "xy")),
        ("a.tsv", 'a "" b\t"x"\n', {"text": 0, "label": 1}, (['a "" b'], ['"x"'])),
        # tabs with quotes, for certain
        ("a.tsv", 'text\tlabel\n"a\tb"\tx\nc\ty\n', {}, (["a\tb", "c"], "xy")),
        ("a.tsv", 'text\tlabel\n"a\n\nb"\tx\n', {}, (["a\n\nb"], "x")),
        ("a.tsv", 'text\tlabel\n"a ""b"""\tx\nc\ty\n', {}, (['a "b"', "c"], "xy")),
        ("a.tsv", '"text"\t"label"\n"a"\t"x"\n', {}, (["a"], "x")),
        ("a.tsv", '"a"\t"x"\n"b"\t"y"\n', {"text": 0, "label": 1}, (["a", "b"], "xy")),
        # what is said goes before what is likely
        ("a.tsv", '"dull"\tx\n', {"text": 0, "label": 1, "quoted": True}, (["dull"], "x")),
        ("a.csv", '"dull,x\n', {"text": 0, "label": 1, "quoted": False}, (['"dull'], "x")),
        ("a.csv", "a,b;x\n", {"text": 0, "label": 1, "delimiter": ";"}, (["a,b"], "x")),
        ("a.tsv", "a||x\n", {"text": 0, "label": 2, "delimiter": "|"}, (["a"], "x")),
        # a row of many labels may be empty
        ("a.csv", "a,x\n,\n", {"text": 0, "label": 1, "separator": "|"}, (["a", ""], [["x"], []])),
    ],
)  # fmt: skip
def test_files_of_spreadsheets(tmp_path, name, content, options, expected):
    texts, labels = read_labelled(written(tmp_path, content, name), **options)
    assert (texts, labels) == (expected[0], [*expected[1]])
    marked = written(tmp_path, "\ufeff" + content, name)
    assert read_labelled(marked, **options) == (texts, labels)
    marked.write_bytes(content.encode("utf-16"))
    assert read_labelled(marked, **options) == (texts, labels)


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        (
            *("a.csv", "so, so;x\nfine, fine;y\n", {"text": 0, "label": 1}),
            "a.csv can be read with commas or semicolons between its columns: say which by "
            "`delimiter` (`--separator`).",
        ),
        (
            *("a.tsv", "a,x\n", {"text": 0, "label": 1}),
            "line 1: expected a column 1, counted from 0; received 1 of them, divided at tabs. "
            "Another character that divides columns is named by `delimiter` (`--separator`).",
        ),
        (
            *("a.tsv", "text|label\na|x\n", {}),
            "once; received ['text|label'], divided at tabs. Columns without names are chosen by",
        ),
        (
            *("a.tsv", 'text\tlabel\n"a\tb" c\tx\n', {}),
            "line 2: expected 2 columns, as in the first line; received 3: '\"a\\tb\" c\\tx'. "
            "Quotes are read as they stand; `quoted=True` (`--quoted`) reads them as CSV has them.",
        ),
        (
            *("a.csv", 'text,label\nb,y\n"so" he said,x\n', {}),
            "or quotes around all of it; received ' he said,x'.",
        ),
        ("a.csv", 'text,label\n\n"dull,x\nb,y\n', {}, "line 3: unexpected end of the file inside"),
        ("a.csv", "text,label\na,x,z\n", {}, "line 2: expected 2 columns, as in the first line"),
        ("a.csv", "text,label,more\na,x\n", {}, "line 2: expected 3 columns"),
        ("a.csv", "text,label\n,\n", {}, "a line of names and no rows"),
        *[
            ("a.csv", "", {"delimiter": one}, "`delimiter` must be one character, and neither a")
            for one in ("", "||", '"', "\n", 3)
        ],
    ],
)  # fmt: skip
def test_what_is_not_certain_is_told(tmp_path, name, content, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        read_labelled(written(tmp_path, content, name), **options)


def test_encodings_are_named_and_never_guessed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("text;label\r\nschön: 5 €;gut\r\n".encode("cp1252"))
    with pytest.raises(ValueError, match=r"line 2: byte 0xf6 .*`--encoding`\), such as 'cp1252'"):
        read_labelled(path)
    assert read_labelled(path, encoding="cp1252") == (["schön: 5 €"], ["gut"])
    assert read_labelled(path, encoding="latin-1") != (["schön: 5 €"], ["gut"])


def test_any_number_of_labels(tmp_path):
    path = written(tmp_path, "a\tx|y\nb\t\nc\tz\n")
    assert read_labelled(path, 0, 1, separator="|")[1] == [["x", "y"], [], ["z"]]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, "a.tsv has no lines"),
        ("text\tlabel\n", {}, "a line of names and no rows"),
        ("sentence\tlabel\na\tx\n", {}, r"line 1: .* 'text' once; received \['sentence'"),
        ("text\ttext\tlabel\n", {}, r"'text' once; received \['text', 'text'"),
        ("a\n", {"text": 0, "label": 1}, "line 1: expected a column 1.*received 1"),
        ("text\tlabel\na\tx\nb\n", {}, "line 3: expected 2 columns.*received 1: 'b'"),
        ("text\tlabel\n\na\tx\tz\n", {}, r"line 3: expected 2 columns.*received 3: 'a\\tx\\tz'"),
        ("text\tlabel\na\t \n", {}, "line 2: the label is empty"),
        ("a\tx\nb\tz\n", {"text": 0, "label": 1, "known": ["x"]}, "line 2: .* 'z'; there are 'x'"),
        ('text,label\na,x\n"b,y\n', {"delimiter": ","}, "line 3: unexpected end"),
        ("", {"text": 0}, "two names of columns, or two places"),
        ("", {"text": -1, "label": 0}, "received -1 and 0"),
        ("", {"text": "a", "label": "a"}, "received 'a' and 'a'"),
    ],
)
def test_mistakes_name_file_and_line(tmp_path, content, options, message):
    with pytest.raises(ValueError, match=message):
        read_labelled(written(tmp_path, content), **options)


def test_missing_and_broken_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        read_labelled(tmp_path / "none.tsv")
    path = tmp_path / "broken.tsv"
    path.write_bytes(b"text\tlabel\na\tx\n\xff\ty\n")
    with pytest.raises(ValueError, match=r"line 3.*0xff"):
        read_labelled(path)
