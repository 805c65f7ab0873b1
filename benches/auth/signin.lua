-- Signs one user after the other in. Arguments: how many there are, their password.
local users, password, next_user, count = 1, "", 0, 0

function setup(thread)
    count = count + 1
    thread:set("first", count)
end

function init(args)
    users, password = tonumber(args[1]), args[2]
    next_user = first
end

function request()
    next_user = next_user % users + 1
    local body = string.format('{"email": "user%d@example.com", "password": "%s"}', next_user, password)
    return wrk.format("POST", wrk.path .. "/signin/email-password", { ["content-type"] = "application/json" }, body)
end
