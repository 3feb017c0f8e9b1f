"""What a name is filed under meets what is asked for: pinyin is cut on one side only, so both sides are held against each other."""

import pytest
from hypothesis import given
from hypothesis.strategies import integers, sampled_from, text

from customers import name_tokens

HAN = "王李张刘陈单曾仇欧阳吕小明伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛超乐行重"


def meets(query: str, name: str) -> bool:
    """Whether the index would give `name` for `query`: one of the ways, all of its sets."""
    filed = name_tokens.of_name(name)
    return any(all(alternatives & filed for alternatives in way) for way in name_tokens.ways(query))


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("王小明", "王小明"),
        ("王小", "王小明"),
        ("小明", "王小明"),
        ("王", "王小明"),
        ("wangxiaoming", "王小明"),
        ("Wang Xiaoming", "王小明"),
        ("wang xiao ming", "王小明"),
        ("xiaoming wang", "王小明"),
        ("wangx", "王小明"),
        ("wxm", "王小明"),
        ("WX", "王小明"),
        ("王xm", "王小明"),
        ("shan", "单雄信"),  # a surname reads otherwise than the word
        ("zengguofan", "曾国藩"),
        ("ouyangxiu", "欧阳修"),
        ("oyx", "欧阳修"),
        ("lvbu", "吕布"),
        ("lubu", "吕布"),
        ("lyubu", "吕布"),
        ("lübu", "吕布"),
        ("smith", "John Smith"),
        ("john sm", "John Smith"),
        ("ｗａｎｇ", "王小明"),  # full-width letters of a Chinese keyboard
    ],
)
def test_a_name_is_found(query: str, name: str) -> None:
    assert meets(query, name)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("王明", "王小明"),
        ("李", "王小明"),
        ("明", "王小明"),
        ("wangm", "王小明"),
        ("xw", "王小明"),
        ("wangxiaoli", "王小明"),
        ("王xy", "王小明"),
    ],
)
def test_another_name_is_not(query: str, name: str) -> None:
    assert not meets(query, name)


@pytest.mark.parametrize("query", ["", " ", "w", "'", "-", "12", "12345", "a1", "?!", "😀"])
def test_too_little_asks_for_nothing(query: str) -> None:
    assert name_tokens.ways(query) in ([], [[frozenset({f"h:^{query}"})]]) and not meets(query, "王小明")


def test_four_digits_ask_for_a_tail() -> None:
    assert name_tokens.ways("1234") == [[frozenset({"m:1234", "c:1234"})]]
    assert name_tokens.of_tail("m", "13800001234") == {"m:1234"}
    assert name_tokens.of_tail("c", "") == set()


@given(text(sampled_from(HAN), min_size=2, max_size=4), integers(0, 3), integers(2, 4))
def test_every_piece_of_a_name_finds_it(name: str, start: int, size: int) -> None:
    piece = name[start : start + size]
    if len(piece) >= 2:
        assert meets(piece, name)


@given(text(sampled_from(HAN), min_size=2, max_size=4), integers(2, 20))
def test_every_beginning_of_its_pinyin_finds_it(name: str, size: int) -> None:
    for syllables in name_tokens.readings(name):
        spelt = "".join(syllables)
        assert meets(spelt[:size], name)
        assert meets(" ".join(syllables), name)
        assert meets("".join(syllable[0] for syllable in syllables), name)


@given(text(max_size=40))
def test_nothing_typed_or_filed_breaks_it(anything: str) -> None:
    name_tokens.ways(anything)
    assert len(name_tokens.of_name(anything)) <= 40 + 2 * 2 * name_tokens.LONGEST * name_tokens.READINGS
