"""Generated identities: valid check digits, and marked so that nobody takes them for a person.

Id numbers begin with 99, a region that GB/T 2260 does not assign; card numbers with 999999, an issuer that ISO/IEC
7812 does not assign. Names are drawn from common syllables.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from stdnum import luhn
from stdnum.cn import ric

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严欧莫孔向汤"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰萍红建文辉鹏飞宇浩欣怡子涵梓轩思雨佳琪俊峰雪梅志远晓东海燕春林国庆少华永康雅婷一诺若曦嘉豪博文天宇诗涵"
LATIN = ["Maria Fernandez", "John Carter", "Aisha Rahman", "Tomasz Nowak", "Elena Petrova", "David Kim", "Fatima Zahra El-Amrani"]
STREETS = ["人民路", "中山路", "解放大道", "建设路", "长江街", "新华路", "和平里", "文化路", "青年大街", "学府路"]
EMPLOYERS = [
    "远航物流有限公司",
    "晨光电子厂",
    "海蓝餐饮",
    "市第三人民医院",
    "博雅培训学校",
    "东方纺织",
    "顺达出租汽车公司",
    "万家超市",
    "蓝天软件",
    "个体经营",
]
CITIES = {"SH": "上海市浦东新区", "CD": "成都市锦江区"}


@dataclass(frozen=True)
class Identity:
    """What a generated person states about themselves."""

    name: str
    id_number: str
    mobile: str
    bank_card: str
    address: str
    employer: str


def id_number(*, age: int, on: date, serial: int, rng: Random) -> str:
    """Return a check-digit-valid id number of an unassigned region for someone aged `age` on a date."""
    last = date(on.year - age, on.month, min(on.day, 28))
    born = last - timedelta(days=rng.randrange(365))
    body = f"99{serial // 1000 % 10_000:04d}{born:%Y%m%d}{serial % 1000:03d}"
    return body + ric.calc_check_digit(f"{body}0")  # it wants the place of the check digit filled


def identity(serial: int, *, age: int, branch: str, on: date, rng: Random) -> Identity:
    """Return the generated person number `serial`; the same number and seed give the same person."""
    given = rng.choice(GIVEN) + (rng.choice(GIVEN) if rng.random() < 0.75 else "")
    name = LATIN[serial % len(LATIN)] if serial % 50 == 7 else rng.choice(SURNAMES) + given
    card = f"999999{serial:09d}{rng.randrange(1000):03d}"
    return Identity(
        name=name,
        id_number=id_number(age=age, on=on, serial=serial, rng=rng),
        mobile=f"199{serial % 100_000_000:08d}",
        bank_card=card + luhn.calc_check_digit(card),
        address=f"{CITIES[branch]}{rng.choice(STREETS)}{rng.randrange(1, 400)}号{rng.randrange(1, 30)}栋{rng.randrange(101, 1800)}室",
        employer=rng.choice(EMPLOYERS),
    )
