"""The Lua scripts of `RedisBehaviourStore`.

Each entry of a batch touches the keys of one shopper, or of one product, so that a batch can be divided among the
servers of a Redis Cluster, as `indexer.redis.sharding` says. KEYS: of a cluster, one that has the tag of all of them.
"""

from indexer.ports.behaviour import KIND_LETTERS
from indexer.redis.behaviour.refs import OWNER_LENGTH
from indexer.redis.sharding import TAG
from indexer.redis.shoppers.person_scripts import FORGOTTEN_PREFIX

SESSIONS_PREFIX, SESSION_PREFIX = "vitrine:sessions:", "vitrine:session:"
"""Of the latest sessions of a shopper, by their latest time, and of what each did, by time."""
SIGHTINGS_PREFIX = "vitrine:product:"
"""Of the latest sessions that a product was in, by the time of it."""

_PRELUDE = f"""
{TAG}
local kinds = {{{", ".join(f"'{letter}'" for letter in KIND_LETTERS.values())}}}
local function list_of(ref) return '{SESSIONS_PREFIX}' .. tag .. '{{' .. ref:sub(1, {OWNER_LENGTH}) .. '}}' end
local function row_of(ref)
  return '{SESSION_PREFIX}' .. tag .. '{{' .. ref:sub(1, {OWNER_LENGTH}) .. '}}:' .. ref:sub({OWNER_LENGTH + 1})
end

-- Until when those are forgotten whose hash each entry begins with; read in one command, of a batch's length at most.
local forget_times = {{}}
local function read_forget_times(entries)
  local hashes, keys = {{}}, {{}}
  for _, entry in ipairs(entries) do
    local hash = entry[1]
    if not forget_times[hash] then
      forget_times[hash] = -math.huge
      hashes[#hashes + 1], keys[#keys + 1] = hash, '{FORGOTTEN_PREFIX}' .. tag .. hash
    end
  end
  if #keys == 0 then return end
  for i, time_ms in ipairs(redis.call('MGET', unpack(keys))) do
    if time_ms then forget_times[hashes[i]] = tonumber(time_ms) end
  end
end

-- Products that a session came to have, or lost something of, each with the latest time of it.
local came, lost = {{}}, {{}}
local function note(products, ref, member, time_ms)
  products[ref] = products[ref] or {{}}
  local product_id = member:sub(2)
  products[ref][product_id] = math.max(products[ref][product_id] or 0, time_ms)
end
local function lose(ref, since_ms, until_ms)
  local gone = redis.call('ZRANGEBYSCORE', row_of(ref), since_ms, until_ms)
  for _, member in ipairs(gone) do note(lost, ref, member, tonumber(until_ms)) end
  if #gone > 0 then redis.call('ZREMRANGEBYSCORE', row_of(ref), since_ms, until_ms) end
end
local function lose_until(ref, time_ms) lose(ref, '-inf', time_ms) end

local function latest_of(ref, product_id)
  local members, latest = {{}}, nil
  for i, kind in ipairs(kinds) do members[i] = kind .. product_id end
  for _, time_ms in ipairs(redis.call('ZMSCORE', row_of(ref), unpack(members))) do
    if time_ms then latest = math.max(latest or 0, tonumber(time_ms)) end
  end
  return latest
end

-- {{product, session, when the session last had it, or the time until when it no longer does, made negative}}…
local function sightings()
  local told = {{}}
  for ref, products in pairs(lost) do
    for product_id, lost_ms in pairs(products) do
      local latest = latest_of(ref, product_id)
      if not latest or latest <= lost_ms then told[#told + 1] = {{product_id, ref, -lost_ms}} end
      if latest then told[#told + 1] = {{product_id, ref, latest}} end
      if came[ref] then came[ref][product_id] = nil end
    end
  end
  -- Of what nothing was lost, a later time than this one has been told already.
  for ref, products in pairs(came) do
    for product_id, time_ms in pairs(products) do told[#told + 1] = {{product_id, ref, time_ms}} end
  end
  return cmsgpack.pack(told)
end
"""

# ARGV: {user's hash, session, time, kind and product}…, sessions a user, steps a session, lifetime.
# Returns what `SIGHT` takes.
KEEP = f"""
{_PRELUDE}
local most_sessions, most_steps, ttl_s = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

-- The list has one session more than is kept, without steps: nothing from before its latest time counts.
local function floor_of(list, sessions)
  if sessions <= most_sessions then return -math.huge end
  return tonumber(redis.call('ZRANGE', list, 0, 0, 'WITHSCORES')[2])
end

local events = cmsgpack.unpack(ARGV[1])
read_forget_times(events)
local sizes, floors, lists, rows = {{}}, {{}}, {{}}, {{}}
for _, event in ipairs(events) do
  local hash, ref, time_ms, member = unpack(event)
  local list = list_of(ref)
  if not floors[list] then
    sizes[list] = redis.call('ZCARD', list)
    floors[list] = floor_of(list, sizes[list])
  end
  if time_ms > floors[list] and time_ms > forget_times[hash] then
    sizes[list] = sizes[list] + redis.call('ZADD', list, 'GT', time_ms, ref)
    redis.call('ZADD', row_of(ref), 'GT', time_ms, member)
    lists[list], rows[ref] = true, true
    note(came, ref, member, time_ms)
  end
end
for ref in pairs(rows) do
  local excess = redis.call('ZCARD', row_of(ref)) - most_steps
  if excess > 0 then
    local gone = redis.call('ZPOPMIN', row_of(ref), excess)
    for i = 1, #gone, 2 do note(lost, ref, gone[i], tonumber(gone[i + 1])) end
  end
  redis.call('EXPIRE', row_of(ref), ttl_s)
end
for list in pairs(lists) do
  local excess = sizes[list] - most_sessions - 1
  if excess > 0 then
    local gone = redis.call('ZPOPMIN', list, excess)
    for i = 1, #gone, 2 do lose_until(gone[i], gone[i + 1]) end
  end
  local floor = floor_of(list, sizes[list])
  if floor > floors[list] then
    for _, ref in ipairs(redis.call('ZRANGE', list, 0, -1)) do lose_until(ref, floor) end
  end
  redis.call('EXPIRE', list, ttl_s)
end
return sightings()
"""

# ARGV: {user's hash, a ref of theirs, time}…, for how long to remember. Returns what `SIGHT` takes.
FORGET = f"""
{_PRELUDE}
local users = cmsgpack.unpack(ARGV[1])
read_forget_times(users)
for _, user in ipairs(users) do
  local hash, owner, time_ms = unpack(user)
  if time_ms > forget_times[hash] then
    redis.call('SET', '{FORGOTTEN_PREFIX}' .. tag .. hash, time_ms, 'EX', ARGV[2])
    forget_times[hash] = time_ms
  end
  for _, ref in ipairs(redis.call('ZRANGE', list_of(owner), 0, -1)) do lose_until(ref, time_ms) end
  redis.call('ZREMRANGEBYSCORE', list_of(owner), '-inf', time_ms)
end
return sightings()
"""

# ARGV: {a user's part of refs, from when, until when}…. Returns what `SIGHT` takes.
ERASE = f"""
{_PRELUDE}
for _, period in ipairs(cmsgpack.unpack(ARGV[1])) do
  local owner, since_ms, until_ms = unpack(period)
  for _, ref in ipairs(redis.call('ZRANGEBYSCORE', list_of(owner), since_ms, '+inf')) do
    lose(ref, since_ms, until_ms)
    -- A session is as late as the last of what is left of it; one that ended after the period is as it was.
    if tonumber(redis.call('ZSCORE', list_of(owner), ref)) <= until_ms then
      local last = redis.call('ZRANGE', row_of(ref), -1, -1, 'WITHSCORES')
      if last[1] then redis.call('ZADD', list_of(owner), last[2], ref) else redis.call('ZREM', list_of(owner), ref) end
    end
  end
end
return sightings()
"""

# ARGV: as `sightings` tells them, sessions a product, lifetime.
SIGHT = f"""
{TAG}
local touched = {{}}
for _, sighting in ipairs(cmsgpack.unpack(ARGV[1])) do
  local product_id, ref, time_ms = unpack(sighting)
  local key = '{SIGHTINGS_PREFIX}' .. tag .. '{{' .. product_id .. '}}:sessions'
  if time_ms > 0 then
    redis.call('ZADD', key, 'GT', time_ms, ref)
    touched[key] = true
  elseif (tonumber(redis.call('ZSCORE', key, ref) or nil) or math.huge) <= -time_ms then
    redis.call('ZREM', key, ref)
  end
end
for key in pairs(touched) do
  redis.call('ZREMRANGEBYRANK', key, 0, -1 - tonumber(ARGV[2]))
  redis.call('EXPIRE', key, ARGV[3])
end
"""
