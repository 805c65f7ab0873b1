-- Verifies one access token. Argument: the token.
function init(args)
    wrk.method = "POST"
    wrk.path = wrk.path .. "/token/verify"
    wrk.headers["content-type"] = "application/json"
    wrk.body = '{"token": "' .. args[1] .. '"}'
    same = wrk.format()
end

function request()
    return same
end
