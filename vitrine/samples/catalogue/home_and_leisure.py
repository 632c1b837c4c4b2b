# ruff: noqa: E501 (the tables keep one kind to a row)
"""The home, electronics, sport and toy departments."""

from __future__ import annotations

from vitrine.samples.catalogue.kinds import BRIGHT, DEVICE, HOME_PRINTS, MUTED, parse_kinds

HOME = parse_kinds(
    "thing",
    "Home",
    """
    mug; mug|coffee cup|tea cup; 马克杯|咖啡杯; Kitchen/Mugs; 6-25; ceramic ceramic glass metal; straight:straight:直身, round:rounded:圆肚
    plate; plate|dinner plate|dish; 盘子|餐盘; Kitchen/Plates; 6-35; ceramic wood glass; round:round:圆形
    bowl; bowl|salad bowl|soup bowl; 碗|沙拉碗; Kitchen/Bowls; 6-39; ceramic wood glass; bowl:deep:深口
    pan; frying pan|skillet|pan; 平底锅|煎锅; Kitchen/Pans; 19-89; metal; pan:non-stick:不粘; black grey red teal green orange; plain
    pot; cooking pot|casserole|stock pot; 汤锅|炖锅; Kitchen/Pots; 29-149; metal ceramic; pot:lidded:带盖; red orange teal silver black white blue mustard; plain
    kettle; kettle|tea kettle|electric kettle; 水壶|烧水壶; Kitchen/Kettles; 25-89; metal ceramic; kettle:whistling:鸣笛; silver black red white mint blue; plain
    teapot; teapot|tea pot; 茶壶; Kitchen/Teapots; 19-79; ceramic glass metal; teapot:round:圆形
    bottle; water bottle|drinking bottle|flask; 水瓶|保温杯; Kitchen/Bottles; 9-39; metal plastic glass; bottle:screw-cap:旋盖; ; plain plain striped gradient logo dotted colour-block
    cushion; cushion|throw pillow|pillow; 抱枕|靠枕; Living/Cushions; 12-59; cotton velvet linen knit; square:square:方形
    vase; vase|flower vase; 花瓶; Living/Vases; 15-89; ceramic glass; slim:slim:细长, round:bulbous:圆肚
    clock; wall clock|clock; 挂钟|时钟; Living/Clocks; 19-89; wood metal plastic; round:round:圆形; ; plain
    lamp; table lamp|lamp|desk light; 台灯|灯; Living/Lamps; 25-149; metal wood ceramic; shade:shaded:布罩
    candle; candle|scented candle; 蜡烛|香薰蜡烛; Living/Candles; 8-39; wax; jar:jar:杯装, pillar:pillar:柱状; white beige pink lavender red green navy mustard; plain
    rug; rug|carpet|floor mat; 地毯|地垫; Living/Rugs; 39-290; wool cotton linen; rug:fringed:流苏; ; striped checked zigzag floral plain dotted gradient
    blanket; blanket|throw|plaid; 毯子|盖毯; Living/Blankets; 25-99; fleece knit wool; folded:folded:折叠
    plant-pot; plant pot|flower pot|potted plant; 花盆|盆栽; Living/Plants; 12-59; ceramic wood plastic; pot:indoor:室内
    mirror; mirror|wall mirror; 镜子|挂镜; Living/Mirrors; 25-149; wood metal; round:round:圆形; black gold silver brown tan white; plain
    chair; chair|dining chair|seat; 椅子|餐椅; Furniture/Chairs; 49-249; wood plastic metal; legs:four-legged:四脚; ; plain
    stool; stool|bar stool; 凳子|吧凳; Furniture/Stools; 29-129; wood metal; stool:round:圆面; ; plain
    table; table|coffee table|dining table; 桌子|茶几; Furniture/Tables; 79-490; wood wood marble glass metal; table:four-legged:四脚; brown tan white black beige grey; plain
    sofa; sofa|couch|settee; 沙发|布艺沙发; Furniture/Sofas; 290-1290; velvet linen leather cotton; two:two-seat:双人; ; plain plain plain striped
    armchair; armchair|easy chair|lounge chair; 单人沙发|扶手椅; Furniture/Armchairs; 149-690; velvet linen leather; one:upholstered:软包; ; plain plain checked
    shelf; bookshelf|shelving unit|bookcase; 书架|置物架; Furniture/Shelves; 59-290; wood metal; open:open:开放; brown tan white black beige; plain
    towel; towel|bath towel|hand towel; 毛巾|浴巾; Bath/Towels; 8-39; cotton linen; folded:soft:柔软
    umbrella; umbrella|rain umbrella; 雨伞|晴雨伞; Bath/Umbrellas; 12-49; nylon; open:folding:折叠
    """,
    MUTED + " sky mint yellow orange coral purple lavender",
    HOME_PRINTS,
)

ELECTRONICS = parse_kinds(
    "thing",
    "Electronics",
    """
    phone; smartphone|phone|mobile phone; 智能手机|手机; Phones; 199-1199; metal glass plastic; phone:dual-camera:双摄
    tablet; tablet|tablet computer; 平板电脑|平板; Tablets; 149-899; metal; tablet:slim:轻薄
    laptop; laptop|notebook computer|ultrabook; 笔记本电脑|笔记本; Laptops; 399-2199; metal plastic; laptop:slim:轻薄; silver charcoal black white gold blue
    headphones; headphones|over-ear headset|headset; 耳机|头戴式耳机; Audio/Headphones; 29-349; plastic metal leather; over:over-ear:头戴式
    earbuds; earbuds|wireless earphones; 无线耳机|耳塞; Audio/Earbuds; 29-229; plastic; buds:wireless:无线
    speaker; speaker|bluetooth speaker; 音箱|蓝牙音箱; Audio/Speakers; 25-349; plastic mesh wood; box:portable:便携, tower:cylinder:圆柱
    camera; camera|digital camera|compact camera; 相机|数码相机; Cameras; 199-1499; metal leather plastic; camera:mirrorless:微单; black silver brown charcoal white red
    watch; watch|wristwatch|analog watch; 手表|腕表; Watches; 39-490; leather metal rubber; round:analog:指针式, smart:smart|digital:智能
    keyboard; keyboard|computer keyboard; 键盘|机械键盘; Computing/Keyboards; 25-189; plastic metal; keys:compact:紧凑
    mouse; computer mouse|wireless mouse; 鼠标|无线鼠标; Computing/Mice; 12-99; plastic; mouse:wireless:无线
    monitor; monitor|computer screen|display; 显示器|屏幕; Computing/Monitors; 119-799; plastic metal; wide:wide:宽屏; black silver white charcoal
    gamepad; game controller|gamepad; 游戏手柄|手柄; Gaming; 25-89; plastic; pad:wireless:无线
    """,
    DEVICE,
    "plain",
)

SPORT = parse_kinds(
    "thing",
    "Sport",
    """
    football; football|soccer ball; 足球; Balls; 12-59; leather rubber; football:match:比赛级; ; plain
    basketball; basketball|basket ball; 篮球; Balls; 15-59; rubber leather; basketball:indoor:室内; orange brown purple blue red black green; plain
    gym-ball; exercise ball|stability ball|gym ball; 健身球|瑜伽球; Yoga; 15-45; rubber; ball:anti-burst:防爆; ; plain
    dumbbell; dumbbell|hand weight; 哑铃; Strength; 12-79; metal rubber; hex:hex:六角; ; plain
    kettlebell; kettlebell|kettle bell; 壶铃; Strength; 19-99; metal rubber; bell:cast:铸造; ; plain
    yoga-mat; yoga mat|exercise mat|pilates mat; 瑜伽垫|健身垫; Yoga; 15-79; rubber; rolled:rolled:卷式; ; plain plain striped gradient floral
    yoga-block; yoga block|yoga brick|foam block; 瑜伽砖|泡沫砖; Yoga; 6-25; rubber wood; block:foam:泡沫; ; plain
    helmet; bike helmet|cycling helmet; 自行车头盔|骑行头盔; Cycling; 29-159; plastic; vented:vented:透气; ; plain plain colour-block
    bicycle; bicycle|bike|city bike; 自行车|单车; Cycling; 199-1490; metal; city:city:城市; ; plain
    tent; tent|camping tent; 帐篷|露营帐篷; Camping; 69-390; nylon canvas; dome:dome:圆顶, ridge:ridge:屋脊; ; plain plain colour-block camo
    racket; tennis racket|racquet; 网球拍|球拍; Rackets; 25-199; metal; racket:lightweight:轻量; ; plain
    skateboard; skateboard|longboard; 滑板; Boards; 35-129; wood; board:street:街式; ; plain striped logo zigzag gradient
    snowboard; snowboard|freestyle board; 单板滑雪板|滑雪板; Boards; 149-490; wood plastic; board:freestyle:自由式; ; plain striped zigzag gradient camo starry
    goggles; ski goggles|snow goggles; 滑雪镜|护目镜; Snow; 29-159; plastic; wide:anti-fog:防雾; ; plain
    sunglasses; sunglasses|shades; 太阳镜|墨镜; Eyewear; 15-149; plastic metal; round:round:圆框, square:square:方框; ; plain
    """,
    BRIGHT,
    "plain",
)

TOYS = parse_kinds(
    "thing",
    "Toys",
    """
    teddy; teddy bear|plush bear|stuffed toy; 泰迪熊|毛绒熊; Plush; 12-49; fleece velvet; bear:cuddly:柔软; brown tan beige white grey pink; plain
    bunny; plush bunny|toy rabbit|stuffed rabbit; 毛绒兔|兔子玩偶; Plush; 12-45; fleece velvet; bunny:long-eared:长耳; white grey pink beige tan lavender; plain
    toy-car; toy car|model car; 玩具车|小汽车; Vehicles; 8-39; plastic metal wood; car:pull-back:回力; ; plain
    blocks; building blocks|toy bricks; 积木; Building; 9-59; wood plastic; blocks:stacking:叠叠乐; ; plain
    duck; rubber duck|bath duck; 橡皮鸭|小黄鸭; Bath; 4-15; rubber; duck:floating:漂浮; yellow yellow pink sky orange; plain
    kite; kite|flying kite; 风筝; Outdoor; 9-35; nylon; diamond:diamond:菱形; ; colour-block gradient striped
    robot; toy robot|robot; 机器人|玩具机器人; Figures; 12-69; plastic metal; robot:walking:行走; ; plain
    """,
    BRIGHT,
    "plain",
)

THINGS = HOME + ELECTRONICS + SPORT + TOYS
