#!/bin/sh
# certs.sh DIRECTORY   Makes the certificates of the TLS tests with the openssl program, once: NAME.pem and NAME.key of
# an authority, of one with the same name but another key, and of servers that each differ in one thing.
set -eu
mkdir -p "$1"
cd "$1"
[ ! -e done ] || exit 0
ec() { openssl ecparam -name "${2:-prime256v1}" -genkey -noout -out "$1.key"; }
authority() { # name
  ec "$1"
  openssl req -x509 -new -key "$1.key" -sha256 -days 3650 -subj '/CN=Test Authority' -out "$1.pem" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}
issue() { # name, issuer, common name, extensions
  openssl req -new -key "$1.key" -sha256 -subj "/CN=$3" -out "$1.csr"
  printf '%s\n' "$4" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -sha256 -days 3000 -extfile "$1.ext" -out "$1.pem"
}
names='subjectAltName=DNS:localhost,DNS:device.test,DNS:*.wild.test,IP:127.0.0.1,IP:::1'
{
  authority ca
  authority impostor
  ec server
  issue server ca device.test "$names"
  openssl genrsa -out rsa.key 2048
  issue rsa ca device.test "$names"
  openssl genrsa -out weak.key 1024
  issue weak ca device.test "$names"
  ec middle
  issue middle ca 'Test Intermediate' 'basicConstraints=critical,CA:TRUE'
  ec leaf
  issue leaf middle device.test "$names"
  cat middle.pem >>leaf.pem
  ec notca
  issue notca server device.test "$names"        # signed by a server's key, which may not sign
  cat server.pem >>notca.pem
  ec suite                                       # the conformance suite takes the name to check from its Host header
  issue suite ca device.test "$names,DNS:evil.example.com"
  ec noname
  issue noname ca device.test basicConstraints=CA:FALSE
  ec trap                                        # the bytes of subjectAltName in a place where they mean nothing
  issue trap ca device.test 'subjectAltName=DNS:device.test
1.3.6.1.4.1.99999.1=DER:30:0d:06:03:55:1d:11:04:06:30:04:87:04:0a:00:00:01'
  ec p384 secp384r1
  issue p384 ca device.test "$names"
  ec self
  openssl req -x509 -new -key self.key -sha256 -days 3650 -subj /CN=device.test -out self.pem -addext "$names" \
    -addext basicConstraints=critical,CA:FALSE
  ec selfca
  openssl req -x509 -new -key selfca.key -sha256 -days 3650 -subj /CN=device.test -out selfca.pem -addext "$names"
  openssl pkcs8 -topk8 -nocrypt -in server.key -out server.p8.key
  openssl pkcs8 -topk8 -nocrypt -in rsa.key -out rsa.p8.key
  openssl pkcs8 -topk8 -in server.key -passout pass:x -out locked.key
} >log 2>&1 || { cat log >&2; exit 1; }
touch done
