"""What of a name one may search by: pieces of the characters, beginnings of the pinyin, initials. Pure: text in, pieces out.

A name is filed under all its pieces; a query asks for few of them. Both sides must cut alike, so both are here. RULE grows when the
cut changes: what was filed by an older one is filed again.
"""

import re
import unicodedata
from itertools import islice, product

RULE = 1
LONGEST = 12  # letters of a beginning; who types more means the same person
READINGS = 6  # ways to read one name that are filed
TAIL = 4

# Readings that a surname has and the same character elsewhere has not.
SURNAMES = {
    "单": "shan", "曾": "zeng", "仇": "qiu", "解": "xie", "查": "zha", "区": "ou", "任": "ren", "盖": "ge", "朴": "piao", "翟": "zhai",
    "宁": "ning", "覃": "qin", "缪": "miao", "乐": "yue", "种": "chong", "秘": "bi", "冼": "xian", "员": "yun", "黑": "he", "繁": "po",
    "召": "shao", "逄": "pang", "折": "she", "令": "ling", "哈": "ha", "洗": "xian", "尉迟": "yuchi", "万俟": "moqi", "长孙": "zhangsun",
    "澹台": "tantai", "单于": "chanyu", "呼延": "huyan", "夏侯": "xiahou", "欧阳": "ouyang", "司马": "sima", "上官": "shangguan",
    "诸葛": "zhuge", "东方": "dongfang", "皇甫": "huangfu", "慕容": "murong", "令狐": "linghu", "宇文": "yuwen", "公孙": "gongsun",
}  # fmt: skip

Way = list[frozenset[str]]  # every set must be met, by any one of its pieces


def is_han(character: str) -> bool:
    return "㐀" <= character <= "鿿" or "\U00020000" <= character <= "\U000323af" or "豈" <= character <= "﫿"


def of_name(name: str) -> set[str]:
    """Return the pieces a person's name is filed under."""
    text = unicodedata.normalize("NFKC", name)
    han = "".join(character for character in text if is_han(character))
    found = {f"h:{han[n : n + 2]}" for n in range(len(han) - 1)}
    if han:
        found.add(f"h:^{han[0]}")
    for syllables in readings(text):
        found |= _beginnings(syllables)
    return found


def of_tail(kind: str, digits: str) -> set[str]:
    """Return the piece for the last four digits of a mobile (`m`) or a card (`c`)."""
    return {f"{kind}:{digits[-TAIL:]}"} if len(digits) > TAIL else set()


def ways(text: str) -> list[Way]:
    """Return the ways in which `text` may name a person, empty when it is too short or no name at all."""
    text = unicodedata.normalize("NFKC", text).strip().lower()
    if re.fullmatch(rf"[0-9]{{{TAIL}}}", text):
        return [[frozenset({f"m:{text}", f"c:{text}"})]]
    if any(character.isdigit() for character in text):
        return []
    han = [run for run in re.findall(r"[^a-zü'’\-·.\s]+", text) if all(is_han(character) for character in run)]
    words = [word for word in re.findall(r"[a-zü]+", text.replace("ü", "v").replace("'", "").replace("’", "")) if word]
    fixed: Way = []
    for run in han:
        fixed += [frozenset({f"h:^{run}"})] if len(run) == 1 and run is han[0] and text.startswith(run) else []
        fixed += [frozenset({f"h:{run[n : n + 2]}"}) for n in range(len(run) - 1)]
    if not words:
        return [fixed] if fixed else []
    joined = "".join(words)
    if len(joined) < 2:
        return [fixed] if fixed else []
    found = [[*fixed, _spelt(joined)]]
    apart = [_spelt(word) for word in words if len(word) > 1]
    if len(words) > 1 and apart:
        found.append([*fixed, *apart])
    return found


def readings(text: str) -> list[list[str]]:
    """Return the syllables of a name in each way it may be read; a name in letters has its words for syllables."""
    han = "".join(character for character in text if is_han(character))
    if not han:
        words = re.findall(r"[a-z]+", _plain(text))
        return [words] if words else []
    from pypinyin import Style, pinyin

    surname = next((han[:size] for size in (2, 1) if han[:size] in SURNAMES and len(han) > size - 1), "")
    choices: list[list[str]] = []
    if surname and len(surname) == 1:
        choices.append([SURNAMES[surname]])
    elif surname:
        plain = pinyin(surname, style=Style.NORMAL)
        whole, first = SURNAMES[surname], str(plain[0][0])
        cut = next((n for n in range(len(whole) - 1, 0, -1) if whole[:n] == first), len(whole) // 2)
        choices += [[whole[:cut]], [whole[cut:]]]
    for character in han[len(choices) :]:
        known = pinyin(character, style=Style.NORMAL, heteronym=True)[0][:2]
        choices.append([each for reading in known for each in _umlaut(reading)])
    return [list(way) for way in islice(product(*choices), READINGS)]


def _umlaut(reading: str) -> list[str]:
    """吕 is typed lv, lyu or lu."""
    plain = unicodedata.normalize("NFC", reading).replace("ü", "v")
    return [plain, plain.replace("v", "yu"), plain.replace("v", "u")] if "v" in plain else [plain]


def _plain(text: str) -> str:
    stripped = unicodedata.normalize("NFKD", text.lower())
    return "".join(character for character in stripped if not unicodedata.combining(character))


def _beginnings(syllables: list[str]) -> set[str]:
    """The beginnings of the whole and of what follows the first syllable, and the same of the initials."""
    found: set[str] = set()
    for start in range(min(2, len(syllables))):
        spelt = "".join(syllables[start:])[:LONGEST]
        first = "".join(syllable[0] for syllable in syllables[start:])[:LONGEST]
        found |= {f"p:{spelt[:n]}" for n in range(2, len(spelt) + 1)}
        found |= {f"i:{first[:n]}" for n in range(2, len(first) + 1)}
    return found


def _spelt(letters: str) -> frozenset[str]:
    cut = letters[:LONGEST]
    return frozenset({f"p:{cut}", f"i:{cut}"})
