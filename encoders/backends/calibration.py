"""Texts and pictures that are like a shop's in what counts for the ranges of a model's activations.

Made of lists of words and of plain shapes, so that an installation without a catalogue can calibrate.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SAMPLES: Final = 128
_SEED: Final = 8
_SIDE: Final = 256

_ENGLISH: Final = (
    "red, navy blue, light grey, black, white, green, pink, golden, beige, striped, floral",
    "cotton, leather, wooden, stainless steel, silk, plastic, ceramic, fresh, ripe, juicy, organic, roasted, wireless",
    "shirt, dress, jeans, jacket, running shoes, sandals, backpack, handbag, wrist watch, sunglasses, "
    "table lamp, armchair, bookshelf, coffee mug, frying pan, knife set, headphones, smartphone, camera, "
    "toy car, teddy bear, football, tent, bicycle, apple, banana, lime, lemon, grapes, strawberries, mango, "
    "tomato, bell pepper, carrot, potatoes, mushrooms, coconut, milk, olive oil, coffee beans, green tea, "
    "chocolate, shampoo, notebook",
    "for women, for men, with long sleeves, size 42, 500 ml, set of 4, waterproof, new for 2024, 1 kg",
)
_CHINESE: Final = (
    "红色, 藏青色, 浅灰色, 黑色, 白色, 绿色, 粉色, 金色, 米色, 条纹, 碎花",
    "纯棉, 真皮, 实木, 不锈钢, 真丝, 塑料, 陶瓷, 新鲜, 熟透, 多汁, 有机, 烘焙, 无线",
    "衬衫, 连衣裙, 牛仔裤, 夹克, 跑步鞋, 凉鞋, 双肩包, 手提包, 手表, 太阳镜, 台灯, 扶手椅, 书架, 咖啡杯, 平底锅, "
    "刀具, 耳机, 手机, 相机, 玩具车, 泰迪熊, 足球, 帐篷, 自行车, 苹果, 香蕉, 青柠, 柠檬, 葡萄, 草莓, 芒果, 番茄, "
    "甜椒, 胡萝卜, 土豆, 蘑菇, 椰子, 牛奶, 橄榄油, 咖啡豆, 绿茶, 巧克力, 洗发水, 笔记本",
    "女款, 男款, 长袖, 42码, 500毫升, 四件套, 防水, 2024新款, 1千克",
)
"""Colours, materials, goods and details, alike in both languages."""


def calibration_texts(count: int = SAMPLES) -> list[str]:
    """Makes `count` titles, and as many again in Chinese, of one to a dozen words."""
    random = np.random.default_rng(_SEED)
    english, chinese = ([words.split(", ") for words in language] for language in (_ENGLISH, _CHINESE))
    texts: list[str] = []
    for number in range(count):
        chosen = [int(random.integers(len(words))) for words in english]
        # Every fourth is the name of the goods alone.
        parts = range(len(chosen)) if number % 4 else range(2, 3)
        texts.append(" ".join(english[part][chosen[part]] for part in parts))
        texts.append("".join(chinese[part][chosen[part]] for part in parts))
    return texts


def calibration_pictures(count: int = SAMPLES) -> list[Image.Image]:
    """So many pictures of goods as far as ranges go: shaded, textured shapes on white, plain or busy grounds."""
    random = np.random.default_rng(_SEED)
    return [_picture(random, ground=number % 3) for number in range(count)]


def _picture(random: np.random.Generator, ground: int) -> Image.Image:
    canvas = (
        Image.new("RGB", (_SIDE, _SIDE), "white")
        if ground == 0
        else _patches(random, cells=1 if ground == 1 else 6).filter(ImageFilter.GaussianBlur(4))
    )
    for _ in range(int(random.integers(1, 4))):
        canvas.paste(_patches(random, int(random.integers(1, 24))), (0, 0), _outline(random))
    return canvas


def _patches(random: np.random.Generator, cells: int) -> Image.Image:
    """Coloured cells around one colour, from plain to patterned, lit from a side."""
    colour = random.integers(0, 256, 3)
    levels = np.clip(colour + random.normal(0, random.uniform(4, 60), (cells, cells, 3)), 0, 255).astype(np.uint8)
    filter_ = Image.Resampling.NEAREST if random.random() < 0.5 else Image.Resampling.BICUBIC
    lit = np.linspace(random.uniform(0.5, 1), random.uniform(0.7, 1.2), _SIDE)[None, :, None]
    shaded = np.asarray(Image.fromarray(levels).resize((_SIDE, _SIDE), filter_)) * lit
    return Image.fromarray(np.clip(shaded, 0, 255).astype(np.uint8))


def _outline(random: np.random.Generator) -> Image.Image:
    """A mask: an ellipse, a rounded box or a polygon somewhere near the middle."""
    mask = Image.new("L", (_SIDE, _SIDE), 0)
    draw = ImageDraw.Draw(mask)
    left, top = random.uniform(0.05, 0.45, 2) * _SIDE
    right, bottom = random.uniform(0.55, 0.95, 2) * _SIDE
    kind = int(random.integers(3))
    if kind == 0:
        draw.ellipse((left, top, right, bottom), fill=255)
    elif kind == 1:
        draw.rounded_rectangle((left, top, right, bottom), radius=float(random.uniform(0, 40)), fill=255)
    else:
        corners = int(random.integers(3, 9))
        angles = np.sort(random.uniform(0, 2 * np.pi, corners))
        reach = random.uniform(0.2, 0.45, corners) * _SIDE
        draw.polygon(
            [(_SIDE / 2 + r * np.cos(a), _SIDE / 2 + r * np.sin(a)) for r, a in zip(reach, angles, strict=True)],
            fill=255,
        )
    return mask.filter(ImageFilter.GaussianBlur(0.7))
