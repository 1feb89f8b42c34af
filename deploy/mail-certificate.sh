#!/bin/sh
# Make an authority of this desk's own, and by it a certificate for the mail catcher; where they are valid, nothing changes.
# The authority's key is thrown away: whoever trusts it trusts this one certificate.
# usage: mail-certificate.sh HOST AUTHORITY_FOLDER SERVER_FOLDER
set -eu

host=$1
authority=$2/ca.crt
certificate=$3/server.crt
key=$3/server.key

if [ -s "$key" ] && openssl verify -CAfile "$authority" -verify_hostname "$host" "$certificate" >/dev/null 2>&1; then
    exit
fi

umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/openssl.cnf" <<END
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:$host
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END

sign() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -config "$work/openssl.cnf" "$@"
}

sign -subj '/CN=Mail catcher authority' -extensions authority -keyout "$work/ca.key" -out "$work/ca.crt"
sign -subj "/CN=$host" -extensions server -CA "$work/ca.crt" -CAkey "$work/ca.key" \
    -keyout "$work/server.key" -out "$work/server.crt"
chmod 644 "$work/ca.crt"
cp "$work/server.key" "$key"
cp "$work/server.crt" "$certificate"
cp -p "$work/ca.crt" "$authority"
