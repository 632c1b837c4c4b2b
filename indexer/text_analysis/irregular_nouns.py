"""English nouns whose plural is not made by rule, and words in -s that are no plurals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_PLURALS: Final = """
aches ache, atlases atlas, avalanches avalanche, axes axe, backaches backache, biases bias, bikinis bikini,
bonuses bonus, bookshelves bookshelf, brioches brioche, bureaus bureau, buses bus, businessmen businessman,
busses bus, caches cache, cacti cactus, cactuses cactus, calves calf, campuses campus, canoes canoe, canvases
canvas, capris capri, cds cd, children child, chilis chili, chillies chilli, chillis chilli, choruses chorus,
circuses circus, craftsmen craftsman, creches creche, cruises cruise, delis deli, discuses discus,
elves elf, eyelashes eyelash, feet foot, firemen fireman, fishermen fisherman, floes floe, foes foe, freshmen
freshman, fungi fungus, gases gas, geese goose, gentlemen gentleman, grandchildren grandchild, grandkids
grandkid, gurus guru, halves half, headaches headache, hoes hoe, hooves hoof, housewives housewife, ids id,
irises iris, kiwis kiwi, knives knife, leaves leaf, lenses lens, levis levi, lice louse, lives life, loaves
loaf, martinis martini, men man, menus menu, mice mouse, minibuses minibus, minis mini, monies money, moustaches
moustache, mustaches mustache, niches niche, oboes oboe, oxen ox, pajamas pajama, penknives penknife,
pickaxes pickaxe, pluses plus, policemen policeman, porsches porsche, pyjamas pyjama, quiches quiche,
quizzes quiz, rabbis rabbi, safaris safari, salesmen salesman, saris sari, scarves scarf, selves self, shelves
shelf, sinuses sinus, skis ski, snowmen snowman, sportsmen sportsman, statuses status, styli stylus, taxis taxi,
teeth tooth, thieves thief, tiptoes tiptoe, toes toe, toothaches toothache, tvs tv, viruses virus, werewolves
werewolf, wives wife, wolves wolf, women woman, workmen workman
"""
_NO_PLURALS: Final = "alas atlas bias canvas chaos christmas cosmos gas kansas lens news pancreas texas themselves"

SINGULARS: Final[Mapping[str, str]] = {
    **{
        plural: singular
        for plural, _, singular in (pair.partition(" ") for pair in " ".join(_PLURALS.split()).split(", "))
    },
    **{word: word for word in _NO_PLURALS.split()},
}
"""What a word is the plural of, or itself where it looks like a plural and is none; folded.

Source: lemminflect 0.2 (of the NIH's SPECIALIST Lexicon), those of its irregular nouns that shops have; and a brand's
possessive. Left out are plurals that mean another thing than their singular there: `dice`, `data`, `media`.
"""
