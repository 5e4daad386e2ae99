#!/bin/sh
# Says its message every few seconds until it is told to stop.
trap 'echo "stopping"; exit 0' TERM INT
count=0
while true; do
    count=$((count + 1))
    echo "$MESSAGE ($count)"
    sleep 5 &
    wait $!
done
