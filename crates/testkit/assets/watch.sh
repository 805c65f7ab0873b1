#!/bin/sh
# Ends a test server when the run that started it is over, however it ended.
# $1: the process to outlive, $2: the server's data directory, $3: the folder to remove
while kill -0 "$1" 2>/dev/null && [ -d "$3" ]; do
  sleep 1
done
server=$(head -n 1 "$2/postmaster.pid" 2>/dev/null)
if [ -n "$server" ]; then
  kill -QUIT "$server" 2>/dev/null
  tries=0
  while kill -0 "$server" 2>/dev/null && [ "$tries" -lt 50 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
fi
rm -rf "$3" "$3.lock"
