-- Uploads files of 4 KiB, each another. Arguments: the admin's header, how many each thread uploads, where the ids go (one
-- file a thread), and the folder in which a file says that a thread is done.
local count = 0

function setup(thread)
    count = count + 1
    thread:set("own", count)
end

local left, out, headers, number, done

function init(args)
    local name, value = args[1]:match("^(.-): (.*)$")
    headers = { [name] = value, ["content-type"] = "multipart/form-data; boundary=part" }
    left, number = tonumber(args[2]), 0
    out = assert(io.open(args[3] .. "." .. own, "w"))
    done = args[4] .. "/" .. own
end

function request()
    number = number + 1
    local content = string.format("%d-%d-", own, number)
    content = content .. string.rep("x", 4096 - #content)
    local head = '--part\r\nContent-Disposition: form-data; name="file[]"; filename="small.txt"\r\n'
    local body = head .. "Content-Type: text/plain\r\n\r\n" .. content .. "\r\n--part--\r\n"
    return wrk.format("POST", wrk.path .. "/files", headers, body)
end

function response(status, _, body)
    if status == 201 then out:write(body:match('"id":"([^"]+)"'), "\n") end
    left = left - 1
    if left == 0 then
        out:close()
        io.open(done, "w"):close()
        wrk.thread:stop()
    end
end
