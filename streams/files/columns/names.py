"""The usual names of columns in shops' tables, and the fields of a product and of a shopper's event that they mean."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Mapping

from streams.files.columns.field_bounds import MAX_LABEL_CHARS

_ENGLISH: Mapping[str, tuple[str, ...]] = {
    "product_id": ("product_id", "id", "sku", "asin", "item_id", "product_code", "stock_code", "uniq_id"),
    "version": ("version",),
    "title": ("title", "name", "product_name", "product_title", "item_name"),
    "description": ("description", "product_description", "long_description", "body_html"),
    "lang": ("lang", "language", "locale"),
    "category": ("category", "categories", "category_path", "product_category", "product_type"),
    "brand": ("brand", "brand_name", "manufacturer", "vendor"),
    "price": ("price", "selling_price", "unit_price", "regular_price", "list_price"),
    "sale_price": ("sale_price", "special_price", "discount_price", "discounted_price", "offer_price", "promo_price"),
    "sale_price_from": ("sale_price_from", "special_price_from_date", "sale_start_date", "sale_price_start_date"),
    "sale_price_until": ("sale_price_until", "special_price_to_date", "sale_end_date", "sale_price_end_date"),
    "sale_price_dates": ("sale_price_dates", "sale_price_effective_date"),
    "currency": ("currency", "price_currency", "currency_code"),
    "in_stock": ("in_stock", "instock", "available", "availability", "is_in_stock"),
    "tags": ("tags", "keywords"),
    "rating": ("rating", "average_rating", "avg_rating", "stars"),
    "rating_count": ("rating_count", "ratings_count", "rating_number", "review_count", "reviews_count", "num_reviews"),
    "reviews": ("reviews", "review_texts"),
    "created_at": ("created_at", "created", "date_added", "date_first_available", "published_at"),
    "images": ("images", "image", "image_url", "image_urls", "image_link", "img", "photos", "picture", "pictures"),
    "videos": ("videos", "video", "video_url", "video_urls"),
    "audios": ("audios", "audio", "audio_url", "audio_urls"),
    "group_id": ("group_id", "item_group_id", "parent_id", "parent_sku", "parent_asin"),
    "url": ("url", "link", "product_url", "permalink"),
}
_LOCAL = {
    "product_id": "artikelnummer artikel_nr artnr produktnummer référence código codice "
    "商品编号 商品编码 货号 商品番号 品番",
    "title": "titel bezeichnung artikelbezeichnung produktname titre nom nom_du_produit désignation título nombre "
    "nombre_del_producto titolo nome nome_prodotto naam productnaam 标题 名称 商品名称 产品名称 商品名 品名",
    "description": "beschreibung artikelbeschreibung produktbeschreibung descripción descrizione omschrijving "
    "beschrijving 描述 商品描述 详情 説明 商品説明",
    "category": "kategorie warengruppe catégorie categoría categoria categorie 分类 类目 类别 カテゴリ カテゴリー",
    "brand": "marke hersteller marque fabricant marca fabricante merk 品牌 ブランド",
    "price": "preis verkaufspreis prix prix_de_vente precio prezzo prijs 价格 售价 单价 価格 販売価格",
    "sale_price": "aktionspreis sonderpreis angebotspreis prix_promo prix_promotionnel precio_oferta precio_de_oferta "
    "prezzo_scontato 促销价 特价 セール価格",
    "currency": "währung devise moneda valuta 币种 货币 通貨",
    "in_stock": "verfügbar verfügbarkeit auf_lager disponible disponibilité en_stock disponibilidad disponibile "
    "disponibilità op_voorraad 库存状态 是否有货",
    "tags": "schlagwörter mots_clés etiquetas 标签",
    "images": "bild bilder bild_url imagen imágenes immagine immagini afbeelding afbeeldingen 图片 主图 商品图片 画像",
}
"""In German, French, Spanish, Italian, Dutch, Chinese and Japanese tables."""
ALIASES: Mapping[str, tuple[str, ...]] = {
    name: (*aliases, *_LOCAL.get(name, "").split()) for name, aliases in _ENGLISH.items()
}
DESCRIPTION_COLUMNS = ("bullet_points", "bullets", "features", "highlights", "about_product")
USER_ALIASES: Mapping[str, tuple[str, ...]] = {
    "type": ("type", "event_type", "event", "action"),
    "id": ("id", "event_id"),
    "time": ("time", "timestamp", "event_time", "ts", "datetime", "created_at"),
    "user_id": ("user_id", "user", "customer_id", "visitor_id", "shopper_id"),
    "product_id": ("product_id", "item_id", "sku", "asin", "item"),
    "session_id": ("session_id", "session"),
    "query_id": ("query_id",),
    "query": ("query", "search_query", "search_term"),
    "position": ("position", "rank"),
    "traits": ("traits",),
    "learning": ("learning",),
    "anonymous_id": ("anonymous_id",),
}
PRODUCT_COLUMNS = {alias: name for name, aliases in ALIASES.items() for alias in aliases}
USER_COLUMNS = {alias: name for name, aliases in USER_ALIASES.items() for alias in aliases}


def convention_kinds(columns: Iterable[str], renames: Mapping[str, str]) -> dict[str, str]:
    """`price` or `date`, by the columns that hold prices or dates."""
    kinds: dict[str, str] = {}
    for column in columns:
        name = renames.get(column) or PRODUCT_COLUMNS.get(snake_case(column))
        if name in ("price", "sale_price"):
            kinds[column] = "price"
        elif name in ("created_at", "sale_price_from", "sale_price_until"):
            kinds[column] = "date"
    return kinds


def parse_column_map(pairs: Iterable[str]) -> dict[str, str]:
    """`ours=theirs` pairs, as ours by theirs.

    Raises:
        ValueError: a pair without `=`, or a name of ours that there is not.
    """
    renames: dict[str, str] = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not (ours and equals and theirs):
            raise ValueError(f"{pair!r} is not of the form ours=theirs")
        if ours not in ALIASES and ours not in USER_ALIASES and not ours.startswith("attributes."):
            known = ", ".join(dict.fromkeys([*ALIASES, *USER_ALIASES]))
            raise ValueError(f"{ours!r} is no field; there are {known} and attributes.NAME")
        renames[theirs] = ours
    return renames


def is_known_column(name: str) -> bool:
    """Whether a text is a usual name of a product's column, or of a shopper's event's."""
    plain = snake_case(name.strip('\ufeff"# '))
    return plain in PRODUCT_COLUMNS or plain in USER_COLUMNS


def snake_case(column: str) -> str:
    """`Product ID`, `productId` and `product-id` as `product_id`. Longer names than any that is known are cut."""
    return _cached_snake_case(column[:MAX_LABEL_CHARS])


@functools.lru_cache(maxsize=1_024)
def _cached_snake_case(column: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", unicodedata.normalize("NFC", column))
    return re.sub(r"[\W_]+", "_", parted).strip("_").lower()
