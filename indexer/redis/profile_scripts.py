"""The Lua scripts of `RedisProfileStore`.

Each takes a whole batch, packed as MessagePack of texts and numbers (Redis' own reader of it knows no binary type).
Keys are made from user ids within the scripts, so they are for one Redis, not for a Redis Cluster.
Strings are compared byte by byte: Lua's own `<` depends on the locale of the server.
"""

HISTORY_SUFFIX, TRAITS_SUFFIX, LETTERS_SUFFIX, IMPRESSIONS_SUFFIX = "events", "traits", "letters", "impressions"
USER_PREFIX = "vitrine:user:"
FORGOTTEN_PREFIX = "vitrine:forgotten:"
"""What is kept of a forgotten user: under their id's hash, until when."""
KEY_PREFIX = "vitrine:person-key:"
"""The keys that users' dead letters are encrypted with, by names that say nothing of a user."""
_FORMER_SUFFIX = "forgotten"
"""Where it stood under the id itself, before version 0.3."""

_PRELUDE = f"""
local function key_of(user_id, suffix) return '{USER_PREFIX}' .. user_id .. ':' .. suffix end

local forget_times = {{}}
local function forget_time(user_id, hash)
  if forget_times[user_id] == nil then
    local kept = redis.call('MGET', '{FORGOTTEN_PREFIX}' .. hash, key_of(user_id, '{_FORMER_SUFFIX}'))
    forget_times[user_id] = math.max(tonumber(kept[1]) or -math.huge, tonumber(kept[2]) or -math.huge)
  end
  return forget_times[user_id]
end
local function is_forgotten(user_id, hash, time_ms) return time_ms <= forget_time(user_id, hash) end

local touched = {{}}
local function expire_touched(ttl_s)
  for key in pairs(touched) do redis.call('EXPIRE', key, ttl_s) end
end
"""

# KEYS: popularity. ARGV: {user id, its hash, time, member, product id, weight of the kind}…, history's length, its
# lifetime, products in popularity, and the epoch and half-life of popularity.
RECORD = f"""
{_PRELUDE}
local history_length, ttl_s, products = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local epoch_s, half_life_s = tonumber(ARGV[5]), tonumber(ARGV[6])
local function growth(time_ms) return 2 ^ ((time_ms / 1000 - epoch_s) / half_life_s) end

for _, event in ipairs(cmsgpack.unpack(ARGV[1])) do
  local user_id, hash, time_ms, member, product_id, weight = unpack(event)
  if not is_forgotten(user_id, hash, time_ms) then
    local history = key_of(user_id, '{HISTORY_SUFFIX}')
    local known = tonumber(redis.call('ZSCORE', history, member) or nil)
    if not known or known < time_ms then
      redis.call('ZADD', history, time_ms, member)
      touched[history] = true
      local full = not known and redis.call('ZCARD', history) > history_length
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
"""

# ARGV: {user id, its hash, time, source, event id, {name, [time, source, event id, value] as JSON, …}}…, traits kept,
# lifetime.
SET_TRAITS = f"""
{_PRELUDE}
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
  if not is_forgotten(user_id, hash, time_ms) then
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

# ARGV: {user id, its hash, time}…, for how long to remember.
FORGET = f"""
{_PRELUDE}
for _, user in ipairs(cmsgpack.unpack(ARGV[1])) do
  local user_id, hash, time_ms = unpack(user)
  if not is_forgotten(user_id, hash, time_ms) then
    redis.call('SET', '{FORGOTTEN_PREFIX}' .. hash, time_ms, 'EX', ARGV[2])
    redis.call('DEL', key_of(user_id, '{_FORMER_SUFFIX}'))
    forget_times[user_id] = time_ms
  end
  redis.call('ZREMRANGEBYSCORE', key_of(user_id, '{HISTORY_SUFFIX}'), '-inf', time_ms)
  redis.call('ZREMRANGEBYSCORE', key_of(user_id, '{IMPRESSIONS_SUFFIX}'), '-inf', time_ms)
  local traits = key_of(user_id, '{TRAITS_SUFFIX}')
  local stored = redis.call('HGETALL', traits)
  for i = 1, #stored, 2 do
    if cjson.decode(stored[i + 1])[1] <= time_ms then redis.call('HDEL', traits, stored[i]) end
  end
  local letters = key_of(user_id, '{LETTERS_SUFFIX}')
  local key = redis.call('HMGET', letters, 'id', 'since')
  if key[1] and tonumber(key[2]) <= time_ms then redis.call('DEL', letters, '{KEY_PREFIX}' .. key[1]) end
end
"""

# ARGV: {user id, its hash, time, where its key's name is, a name and a key in case there is none}…, the name of the
# secret, lifetime. Returns names and keys, empty ones where the user is forgotten as of that time.
PERSON_KEYS = f"""
{_PRELUDE}
local secret, ttl_s = ARGV[2], ARGV[3]
local answers = {{}}
for i, person in ipairs(cmsgpack.unpack(ARGV[1])) do
  local user_id, hash, time_ms, letters, new_id, new_key = unpack(person)
  answers[i] = {{'', ''}}
  if not is_forgotten(user_id, hash, time_ms) then
    local stored = redis.call('HMGET', letters, 'id', 'since')
    local id, since_ms = stored[1], tonumber(stored[2])
    local key = id and redis.call('GET', '{KEY_PREFIX}' .. id)
    if not key or key:sub(1, #secret + 1) ~= secret .. ':' then
      -- One that nobody here can read would outlive a forgetting, which looks for one key.
      if id then redis.call('DEL', '{KEY_PREFIX}' .. id) end
      id, key, since_ms = new_id, new_key, nil
      redis.call('SET', '{KEY_PREFIX}' .. id, key)
    end
    -- The earliest of all that it locks: a forgetting from then on destroys it, one that comes again leaves it alone.
    if not since_ms or time_ms < since_ms then
      redis.call('HSET', letters, 'id', id, 'since', string.format('%d', time_ms))
    end
    redis.call('EXPIRE', letters, ttl_s)
    redis.call('EXPIRE', '{KEY_PREFIX}' .. id, ttl_s)
    answers[i] = {{id, key}}
  end
end
return answers
"""

# ARGV: how many are kept of a person, and for how many ms; then of each answer the user id, its hash, the time and
# what was shown, which is binary.
REMEMBER_SHOWN = f"""
{_PRELUDE}
local kept, lives_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
for i = 3, #ARGV, 4 do
  local user_id, hash, time_ms = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  if not is_forgotten(user_id, hash, time_ms) then
    local shown = key_of(user_id, '{IMPRESSIONS_SUFFIX}')
    redis.call('ZADD', shown, time_ms, ARGV[i + 3])
    redis.call('ZREMRANGEBYSCORE', shown, '-inf', time_ms - lives_ms)
    redis.call('ZREMRANGEBYRANK', shown, 0, -1 - kept)
    redis.call('PEXPIRE', shown, lives_ms)
  end
end
"""
