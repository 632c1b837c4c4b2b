"""The vocabulary of listings in English and Chinese: colours, patterns, materials, brands, with synonyms."""

from __future__ import annotations

from dataclasses import dataclass

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class BilingualTerm:
    """One notion and its names; the first name in a language is the usual one."""

    key: str
    en: tuple[str, ...]
    zh: tuple[str, ...]

    def names(self, lang: str) -> tuple[str, ...]:
        """All names in a language, the usual one first."""
        return self.zh if lang == "zh" else self.en


def _words(rows: str) -> dict[str, BilingualTerm]:
    words: dict[str, BilingualTerm] = {}
    for row in rows.strip().splitlines():
        key, en, zh = (cell.strip() for cell in row.split(";"))
        words[key] = BilingualTerm(key, tuple(en.split("|")), tuple(zh.split("|")))
    return words


COLOUR_WORDS = _words(
    """
    black; black|jet black|charcoal black; 黑色|墨黑色
    white; white|off-white|ivory; 白色|纯白色|象牙白
    grey; grey|gray|ash grey; 灰色|浅灰色
    charcoal; charcoal|dark grey|anthracite; 炭灰色|深灰色
    navy; navy|navy blue|dark blue; 藏青色|海军蓝|深蓝色
    blue; blue|royal blue|cobalt; 蓝色|宝蓝色
    sky; sky blue|light blue|pale blue; 天蓝色|浅蓝色
    teal; teal|petrol|turquoise; 青色|蓝绿色|孔雀绿
    green; green|emerald|grass green; 绿色|翠绿色
    olive; olive|khaki green|army green; 橄榄绿|军绿色
    mint; mint|light green|pale green; 薄荷绿|浅绿色
    yellow; yellow|lemon yellow|bright yellow; 黄色|柠檬黄
    mustard; mustard|ochre|dark yellow; 芥末黄|姜黄色
    orange; orange|tangerine|bright orange; 橙色|橘色
    coral; coral|salmon|peach; 珊瑚色|珊瑚红
    red; red|scarlet|bright red; 红色|大红色
    burgundy; burgundy|wine red|maroon; 酒红色|暗红色
    pink; pink|rose|light pink; 粉色|粉红色
    magenta; magenta|hot pink|fuchsia; 玫红色|洋红色
    purple; purple|violet|plum; 紫色|紫罗兰色
    lavender; lavender|lilac|pale purple; 薰衣草紫|浅紫色
    brown; brown|chocolate brown|dark brown; 棕色|咖啡色
    tan; tan|camel|light brown; 驼色|浅棕色
    beige; beige|cream|sand; 米色|奶油色|杏色
    silver; silver|metallic silver; 银色|银灰色
    gold; gold|golden; 金色|金黄色
    """
)

RGB: dict[str, Rgb] = {
    "black": (34, 34, 37),
    "white": (240, 239, 235),
    "grey": (157, 160, 163),
    "charcoal": (78, 81, 86),
    "navy": (32, 43, 84),
    "blue": (38, 84, 190),
    "sky": (130, 186, 232),
    "teal": (22, 128, 134),
    "green": (42, 138, 66),
    "olive": (104, 106, 58),
    "mint": (160, 214, 184),
    "yellow": (246, 212, 52),
    "mustard": (203, 152, 38),
    "orange": (238, 126, 32),
    "coral": (246, 132, 112),
    "red": (205, 36, 42),
    "burgundy": (116, 24, 46),
    "pink": (242, 168, 190),
    "magenta": (214, 40, 128),
    "purple": (108, 54, 150),
    "lavender": (186, 168, 222),
    "brown": (98, 64, 42),
    "tan": (188, 142, 94),
    "beige": (222, 204, 174),
    "silver": (190, 194, 200),
    "gold": (208, 170, 84),
}

PATTERN_WORDS = _words(
    """
    plain; plain|solid|solid-colour; 纯色|素色
    striped; striped|stripe|stripy; 条纹
    pinstriped; pinstriped|vertical striped|pinstripe; 竖条纹|细条纹
    checked; checked|plaid|checkered|tartan; 格子|格纹
    dotted; polka dot|dotted|spotted; 波点|圆点
    floral; floral|flower print|flowery; 碎花|印花
    zigzag; zigzag|chevron|wavy; 锯齿纹|波浪纹
    camo; camouflage|camo|army print; 迷彩
    colour-block; colour-block|color block|two-tone; 撞色|拼色
    gradient; gradient|ombre|faded; 渐变|渐变色
    logo; logo print|graphic|printed; 印花图案|logo印花
    heather; heather|marl|mottled; 麻灰|混色
    starry; star print|starry|stars; 星星图案|星星
    """
)

MATERIAL_WORDS = _words(
    """
    cotton; cotton|pure cotton|jersey; 纯棉|棉质|全棉
    knit; knit|knitted|chunky knit; 针织|编织
    wool; wool|woollen|merino; 羊毛|毛呢
    denim; denim|jean; 牛仔|牛仔布
    leather; leather|genuine leather; 皮革|真皮
    suede; suede|nubuck; 麂皮|绒面革
    satin; satin|silky|silk; 缎面|丝绸
    fleece; fleece|brushed fleece|sherpa; 抓绒|摇粒绒
    mesh; mesh|breathable mesh; 网眼|透气网布
    linen; linen|flax; 亚麻|麻料
    corduroy; corduroy|ribbed; 灯芯绒
    nylon; nylon|ripstop; 尼龙|锦纶
    velvet; velvet|plush; 天鹅绒|丝绒
    canvas; canvas|cotton canvas; 帆布
    straw; straw|woven straw|wicker; 草编|藤编
    rubber; rubber|silicone; 橡胶|硅胶
    wood; wooden|wood|oak; 木质|实木
    metal; metal|steel|aluminium; 金属|不锈钢
    ceramic; ceramic|stoneware|porcelain; 陶瓷|瓷质
    glass; glass|clear glass; 玻璃
    plastic; plastic|acrylic; 塑料
    marble; marble|stone; 大理石
    wax; soy wax|wax; 大豆蜡|蜡
    """
)

BRANDS: tuple[tuple[str, str], ...] = (
    ("Aurora", "极光"),
    ("Northvale", "北谷"),
    ("Kestrel", "红隼"),
    ("Mirelle", "米瑞尔"),
    ("Tidewell", "潮井"),
    ("Ombra", "影木"),
    ("Fernway", "蕨径"),
    ("Solano", "索兰诺"),
    ("Brightloom", "明织"),
    ("Quillon", "羽刃"),
    ("Harbour & Pine", "港松"),
    ("Velora", "薇洛拉"),
    ("Juniper Lane", "杜松里"),
    ("Peakline", "峰线"),
    ("Lumeno", "流明诺"),
    ("Castell", "卡斯泰"),
    ("Zephyrine", "西风"),
    ("Oakmere", "橡湖"),
    ("Strata", "地层"),
    ("Bluefinch", "蓝雀"),
    ("Marlow", "马洛"),
    ("Kumo", "云朵"),
    ("Riverbend", "河湾"),
    ("Tansy", "艾菊"),
    ("Ardent", "热忱"),
)

GROWERS: tuple[tuple[str, str], ...] = (
    ("Greenmeadow", "绿野"),
    ("Sunny Acre", "阳光田园"),
    ("Orchard Row", "果园小径"),
    ("Valley Fresh", "鲜谷"),
    ("Little Barn", "小谷仓"),
    ("Morning Dew", "晨露"),
    ("Alba Dairy", "阿尔巴"),
    ("Hilltop Farm", "山顶农场"),
)

BRAND_ZH: dict[str, str] = dict(BRANDS + GROWERS)
