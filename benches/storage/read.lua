-- Downloads one file after the other. Arguments: the admin's header, a file of ids.
local ids, headers, at = {}, {}, 0

function init(args)
    local name, value = args[1]:match("^(.-): (.*)$")
    headers[name] = value
    for id in io.lines(args[2]) do ids[#ids + 1] = id end
end

function request()
    at = at % #ids + 1
    return wrk.format("GET", wrk.path .. "/files/" .. ids[at], headers)
end
