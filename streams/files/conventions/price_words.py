"""The words that stand beside prices in the languages of shops, in lower case and without a full stop."""

from __future__ import annotations

import re
from typing import Final


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


TAX_WORDS: Final = _set(
    "vat mwst ust mehrwertsteuer tva iva btw moms mva alv gst hst tax taxes dph ддс ндс пдв φπα kdv áfa pvm ppn sst"
    " ttc ht htva hors taxe netto brutto net gross"
)
_WITH_TAX: Final = (
    "incl inclusive including included inkl inklusive excl exclusive excluding excluded exkl exklusive zzgl inc ex plus"
    " with without mit ohne sans con sin com sem avec z bez s с без no of der gesetzl incluido incluida inclusa incluso"
    " inclus incluse escl esclusa dahil hariç toutes comprises compris"
)
_BOUNDS: Final = (
    "from starting starts at as low now only just sale price special ab nur jetzt preis statt unverb uvp à partir de"
    " des dès depuis prix desde solo ahora precio da partire prezzo solo vanaf nu prijs från fra pris alkaen hinta od"
    " już cena ceny ab von от цена від ціна από τιμή itibaren başlayan fiyat approx about ca circa each msrp rrp"
)
IGNORED_WORDS: Final = TAX_WORDS | _set(f"{_WITH_TAX} {_BOUNDS}")
RANGE_WORDS: Final = _set("- – — − ~ to bis à a al au até hasta tot till til asti do до and und et y e och og и")
RANGE_STARTS: Final = _set("between zwischen entre tra mellan mellem między между из de")
UNIT_WORDS: Final = _set("per pro por par je za за cada ogni")
UNSPACED_WORDS: Final = re.compile(
    "税込み?|税抜き?|税別|税别|不含税|含税|未税|含稅|未稅|부가세|포함|별"
    "도|から|より|부터|低至|起|仅|只|特价|售价|价格|价|定價|売価|価格|約|约"
)
"""Of languages that put no blanks between words."""
