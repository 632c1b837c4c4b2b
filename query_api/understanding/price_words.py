"""Words around a number that tell a price from a size, a weight or an age. English and Chinese."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """The words of a text, which blanks and line breaks part."""
    return frozenset(text.split())


CURRENCIES: dict[str, str] = {
    **dict.fromkeys(("$", "us$", "usd", "dollar", "dollars", "bucks"), "USD"),
    **dict.fromkeys(("€", "eur", "euro", "euros"), "EUR"),
    **dict.fromkeys(("£", "gbp", "quid"), "GBP"),
    **dict.fromkeys(("元", "块钱", "块", "圆", "人民币", "yuan", "rmb", "cny"), "CNY"),
    **dict.fromkeys(("yen", "jpy", "日元"), "JPY"),
    **dict.fromkeys(("₹", "inr", "rupee", "rupees"), "INR"),
    **dict.fromkeys(("美元", "美金", "刀"), "USD"),
    "欧元": "EUR",
    "英镑": "GBP",
    "chf": "CHF",
    # The same sign is the yuan's and the yen's.
    "¥": "",
    "￥": "",
    "＄": "USD",
}
"""ISO 4217 code by sign or word; empty: it is of several currencies. `pounds` is not here, as it is a weight too."""

PRICE_WORDS = ("price", "prices", "priced", "pricing", "cost", "costs", "costing", "budget")
PRICE_WORDS_ZH = ("价格", "价钱", "售价", "单价", "预算", "价位")

WORDS_AFTER_PRICE = word_set(
    """under below over above less more for with without and or but from by that which on please only not plus
    dollars shipping new sale"""
)
"""Words that may follow a number without a currency that is a price."""

UNIT_WORDS = word_set(
    """mm cm m km in inch inches ft foot feet yd yard yards mile miles kg kgs g gram grams kilo kilos kilogram
    kilograms lb lbs pound pounds oz ounce ounces ton tons l liter liters litre litres ml cl gal gallon gallons qt
    quart quarts cup cups w watt watts kw kwh v volt volts a amp amps mah ah wh lumen lumens lm k hz khz mhz ghz db
    decibel decibels degree degrees celsius fahrenheit c f percent year years yr yrs month months week weeks day
    days hour hours hr hrs minute minutes min mins second seconds sec secs tb gb mb gsm denier den tc thread psi rpm
    mp megapixel megapixels px pixels piece pieces pcs pc pack packs count ct set sets pair pairs player players
    people person persons page pages star stars review reviews item items size sizes calorie calories kcal cal mg
    mcg spf level levels speed speeds colour colours color colors pocket pockets port ports key keys stone square sq
    cc bar layers ply units unit lanes bulbs led leds team championship"""
)
"""Units: a number before one of these is no price."""

UNIT_CHARACTERS_ZH = frozenset(
    "厘毫分米升寸岁码号斤公克千瓦度件个只双片页层年月天小人周秒时条张支瓶包套盒座位级倍折星以之"
)
"""The same for the first character after a number."""

MEASURE_WORDS = word_set(
    """size sizes weight weighs weighing weigh height length width depth diameter capacity volume speed rating rated
    rate stars temperature waist chest bust inseam heel power pack us uk eu level model version radius thickness
    wattage voltage memory storage resolution"""
)
"""Names of measures: a phrase after one of these is no price."""

MEASURE_CHARACTERS_ZH = frozenset("码号岁龄高长宽深厚重量积寸围温率速分级")

AGE_WORDS = word_set(
    """age ages aged kid kids child children boy boys girl girls baby babies toddler toddlers teen teens teenagers
    adult adults women woman men man ladies seniors people players"""
)
"""After these, a phrase with `over` is an age, whatever the number; one with `under` up to `MAX_CHILD_AGE`."""
MAX_CHILD_AGE = 18.0
