"""Queries that say what they do not want, with a product each that suits and one that does not.

Each line: query | suits | does not suit. Titles, and after a slash what the description says.
"""

from __future__ import annotations

from typing import NamedTuple

_CASES = """
shirt without stripes | Plain cotton shirt | Striped linen shirt
polo without stripes | Solid oxford polo | Polo with red stripes
dress without sleeves | Sleeveless summer dress | Summer dress with long sleeves
tunic without sleeves | Strapless tunic / no sleeves | Tunic with puffed sleeves
sleeveless blouse | Blouse without sleeves | Blouse with bell sleeves
cardigan without hood | Plain wool cardigan | Hooded wool cardigan
sweater without hood | Crew neck sweater | Sweater with hood
cola no sugar | Cola zero sugar | Cola with cane sugar
sugar free chewing gum | Chewing gum sugar-free mint | Chewing gum with sugar
sugar-free ketchup | Ketchup without added sugar | Ketchup with sugar and spices
no sugar granola | Granola unsweetened / no sugar, just oats | Granola with brown sugar
gluten free bread | Bread gluten-free / rice flour | Bread with wheat gluten
gluten-free pasta | Pasta of corn / free from gluten | Pasta of durum wheat / contains gluten
milk without lactose | Milk lactose-free | Milk / contains lactose
yoghurt without lactose | Soy yoghurt | Yoghurt / has lactose
shampoo without sulfates | Shampoo sulfate-free | Shampoo / with sulfates
shampoo bar without parabens | Shampoo bar natural / no parabens | Shampoo bar / parabens as preservative
soap without fragrance | Soap unscented / no fragrance | Soap with rose fragrance
detergent no perfume | Detergent sensitive / perfume-free | Detergent / long lasting perfume
deodorant without aluminium | Deodorant stick / aluminium-free | Deodorant with aluminium salts
beer without alcohol | Beer alcohol-free | Beer 5% alcohol
mouthwash no alcohol | Mouthwash mild / free of alcohol | Mouthwash with alcohol
coffee without caffeine | Coffee decaf / caffeine-free | Coffee with extra caffeine
chocolate without nuts | Chocolate dark pure | Chocolate with whole nuts
cookies without chocolate | Cookies butter | Cookies with chocolate chips
jeans without holes | Jeans dark straight | Jeans with holes at the knee
shorts without pockets | Shorts running light | Shorts with zip pockets
bag without logo | Bag canvas plain | Bag with big logo
cap without logo | Cap cotton plain | Cap / embroidered logo
ring without stone | Ring plain gold | Ring with red stone
lamp without cable | Lamp rechargeable / no cable | Lamp with 2 m cable
mug without handle | Mug porcelain tumbler style / handle-free | Mug with large handle
boots without laces | Boots Chelsea | Boots with laces
sneakers without laces | Sneakers slip-on | Laced sneakers
curtain without pattern | Curtain plain grey | Patterned curtain
rug without fringes | Rug wool flat | Rug with fringes
notebook without lines | Notebook blank pages | Notebook with lines
scarf w/o fringes | Scarf silk | Scarf with fringes
skirt without flowers or dots | Skirt plain pleats | Skirt with dots
pillow without feathers | Pillow foam / no feathers | Pillow with goose feathers
bikini without padding | Bikini triangle | Padded bikini
bra without wires | Bra soft cup / free of wires | Bra with wires
不含糖的酸奶 | 酸奶 / 无糖 | 酸奶 / 含糖
没有条纹的毛衣 | 纯色毛衣 | 条纹毛衣
无袖上衣 | 上衣 / 没有袖子 | 长袖上衣
没有袖子的背心裙 | 无袖背心裙 | 长袖背心裙
不含酒精的啤酒 | 啤酒 / 零酒精 不含酒精 | 啤酒 / 酒精度5%
不含咖啡因的茶 | 花草茶 / 不含咖啡因 | 红茶 / 含咖啡因
没有图案的窗帘 | 素色窗帘 | 窗帘 / 花朵图案
不含香精的面霜 | 面霜 / 不含香精 | 面霜 / 含香精
没有帽子的外套 | 西装外套 | 外套 / 带帽子
不要蕾丝的睡衣 | 棉睡衣 | 蕾丝睡衣
没有口袋的裤子 | 瑜伽裤子 | 裤子 / 多口袋
不带盖的水杯 | 玻璃水杯 | 水杯 / 带盖
不含乳糖的牛奶 | 牛奶 / 无乳糖 不含乳糖 | 牛奶 / 含乳糖
没有拉链的靴子 | 套脚靴子 | 靴子 / 侧拉链
無糖飲料 | 饮料 / 不含糖 | 饮料 / 加糖
沒有花紋的地毯 | 纯色地毯 | 花纹地毯
Kleid ohne Ärmel | Kleid ärmellos | Kleid mit langen Ärmeln und Ärmel-Schlitz
Limonade ohne Zucker | Limonade zuckerfrei | Limonade mit Zucker
Hemd ohne Streifen | Hemd einfarbig | Hemd mit Streifen
Pullover ohne Kapuze | Pullover Rundhals | Pullover mit Kapuze
Seife ohne Parfüm | Seife / ohne Parfüm | Seife mit Parfüm
Brot ohne Gluten | Brot glutenfrei | Brot / enthält Gluten
Bier ohne Alkohol | Bier alkoholfrei | Bier / 5 % Alkohol
robe sans manches | Robe / sans manches | Robe à manches longues
chemise sans rayures | Chemise unie | Chemise à rayures
confiture sans sucre | Confiture / sans sucre ajouté | Confiture au sucre de canne
pain sans gluten | Pain de riz / sans gluten | Pain / gluten de blé
cerveza sin alcohol | Cerveza tostada / sin alcohol | Cerveza / 5 % alcohol
galletas sin azúcar | Galletas de avena / sin azúcar | Galletas con azúcar
camisa sin rayas | Camisa lisa | Camisa con rayas
vestido sin mangas | Vestido corto / sin mangas | Vestido con mangas largas
"""


class NegationCase(NamedTuple):
    """A query, and the fields of the product that suits it and of the one that does not."""

    query: str
    suits: dict[str, str]
    unsuited: dict[str, str]


def _fields(product: str) -> dict[str, str]:
    title, _, description = product.partition(" / ")
    return {"title": title.strip(), "description": description.strip()}


CASES = [
    NegationCase(query.strip(), _fields(suits), _fields(unsuited))
    for query, suits, unsuited in (line.split("|") for line in _CASES.strip().splitlines())
]
