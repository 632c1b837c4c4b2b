# ruff: noqa: E501  (lists of words)
"""The words for yes, no and how much there is in the languages of shops, schema.org's among them."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

_YES: Final = """
true t yes y ja j oui o sí si sim s tak ano áno igen da да так evet ναι vrai wahr verdadero vero verdadeiro on x ✓ ✔ 是 有 はい あり ○ 예 네 있음
כן نعم có ใช่ sand sant kyllä jah jā taip active enabled online
in stock|instock|available|limited availability|limited stock|low stock|few left|only a few left|online only|in store only|
instoreonly|onlineonly|ready to ship|ships today|auf lager|lagernd|vorrätig|verfügbar|sofort lieferbar|sofort verfügbar|lieferbar|
wenige verfügbar|nur noch wenige|en stock|disponible|en existencia|hay existencias|con stock|stock disponible|expédié sous 24h|
in magazzino|disponibile|disponibilità immediata|in stock online|em estoque|em stock|disponível|op voorraad|voorradig|leverbaar|
beschikbaar|i lager|finns i lager|på lager|på lageret|varastossa|tilgængelig|tillgänglig|tilgjengelig|saatavilla|w magazynie|dostępny|
dostępna|dostępne|na stanie|skladem|na skladě|na sklade|dostupné|raktáron|készleten|elérhető|în stoc|in stoc|disponibil|на складе|
в наличии|есть в наличии|есть|є в наявності|в наявності|в наличност|наличен|stokta|stokta var|mevcut|διαθέσιμο|σε απόθεμα|na zalihi|
na zalogi|dostupno|yra sandėlyje|pieejams|laos|במלאי|זמין|متوفر|متاح|còn hàng|มีสินค้า|tersedia|ada stok|
现货|有货|有现货|有库存|在庫あり|残りわずか|即納|재고 있음|재고있음|판매중|구매가능|有貨|現貨
"""
_NO: Final = """
false f no n nein non não nao nie ne нет ні hayır hayir όχι faux falsch falso off ✗ ✘ - 否 无 無 いいえ なし × 아니오 아니요 없음 לא لا không ไม่
falskt usann ei nej nei nem nu inactive disabled offline
out of stock|outofstock|sold out|soldout|unavailable|not available|discontinued|temporarily out of stock|currently unavailable|no stock|
ausverkauft|nicht auf lager|nicht vorrätig|nicht verfügbar|nicht lieferbar|vergriffen|derzeit nicht verfügbar|zurzeit nicht verfügbar|
en rupture|rupture de stock|en rupture de stock|épuisé|indisponible|non disponible|victime de son succès|agotado|sin stock|sin existencias|
no disponible|fuera de stock|esaurito|non disponibile|esgotado|indisponível|fora de estoque|sem estoque|sem stock|niet op voorraad|
uitverkocht|niet leverbaar|niet beschikbaar|ej i lager|slut i lager|slutsåld|slut|ikke på lager|udsolgt|utsolgt|loppu|loppuunmyyty|ei varastossa|
brak|brak w magazynie|niedostępny|niedostępna|niedostępne|wyprzedane|vyprodáno|není skladem|nedostupné|vypredané|nie je na sklade|elfogyott|
nincs raktáron|nincs készleten|stoc epuizat|indisponibil|нет в наличии|нет на складе|распродано|немає в наявності|изчерпан|няма наличност|
tükendi|stokta yok|mevcut değil|εξαντλημένο|μη διαθέσιμο|rasprodano|razprodano|išparduota|nav pieejams|אזל|אזל מהמלאי|לא במלאי|
غير متوفر|نفد|نفدت الكمية|نفذ من المخزون|hết hàng|สินค้าหมด|หมด|habis|stok habis|
缺货|无货|售罄|无库存|已售罄|在庫なし|在庫切れ|売り切れ|品切れ|완売|품절|재고 없음|재고없음|일시품절|缺貨|無貨|完售
"""
_LATER: Final = """
preorder|pre order|presale|pre sale|backorder|back order|backordered|on backorder|available for order|made to order|on order|notify|onbackorder|
vorbestellbar|vorbestellung|nachbestellt|auf bestellung|précommande|en précommande|sur commande|reserva|preventa|bajo pedido|por encargo|
preordine|in prenotazione|su ordinazione|pré venda|sob encomenda|op bestelling|pre order mogelijk|nabestelling|förbeställning|beställningsvara|
bestillingsvare|forudbestilling|forhåndsbestilling|ennakkotilaus|tilaustuote|przedsprzedaż|na zamówienie|předobjednávka|na objednávku|
predobjednávka|előrendelhető|rendelésre|precomandă|la comandă|предзаказ|под заказ|під замовлення|передзамовлення|ön sipariş|siparişe özel|
κατόπιν παραγγελίας|προπαραγγελία|预售|预订|予約|予約受付中|取り寄せ|お取り寄せ|예약|예약판매|預購|預售
"""
_PIECES: Final = frozenset(
    [
        "in stock",
        "left",
        "available",
        "pcs",
        "pieces",
        "units",
        "items",
        "stück",
        "stk",
        "st",
        "auf lager",
        "verfügbar",
        "en stock",
        "disponible",
        "disponibles",
        "pièces",
        "unidades",
        "uds",
        "pezzi",
        "stuks",
        "op voorraad",
        "i lager",
        "szt",
        "ks",
        "db",
        "шт",
        "adet",
        "件",
        "个",
        "個",
        "点",
        "개",
    ]
)
_COUNT: Final = re.compile(r"[<>≥~]?\s?(-?\d+)(?:[.,]0+)?\s?\+?\s?(\D{0,30})")


class UnknownWord(ValueError):
    """A word that is neither yes nor no; it costs its field, not the row."""


def _words(text: str) -> frozenset[str]:
    lines = text.strip().splitlines()
    parted = " ".join(line for line in lines if "|" in line).split("|")
    single = " ".join(line for line in lines if "|" not in line).split()
    return frozenset(word.strip().casefold() for word in (*parted, *single) if word.strip())


YES: Final = _words(_YES)
NO: Final = _words(_NO)
LATER: Final = _words(_LATER)
"""It is not there now, and can be ordered."""


def plain_word(cell: Any) -> str:
    """A cell's word as the lists have it: `https://schema.org/InStock`, `in_stock` and `In stock!` are `in stock`."""
    text = unicodedata.normalize("NFKC", str(cell)).strip()
    if "schema.org" in text or text.startswith("http"):
        text = re.split(r"[/#:]", text.rstrip("/"))[-1]
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return " ".join(re.sub(r"(?<=\w)[_\-]+(?=\w)", " ", parted).split()).strip(" .!:;").casefold() or text


def is_later(cell: Any) -> bool:
    """Whether a word says that something can be ordered and is not there yet."""
    return isinstance(cell, str) and len(cell) <= 100 and plain_word(cell) in LATER


def read_flag(cell: Any) -> bool:
    """Whether something is so, or there: a boolean, a number of pieces, or a word such as `yes`, `sold out`, `有货`.

    Raises:
        UnknownWord: naming it.
    """
    if isinstance(cell, bool | int | float):
        return cell > 0
    word = plain_word(cell) if len(str(cell)) <= 100 else str(cell)
    if word in YES or word in NO or word in LATER:
        return word in YES
    if (count := _COUNT.fullmatch(word)) and (not count[2] or count[2].strip(" .") in _PIECES):
        return int(count[1]) > 0
    raise UnknownWord(f"{str(cell)[:60]!r} is neither yes nor no")
