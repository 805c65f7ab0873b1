-- For wrk: posts the body given after `--`, with a random album's number in place of ID.
local body
function init(args)
  body = args[1]
  math.randomseed(os.time())
end
local headers = { ["content-type"] = "application/json" }
function request()
  return wrk.format("POST", nil, headers, (body:gsub("ID", tostring(math.random(1, 10000)))))
end
