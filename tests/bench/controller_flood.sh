#!/usr/bin/env bash
# Starts a controller on a real API server, in a network of its own, and floods it: controller_flood.py.
#
#   controller_flood.sh OPERATOR          the program, such as build/release/bin/avouch-operator
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/lib/common.sh
source "$HERE/../../hack/lib/common.sh"
# shellcheck source=hack/lib/checks.sh
source "$HACK_DIR/lib/checks.sh"

OPERATOR=$(realpath "$1")
if [[ -z ${FLOOD_NET:-} ]]; then
  # shellcheck source=hack/lib/kubernetes.sh
  source "$HACK_DIR/lib/kubernetes.sh"
  KUBERNETES_DIR=$(compgen -G "$CACHE_DIR/kubernetes-*/kube-apiserver" | head -1 | xargs dirname)
  ulimit -n "$(ulimit -H -n)"
  exec env FLOOD_NET=1 KUBERNETES_DIR="$KUBERNETES_DIR" unshare --net --pid --fork --mount-proc "$0" "$OPERATOR"
fi

STATE=$(mktemp -d)
trap 'rm -rf "$STATE"' EXIT
export KUBECONFIG=$STATE/kubeconfig HOME=$STATE
NS=avouch-system
kubectl() { "$KUBERNETES_DIR/kubectl" "$@"; }

ip link set lo up
ip address add 192.0.2.1/32 dev lo
cd "$STATE"
openssl genpkey -quiet -algorithm RSA -out accounts.key
openssl pkey -in accounts.key -pubout -out accounts.pub
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=ca 2>/dev/null
printf 'subjectAltName=IP:127.0.0.1' >names
for name in admin server; do
  openssl req -newkey rsa:2048 -nodes -keyout $name.key -subj /O=system:masters/CN=$name 2>/dev/null |
    openssl x509 -req -CA ca.crt -CAkey ca.key -days 2 -extfile names -out $name.crt -CAcreateserial 2>/dev/null
done
etcd --data-dir etcd --unsafe-no-fsync --listen-peer-urls http://127.0.0.1:2380 >etcd.log 2>&1 &
# shellcheck disable=SC2094
"$KUBERNETES_DIR/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 --bind-address=127.0.0.1 --secure-port=6443 --advertise-address=192.0.2.1 \
  --tls-cert-file=server.crt --tls-private-key-file=server.key --client-ca-file=ca.crt \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file=accounts.pub \
  --service-account-signing-key-file=accounts.key --service-cluster-ip-range=10.0.0.0/24 --authorization-mode=RBAC \
  --disable-admission-plugins=ServiceAccount --allow-privileged=true >apiserver.log 2>&1 &
touch "$KUBECONFIG"
kubectl config set-cluster test --server=https://127.0.0.1:6443 --certificate-authority="$STATE/ca.crt" >/dev/null
kubectl config set-credentials admin --client-certificate="$STATE/admin.crt" --client-key="$STATE/admin.key" >/dev/null
kubectl config set-context test --cluster=test --user=admin >/dev/null
kubectl config use-context test >/dev/null
wait_for 300 "the API server" apiserver.log kubectl get namespace default

kubectl apply -f "$REPO_DIR/crds" >/dev/null
kubectl create namespace "$NS" >/dev/null
kubectl -n "$NS" create serviceaccount avouch-agent >/dev/null
kubectl apply -f - >/dev/null <<END
{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}}
END
kubectl apply -f - >/dev/null <<END
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "agent-1", "namespace": "$NS"},
 "spec": {"serviceAccountName": "avouch-agent", "nodeName": "node-1", "containers": [{"name": "a", "image": "a"}]}}
END
uid=$(kubectl -n "$NS" get pod agent-1 -o 'jsonpath={.metadata.uid}')
kubectl create --raw "/api/v1/namespaces/$NS/serviceaccounts/avouch-agent/token" -f - <<END | jq -r .status.token >token
{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": ["avouch.dev/controller"],
 "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "agent-1", "uid": "$uid"}}}
END

mkdir -m 0700 data
cat >config.yaml <<END
release: {name: avouch, namespace: $NS}
listen: 127.0.0.1:8443
health: 127.0.0.1:8081
dataDir: $STATE/data
tls: {serviceNames: [localhost, 127.0.0.1]}
END

"$OPERATOR" --config config.yaml --kubeconfig "$KUBECONFIG" >controller.log 2>&1 &
controller=$!
wait_for 60 "the controller" controller.log curl --silent --fail http://127.0.0.1:8081/readyz
for source in ONE MANY; do
  /usr/bin/python3 "$HERE/controller_flood.py" 127.0.0.1:8443 "$controller" --token token \
    --uid "$(kubectl get node node-1 -o 'jsonpath={.metadata.uid}')" --from "$source" --seconds "${SECONDS_EACH:-12}"
done
curl --silent http://127.0.0.1:8081/readyz
kill "$controller"
wait "$controller" || { tail -5 controller.log; exit 1; }
