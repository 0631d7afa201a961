#!/usr/bin/env bash
# Tests definitions and chart on a real API server. Called by run.sh in a network of its own, with HELM, KUBECTL (both
# new) and KUBERNETES_DIR (1.20).
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/lib/common.sh
source "$HERE/../../hack/lib/common.sh"
# shellcheck source=hack/lib/checks.sh
source "$HACK_DIR/lib/checks.sh"

STATE=$(mktemp -d)
trap 'rm -rf "$STATE"' EXIT
export KUBECONFIG=$STATE/kubeconfig HOME=$STATE
OLD_KUBECTL=$KUBERNETES_DIR/kubectl
CHART=$REPO_DIR/charts/avouch
NS=avouch-system

start_server() {
  ip link set lo up
  # The service of the API server itself needs an address that is no loopback address.
  ip address add 192.0.2.1/32 dev lo
  cd "$STATE"
  openssl genpkey -quiet -algorithm RSA -out accounts.key
  openssl pkey -in accounts.key -pubout -out accounts.pub
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=ca 2>/dev/null
  openssl req -newkey rsa:2048 -nodes -keyout admin.key -subj /O=system:masters/CN=admin 2>/dev/null |
    openssl x509 -req -CA ca.crt -CAkey ca.key -days 2 -set_serial 2 -out admin.crt 2>/dev/null
  etcd --data-dir etcd --unsafe-no-fsync --listen-peer-urls http://127.0.0.1:2380 >etcd.log 2>&1 &
  # shellcheck disable=SC2094
  "$KUBERNETES_DIR/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 --bind-address=127.0.0.1 --secure-port=6443 --advertise-address=192.0.2.1 \
    --cert-dir=certificates --client-ca-file=ca.crt --service-account-issuer=https://kubernetes.default.svc \
    --service-account-key-file=accounts.pub --service-account-signing-key-file=accounts.key \
    --service-cluster-ip-range=10.0.0.0/24 --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
    --allow-privileged=true >apiserver.log 2>&1 &
  touch "$KUBECONFIG"
  "$OLD_KUBECTL" config set-cluster test --server=https://127.0.0.1:6443 --insecure-skip-tls-verify=true >/dev/null
  "$OLD_KUBECTL" config set-credentials admin --client-certificate=admin.crt --client-key=admin.key >/dev/null
  "$OLD_KUBECTL" config set-context test --cluster=test --user=admin >/dev/null
  "$OLD_KUBECTL" config use-context test >/dev/null
  wait_for 300 "the API server" apiserver.log "$OLD_KUBECTL" get namespace default
}

established() { "$OLD_KUBECTL" wait --for=condition=Established --timeout=120s crd --all; }

# ---- policies ----

GOOD_POLICY='{"apiVersion": "avouch.dev/v1alpha1", "kind": "AttestationPolicy", "metadata": {"name": "p"}, "spec": {
  "nodeSelector": {}, "workloads": {"namespaceSelector": {"matchLabels": {"attested": "required"}}},
  "endorsement": {"trustBundles": [{"configMap": {"namespace": "avouch-system", "name": "tpm-vendors"}}],
    "enrollment": "TrustOnFirstUse"},
  "pcrs": {"banks": ["sha256"], "exact": [{"index": 7, "sha256": ["'$(printf '%064d' 7)'"]}]}}}'

# policy JQ_CHANGE [KUBECTL OPTION...]: the good policy with a change.
policy() { jq "$1" <<<"$GOOD_POLICY" | "$OLD_KUBECTL" apply --dry-run=server "${@:2}" -o json -f -; }

# policy_refused TEXT PATTERN JQ_CHANGE
policy_refused() { check "a policy with $1 is refused" refused "$2" policy "$3"; }

defaults_are_shown() {
  policy . | jq -e '.spec.mode == "Enforce" and .spec.freshness.maxAge == "5m" and .spec.logging == "Spool"
    and .spec.onFailure == {taint: "NoSchedule", condition: true}
    and .spec.keys == ["ecdsa-p256-sha256", "rsassa-2048-sha256", "ecdsa-p384-sha384"]'
}
has_log_rules() {
  policy 'del(.spec.pcrs.exact) | .spec.bootLog = {references: [{name: "debian-12"}]} | .spec.runtime = {files: "ReplayOnly"}' |
    jq -e '.spec.bootLog.references == [{name: "debian-12"}] and .spec.runtime == {files: "ReplayOnly"}'
}

keeps_hardware() {
  policy '.spec.endorsement.requireHardware = true' | jq -e '.spec.endorsement.requireHardware == true'
  policy . | jq -e '.spec.endorsement | has("requireHardware") | not'
}

check_policies() {
  check "a good policy is accepted and shows its defaults" defaults_are_shown
  check "a policy may have rules for logs in place of PCRs" has_log_rules
  policy_refused "an unknown quirk" 'spec.bootLog.quirks' '.spec.bootLog = {quirks: ["any"]}'
  policy_refused "an unknown member of runtime" 'unknown field "violation"' '.spec.runtime = {violation: "Deny"}'
  policy_refused "an unknown field" 'unknown field "frehsness"' '.spec.frehsness = {}'
  policy_refused "a mode of another case" 'spec.mode: Unsupported value: "enforce"' '.spec.mode = "enforce"'
  policy_refused "no node selector" 'spec.nodeSelector: Required|missing required field "nodeSelector"' 'del(.spec.nodeSelector)'
  policy_refused "no PCR" 'spec.pcrs.exact' '.spec.pcrs.exact = []'
  policy_refused "a PCR twice" 'Duplicate value' '.spec.pcrs.exact += .spec.pcrs.exact'
  policy_refused "PCR 24" 'less than or equal to 23' '.spec.pcrs.exact[0].index = 24'
  policy_refused "a digest longer than any" 'spec.pcrs.exact' ".spec.pcrs.exact[0].sha256 = [\"$(printf '%0161d' 7)\"]"
  policy_refused "a number as digest" 'spec.pcrs.exact' '.spec.pcrs.exact[0].sha256 = [7]'
  check "a short digest is left to the webhook, which says which one it is" policy '.spec.pcrs.exact[0].sha256 = ["abcd"]'
  policy_refused "an unknown bank" 'spec.pcrs.banks' '.spec.pcrs.banks = ["md5"]'
  policy_refused "an unknown kind of key" 'spec.keys' '.spec.keys = ["ed25519"]'
  policy_refused "no trust bundle" 'spec.endorsement.trustBundles' '.spec.endorsement.trustBundles = []'
  policy_refused "a text for requireHardware" 'requireHardware' '.spec.endorsement.requireHardware = "yes"'
  check "requireHardware is kept as it is" keeps_hardware
  policy_refused "a number as duration" 'maxAge' '.spec.freshness.maxAge = 300'
  policy_refused "a duration longer than any" 'spec.freshness.maxAge' '.spec.freshness.maxAge = "0000000000000000000000300s"'
  check "a duration without unit is left to the webhook, which says what is expected" policy '.spec.freshness.maxAge = "300"'
  policy_refused "an unknown taint effect" 'spec.onFailure.taint' '.spec.onFailure = {taint: "Evict"}'
  policy_refused "an operator that does not exist" 'operator' \
    '.spec.nodeSelector = {matchExpressions: [{key: "a", operator: "Is"}]}'
}

explains() { "$OLD_KUBECTL" explain "$1" | grep -qF "$2"; }

# ---- evidence: two writers, each with its own half ----

apply_evidence() { "$KUBECTL" apply --server-side --force-conflicts --validate=false --field-manager="$1" "${@:2}" -f -; }
evidence_by_two_writers() {
  apply_evidence avouch-agent >/dev/null <<'JSON'
{"apiVersion": "avouch.dev/v1alpha1", "kind": "AttestationEvidence", "metadata": {"name": "node-1"},
 "spec": {"nodeUID": "u", "identity": {"ekPublic": "AAAA", "akPublic": "AAAA"},
  "pcrs": [{"bank": "sha256", "index": 0, "digest": "0000000000000000000000000000000000000000"}],
  "quote": {"message": "AAAA", "signature": "AAAA", "beacon": {"origin": "o", "size": 1}}}}
JSON
  apply_evidence avouch-controller --subresource=status >/dev/null <<'JSON'
{"apiVersion": "avouch.dev/v1alpha1", "kind": "AttestationEvidence", "metadata": {"name": "node-1"},
 "status": {"phase": "Trusted", "boot": {"resetCount": 7, "restartCount": 0, "since": "2026-11-21T09:14:03Z"},
  "verdict": {"token": "AAAA", "expires": "2026-11-21T09:19:03Z", "trustVector": {"hardware": -1},
   "policies": [{"name": "production", "result": "affirming"}],
   "reasons": [{"code": "PcrMismatch", "severity": "contraindicated", "message": "m", "event": {"pcr": 8, "number": 71}}],
   "log": {"origin": "o", "index": 4182, "leafHash": "0000000000000000000000000000000000000000000000000000000000000000"}},
  "conditions": [{"type": "Attested", "status": "True", "reason": "Affirming", "message": "",
   "lastTransitionTime": "2026-11-21T09:14:03Z"}]}}
JSON
  "$OLD_KUBECTL" get ate node-1 -o json |
    jq -e '.spec.identity.akPublic == "AAAA" and .status.verdict.log.index == 4182 and .status.verdict.trustVector.hardware == -1'
}
# 1.20 leaves null where an object or an empty text was; the next writer must not stumble over it.
evidence_shrinks() {
  apply_evidence avouch-controller --subresource=status >/dev/null <<'JSON'
{"apiVersion": "avouch.dev/v1alpha1", "kind": "AttestationEvidence", "metadata": {"name": "node-1"},
 "status": {"phase": "Stale", "verdict": {"reasons": [{"code": "EvidenceExpired", "severity": "none", "message": ""}]},
  "conditions": [{"type": "Attested", "status": "Unknown", "reason": "EvidenceExpired", "message": "",
   "lastTransitionTime": "2026-11-21T09:19:03Z"}]}}
JSON
  apply_evidence avouch-agent >/dev/null <<'JSON'
{"apiVersion": "avouch.dev/v1alpha1", "kind": "AttestationEvidence", "metadata": {"name": "node-1"},
 "spec": {"nodeUID": "u", "identity": {"ekPublic": "AAAA", "akPublic": "AAAA"}}}
JSON
  "$OLD_KUBECTL" get ate node-1 -o json |
    jq -e '.spec.pcrs == null and .spec.quote == null and .status.boot == null and (.status.verdict | keys) == ["reasons"]'
}
columns_are() { same "$1" bash -c "'$OLD_KUBECTL' get ate --no-headers | awk '{print \$1, \$2, \$3, \$4, \$6, \$7}'"; }
spec_leaves_status_alone() {
  "$KUBECTL" patch ate node-1 --type=merge -p '{"status": {"phase": "Stale"}}' >/dev/null
  same Trusted "$OLD_KUBECTL" get ate node-1 -o 'jsonpath={.status.phase}'
}

# ---- the release ----

# helm_quietly: without hooks, as no kubelet runs their jobs here.
helm_quietly() { "$HELM" "$@" --namespace "$NS" --no-hooks 2>&1; }
hooks_are_valid() {
  "$HELM" template avouch "$CHART" --namespace "$NS" --show-only templates/hooks.yaml |
    "$OLD_KUBECTL" apply --dry-run=server -f -
}
# What full.yaml cannot have: a claim that is there, replicas in the network of their nodes, Services for a ServiceMonitor.
# The kind ServiceMonitor itself is unknown here.
options_are_valid() { # FILE TEMPLATE...
  local file=$1 template
  local -a shown=()
  for template in "${@:2}"; do shown+=(--show-only "templates/$template.yaml"); done
  "$HELM" template avouch "$CHART" --namespace "$NS" --kube-version 1.20 --values "$HERE/values/$file.yaml" "${shown[@]}" \
    --set webhook.podDisruptionBudget.unhealthyPodEvictionPolicy= | "$OLD_KUBECTL" apply --dry-run=server -f -
}
set_ca() {
  local i
  for i in 0 1 2 3 4 5; do
    "$KUBECTL" patch validatingwebhookconfiguration avouch --type=json --field-manager=avouch-controller \
      -p "[{\"op\": \"add\", \"path\": \"/webhooks/$i/clientConfig/caBundle\", \"value\": \"Y2E=\"}]"
  done
}
ca_bundles() {
  "$OLD_KUBECTL" get validatingwebhookconfiguration avouch -o 'jsonpath={.webhooks[*].clientConfig.caBundle}'
}
upgrade_keeps_ca() {
  helm_quietly upgrade avouch "$CHART" --set webhook.timeoutSeconds=5 &&
    same 5 "$OLD_KUBECTL" get validatingwebhookconfiguration avouch -o 'jsonpath={.webhooks[0].timeoutSeconds}' &&
    same "Y2E= Y2E= Y2E= Y2E= Y2E= Y2E=" ca_bundles
}
notes_name_rollback() { "$HELM" get notes avouch --namespace "$NS" | grep -F "helm rollback" | grep -qF -- --force-conflicts; }
# Helm 4 asks before it takes a field that another has written since; Helm 3 does not.
force_conflicts() { [[ $("$HELM" version --short) == v3* ]] || echo --force-conflicts; }
# shellcheck disable=SC2046
rollback_keeps_ca() { helm_quietly rollback avouch 1 $(force_conflicts) && same "Y2E= Y2E= Y2E= Y2E= Y2E= Y2E=" ca_bundles; }

# ---- which webhook's silence stops pods ----

webhook_index() {
  "$OLD_KUBECTL" get validatingwebhookconfiguration avouch -o json |
    jq --arg name "$1" '[.webhooks[].name] | index($name)'
}
shares() {
  "$OLD_KUBECTL" get validatingwebhookconfiguration avouch -o json |
    jq -c '[.webhooks[] | select(.name | startswith("pods")) | {(.failurePolicy): .namespaceSelector.matchExpressions[-1]}] | add | [.Fail, .Ignore]'
}
# share FAIL IGNORE: as the controller writes them (src/control/admission_scope.h).
share() {
  local closed open last
  closed=$(webhook_index pods.avouch.dev) open=$(webhook_index pods-unenforced.avouch.dev)
  last=$("$OLD_KUBECTL" get validatingwebhookconfiguration avouch -o json |
    jq --argjson i "$closed" '.webhooks[$i].namespaceSelector.matchExpressions | length - 1')
  "$KUBECTL" patch validatingwebhookconfiguration avouch --type=json --field-manager=avouch-controller -p "[
    {\"op\": \"replace\", \"path\": \"/webhooks/$closed/namespaceSelector/matchExpressions/$last\", \"value\": $1},
    {\"op\": \"replace\", \"path\": \"/webhooks/$open/namespaceSelector/matchExpressions/$last\", \"value\": $2}]" >/dev/null
}
EVERYTHING='{"key":"avouch.dev/exempt","operator":"DoesNotExist"}'
NOTHING='{"key":"avouch.dev/exempt","operator":"Exists"}'
ATTESTED='{"key":"attested","operator":"In","values":["required"]}'
OTHERS='{"key":"attested","operator":"NotIn","values":["required"]}'
shares_are() { same "[$1,$2]" shares; }
upgrade_keeps_shares() {
  helm_quietly upgrade avouch "$CHART" --set webhook.timeoutSeconds=6 &&
    same 6 "$OLD_KUBECTL" get validatingwebhookconfiguration avouch -o 'jsonpath={.webhooks[0].timeoutSeconds}' &&
    shares_are "$ATTESTED" "$OTHERS"
}
# With another list of exempt namespaces that list changes and the share stays.
upgrade_keeps_shares_beside_new_exemptions() {
  helm_quietly upgrade avouch "$CHART" --set 'exemptNamespaces={another}' && shares_are "$ATTESTED" "$OTHERS"
}
make_namespaces() {
  local ns
  for ns in shop garden; do
    "$OLD_KUBECTL" create namespace "$ns" >/dev/null
    "$OLD_KUBECTL" -n "$ns" create serviceaccount default >/dev/null
  done
  "$OLD_KUBECTL" label namespace shop attested=required >/dev/null
}
# No webhook runs here. A dry run asks webhooks as well.
pod_in() {
  "$OLD_KUBECTL" create --dry-run=server -f - <<JSON
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "$1"},
 "spec": {"automountServiceAccountToken": false, "containers": [{"name": "c", "image": "i"}]}}
JSON
}
# The server's webhooks follow their configuration within a second or so.
pod_fails_in() { refused "failed calling webhook \"pods.avouch.dev\"" pod_in "$1"; }

check_shares() {
  make_namespaces
  check "at first every namespace fails closed" shares_are "$EVERYTHING" "$NOTHING"
  eventually 30 "and no pod is let in without the webhook" pod_fails_in garden
  check "the controller's share can be set" share "$ATTESTED" "$OTHERS"
  eventually 30 "pods that no enforced policy gates need no webhook" pod_in garden
  check "pods that one may gate do" pod_fails_in shop
  check "an upgrade keeps the shares" upgrade_keeps_shares
  check "an upgrade with other exemptions keeps the shares" upgrade_keeps_shares_beside_new_exemptions
}

left_over() { "$OLD_KUBECTL" api-resources --verbs=list -o name | grep -vE '^events|^(customresource|attestation|reference)' |
  xargs -n 40 | tr ' ' ',' | while read -r kinds; do
  "$OLD_KUBECTL" get "$kinds" -A -l app.kubernetes.io/part-of=avouch -o name
done; }

# may ACCOUNT PATH, may_not ACCOUNT PATH: the request itself, in the account's name.
may() { "$OLD_KUBECTL" get --raw "$2" --as="system:serviceaccount:$NS:avouch-$1" >/dev/null; }
may_not() { refused Forbidden may "$@"; }
# may_get ACCOUNT PATH: of an object that does not exist; the right to ask is what counts.
may_get() { refused NotFound may "$@"; }
by_name() { echo "/api/v1/namespaces/$NS/$1?fieldSelector=metadata.name%3D$2"; }

check_rights() {
  check "the agent may watch the beacon" may agent "$(by_name configmaps avouch-beacon)"
  check "the agent may not list other ConfigMaps" may_not agent "/api/v1/namespaces/$NS/configmaps"
  check "the agent may not read Secrets" may_not agent "$(by_name secrets avouch-keys)"
  check "the webhook may list pods" may webhook /api/v1/pods
  check "the controller may watch pods of its namespace" may controller "/api/v1/namespaces/$NS/pods"
  check "the controller may not list pods of others" may_not controller /api/v1/namespaces/kube-system/pods
  check "the webhook may not read Secrets" may_not webhook "$(by_name secrets avouch-keys)"
  check "the controller may watch its webhook configuration" may controller \
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations?fieldSelector=metadata.name%3Davouch"
  check "the controller may not list others" may_not controller /apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations
  check "the controller may read ConfigMaps of its namespace" may controller "/api/v1/namespaces/$NS/configmaps"
  check "the controller may not read those of others" may_not controller /api/v1/namespaces/kube-system/configmaps
  check "the controller may read Events about nodes" may_get controller /api/v1/namespaces/default/events/x
  check "the controller may not read Events of workloads" may_not controller /api/v1/namespaces/kube-system/events/x
  check "a reader of the log may read no pod" may_not reader /api/v1/namespaces/default/pods/x
  check "a reader of the log is entitled to admission verdicts" may_get reader /apis/avouch.dev/v1alpha1/namespaces/default/admissionverdicts/x
  check "a reader of the log is entitled to remarks" may_get reader /apis/avouch.dev/v1alpha1/disputes/x
  check "the controller may not list Secrets" may_not controller "/api/v1/namespaces/$NS/secrets"
}

# Of any name, anywhere, with definitions of its own or without.
second_release() { "$HELM" install "$1" "$CHART" --namespace "$2" --create-namespace --no-hooks "${@:3}" 2>&1; }
first_is() {
  "$OLD_KUBECTL" get validatingwebhookconfiguration,clusterrole,deployment,statefulset,daemonset -A \
    -l app.kubernetes.io/part-of=avouch -o 'jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.resourceVersion}{"\n"}{end}'
}
check_second_release() {
  local before
  before=$(first_is)
  check "a second release is refused" refused \
    'installed in this cluster already: release "avouch" in namespace "avouch-system", with ValidatingWebhookConfiguration "avouch"' \
    second_release other elsewhere
  check "also without definitions" refused "Upgrade that one, or uninstall it first" second_release other elsewhere --set crds.install=false
  check "also under the same name elsewhere" refused "installed in this cluster already" second_release avouch elsewhere --set crds.install=false
  check "also in the same namespace" refused "installed in this cluster already" second_release other "$NS" --set crds.install=false
  check "also under the first one's object names" refused "installed in this cluster already" \
    second_release other "$NS" --set crds.install=false --set fullnameOverride=avouch
  check "and the first one is as it was" same "$before" first_is
}

# Objects that values name: what is missing is said before anything is made.
names_nothing() { # VALUE PATTERN OPTION...
  check "$1 of nothing is refused" refused "$2" helm_quietly install avouch "$CHART" "${@:3}"
}
make_ca_secret() { "$OLD_KUBECTL" -n "$NS" create secret generic "$1" "--from-file=$2=$STATE/ca.crt" >/dev/null; }
make_claim() {
  "$OLD_KUBECTL" -n "$NS" create -f - >/dev/null <<JSON
{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "verdict-log"},
 "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "$1"}}}}
JSON
}
check_named_objects() {
  local ca=(--set webhook.clientCASecret=api-server-ca)
  names_nothing "a clientCASecret" 'webhook.clientCASecret: there is no Secret "api-server-ca" in namespace "avouch-system"' "${ca[@]}"
  check "and says how to make it" refused 'create secret generic api-server-ca --from-file=ca.crt' helm_quietly install avouch "$CHART" "${ca[@]}"
  make_ca_secret api-server-ca ca.pem
  names_nothing "a clientCASecret's key" 'Secret "api-server-ca" .*no certificate in PEM under the key ca.crt' "${ca[@]}"
  "$OLD_KUBECTL" -n "$NS" delete secret api-server-ca >/dev/null
  make_ca_secret api-server-ca ca.crt
  local db=(--set controller.log.engine=postgres --set controller.log.database.secret=log-database)
  names_nothing "a database's Secret" 'controller.log.database.secret: there is no Secret "log-database" in namespace "avouch-system"' "${db[@]}"
  make_ca_secret log-database ca.pem
  names_nothing "a database's connection" 'Secret "log-database" .*nothing under the key connection' "${db[@]}"
  "$OLD_KUBECTL" -n "$NS" delete secret log-database >/dev/null
  "$OLD_KUBECTL" -n "$NS" create secret generic log-database --from-literal=connection=host=db >/dev/null
  names_nothing "an existing claim" 'controller.persistence.existingClaim: there is no PersistentVolumeClaim "verdict-log" in namespace "avouch-system"' \
    "${ca[@]}" --set controller.persistence.existingClaim=verdict-log
  make_claim 3Gi
  check "an existing claim without room for the log is refused" refused 'controller.persistence.existingClaim of 3Gi: nothing would be left for the verdict log' \
    helm_quietly install avouch "$CHART" "${ca[@]}" --set controller.persistence.existingClaim=verdict-log
  "$OLD_KUBECTL" -n "$NS" delete persistentvolumeclaim verdict-log --wait=false >/dev/null
  "$OLD_KUBECTL" -n "$NS" patch persistentvolumeclaim verdict-log --type=merge -p '{"metadata": {"finalizers": null}}' >/dev/null 2>&1 || true
  names_nothing "a pull secret" 'image.pullSecrets: there is no Secret "pull"' "${ca[@]}" --set 'image.pullSecrets={pull}'
  make_ca_secret pull .dockerconfigjson
  names_nothing "a priority class" 'agent.priorityClassName: there is no PriorityClass "urgent"' --set agent.priorityClassName=urgent
  names_nothing "a reference namespace" 'controller.referenceNamespaces: there is no Namespace "trust"' --set 'controller.referenceNamespaces={trust}'
  names_nothing "cert-manager" 'does not serve cert-manager.io/v1' --set webhook.certManager.enabled=true,webhook.certManager.issuerRef.name=ours
  "$OLD_KUBECTL" create namespace early >/dev/null
  "$OLD_KUBECTL" label namespace early avouch.dev/exempt=true >/dev/null
  names_nothing "a guard of a namespace that was exempt before" 'namespace "early" carries the label avouch.dev/exempt' "${ca[@]}"
  check "that is named it is accepted" helm_quietly template avouch "$CHART" --dry-run=server --namespace "$NS" "${ca[@]}" --set 'exemptNamespaces={early}'
  "$OLD_KUBECTL" delete namespace early --wait=false >/dev/null
  "$OLD_KUBECTL" label namespace early avouch.dev/exempt- >/dev/null 2>&1 || true
  names_nothing "a static guard in a release" 'staticGuard.enabled is for `helm template --show-only' --set staticGuard.enabled=true
  check "nothing was made" same "" left_over
}

check_release() {
  "$OLD_KUBECTL" delete crd --all >/dev/null
  "$OLD_KUBECTL" create namespace "$NS" >/dev/null
  check "the hooks' objects are valid" hooks_are_valid
  check "what platform teams set is valid" options_are_valid options controller webhook agent hooks rbac-controller network-policy metrics-services
  check "the webhook in the network of its nodes is valid" options_are_valid host-network webhook network-policy
  check_named_objects
  check "the chart installs with every option" helm_quietly install avouch "$CHART" \
    --values "$HERE/values/full.yaml" --set fullnameOverride= --set webhook.certManager.enabled=false --set monitoring.podMonitor.enabled=false --set monitoring.prometheusRule.enabled=false \
    --set 'controller.referenceNamespaces={default}'
  check "and goes" helm_quietly uninstall avouch
  check "the chart installs, with definitions that were kept" helm_quietly install avouch "$CHART"
  check "its notes say what a rollback needs" notes_name_rollback
  check_rights
  set_ca >/dev/null
  check_shares
  check_second_release
  check "an upgrade keeps the webhook's CA" upgrade_keeps_ca
  check "a rollback keeps the webhook's CA" rollback_keeps_ca
  check "and fails closed everywhere until the controller narrows it" shares_are "$EVERYTHING" "$NOTHING"
  check "the release goes" helm_quietly uninstall avouch
  check "the definitions stay" "$OLD_KUBECTL" get crd attestationpolicies.avouch.dev
  check "nothing else stays" same "" left_over
  check "the chart installs again" helm_quietly install avouch "$CHART" --set crds.keep=false
  check "and upgrades under other object names" helm_quietly upgrade avouch "$CHART" --set crds.keep=false --set fullnameOverride=guard
  check "the release goes again" helm_quietly uninstall avouch
  check "now with its definitions" refused NotFound "$OLD_KUBECTL" get crd attestationpolicies.avouch.dev
}

main() {
  start_server
  check "kubectl 1.20 applies the definitions" "$OLD_KUBECTL" apply -f "$REPO_DIR/crds"
  check "a new kubectl applies the definitions" "$KUBECTL" apply -f "$REPO_DIR/crds"
  check "the server accepts them" established
  eventually 120 "kubectl explain knows a leaf" explains attestationpolicy.spec.pcrs.exact.index "0 to 23"
  eventually 120 "kubectl explain knows evidence" explains attestationevidence.status.verdict.token "COSE_Sign1"
  eventually 120 "kubectl explain knows manifests" explains referencemanifest.spec.ima.signers "at most 64"
  check_policies
  check "agent and controller write evidence side by side" evidence_by_two_writers
  check "kubectl get shows phase, reason, expiry, policy and log index" \
    columns_are "node-1 Trusted PcrMismatch 2026-11-21T09:19:03Z production 4182"
  check "who writes spec does not write status" spec_leaves_status_alone
  check "either can take back what it wrote" evidence_shrinks
  check_release
}

main
