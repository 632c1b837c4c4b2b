"""The Lua scripts of `RedisProfileStore` that record what people do and are like.

Each takes a whole batch, packed as MessagePack of texts and numbers (Redis' own reader of it knows no binary type).
Keys are made from user ids within the scripts, so they are for one Redis, not for a Redis Cluster.
Strings are compared byte by byte: Lua's own `<` depends on the locale of the server.
"""

from indexer.redis.shoppers.person_scripts import HISTORY_SUFFIX, PRELUDE, TRAITS_SUFFIX

# KEYS: popularity. ARGV: {user id, its hash, time, member, product id, weight of the kind}…, history's length, its
# lifetime, products in popularity, and the epoch and half-life of popularity.
# Returns for each event whether it may be learnt from.
RECORD = f"""
{PRELUDE}
local history_length, ttl_s, products = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local epoch_s, half_life_s = tonumber(ARGV[5]), tonumber(ARGV[6])
local function growth(time_ms) return 2 ^ ((time_ms / 1000 - epoch_s) / half_life_s) end

local events, counts = cmsgpack.unpack(ARGV[1]), {{}}
meet(events)
for i, event in ipairs(events) do
  local user_id, hash, time_ms, member, product_id, weight = unpack(event)
  counts[i] = refuses(user_id, hash, time_ms) and 0 or 1
  if counts[i] == 1 then
    local history = key_of(user_id, '{HISTORY_SUFFIX}')
    local is_new = redis.call('ZADD', history, 'NX', time_ms, member) == 1
    local known = not is_new and tonumber(redis.call('ZSCORE', history, member))
    if is_new or known < time_ms then
      if not is_new then redis.call('ZADD', history, time_ms, member) end
      touched[history] = true
      local full = is_new and redis.call('ZCARD', history) > history_length
      -- The oldest makes room. Where that is the event itself, it came too late to count.
      if not full or redis.call('ZPOPMIN', history)[1] ~= member then
        local gain = weight * (growth(time_ms) - (known and growth(known) or 0))
        redis.call('ZINCRBY', KEYS[1], gain, product_id)
      end
    end
  end
end
expire_touched(ttl_s)
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - products)
return counts
"""

# ARGV: {user id, its hash, time, source, event id, {name, [time, source, event id, value] as JSON, …}}…, traits kept,
# lifetime.
SET_TRAITS = f"""
{PRELUDE}
local kept, ttl_s = tonumber(ARGV[2]), ARGV[3]

local function is_text_after(a, b)
  for i = 1, math.min(#a, #b) do
    if a:byte(i) ~= b:byte(i) then return a:byte(i) > b:byte(i) end
  end
  return #a > #b
end

-- Stamps: {{time, source, event id, trait's name}}.
local function is_after(a, b)
  if a[1] ~= b[1] then return a[1] > b[1] end
  for i = 2, 4 do
    if a[i] ~= b[i] then return is_text_after(a[i], b[i]) end
  end
  return false
end

local function stamp_of(name, stored)
  local parts = cjson.decode(stored)
  return {{parts[1], parts[2], parts[3], name}}
end

local function drop_earliest(traits)
  local stamps, stored = {{}}, redis.call('HGETALL', traits)
  for i = 1, #stored, 2 do table.insert(stamps, stamp_of(stored[i], stored[i + 1])) end
  table.sort(stamps, is_after)
  for i = kept + 1, #stamps do redis.call('HDEL', traits, stamps[i][4]) end
end

for _, event in ipairs(cmsgpack.unpack(ARGV[1])) do
  local user_id, hash, time_ms, source, event_id, pairs_ = unpack(event)
  if time_ms > about(user_id, hash).until_ms then
    local traits = key_of(user_id, '{TRAITS_SUFFIX}')
    touched[traits] = true
    for i = 1, #pairs_, 2 do
      local name, old = pairs_[i], redis.call('HGET', traits, pairs_[i])
      if not old or is_after({{time_ms, source, event_id, name}}, stamp_of(name, old)) then
        redis.call('HSET', traits, name, pairs_[i + 1])
      end
    end
    if redis.call('HLEN', traits) > kept then drop_earliest(traits) end
  end
end
expire_touched(ttl_s)
"""
