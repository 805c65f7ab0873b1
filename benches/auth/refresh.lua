-- Refreshes one session a thread, each time with the token of the answer before. Argument: a file of refresh tokens, one a
-- line, of which each thread takes its own.
local count = 0

function setup(thread)
    count = count + 1
    thread:set("own", count)
end

function init(args)
    local number = 0
    for line in io.lines(args[1]) do
        number = number + 1
        if number == own then token = line end
    end
end

function request()
    local body = '{"refreshToken": "' .. token .. '"}'
    return wrk.format("POST", wrk.path .. "/token", { ["content-type"] = "application/json" }, body)
end

function response(_, _, body)
    token = body:match('"refreshToken":"([^"]+)"') or token
end
