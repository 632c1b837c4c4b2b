"""The Lua scripts of who people are: the forgotten, the opted out, those known by several ids.

What they do to a person is `indexer.persons`, within Redis. Links are kept as MessagePack of two lists;
changes of learning under the hash of the id, so that whoever opted out and is then forgotten stays opted out.
In a Redis Cluster, all of it has one tag (`indexer.redis.sharding`): what one person says may concern others.
"""

from indexer.persons import MAX_ANONYMOUS_IDS, MAX_LEARNING_CHANGES, MAX_OWNERS
from indexer.redis.sharding import TAG

HISTORY_SUFFIX, TRAITS_SUFFIX, LETTERS_SUFFIX, PERSON_SUFFIX = "events", "traits", "letters", "person"
IMPRESSIONS_SUFFIX = "impressions"
USER_PREFIX = "vitrine:user:"
FORGOTTEN_PREFIX = "vitrine:forgotten:"
"""What is kept of a forgotten user: under their id's hash, until when."""
LEARNING_PREFIX = "vitrine:learning:"
"""Changes of whether somebody may be learnt from: under their id's hash."""
KEY_PREFIX = "vitrine:person-key:"
"""The keys that users' dead letters are encrypted with, by names that say nothing of a user."""
_FORMER_SUFFIX = "forgotten"
"""Where it stood under the id itself, before version 0.3."""

PRELUDE = f"""
{TAG}
local users = '{USER_PREFIX}' .. tag
local function key_of(user_id, suffix) return users .. user_id .. ':' .. suffix end

local people = {{}}
local function person_of(forgotten, former, links, learning)
  links = links and cmsgpack.unpack(links) or {{{{}}, {{}}}}
  return {{
    until_ms = math.max(tonumber(forgotten) or -math.huge, tonumber(former) or -math.huge),
    learning = learning and cmsgpack.unpack(learning) or {{}}, owners = links[1], anonymous = links[2],
  }}
end

-- Reads who these are, {{user id, its hash, …}}…, in one command: at most 1,000, as Lua passes on 8,000 values.
local function meet(named)
  local ids, keys = {{}}, {{}}
  for _, one in ipairs(named) do
    local user_id, hash = one[1], one[2]
    if people[user_id] == nil then
      people[user_id] = false
      table.insert(ids, user_id)
      table.insert(keys, '{FORGOTTEN_PREFIX}' .. tag .. hash)
      table.insert(keys, key_of(user_id, '{_FORMER_SUFFIX}'))
      table.insert(keys, key_of(user_id, '{PERSON_SUFFIX}'))
      table.insert(keys, '{LEARNING_PREFIX}' .. tag .. hash)
    end
  end
  local kept = #keys > 0 and redis.call('MGET', unpack(keys))
  for i, user_id in ipairs(ids) do people[user_id] = person_of(unpack(kept, 4 * i - 3, 4 * i)) end
end

local function about(user_id, hash)
  if not people[user_id] then meet({{{{user_id, hash}}}}) end
  return people[user_id]
end

local function is_learnt_from(person, time_ms)
  local is_allowed = 1
  for _, change in ipairs(person.learning) do
    if change[1] > time_ms then break end
    is_allowed = change[2]
  end
  return is_allowed == 1
end

-- Where an owner is forgotten, so is what was joined to them.
local function refuses(user_id, hash, time_ms)
  local person = about(user_id, hash)
  if time_ms <= person.until_ms or not is_learnt_from(person, time_ms) then return true end
  for _, owner in ipairs(person.owners) do
    if not is_learnt_from(about(owner[1], owner[2]), time_ms) then return true end
  end
  return false
end

local touched = {{}}
local function expire_touched(ttl_s)
  for key in pairs(touched) do redis.call('EXPIRE', key, ttl_s) end
  for user_id, person in pairs(people) do
    if #person.owners + #person.anonymous > 0 then
      redis.call('EXPIRE', key_of(user_id, '{PERSON_SUFFIX}'), ttl_s)
    end
  end
end
"""

_CHANGES = f"""
{PRELUDE}
local function save(user_id, ttl_s)
  local person, key = people[user_id], key_of(user_id, '{PERSON_SUFFIX}')
  if #person.owners + #person.anonymous == 0 then return redis.call('DEL', key) end
  redis.call('SET', key, cmsgpack.pack({{person.owners, person.anonymous}}), 'EX', ttl_s)
end

local function without(links, user_id)
  local kept = {{}}
  for _, link in ipairs(links) do
    if link[1] ~= user_id then table.insert(kept, link) end
  end
  return kept
end

local function erase(user_id, hash, time_ms, remember_s)
  local person = about(user_id, hash)
  if time_ms > person.until_ms then
    redis.call('SET', '{FORGOTTEN_PREFIX}' .. tag .. hash, time_ms, 'EX', remember_s)
    redis.call('DEL', key_of(user_id, '{_FORMER_SUFFIX}'))
    person.until_ms = time_ms
  end
  for _, suffix in ipairs({{'{HISTORY_SUFFIX}', '{IMPRESSIONS_SUFFIX}'}}) do
    redis.call('ZREMRANGEBYSCORE', key_of(user_id, suffix), '-inf', time_ms)
  end
  local traits = key_of(user_id, '{TRAITS_SUFFIX}')
  local stored = redis.call('HGETALL', traits)
  for i = 1, #stored, 2 do
    if cjson.decode(stored[i + 1])[1] <= time_ms then redis.call('HDEL', traits, stored[i]) end
  end
  local letters = key_of(user_id, '{LETTERS_SUFFIX}')
  local key = redis.call('HMGET', letters, 'id', 'since')
  if key[1] and tonumber(key[2]) <= time_ms then redis.call('DEL', letters, '{KEY_PREFIX}' .. tag .. key[1]) end
end

-- What somebody was until then, and their links of until then at both ends.
local function forget(user_id, hash, time_ms, remember_s, ttl_s)
  erase(user_id, hash, time_ms, remember_s)
  local person = about(user_id, hash)
  for here, there in pairs({{owners = 'anonymous', anonymous = 'owners'}}) do
    for _, link in ipairs(person[here]) do
      if link[3] <= time_ms then
        local other = about(link[1], link[2])
        other[there] = without(other[there], user_id)
        person[here] = without(person[here], link[1])
        save(link[1], ttl_s)
      end
    end
  end
  save(user_id, ttl_s)
end

-- What was recorded and may not be learnt from.
local function scrub(user_id, hash)
  for _, suffix in ipairs({{'{HISTORY_SUFFIX}', '{IMPRESSIONS_SUFFIX}'}}) do
    local key = key_of(user_id, suffix)
    local stored = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    for i = 1, #stored, 2 do
      if refuses(user_id, hash, tonumber(stored[i + 1])) then redis.call('ZREM', key, stored[i]) end
    end
  end
end
"""

# ARGV: {user id, its hash, time}…, for how long to remember, lifetime of a person.
FORGET = f"""
{_CHANGES}
for _, user in ipairs(cmsgpack.unpack(ARGV[1])) do
  local user_id, hash, time_ms = unpack(user)
  local joined = about(user_id, hash).anonymous
  forget(user_id, hash, time_ms, ARGV[2], ARGV[3])
  for _, link in ipairs(joined) do forget(link[1], link[2], time_ms, ARGV[2], ARGV[3]) end
end
"""

# ARGV: {user id, its hash, time, whether it is allowed}…, for how long to remember what has come to be allowed again.
SET_LEARNING = f"""
{_CHANGES}
local function is_before(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] > b[2]) end

local function with_change(changes, time_ms, is_allowed)
  for _, change in ipairs(changes) do
    if change[1] == time_ms and change[2] == is_allowed then return changes end
  end
  table.insert(changes, {{time_ms, is_allowed}})
  table.sort(changes, is_before)
  if #changes > {MAX_LEARNING_CHANGES} then
    local same, before = 1, 1
    for i, change in ipairs(changes) do
      if change[2] == before then same = i break end
      before = change[2]
    end
    table.remove(changes, same)
  end
  return changes
end

for _, user in ipairs(cmsgpack.unpack(ARGV[1])) do
  local user_id, hash, time_ms, is_allowed = unpack(user)
  local person = about(user_id, hash)
  person.learning = with_change(person.learning, time_ms, is_allowed)
  redis.call('SET', '{LEARNING_PREFIX}' .. tag .. hash, cmsgpack.pack(person.learning))
  if is_learnt_from(person, math.huge) then redis.call('EXPIRE', '{LEARNING_PREFIX}' .. tag .. hash, ARGV[2]) end
  scrub(user_id, hash)
  for _, link in ipairs(person.anonymous) do scrub(link[1], link[2]) end
end
"""

# ARGV: {user id, its hash, anonymous id, its hash, time}…, for how long to remember, lifetime of a person.
IDENTIFY = f"""
{_CHANGES}
local function is_before(a, b)
  if a[3] ~= b[3] then return a[3] < b[3] end
  for i = 1, math.min(#a[1], #b[1]) do
    if a[1]:byte(i) ~= b[1]:byte(i) then return a[1]:byte(i) < b[1]:byte(i) end
  end
  return #a[1] < #b[1]
end

-- A link is {{user id, its hash, time}}.
local function with_link(links, user_id, hash, time_ms)
  for _, link in ipairs(links) do
    if link[1] == user_id and link[3] >= time_ms then return links end
  end
  local kept = without(links, user_id)
  table.insert(kept, {{user_id, hash, time_ms}})
  table.sort(kept, is_before)
  return kept
end

local function forget_here(user_id, hash, time_ms) forget(user_id, hash, time_ms, ARGV[2], ARGV[3]) end

local function join(user_id, hash, anonymous_id, anonymous_hash, time_ms)
  local user, visitor = about(user_id, hash), about(anonymous_id, anonymous_hash)
  if user.until_ms > -math.huge then forget_here(anonymous_id, anonymous_hash, user.until_ms) end
  if time_ms <= math.max(user.until_ms, visitor.until_ms) then return end
  user.anonymous = with_link(user.anonymous, anonymous_id, anonymous_hash, time_ms)
  visitor.owners = with_link(visitor.owners, user_id, hash, time_ms)
  save(user_id, ARGV[3])
  save(anonymous_id, ARGV[3])
  scrub(anonymous_id, anonymous_hash)
  local first = user.anonymous[1]
  if #user.anonymous > {MAX_ANONYMOUS_IDS} then forget_here(first[1], first[2], first[3]) end
  if #visitor.owners > {MAX_OWNERS} then forget_here(anonymous_id, anonymous_hash, visitor.owners[1][3]) end
end

for _, pair in ipairs(cmsgpack.unpack(ARGV[1])) do
  if pair[1] ~= pair[3] then join(unpack(pair)) end
end
"""
