"""Titles, descriptions and tags in English and Chinese, worded in many ways."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from vitrine.samples.catalogue.kinds import ProductKind, ProductVariety
from vitrine.samples.catalogue.vocabulary import BRAND_ZH, COLOUR_WORDS, MATERIAL_WORDS, PATTERN_WORDS, BilingualTerm

_SAID_TWICE = re.compile(r"\b([a-z]+) \1\b")
"""A canvas bag of cotton canvas says its cloth once."""
_WOMEN = {"bra", "dress", "skirt", "heel", "swimsuit", "leggings"}
_MEN = {"tie"}
AUDIENCE_EN = {"Women": "women's", "Men": "men's", "Kids": "kids'", "": ""}
AUDIENCE_ZH = {"Women": "女士", "Men": "男士", "Kids": "儿童", "": ""}

_TITLES_EN = (
    "{brand} {pattern} {material} {kind} in {colour}",
    "{brand} {colour} {pattern} {material} {kind}",
    "{colour} {variety} {kind}, {pattern} {material} – {brand}",
    "{brand} {who} {variety} {kind}, {colour} {pattern}",
    "{who} {colour} {material} {variety} {kind} by {brand}",
    "{pattern} {variety} {kind} in {colour} {material}, {brand}",
)
_TITLES_ZH = (
    "{brand} {colour}{pattern}{material}{kind}",
    "{brand}{who}{variety}{kind} {colour}{pattern} {material}",
    "{who}{colour}{material}{variety}{kind} {pattern} {brand}",
    "{pattern}{material}{kind} {colour} {variety} {brand}",
)
_FOOD_TITLES_EN = (
    "{brand} {variety} {kind}",
    "{variety} {kind}, {brand}",
    "{brand}: {variety} {kind}",
    "{kind} {variety} – {brand}",
)
_FOOD_TITLES_ZH = ("{brand} {variety}{kind}", "{variety}{kind} {brand}", "{brand}：{variety}{kind}")

_OPENINGS_EN = (
    "{variety} {kind} in {colour}.",
    "Our {colour} {kind} with a {pattern} finish.",
    "Meet our {pattern} {kind} in {colour}, made by {brand}.",
    "In search of {material} {kind}? Here it is, {colour} and {pattern}.",
)
_CLOSINGS_EN = {
    "garment": (
        "Machine washable.",
        "True to size and easy to style.",
        "Soft on the skin, made for every day.",
        "A wardrobe favourite for any season.",
    ),
    "thing": (
        "Designed to last.",
        "Ready to use out of the box.",
        "A thoughtful gift for friends.",
        "Easy to clean and to store.",
    ),
    "produce": (
        "Picked ripe and delivered cool.",
        "Rich in vitamins.",
        "Great for salads, snacks and cooking.",
        "Keep in a cool, dry place.",
    ),
    "package": (
        "Keep refrigerated after opening.",
        "No artificial colours.",
        "For breakfast, baking and cooking.",
        "Family pack.",
    ),
}
_OPENINGS_ZH = (
    "这款{variety}{kind}为{colour}。",
    "{colour}{kind}，{pattern}设计，{material}。",
    "{brand}出品的{pattern}{kind}，颜色为{colour}。",
    "{material}{kind}，{colour}，{pattern}风格。",
)
_CLOSINGS_ZH = {
    "garment": ("可机洗。", "尺码标准，百搭易穿。", "亲肤舒适，日常穿着。", "四季皆宜。"),
    "thing": ("经久耐用。", "开箱即用。", "送礼佳品。", "易清洁，易收纳。"),
    "produce": ("成熟采摘，冷链配送。", "富含维生素。", "适合沙拉、零食和烹饪。", "请置于阴凉干燥处。"),
    "package": ("开封后请冷藏。", "不含人工色素。", "适合早餐、烘焙和烹饪。", "家庭装。"),
}
_FOOD_OPENINGS_EN = (
    "{variety} {kind} from {brand}.",
    "{kind}: {variety}, {colour}.",
    "Our {variety} {kind}, {colour} in colour.",
)
_FOOD_OPENINGS_ZH = (
    "{brand}的{variety}{kind}。",
    "{kind}，{variety}，{colour}。",
    "精选{variety}{kind}，{colour}。",
)


@dataclass(frozen=True, slots=True)
class ListingFacts:
    """What a listing tells."""

    kind: ProductKind
    variety: ProductVariety
    colour: str
    pattern: str
    material: str
    brand: str
    category: str

    @property
    def is_food(self) -> bool:
        """Whether it has a natural colour and no material."""
        return self.kind.family in ("produce", "package")

    @property
    def audience(self) -> str:
        """Whom it is for: `Women`, `Men`, `Kids`, or empty."""
        first = self.category.split("/", 1)[0]
        return first if first in AUDIENCE_ZH else ""


def audiences(kind_key: str) -> tuple[str, ...]:
    """Whom a kind of clothing is made for."""
    if kind_key in _WOMEN:
        return ("Women",)
    return ("Men",) if kind_key in _MEN else ("Women", "Men", "Women", "Men", "Kids")


def title(facts: ListingFacts, lang: str, rng: random.Random) -> str:
    """One of many wordings of the title."""
    if lang == "zh":
        return _fill(rng.choice(_FOOD_TITLES_ZH if facts.is_food else _TITLES_ZH), facts, lang, rng, 0.25)
    wording = _fill(rng.choice(_FOOD_TITLES_EN if facts.is_food else _TITLES_EN), facts, lang, rng, 0.25)
    return wording[:1].upper() + wording[1:]


def description(facts: ListingFacts, lang: str, rng: random.Random) -> str:
    """An opening that names the looks, then one to three closings."""
    if lang == "zh":
        openings, closings, space = (_FOOD_OPENINGS_ZH if facts.is_food else _OPENINGS_ZH), _CLOSINGS_ZH, ""
    else:
        openings, closings, space = (_FOOD_OPENINGS_EN if facts.is_food else _OPENINGS_EN), _CLOSINGS_EN, " "
    opening = _fill(rng.choice(openings), facts, lang, rng)
    rest = rng.sample(closings[facts.kind.family], rng.randint(1, 3))
    return space.join([opening[:1].upper() + opening[1:], *rest])


def tags(facts: ListingFacts) -> list[str]:
    """Words that shops tag with: kind, department, looks."""
    department = facts.category.split("/")[0]
    looks = () if facts.is_food else (facts.pattern, facts.material)
    return [facts.kind.key, department.lower(), facts.colour, *looks]


def _fill(template: str, facts: ListingFacts, lang: str, rng: random.Random, plain_said: float = 1.0) -> str:
    zh = lang == "zh"
    kind, variety = _name(facts.kind.word, lang, rng), _name(facts.variety.word, lang, rng)
    wording = template.format(
        brand=BRAND_ZH[facts.brand] if zh else facts.brand,
        kind=kind,
        variety="" if zh and variety in kind else variety,
        colour=_name(COLOUR_WORDS[facts.colour], lang, rng),
        pattern=_pattern(facts, lang, rng, plain_said),
        material=_name(MATERIAL_WORDS[facts.material], lang, rng) if facts.material else "",
        who=(AUDIENCE_ZH if zh else AUDIENCE_EN)[facts.audience],
    )
    return _tidy(wording)


def _name(word: BilingualTerm, lang: str, rng: random.Random) -> str:
    """The usual name half of the time, else any of them."""
    names = word.names(lang)
    return names[0] if rng.random() < 0.5 else rng.choice(names)


def _pattern(facts: ListingFacts, lang: str, rng: random.Random, plain_said: float) -> str:
    """The pattern; a plain look is said at the given rate, since real titles mostly leave it out."""
    if facts.pattern == "plain" and rng.random() >= plain_said:
        return ""
    return _name(PATTERN_WORDS[facts.pattern], lang, rng)


def _tidy(wording: str) -> str:
    for doubled, single in (
        ("  ", " "),
        ("  ", " "),
        (" ,", ","),
        ("，，", "，"),
        ("，。", "。"),
        (", –", " –"),
        (" .", "."),
    ):
        wording = wording.replace(doubled, single)
    return _SAID_TWICE.sub(r"\1", wording).strip(" ,，")
