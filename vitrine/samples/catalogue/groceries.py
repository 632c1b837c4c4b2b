# ruff: noqa: E501 (the tables keep one kind to a row)
"""The grocery department: fruit and vegetables by cultivar, packaged goods by flavour."""

from __future__ import annotations

from vitrine.samples.catalogue.kinds import parse_kinds

FRUIT = parse_kinds(
    "produce",
    "Groceries/Fruit",
    """
    apple; apple|apples|eating apples; 苹果; Apples; 1.5-4; ; red:red|dark red:红:red, green:green|tart green:青:green, yellow:yellow|golden:黄:yellow, pink:pink|rosy|blush:粉红:coral, bicolour:bicolour|red-yellow|streaked:红黄双色:red
    pear; pear|pears; 梨|西洋梨; Pears; 1.5-4; ; green:green|conference:青:green, brown:brown|russet:褐皮:tan, yellow:yellow|williams:黄:yellow, red:red:红:burgundy
    orange; orange|oranges|navel orange; 橙子|甜橙; Citrus; 1.5-4; ; orange:sweet:甜:orange
    satsuma; satsuma|mandarin|clementine|tangerine; 蜜橘|橘子|柑橘; Citrus; 1.5-4; ; orange:seedless:无核:orange, leafy:leafy:带叶:orange
    lemon; lemon|lemons; 柠檬; Citrus; 1-3; ; yellow:unwaxed:无蜡:yellow
    lime; lime|limes; 青柠; Citrus; 1-3; ; green:juicy:多汁:green
    grapefruit; grapefruit|red grapefruit|pomelo; 葡萄柚|西柚; Citrus; 1-3; ; ruby:red|ruby:红:coral, yellow:yellow|white:黄:yellow
    banana; banana|bananas; 香蕉; Bananas; 1-3; ; bunch:ripe:熟:yellow, green:green|unripe:青:mint
    kiwi; kiwi|kiwifruit|kiwis; 猕猴桃|奇异果; Exotic; 1-4; ; green:green:绿:brown, gold:golden:黄金:tan
    mango; mango|mangoes; 芒果; Exotic; 1-4; ; blush:red-green|blush:红绿:green, yellow:yellow|honey:黄:yellow
    melon; melon|cantaloupe|honeydew; 甜瓜|哈密瓜|蜜瓜; Melons; 2-6; ; net:netted:网纹:beige, smooth:honeydew|yellow:黄皮:yellow, green:green:青皮:green
    watermelon; watermelon|water melon; 西瓜; Melons; 3-8; ; striped:striped:条纹:green, dark:dark green:黑皮:green
    peach; peach|peaches; 桃子|水蜜桃; Stone fruit; 1.5-5; ; blush:blush|yellow:黄:coral, white:white:白:pink
    nectarine; nectarine|nectarines; 油桃; Stone fruit; 1.5-5; ; red:red:红:red
    plum; plum|plums; 李子; Stone fruit; 1.5-5; ; purple:purple|blue:紫:purple, red:red:红:burgundy, yellow:yellow:黄:yellow
    cherry; cherry|cherries; 樱桃|车厘子; Berries; 3-8; ; red:dark:深红:burgundy
    strawberry; strawberry|strawberries; 草莓; Berries; 2-6; ; red:sweet:甜:red
    grapes; grapes|table grapes; 葡萄|提子; Berries; 2-6; ; green:green|white:绿:green, red:red:红:burgundy, black:black|blue:黑:purple
    pineapple; pineapple|ananas; 菠萝|凤梨; Exotic; 2-6; ; gold:golden:金:gold
    pomegranate; pomegranate|pomegranates; 石榴; Exotic; 1-4; ; red:ruby:红:red
    passion-fruit; passion fruit|passionfruit|maracuja; 百香果|西番莲; Exotic; 1-4; ; purple:purple:紫:purple
    papaya; papaya|pawpaw; 木瓜|番木瓜; Exotic; 1-5; ; ripe:ripe:熟:orange
    avocado; avocado|avocados; 牛油果|鳄梨; Exotic; 1-3; ; hass:dark|hass:黑皮:charcoal, green:green|smooth:青皮:green
    """,
    "red",
    "plain",
)

VEGETABLES = parse_kinds(
    "produce",
    "Groceries/Vegetables",
    """
    tomato; tomato|tomatoes; 番茄|西红柿; Tomatoes; 1.5-5; ; round:round|beef:大:red, vine:vine:带藤:red, yellow:yellow:黄:yellow
    pepper; bell pepper|sweet pepper|capsicum; 甜椒|彩椒|灯笼椒; Peppers; 1-3; ; red:red:红:red, yellow:yellow:黄:yellow, green:green:青:green, orange:orange:橙:orange
    chilli; chilli|hot chili pepper|chillies; 辣椒|红辣椒; Peppers; 1-3; ; red:red:红:red, green:green:青:green
    cucumber; cucumber|cucumbers; 黄瓜|青瓜; Salad; 1-2; ; long:long:长:green
    zucchini; zucchini|courgette|summer squash; 西葫芦|小胡瓜; Squash; 1-3; ; green:green:青:green, yellow:yellow:黄:yellow
    aubergine; aubergine|eggplant; 茄子; Squash; 1-3; ; purple:glossy:亮皮:purple
    pumpkin; pumpkin|squash; 南瓜; Squash; 2-5; ; orange:orange:橙:orange
    carrot; carrot|carrots; 胡萝卜|红萝卜; Roots; 1-3; ; orange:crunchy:脆:orange
    potato; potato|potatoes|spuds; 土豆|马铃薯; Roots; 1-4; ; floury:floury|brown:粉质:tan, waxy:waxy|firm|yellow:蜡质:beige, red:red-skinned:红皮:coral, sweet:sweet:甜:orange
    onion; onion|onions; 洋葱; Roots; 1-3; ; yellow:yellow|brown:黄:mustard, red:red:紫:burgundy, white:white:白:white
    garlic; garlic|garlic bulbs; 大蒜|蒜头; Roots; 1-3; ; white:white:白:white
    ginger; ginger|ginger root|fresh ginger; 生姜|姜; Roots; 1-3; ; root:fresh:鲜:tan
    beetroot; beetroot|red beet|beets; 甜菜根|红菜头; Roots; 1-3; ; red:red:红:burgundy
    radish; radish|radishes; 樱桃萝卜|小红萝卜; Roots; 1-3; ; red:crisp:脆:magenta
    cabbage; cabbage|head of cabbage; 卷心菜|包菜; Leafy; 1-3; ; green:green|white:绿:mint, red:red:紫:purple
    lettuce; lettuce|salad|iceberg; 生菜|莴苣; Leafy; 1-3; ; green:crisp:脆:green
    broccoli; broccoli|broccoli florets; 西兰花|绿花菜; Leafy; 1-3; ; green:fresh:鲜:green
    cauliflower; cauliflower|cauliflowers; 花菜|菜花; Leafy; 1-4; ; white:white:白:white
    leek; leek|leeks; 韭葱|大葱; Stalks; 1-3; ; long:long:长:green
    asparagus; asparagus|asparagus spears; 芦笋; Stalks; 2-5; ; green:green:绿:green, white:white:白:beige
    mushroom; mushroom|mushrooms; 蘑菇; Mushrooms; 1.5-4; ; brown:brown cap|chestnut:褐:brown, white:white button:白:white
    corn; corn|sweetcorn|corn on the cob; 玉米|甜玉米; Stalks; 1-3; ; yellow:sweet:甜:yellow
    """,
    "green",
    "plain",
)

PACKAGES = parse_kinds(
    "package",
    "Groceries",
    """
    milk; milk|fresh milk; 牛奶|鲜牛奶; Dairy/Milk; 1-3; ; whole:whole|full-fat:全脂, medium:medium-fat|semi-skimmed:中脂, skimmed:skimmed|low-fat:脱脂, organic:organic:有机; blue green red sky orange mint
    plant-drink; plant drink|dairy-free milk; 植物奶|植物饮料; Dairy/Plant drinks; 1.5-3; ; oat:oat:燕麦, soy:soy:大豆, almond:almond:杏仁, coconut:coconut:椰子; sky blue beige mint teal green
    juice; fruit juice|juice; 果汁; Drinks/Juice; 1.5-4; ; orange:orange:橙:orange, apple:apple:苹果:green, grapefruit:red grapefruit:葡萄柚:coral, mandarin:mandarin:蜜橘:orange, tropical:tropical|multi-fruit:热带:yellow, berry:berry:莓果:purple
    yoghurt; yoghurt|yogurt; 酸奶; Dairy/Yoghurt; 1-3; ; strawberry:strawberry:草莓:pink, blueberry:blueberry:蓝莓:purple, vanilla:vanilla:香草:beige, natural:natural|plain:原味:white, peach:peach:桃子:coral, raspberry:raspberry:覆盆子:magenta
    sour-cream; sour cream|crème fraîche; 酸奶油; Dairy/Cream; 1-3; ; full:full-fat:全脂, light:light:低脂, organic:organic:有机; blue green navy red
    cream; cream|whipping cream; 奶油|淡奶油; Dairy/Cream; 1-3; ; whipping:whipping:打发, cooking:cooking:烹饪; red blue burgundy orange
    coffee; coffee|coffee beans; 咖啡|咖啡豆; Pantry/Coffee; 4-12; ; dark:dark roast:深烘, light:light roast:浅烘; brown black burgundy gold teal
    tea; tea|tea bags; 茶|茶包; Pantry/Tea; 2-7; ; green:green:绿, black:black:红, herbal:herbal|camomile:花草; green red mustard purple mint
    cereal; cereal|breakfast flakes|muesli; 麦片|早餐谷物; Pantry/Cereal; 2-6; ; corn:corn:玉米, chocolate:chocolate:巧克力, fruit:fruit:水果; yellow red brown blue orange green
    pasta; pasta|spaghetti|noodles; 意大利面|面条; Pantry/Pasta; 1-4; ; penne:penne:斜管, wholegrain:wholegrain:全麦; blue green red yellow
    olive-oil; olive oil|cooking oil; 橄榄油|食用油; Pantry/Oil; 4-15; ; virgin:extra virgin:特级初榨:olive
    honey; honey|bee honey; 蜂蜜; Pantry/Spreads; 3-9; ; flower:wildflower:百花:gold, acacia:acacia:槐花:yellow
    jam; jam|fruit spread; 果酱; Pantry/Spreads; 2-6; ; strawberry:strawberry:草莓:red, apricot:apricot:杏:orange, blueberry:blueberry:蓝莓:purple
    chocolate; chocolate bar|chocolate; 巧克力; Pantry/Sweets; 1-5; ; milk:milk:牛奶:purple, dark:dark:黑:charcoal, nut:hazelnut:榛子:green
    canned-tomato; canned tomatoes|chopped tomatoes; 番茄罐头; Pantry/Cans; 1-3; ; chopped:chopped:切块:red
    soda; soda|sparkling drink|soft drink; 汽水|碳酸饮料; Drinks/Soda; 1-3; ; cola:cola:可乐:red, lemon:lemon:柠檬:yellow, orange:orange:橙味:orange, berry:berry:莓果:purple
    """,
    "blue",
    "plain",
)

GROCERIES = FRUIT + VEGETABLES + PACKAGES
