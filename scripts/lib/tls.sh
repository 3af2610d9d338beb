# shellcheck shell=bash
# A certificate authority and one server certificate for all test servers, so that tests can
# demand verified TLS.

# Makes them when missing or close to their end. The authority's key is thrown away: nothing
# else is ever signed.
create_certificates() {
  local folder=$state/tls output
  [[ -e $folder/complete ]] &&
    openssl x509 -noout -checkend 604800 -in "$folder/server.pem" >/dev/null 2>&1 && return 0
  # shellcheck disable=SC2016  # expanded by the inner shell
  output=$(as_server_user bash -euo pipefail -c '
    rm -rf "$1"
    mkdir -m 755 "$1"
    cd "$1"
    umask 077
    key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
    openssl req -x509 "${key[@]}" -days 3650 -subj "/CN=xabridge test authority" \
      -keyout ca.key -out ca.pem \
      -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign,cRLSign
    openssl req "${key[@]}" -subj "/CN=localhost" -keyout server.key -out server.csr
    printf "%s\n" "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1" \
      "basicConstraints=CA:false" "extendedKeyUsage=serverAuth" >server.ext
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 \
      -extfile server.ext -out server.pem
    rm -f ca.key ca.srl server.csr server.ext
    chmod 644 ca.pem server.pem
    touch complete
  ' bash "$folder" 2>&1) || die "openssl could not make the test certificates: $output"
}
