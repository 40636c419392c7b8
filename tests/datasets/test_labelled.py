"""Files of labelled texts, read strictly."""

import gzip

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


def test_any_number_of_labels(tmp_path):
    path = written(tmp_path, "a\tx|y\nb\t\nc\tz\n")
    assert read_labelled(path, 0, 1, separator="|")[1] == [["x", "y"], [], ["z"]]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, "a.tsv has no lines"),
        ("text\tlabel\n", {}, "a line of names and no rows"),
        ("sentence\tlabel\na\tx\n", {}, r"line 1: .* 'text' once; it is not in \['sentence'"),
        ("text\ttext\tlabel\n", {}, "more than once"),
        ("a\n", {"text": 0, "label": 1}, "line 1: expected a column 1.*has 1"),
        ("text\tlabel\na\tx\nb\n", {}, "line 3: expected 2 columns.*but 1 came: 'b'"),
        ("text\tlabel\n\na\tx\tz\n", {}, r"line 3: expected 2 columns.*3 came: 'a\\tx\\tz'"),
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
