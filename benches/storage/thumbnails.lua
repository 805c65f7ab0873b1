-- Downloads one picture in many sizes, so that none is kept from before. Arguments: the admin's header, how many, how many
-- were made before, and the folder in which a file says that it is done.
local headers, left, at, done = {}, 0, 0, ""

function init(args)
    local name, value = args[1]:match("^(.-): (.*)$")
    headers[name] = value
    left, at, done = tonumber(args[2]), tonumber(args[3]), args[4] .. "/all"
end

function request()
    at = at + 1
    return wrk.format("GET", string.format("%s?w=%d&h=%d&q=75", wrk.path, 300 + at % 40, 200 + at / 40 % 40), headers)
end

function response()
    left = left - 1
    if left == 0 then
        io.open(done, "w"):close()
        wrk.thread:stop()
    end
end
