#!/bin/sh
# Make the desk's namespace, keep closed cases for longer than a session lasts, and register what cases are searched by;
# where all this is so, nothing changes. The server is said by TEMPORAL_ADDRESS, the namespace by TEMPORAL_NAMESPACE.
set -eu

: "${TEMPORAL_ADDRESS:?}" "${TEMPORAL_NAMESPACE:?}"
retention=9600h
attributes='DeskCase=Keyword DeskStage=Keyword DeskSession=Keyword DeskSeat=Keyword DeskDeadline=Datetime'

# The server learns of a new namespace, and of a new attribute, only when it next reads its own tables.
eventually() {
    for _ in $(seq 60); do
        if said=$("$@" 2>&1); then return; fi
        sleep 1
    done
    echo "$said" >&2
    exit 1
}

namespace_stands() {
    temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" ||
        temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$retention"
}

searchable() {
    temporal workflow count --query "$1 IS NOT NULL"
}

eventually temporal operator cluster health
eventually namespace_stands
eventually temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention "$retention"
for attribute in $attributes; do
    eventually temporal operator search-attribute create --name "${attribute%=*}" --type "${attribute#*=}"
done
for attribute in $attributes; do
    eventually searchable "${attribute%=*}"
done
