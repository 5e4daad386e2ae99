#!/bin/sh
# Greets NAME every EVERY seconds until it is told to stop.
trap 'echo "goodbye, $NAME"; exit 0' TERM INT
number=0
while true; do
    number=$((number + 1))
    echo "hello, $NAME! (greeting $number)"
    sleep "$EVERY" &
    wait $!
done
