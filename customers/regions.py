"""In which province an address lies, by its first words (GB/T 2260, first two digits). Pure; None where the words do not say."""

# Names as people write them at the start of an address; a province's capital and the cities planned on their own stand for it.
PROVINCES: dict[str, tuple[str, ...]] = {
    "11": ("北京",), "12": ("天津",), "13": ("河北", "石家庄"), "14": ("山西", "太原"), "15": ("内蒙古", "呼和浩特"),
    "21": ("辽宁", "沈阳", "大连"), "22": ("吉林", "长春"), "23": ("黑龙江", "哈尔滨"),
    "31": ("上海",), "32": ("江苏", "南京", "苏州"), "33": ("浙江", "杭州", "宁波"), "34": ("安徽", "合肥"), "35": ("福建", "福州", "厦门"),
    "36": ("江西", "南昌"), "37": ("山东", "济南", "青岛"),
    "41": ("河南", "郑州"), "42": ("湖北", "武汉"), "43": ("湖南", "长沙"), "44": ("广东", "广州", "深圳"), "45": ("广西", "南宁"),
    "46": ("海南", "海口"),
    "50": ("重庆",), "51": ("四川", "成都"), "52": ("贵州", "贵阳"), "53": ("云南", "昆明"), "54": ("西藏", "拉萨"),
    "61": ("陕西", "西安"), "62": ("甘肃", "兰州"), "63": ("青海", "西宁"), "64": ("宁夏", "银川"), "65": ("新疆", "乌鲁木齐"),
    "71": ("台湾", "台灣", "台北"), "81": ("香港",), "82": ("澳门", "澳門"),
}  # fmt: skip
BY_NAME = {name: code for code, names in PROVINCES.items() for name in names}
LONGEST = max(map(len, BY_NAME))


def of(address: str | None) -> str | None:
    """Return the two digits of the province `address` begins with."""
    text = "".join((address or "").split()).removeprefix("中国").removeprefix("中华人民共和国")
    return next((BY_NAME[text[:length]] for length in range(LONGEST, 1, -1) if text[:length] in BY_NAME), None)
