"""CoNLL files: what is read, what is written, and that one is the other."""

import gzip
import os
import re
from pathlib import Path

import pytest

from keras_seq.datasets import (
    ConlluSentence,
    read_conll,
    read_conllu,
    write_conll,
    write_conllu,
)
from keras_seq.text import convert_tags

REAL = os.environ.get("KERAS_SEQ_DATA", "")
COLUMNS = """-DOCSTART- -X- O O

Anna NNP I-NP I-PER
Bell\tNNP  I-NP \t I-PER
sang VBD I-VP O

-DOCSTART- -X-
Yes\u2028! UH O O
 \t
"""
UD = """# newdoc
# text = Im Haus und.
1-2\tIm\t_\t_\t_\t_\t_\t_\t_\t_
1\tIn\tin\tADP\t_\t_\t3\tcase\t_\t_
2\tdem\tder\tDET\t_\tCase=Dat|Gender=Neut\t3\tdet\t_\t_
3\tHaus\tHaus\tNOUN\t_\t_\t0\troot\t_\tNote=two words
3.1\tgeht\tgehen\tVERB\t_\t_\t_\t_\t0:root\tCopyOf=-1
4\tund\tund\tCCONJ\t_\t_\t3\tcc\t_\tSpaceAfter=No
5\t.\t.\tPUNCT\t_\t_\t3\tpunct\t_\t_

0.1\tich\tich\tPRON\t_\t_\t_\t_\t1:nsubj\t_
1\t10 000\t10 000\tNUM\t_\t_\t0\troot\t_\t_

"""


def saved(path, text):
    path.write_bytes(text.encode("utf-8"))
    return path


def real(*parts):
    path = Path(REAL, *parts)
    if not REAL or not path.is_file():
        pytest.skip("needs KERAS_SEQ_DATA")
    return path


def test_columns_are_read(tmp_path):
    path = saved(tmp_path / "a.txt", COLUMNS)
    words = [["Anna", "Bell", "sang"], ["Yes\u2028!"]]
    tags = [["I-PER", "I-PER", "O"], ["O"]]
    assert read_conll(path) == [*zip(words, tags, strict=True)]
    assert read_conll(path, columns=[0]) == [(one,) for one in words]
    assert read_conll(path, columns=(0, 1, 3))[0] == (words[0], ["NNP", "NNP", "VBD"], tags[0])
    assert read_conll(path, scheme="IOB1") == read_conll(path)
    assert read_conll(path, scheme=("IOB1", "IOBES"))[0][1] == ["B-PER", "E-PER", "O"]
    assert read_conll(path, scheme=("iob1", "bioes")) == read_conll(path, scheme=("IOB1", "IOBES"))
    assert read_conll(path, scheme=("IOB1", "BILOU"))[0][1] == ["B-PER", "L-PER", "O"]
    assert read_conll(path, scheme="IOB2", repair=True)[0][1] == ["B-PER", "I-PER", "O"]
    assert read_conll(path, scheme="BIO", repair=True)[0][1] == ["B-PER", "I-PER", "O"]
    zipped = tmp_path / "a.txt.gz"
    zipped.write_bytes(gzip.compress(COLUMNS.replace("\n", "\r\n").encode()))
    assert read_conll(zipped) == read_conll(path)


def test_comments_and_tabs(tmp_path):
    path = saved(tmp_path / "a.txt", "# id 1\nNew York\tB-LOC\n# x\n#\tO")
    assert read_conll(path, separator="\t", comment="# ") == [(["New York", "#"], ["B-LOC", "O"])]
    assert read_conll(saved(path, "")) == read_conll(saved(path, "\n\n -DOCSTART- O\n")) == []


@pytest.mark.parametrize(
    "text, options, message",
    [
        ("a O\nb\n", {}, "line 2: expected 2 columns, as in line 1; received 1, ['b']."),
        ("\na x O\n\nb x y O\n", {}, "line 4: expected 3 columns, as in line 2; received 4"),
        ("a O\n", {"columns": (0, 2)}, "line 1: expected more columns, as `columns` has 2; r"),
        ("\na\n", {}, "line 2: `columns` must name each column once; received (0, -1)"),
        ("a O\n\nb O\nc I-X\n", {"scheme": "BIO"}, "line 4: 'I-X' follows 'O', which is not"),
        (
            "a O\n# c\nb N-X\n",
            {"scheme": "BIO", "comment": "#"},
            "line 3: 'N-X' is not a tag of BIO",
        ),
    ],
)
def test_broken_columns_are_told_with_their_line(tmp_path, text, options, message):
    path = saved(tmp_path / "a.txt", text)
    with pytest.raises(ValueError, match=re.escape(f"{path}, {message}")):
        read_conll(path, **options)


@pytest.mark.parametrize("read", [read_conll, read_conllu])
def test_what_is_no_text(tmp_path, read):
    path = tmp_path / "a.txt"
    path.write_bytes(b"# a\n\xfc O\n")
    with pytest.raises(ValueError, match=re.escape(f"{path}, line 2: byte 0xfc at offset 4")):
        read(path)
    with pytest.raises(FileNotFoundError, match="There is no file"):
        read(tmp_path / "none")


@pytest.mark.parametrize("scheme", ["IOB", ("BIO", "IOB"), ("IOB", "BIO"), 3 * ("BIO",)])
def test_an_unknown_scheme(tmp_path, scheme):
    with pytest.raises(ValueError, match="`scheme` must be"):
        read_conll(saved(tmp_path / "a.txt", "a O\n"), scheme=scheme)
    with pytest.raises(ValueError, match="`scheme` must be"):
        read_conll(saved(tmp_path / "a.txt", ""), scheme=scheme, repair=True)


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        (["B-X", "I-X", "O", "B-X"], "IOB2"),
        (["B-X", "E-X", "O", "S-X"], "BIOES"),
        (["B-X", "L-X", "O", "U-X"], "biluo"),
        (["B-X", "E-X", "O", "S-X"], "BMES"),
    ],
)
def test_each_documented_scheme_is_read(tmp_path, tags, scheme):
    path = saved(tmp_path / "a.txt", "\n".join(f"w {tag}" for tag in tags))
    ((_, same),) = read_conll(path, scheme=scheme)
    assert same == tags
    ((_, bio),) = read_conll(path, scheme=(scheme, "bio"))
    assert bio == ["B-X", "I-X", "O", "B-X"]
    saved(path, "\n".join(f"w {tag}" for tag in [*tags, "I-Y", "Q-X"]))
    for repair in (False, True):
        with pytest.raises(ValueError, match=r"a\.txt, .*line"):
            read_conll(path, scheme=scheme, repair=repair)


COMMENTS = {  # as many columns as the rows have; from WNUT, MultiCoNER and others
    "# id = 5": "a _ _ B-X",
    "# id 8f5c domain=en": "a _ _ B-X",
    "# newdoc": "a NN",
    "# 7 :": "a NN O",
}


@pytest.mark.parametrize(("comment", "row"), COMMENTS.items())
@pytest.mark.parametrize("last", ["", "\n\n"])
def test_a_comment_never_becomes_a_word(tmp_path, comment, row, last):
    path = saved(tmp_path / "a.txt", f"{comment}\n{row}\n{row}\n{last}")
    with pytest.raises(ValueError, match=r"a\.txt, line 1: .*`--comment`") as error:
        read_conll(path)
    assert "may be a comment" in str(error.value)
    if row.endswith("B-X"):
        with pytest.raises(ValueError, match=r"a\.txt, line 1: .* not a tag of BIO.*`--comment`"):
            read_conll(path, scheme="BIO")
        with pytest.raises(ValueError, match=r"a\.txt, the sentence from line 1 .*`--comment`"):
            read_conll(path, scheme="BIO", repair=True)
    tag = row.split()[-1]
    assert read_conll(path, comment="#") == [(["a", "a"], [tag, tag])]
    (words,) = read_conll(path, columns=[0], comment="# ")
    assert words == (["a", "a"],)
    assert read_conll(path, comment="")[0][0] == ["#", "a", "a"]


def test_a_comment_of_another_width_says_what_to_do(tmp_path):
    for text in ("# id = 5\na O\n", "a O\n\n# id = 5\na O\n", "#\na O\n"):
        with pytest.raises(ValueError, match=r"expected .* columns.*`--comment`"):
            read_conll(saved(tmp_path / "a.txt", text))


def test_the_word_and_hashtags_stay_words(tmp_path):
    path = saved(tmp_path / "a.txt", "# O\n1 B-X\n\n#fun O\na O\n# B-X\n\n# #\n")
    expected = [
        (["#", "1"], ["O", "B-X"]),
        (["#fun", "a", "#"], ["O", "O", "B-X"]),
        (["#"], ["#"]),  # as the Penn Treebank tags it
    ]
    assert read_conll(path) == read_conll(path, comment="") == expected


@pytest.mark.parametrize("separator", [" ", "\t"])
def test_written_columns_come_back(tmp_path, separator):
    sentences = [(["a", "b\u2028c"], ["X", "#"], ["B-P", "I-P"]), (["\u00a0"], ["Y"], ["O"])]
    path = tmp_path / "a.txt.gz"
    write_conll(path, sentences, separator)
    assert read_conll(path, columns=(0, 1, 2), scheme="BIO") == sentences
    write_conll(tmp_path / "b.txt", iter(sentences), separator)
    text = gzip.decompress(path.read_bytes()).decode()
    assert text.startswith(f"a{separator}X{separator}B-P\n") and text.endswith("O\n\n")
    assert (tmp_path / "b.txt").read_bytes().decode() == text


def test_blanks_within_words_need_tabs(tmp_path):
    sentences = [(["New York", "x"], ["B-LOC", "O"])]
    write_conll(tmp_path / "a.txt", sentences, "\t")
    assert read_conll(tmp_path / "a.txt", separator="\t") == sentences


@pytest.mark.parametrize(
    "sentence, message",
    [
        ((["a", "b"], ["O"]), "Sentence 1 has columns of the lengths [2, 1]; expected one number"),
        (([], []), "Sentence 1 has columns of the lengths [0, 0]"),
        ((), "Sentence 1 has columns of the lengths []"),
        ((["New York"], ["O"]), "Sentence 1 has 'New York'; expected a str that is not empty"),
        ((["a"], [""]), "Sentence 1 has ''; expected a str"),
        ((["a\n"], ["O"]), "Sentence 1 has 'a\\n'"),
        ((["a"], [3]), "Sentence 1 has 3; expected a str"),
        ((["-DOCSTART-"], ["O"]), "Sentence 1 has the word -DOCSTART-"),
    ],
)
def test_a_broken_sentence_leaves_the_old_file(tmp_path, sentence, message):
    path = saved(tmp_path / "a.txt", "old")
    with pytest.raises(ValueError, match=re.escape(message)):
        write_conll(path, [(["a"], ["O"]), sentence])
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_separators_are_blanks_or_tabs(tmp_path):
    with pytest.raises(ValueError, match="`separator` must be"):
        write_conll(tmp_path / "a.txt", [], ",")


def test_conllu_knows_words_tokens_and_empty_nodes(tmp_path):
    first, second = read_conllu(saved(tmp_path / "a.conllu", UD))
    assert first.comments == ["# newdoc", "# text = Im Haus und."] and second.comments == []
    assert first.words == ["In", "dem", "Haus", "und", "."]
    assert first.tokens == ["Im", "Haus", "und", "."]
    assert first.column("upos") == ["ADP", "DET", "NOUN", "CCONJ", "PUNCT"]
    assert [row[0] for row in first.rows] == ["1-2", "1", "2", "3", "3.1", "4", "5"]
    assert second.words == second.tokens == ["10 000"]
    assert read_conllu(saved(tmp_path / "a.conllu", "")) == []


def test_comments_by_themselves_and_blanks_in_empty_lines(tmp_path):
    row = "\t".join(["1", "a", *"_" * 8])
    text = f"# newdoc\n\n# sent_id = 1\n{row}\n \n\t\n# global\n \n# x\n\n{row}\n\n# the end\n"
    sentences = read_conllu(saved(tmp_path / "a.conllu", text))
    assert [one.comments for one in sentences] == [
        ["# newdoc", "# sent_id = 1"],
        ["# global", "# x"],
    ]
    assert [one.words for one in sentences] == [["a"], ["a"]]
    write_conllu(tmp_path / "b.conllu", sentences)
    assert read_conllu(tmp_path / "b.conllu") == sentences
    assert read_conllu(saved(tmp_path / "a.conllu", "# x\n\n# y")) == []


def test_conllu_comes_out_as_it_went_in(tmp_path):
    sentences = read_conllu(saved(tmp_path / "a.conllu", UD))
    write_conllu(tmp_path / "b.conllu", sentences)
    assert (tmp_path / "b.conllu").read_bytes() == UD.encode()
    other = "\ufeff\n" + UD.replace("\n", "\r\n").rstrip()  # read, and written right
    write_conllu(tmp_path / "b.conllu", read_conllu(saved(tmp_path / "a.conllu", other)))
    assert (tmp_path / "b.conllu").read_bytes() == UD.encode()


def test_a_column_is_replaced_in_a_copy(tmp_path):
    first, _ = read_conllu(saved(tmp_path / "a.conllu", UD))
    tags = ["A", "B", "C", "D", "E"]
    tagged = first.with_column("xpos", tags)
    assert tagged.column("xpos") == tags and first.column("xpos") == ["_"] * 5
    assert tagged.with_column("xpos", ["_"] * 5) == first
    with pytest.raises(ValueError, match="one value of 'xpos' for each of the 5 words; received 4"):
        first.with_column("xpos", tags[1:])
    with pytest.raises(ValueError, match=r"A column is one of id, form, .*'tag'"):
        first.column("tag")


@pytest.mark.parametrize(
    "old, new, message",
    [
        (
            "5\t.\t.\tPUNCT",
            "5\t.\tPUNCT",
            "line 9: expected ten columns with tabs between; received 9",
        ),
        ("\tcc\t_\t", "\tcc\t\t", "line 8: a column is empty"),
        ("\n4\t", "\n5\t", "line 8: '5' is not an id that can stand here"),
        ("3.1", "3.2", "line 7: '3.2' is not an id"),
        ("3.1", "2.1", "line 7: '2.1' is not an id"),
        ("1-2", "2-3", "line 3: '2-3' is not an id"),
        ("1-2", "1-9", "line 9: the last word; a multiword token goes on to word 9"),
        ("\n1\t10", "\nx\t10", "line 12: 'x' is not an id"),
        ("\n4\t", "\n# late\n4\t", "line 8: a comment stands behind the first word"),
    ],
)
def test_broken_conllu_is_told_with_its_line(tmp_path, old, new, message):
    assert old in UD
    path = saved(tmp_path / "a.conllu", UD.replace(old, new, 1))
    with pytest.raises(ValueError, match=re.escape(f"{path}, {message}")):
        read_conllu(path)


@pytest.mark.parametrize(
    "sentence, message",
    [
        (ConlluSentence([]), "Sentence 1, row 0: a sentence without a word"),
        (ConlluSentence([["1", "a\tb", *"_" * 8]]), "Sentence 1, row 0: a column is empty, or not"),
        (ConlluSentence([["1", *"_" * 9], ["1", *"_" * 9]]), "Sentence 1, row 1: '1' is not an id"),
        (
            ConlluSentence([["1", *"_" * 9]], ["x"]),
            "Sentence 1: a comment begins with '#', not 'x'",
        ),
    ],
)
def test_broken_conllu_is_not_written(tmp_path, sentence, message):
    path = saved(tmp_path / "a.conllu", "old")
    with pytest.raises(ValueError, match=re.escape(message)):
        write_conllu(path, [ConlluSentence([["1", *"_" * 9]]), sentence])
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.conllu"]


@pytest.mark.parametrize("name, count", [("testa", 3_250), ("testb", 3_453)])
def test_real_columns(name, count, tmp_path):
    path = real("conll2003", f"eng.{name}")
    raw = read_conll(path, columns=(0, 1, 2, 3), scheme="IOB1")
    assert len(raw) == count
    converted = read_conll(path, scheme=("IOB1", "BIO"))
    assert [convert_tags(t, "BIO", "IOB1") for _, t in converted] == [s[3] for s in raw]
    write_conll(tmp_path / "a.txt", raw)
    kept = [line for line in path.read_text().split("\n") if not line.startswith("-DOCSTART-")]
    assert (tmp_path / "a.txt").read_text().split() == "\n".join(kept).split()


@pytest.mark.parametrize("name, count", [("dev", 2_001), ("test", 2_077)])
def test_real_conllu(name, count, tmp_path):
    path = real("ud_english_ewt", f"en_ewt-ud-{name}.conllu")
    sentences = read_conllu(path)
    assert len(sentences) == count
    write_conllu(tmp_path / "a.conllu", sentences)
    assert (tmp_path / "a.conllu").read_bytes() == path.read_bytes()
    tagged = [one.with_column("upos", one.column("upos")) for one in sentences]
    assert tagged == sentences
