# ruff: noqa: E501 (the tables keep one kind to a row)
"""The clothing, shoe and bag departments."""

from __future__ import annotations

from vitrine.samples.catalogue.kinds import ALL_PRINTS, BRIGHT, EARTHY, MUTED, SIMPLE_PRINTS, parse_kinds

CLOTHES = parse_kinds(
    "garment",
    "{who}",
    """
    t-shirt; t-shirt|tee|short-sleeved top; T恤|短袖; Tops/Tees; 9-39; cotton cotton linen mesh; crew:crew-neck:圆领, v:v-neck:V领
    shirt; shirt|button-up shirt|blouse; 衬衫|衬衣; Tops/Shirts; 25-79; cotton linen denim satin; long:long-sleeved:长袖, short:short-sleeved:短袖
    polo; polo shirt|polo|collared tee; POLO衫|翻领T恤; Tops/Polos; 19-59; cotton mesh; short:short-sleeved:短袖
    longsleeve; long-sleeve top|long-sleeved tee|longsleeve; 长袖T恤|长袖上衣; Tops/Long sleeves; 15-49; cotton mesh; crew:crew-neck:圆领, v:v-neck:V领
    tank; tank top|vest top|sleeveless top; 背心|无袖上衣; Tops/Tanks; 9-35; cotton mesh satin; wide:classic:经典款, racer:racerback:工字背
    bra; sports bra|bra top|crop bra; 运动文胸|运动内衣; Tops/Bras; 19-55; nylon cotton mesh; sport:high-support:高强度
    hoodie; hoodie|hooded sweatshirt|hooded jumper; 连帽衫|连帽卫衣; Tops/Hoodies; 35-95; fleece cotton knit; pullover:pullover:套头, zip:zip-up|full-zip:拉链
    sweater; sweater|jumper|pullover; 毛衣|针织衫; Tops/Sweaters; 35-120; knit wool knit; crew:crew-neck:圆领, v:v-neck:V领, turtle:turtleneck:高领
    sweatshirt; sweatshirt|crew sweat|sweat top; 卫衣|圆领卫衣; Tops/Sweatshirts; 29-75; fleece cotton; crew:crew-neck:圆领
    cardigan; cardigan|button cardigan|knit jacket; 开衫|针织开衫; Tops/Cardigans; 39-110; knit wool; long:buttoned:纽扣
    jacket; jacket|zip jacket|windbreaker; 夹克|外套; Outerwear/Jackets; 55-220; nylon denim leather fleece; zip:zip-up:拉链, collar:stand-collar:立领
    coat; coat|overcoat|winter coat; 大衣|长外套; Outerwear/Coats; 90-380; wool wool corduroy leather; double:double-breasted:双排扣, single:single-breasted:单排扣
    puffer; puffer jacket|down jacket|padded jacket; 羽绒服|棉服; Outerwear/Puffers; 79-260; nylon satin; puffer:quilted:绗缝
    gilet; gilet|body warmer|padded vest; 马甲|羽绒马甲; Outerwear/Vests; 45-130; nylon fleece; puffer:quilted:绗缝
    dress; dress|gown|frock; 连衣裙|裙子; Dresses; 29-160; cotton satin linen velvet; flared:flared|a-line:A字, maxi:maxi|long:长款, straight:straight|sheath:直筒
    skirt; skirt|a-line skirt|midi skirt; 半身裙|短裙; Bottoms/Skirts; 19-85; cotton denim satin wool; flared:flared:伞状, pencil:pencil:包臀, pleated:pleated:百褶
    trousers; trousers|pants|slacks; 长裤|裤子; Bottoms/Trousers; 29-110; cotton linen wool corduroy; straight:straight-leg:直筒, wide:wide-leg:阔腿
    jeans; jeans|denim trousers|denim pants; 牛仔裤; Bottoms/Jeans; 39-130; denim; straight:straight-leg:直筒, slim:skinny|slim:紧身; blue navy sky black grey; plain
    leggings; leggings|tights|yoga pants; 紧身裤|瑜伽裤; Bottoms/Leggings; 19-79; nylon cotton mesh; slim:full-length:长款, capri:capri|cropped:七分
    joggers; joggers|sweatpants|track pants; 运动裤|卫裤; Bottoms/Joggers; 25-75; fleece cotton nylon; cuffed:cuffed:束脚
    shorts; shorts|short pants; 短裤|热裤; Bottoms/Shorts; 15-59; cotton nylon denim linen; regular:regular:常规, long:knee-length:及膝
    swimsuit; swimsuit|one-piece|bathing suit; 泳衣|连体泳衣; Swimwear; 25-89; nylon; one:one-piece:连体
    socks; socks|crew socks|ankle socks; 袜子|短袜; Accessories/Socks; 5-19; cotton wool knit; crew:crew:中筒
    hat; sun hat|wide-brim hat|bucket hat; 遮阳帽|宽檐帽; Accessories/Hats; 15-69; straw wool canvas; brim:wide-brim:宽檐
    beanie; beanie|knit cap|winter hat; 毛线帽|针织帽; Accessories/Hats; 12-39; knit wool; bobble:bobble:毛球, plain:cuffed:翻边
    cap; baseball cap|cap|peaked cap; 棒球帽|鸭舌帽; Accessories/Caps; 12-39; cotton canvas denim; cap:adjustable:可调节
    scarf; scarf|shawl|neck wrap; 围巾|披肩; Accessories/Scarves; 15-89; wool knit satin; scarf:fringed:流苏
    gloves; gloves|winter gloves|mittens; 手套|保暖手套; Accessories/Gloves; 15-69; wool leather fleece knit; gloves:warm:保暖
    belt; belt|waist belt; 皮带|腰带; Accessories/Belts; 15-69; leather canvas suede; belt:buckled:扣式; black brown tan navy burgundy white; plain
    tie; tie|necktie; 领带; Accessories/Ties; 15-59; satin wool; tie:classic:经典; ; plain striped dotted checked pinstriped zigzag floral
    """,
    BRIGHT,
    ALL_PRINTS,
)

SHOES = parse_kinds(
    "garment",
    "{who}/Shoes",
    """
    sneaker; sneakers|trainers|running shoes; 运动鞋|跑鞋; Sneakers; 45-160; mesh canvas leather; low:low-top:低帮, high:high-top:高帮
    boot; boots|ankle boots|hiking boots; 靴子|短靴; Boots; 69-240; leather suede rubber; laced:lace-up:系带, chelsea:pull-on:一脚蹬
    sandal; sandals|strappy sandals; 凉鞋|罗马凉鞋; Sandals; 25-90; leather rubber suede; strap:strappy:绑带
    heel; high heels|pumps|stilettos; 高跟鞋|细跟鞋; Heels; 45-190; leather satin suede; heel:pointed:尖头
    loafer; loafers|slip-ons|moccasins; 乐福鞋|豆豆鞋; Loafers; 49-160; leather suede; slip:slip-on:一脚蹬
    slipper; slippers|slides|house shoes; 拖鞋|凉拖; Slippers; 12-45; fleece rubber velvet; slide:open-toe:露趾
    """,
    MUTED,
    SIMPLE_PRINTS,
)

BAGS = parse_kinds(
    "garment",
    "Bags",
    """
    backpack; backpack|rucksack|daypack; 双肩包|背包; Backpacks; 35-150; nylon canvas leather; round:zip-top:拉链, flap:roll-top:翻盖
    tote; tote bag|shopper|canvas bag; 托特包|帆布袋; Totes; 15-120; canvas leather cotton; tote:open:敞口; ; plain plain striped floral logo colour-block checked dotted
    handbag; handbag|purse|shoulder bag; 手提包|女包; Handbags; 45-260; leather suede satin; clasp:structured:定型
    messenger; messenger bag|crossbody bag|satchel; 斜挎包|邮差包; Messengers; 39-160; canvas leather nylon; flap:flap:翻盖
    suitcase; suitcase|trolley case|luggage; 行李箱|拉杆箱; Suitcases; 69-290; plastic metal nylon; cabin:cabin-size:登机
    duffle; duffle bag|gym bag|holdall; 旅行包|健身包; Duffles; 35-130; nylon canvas leather; duffle:roomy:大容量
    wallet; wallet|billfold|card holder; 钱包|卡包; Wallets; 19-90; leather canvas suede; fold:bifold:对折; black brown tan navy burgundy red green; plain
    """,
    EARTHY + " white sky teal yellow pink purple mint charcoal",
    "plain plain plain plain striped colour-block logo camo checked",
)

GARMENTS = CLOTHES + SHOES + BAGS
