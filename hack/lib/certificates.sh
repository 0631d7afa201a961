# Keys, certificates and kubeconfig files of a cluster, made with openssl.
# Source it after common.sh and cluster_names.sh.
# shellcheck shell=bash

new_key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }

make_ca() {
  new_key "$PKI/ca.key"
  openssl req -x509 -new -key "$PKI/ca.key" -subj "/CN=avouch cluster $CLUSTER" -days 365 \
    -addext 'keyUsage=critical,keyCertSign,cRLSign,digitalSignature' -out "$PKI/ca.crt"
}

# make_certificate FILE SUBJECT USAGE [SUBJECT_ALT_NAMES]
make_certificate() {
  local file=$PKI/$1 extensions
  extensions="basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=$3"
  [[ -z ${4:-} ]] || extensions+=$'\n'"subjectAltName=$4"
  new_key "$file.key"
  openssl req -new -key "$file.key" -subj "$2" |
    openssl x509 -req -CA "$PKI/ca.crt" -CAkey "$PKI/ca.key" -days 365 -set_serial "0x$(openssl rand -hex 15)" \
      -extfile <(echo "$extensions") -out "$file.crt" 2>/dev/null
}

# make_kubeconfig FILE CERTIFICATE: with everything inside.
make_kubeconfig() {
  cat >"$1" <<END
apiVersion: v1
kind: Config
clusters:
- name: avouch-$CLUSTER
  cluster:
    server: $API_URL
    certificate-authority-data: $(base64 -w0 "$PKI/ca.crt")
users:
- name: $2
  user:
    client-certificate-data: $(base64 -w0 "$PKI/$2.crt")
    client-key-data: $(base64 -w0 "$PKI/$2.key")
contexts:
- name: avouch-$CLUSTER
  context: {cluster: avouch-$CLUSTER, user: $2}
current-context: avouch-$CLUSTER
END
  chmod 0600 "$1"
}

make_certificates() {
  local number name client=clientAuth server=serverAuth
  mkdir -p "$PKI"
  chmod 0700 "$PKI"
  make_ca
  openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$PKI/service-accounts.key" 2>/dev/null
  openssl pkey -in "$PKI/service-accounts.key" -pubout -out "$PKI/service-accounts.pub"
  make_certificate kube-apiserver /CN=kube-apiserver $server \
    "IP:$API_SERVICE_IP,IP:$HUB_IP,IP:127.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
  make_certificate admin /O=system:masters/CN=admin $client
  make_certificate kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client $client
  make_certificate kube-controller-manager /CN=system:kube-controller-manager $client
  make_certificate kube-scheduler /CN=system:kube-scheduler $client
  make_certificate kube-proxy /CN=system:kube-proxy $client
  make_kubeconfig "$KUBECONFIG_FILE" admin
  for name in kube-controller-manager kube-scheduler kube-proxy; do
    make_kubeconfig "$PKI/$name.kubeconfig" "$name"
  done
  for number in $(each_node); do
    name=$(node_name "$number")
    make_certificate "$name" "/O=system:nodes/CN=system:node:$name" $client
    make_certificate "$name-server" "/CN=$name" $server "IP:$(node_ip "$number"),DNS:$name"
    make_kubeconfig "$PKI/$name.kubeconfig" "$name"
  done
}
