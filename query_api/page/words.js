// What the page says, in English and in Chinese: the browser's first language of the two.

const CHINESE = {
  "Vitrine, start": "Vitrine 首页",
  "Vitrine · search": "Vitrine · 搜索",
  "Search in words, English or 中文": "输入文字搜索，中文或 English",
  "Search in words": "用文字搜索",
  "Search by voice": "语音搜索",
  "Speak": "语音",
  "Search with a photo or a clip: choose, drop or paste one": "用照片或视频搜索：选择、拖入或粘贴",
  "Photo or clip": "照片或视频",
  "Search": "搜索",
  "Shopping as": "购物者",
  "anyone": "任何人",
  "Filters": "筛选",
  "Results": "结果",
  "Sort": "排序",
  "Best match": "最相关",
  "Price, low to high": "价格从低到高",
  "Price, high to low": "价格从高到低",
  "Newest": "最新",
  "Show more": "显示更多",
  "Product": "商品",
  "Key": "密钥",
  "This search asks for a key, or a shopper's token": "此搜索需要密钥或购物者令牌",
  "Go on": "继续",
  "Drop the photo or clip to search with it": "松开即可用照片或视频搜索",
  "Metrics": "指标",
  "Health": "状态",

  "All products": "全部商品",
  "For you": "为您推荐",
  "Recently viewed": "最近浏览",
  "Like “{title}”": "与“{title}”相似的商品",
  "“{text}”": "“{text}”",
  "More like “{title}”": "与“{title}”相似",
  "Looks like your photo": "与您的照片相似",
  "Looks like your clip": "与您的视频相似",
  "What you said": "您说的话",
  "{count} products": "{count} 件商品",
  "from cache": "来自缓存",
  "fresh search": "实时搜索",
  "index up to date": "索引已是最新",
  "index {seconds} s behind": "索引落后 {seconds} 秒",
  "without {parts} just now": "暂缺：{parts}",
  "cache": "缓存",
  "personalisation": "个性化",
  "image": "图片",
  "lexical": "文字匹配",
  "ranker": "重排",
  ", ": "、",
  "Nothing matches. Try other words, or fewer filters.": "没有找到商品。请换个说法，或减少筛选条件。",
  "Nothing matches. Nearest:": "没有匹配的商品。最接近的有：",
  "The order has changed since; search again to see why.": "结果顺序已经变化，请重新搜索后再查看原因。",
  "The search service cannot be reached. Is it running?": "无法连接搜索服务，请确认它正在运行。",
  "The search service answered {status}.": "搜索服务返回了 {status}。",

  "Remove {label}": "移除 {label}",
  "Price: {phrase}": "价格：{phrase}",
  "Your photo": "您的照片",
  "Your clip": "您的视频",
  "Like {title}": "相似于 {title}",
  "{field}: {value}": "{field}：{value}",
  "Category": "类别",
  "Brand": "品牌",
  "Price": "价格",
  "Rating": "评分",
  "In stock": "有货",
  "Yes": "是",
  "No": "否",

  "sold out": "已售罄",
  "More like this": "找相似",
  "Why?": "为什么？",
  "Text": "文字",
  "Picture": "图片",
  "Words": "词语",
  "Ranker": "重排",
  "Matched words": "匹配的词语",
  "because you looked at {title}": "因为您看过“{title}”",
  "because you liked {title}": "因为您喜欢“{title}”",
  "because you put {title} in your basket": "因为您把“{title}”加入了购物车",
  "because you bought {title}": "因为您买过“{title}”",
  "you looked at it": "您看过",
  "you liked it": "您喜欢过",
  "you put it in your basket": "您已加入购物车",
  "you bought it": "您买过",
  "you bought it on {visits} visits": "您分 {visits} 次买过",
  "like {title}": "与“{title}”相似",
  "chosen together with {title}": "常与“{title}”一起选购",
  "popular in {category}": "“{category}”中的热门商品",
  "popular here": "本店热门",
  "new here": "新品",
  "Close": "关闭",
  "♥ Like": "♥ 喜欢",
  "Add to basket": "加入购物车",
  "Buy": "购买",
  "Say who is shopping, at the top, to make results personal.": "请在页面顶部填写购物者，结果才能个性化。",
  "Noted. The next search takes it into account.": "已记下，下次搜索会考虑这一点。",

  "Showing results for “{text}”.": "已显示“{text}”的结果。",
  "Search for “{text}” instead": "仍然搜索“{text}”",
  "Did you mean": "您是不是要找",
  "Without: {words}": "不含：{words}",
  "Also searched for: {words}": "同时搜索了：{words}",

  "Heard: “{text}”": "听到：“{text}”",
  "by {recogniser}": "（{recogniser}）",
  "Or did you say": "或者您说的是",
  "We are not quite sure that we heard you right.": "我们不太确定是否听对了。",
  "Sorry, we did not catch that. Please say it again a little closer to the microphone, or type it.":
    "抱歉，没有听懂。请靠近麦克风再说一次，也可以试试英语，或直接输入文字。",
  "Listening… press again to search, Esc to cancel.": "正在听……再按一次开始搜索，按 Esc 取消。",
  "Making out what you said…": "正在辨认您说的话……",
  "Nothing was recorded. Please try again.": "没有录到声音，请再试一次。",
  "The microphone is blocked for this page. Allow it in the browser, then try again.":
    "此页面无法使用麦克风。请在浏览器中允许后再试。",
  "No microphone was found.": "没有找到麦克风。",
  "The microphone cannot be used just now.": "麦克风暂时无法使用。",
  "That is neither a picture nor a clip.": "这既不是图片也不是视频。",
  "The photo is over {size} MB; please use a smaller one.": "照片超过 {size} MB，请换一张小一些的。",
  "The clip is over {size} MB; please use a shorter one.": "视频超过 {size} MB，请换一段短一些的。",
};

const isChinese = /^zh/i.test(navigator.languages.find((one) => /^(en|zh)\b/i.test(one)) || "en");

export function say(english, values = {}) {
  const words = (isChinese && CHINESE[english]) || english;
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Elements marked `data-say` stand in English in the page: their text, where they hold nothing else, and what names them.
export function translate(root) {
  document.documentElement.lang = isChinese ? "zh-Hans" : "en";
  for (const one of root.querySelectorAll("[data-say]")) {
    if (!one.childElementCount && one.textContent) one.textContent = say(one.textContent);
    for (const name of ["aria-label", "title", "placeholder"]) {
      if (one.hasAttribute(name)) one.setAttribute(name, say(one.getAttribute(name)));
    }
  }
}
