-- What wrk sends, for every server of the comparison.
--
--   wrk ... -s load.lua URL -- METHOD PREFIX SUFFIX KEYS WIDTH BODY BASE STOP
--
--   METHOD          GET or PUT
--   PREFIX, SUFFIX  the path around the key; `-` for an empty suffix
--   KEYS, WIDTH     how many keys there are, and their length in digits
--   BODY            what a PUT carries, `-` for none; its @ stands for the
--                   version, which only ever increases: BASE + 1, BASE + 2 ...
--                   BASE has 14 digits, so that all versions are as long
--   STOP            ends after so many answers; 0: after wrk's duration
--
-- Keys come in a fixed order that jumps about and meets each key once in KEYS
-- requests: two writes of one key are never under way together, so a version
-- is never met by a higher one.
local STRIDE = 7919 -- shares no factor with a power of ten
local PREPARED_MAX = 200000

local method, prefix, suffix, keys, width, body, base, stop
local heads, tail -- a request is heads[key], a version, tail
local place, count = 0, 0
local answers, refused = 0, 0

local function empty(argument)
  return argument ~= "-" and argument or ""
end

-- The request for a key, cut in two where the version goes.
local function cut(key)
  local path = string.format("%s%0" .. width .. "d%s", prefix, key, suffix)
  local headers = { Host = wrk.headers["Host"] }
  if body == "" then
    return wrk.format(method, path, headers), nil
  end
  headers["Content-Type"] = "application/json"
  local with = string.gsub(body, "@", string.format("%.0f", base))
  local whole = wrk.format(method, path, headers, with)
  local at = string.find(body, "@", 1, true)
  if not at then
    return whole, nil
  end
  local behind = #body - at
  return string.sub(whole, 1, -behind - 15), string.sub(whole, -behind)
end

-- Counts the answers of a run that ends by count; wrk itself only knows time.
local function count_answer(status)
  answers = answers + 1
  if status < 200 or status > 299 then
    refused = refused + 1
  end
  if answers == stop then
    io.write(string.format("STOPPED answers=%d refused=%d\n", answers, refused))
    io.flush()
    os.exit(0)
  end
end

function init(args)
  method, prefix, suffix = args[1], args[2], empty(args[3])
  keys, width = tonumber(args[4]), tonumber(args[5])
  body, base, stop = empty(args[6]), tonumber(args[7]), tonumber(args[8])
  local _
  _, tail = cut(0)
  if keys <= PREPARED_MAX then
    heads = {}
    for key = 0, keys - 1 do
      heads[key] = cut(key)
    end
  end
  if stop > 0 then
    response = count_answer
  end
end

function request()
  place = (place + STRIDE) % keys
  local head = heads and heads[place] or cut(place)
  if not tail then
    return head
  end
  count = count + 1
  return head .. (base + count) .. tail
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "RESULT requests=%d duration_us=%d p50_us=%d p99_us=%d refused=%d broken=%d\n",
    summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
