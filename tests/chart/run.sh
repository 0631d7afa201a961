#!/usr/bin/env bash
# Tests the custom resource definitions and the chart: by rules over every rendering, and on a real API server.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/lib/common.sh
source "$HERE/../../hack/lib/common.sh"
# shellcheck source=hack/lib/deps.sh
source "$HACK_DIR/lib/deps.sh"
# shellcheck source=hack/lib/kubernetes.sh
source "$HACK_DIR/lib/kubernetes.sh"
# shellcheck source=hack/lib/tools.sh
source "$HACK_DIR/lib/tools.sh"
# shellcheck source=hack/lib/checks.sh
source "$HACK_DIR/lib/checks.sh"
# shellcheck source=tests/chart/options.sh
source "$HERE/options.sh"

CHART=$REPO_DIR/charts/avouch
VAP=admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy
STATE=$(mktemp -d)
trap 'rm -rf "$STATE"' EXIT

render() { "$HELM" template avouch "$CHART" --namespace avouch-system "$@"; }

# rendered NAME MINOR "KINDS" [HELM OPTION...]: renders for a version, then applies the rules.
rendered() {
  local file=$STATE/$1.yaml minor=$2
  local -a kinds
  read -ra kinds <<<"$3"
  render --kube-version "1.$minor" --api-versions "$VAP" "${@:4}" >"$file" &&
    /usr/bin/python3 "$HERE/check_rendered.py" "$file" "$minor" "${kinds[@]}"
}

same_from_package() {
  "$HELM" package "$CHART" --destination "$STATE" >/dev/null
  cp "$STATE"/avouch-*.tgz "$STATE/package.tgz"
  "$HELM" template avouch "$STATE/package.tgz" --namespace avouch-system >"$STATE/from-package.yaml"
  render >"$STATE/from-folder.yaml"
  diff "$STATE/from-folder.yaml" "$STATE/from-package.yaml"
}

# rolls_pods COMPONENT OPTION...: another configuration starts new pods.
rolls_pods() {
  local template=templates/$1.yaml
  shift
  [[ $(render --show-only "$template" | grep 'avouch.dev/config:') != $(render --show-only "$template" "$@" | grep 'avouch.dev/config:') ]]
}

# spreads_webhook MINOR HAS LACKS: what a server of that version gets to spread the replicas over nodes.
spreads_webhook() {
  local text
  text=$(render --kube-version "1.$1" --show-only templates/webhook.yaml) && grep -q "$2" <<<"$text" && ! grep -q "$3" <<<"$text"
}

# What the unit tests take for the chart's webhooks is what the chart renders.
vector_is_rendered() {
  render --kube-version 1.31 --show-only templates/controller.yaml | /usr/bin/python3 -c '
import json, sys, yaml
(text,) = [o["data"]["webhooks.json"] for o in yaml.safe_load_all(sys.stdin) if o and o["kind"] == "ConfigMap"]
print(json.dumps(json.loads(text), indent=2))' | diff - "$REPO_DIR/tests/vectors/chart/webhooks.json"
}

# An evaluator of CEL, as no server that knows CEL can be built here.
CEL_PACKAGE=@marcbachmann/cel-js@8.0.0
CEL_DIR=$CACHE_DIR/cel-js-8.0.0
ensure_cel() {
  is_sealed "$CEL_DIR" && return 0
  say "fetching the npm package $CEL_PACKAGE"
  rm -rf "$CEL_DIR" "$STATE/cel"
  mkdir -p "$STATE/cel"
  (cd "$STATE/cel" && npm pack --silent "$CEL_PACKAGE" >/dev/null) || die "cannot fetch $CEL_PACKAGE with npm: is the network there?"
  tar --extract --gzip --directory "$STATE/cel" --file "$STATE"/cel/*.tgz
  seal_dir "$STATE/cel/package"
  mv "$STATE/cel/package" "$CEL_DIR"
}
cel_rules_hold() {
  render --kube-version 1.36 --api-versions "$VAP" --set 'staticGuard.enabled=true,staticGuard.users={alice},staticGuard.groups={security}' \
    >"$STATE/cel.yaml"
  /usr/bin/python3 -c 'import json, sys, yaml; json.dump([o for o in yaml.safe_load_all(sys.stdin) if o], sys.stdout, default=str)' \
    <"$STATE/cel.yaml" >"$STATE/cel.json"
  node "$HERE/check_cel.mjs" "$CEL_DIR/lib/index.js" "$STATE/cel.json"
}

# Prometheus' own evaluator of rules, which needs nothing else of its package.
ensure_promtool() {
  PROMTOOL=$(command -v promtool || echo "$CACHE_DIR/promtool/promtool")
  [[ $PROMTOOL == "$CACHE_DIR"/* ]] || return 0
  is_sealed "$CACHE_DIR/promtool" && return 0
  local work=$STATE/promtool log=$CACHE_DIR/logs/promtool.log
  mkdir -p "$work/new" "$CACHE_DIR/logs"
  say "fetching promtool from Debian's package prometheus (log: $log)"
  (cd "$work" && { apt_get download prometheus || { apt_get update && apt_get download prometheus; }; }) >"$log" 2>&1 ||
    die "cannot fetch the package prometheus: are the network and the mirrors of /etc/apt reachable?" "$log"
  dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb | tar --extract --directory "$work/new" --strip-components 3 ./usr/bin/promtool
  seal_dir "$work/new"
  rm -rf "$CACHE_DIR/promtool"
  mv "$work/new" "$CACHE_DIR/promtool"
}
alerts_hold() {
  rendered alerts 31 PrometheusRule --set monitoring.prometheusRule.enabled=true &&
    /usr/bin/python3 "$HERE/check_alerts.py" "$PROMTOOL" "$STATE/alerts.yaml" "$HERE/alerts.yaml"
}

# The webhook's port from the API servers alone, where they are known; everything else from anywhere.
limits_callers() {
  same "9443 from 192.0.2.1/32,2001:db8::/64; 8081" webhook_callers --set 'networkPolicy.apiServers={192.0.2.1/32,2001:db8::/64}' &&
    same "9443 8081" webhook_callers
}
webhook_callers() {
  render --show-only templates/network-policy.yaml --set networkPolicy.enabled=true "$@" | /usr/bin/python3 -c '
import sys, yaml
policy = next(p for p in yaml.safe_load_all(sys.stdin) if p and p["metadata"]["name"] == "avouch-webhook")
def show(rule):
    ports = " ".join(str(p["port"]) for p in rule["ports"])
    return ports + (" from " + ",".join(f["ipBlock"]["cidr"] for f in rule["from"]) if "from" in rule else "")
print("; ".join(show(rule) for rule in policy["spec"]["ingress"]))'
}

check_renderings() {
  local minor
  check "helm lint" "$HELM" lint --strict "$CHART" --namespace avouch-system
  for minor in 20 24 27 31; do
    check "renders for 1.$minor" rendered default "$minor" \
      "PodDisruptionBudget FlowSchema CustomResourceDefinition StatefulSet DaemonSet !ValidatingAdmissionPolicy"
  done
  check "renders for 1.36" rendered default 36 "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding FlowSchema"
  check "renders with every option" rendered full 27 "PodMonitor PrometheusRule NetworkPolicy ResourceQuota Certificate" --values "$HERE/values/full.yaml"
  check "renders with as little as possible" rendered small 36 \
    "!FlowSchema !PodDisruptionBudget !CustomResourceDefinition !ValidatingAdmissionPolicy" --values "$HERE/values/small.yaml"
  check "the package holds what the folder shows" same_from_package
  check "the webhooks of the unit tests are the chart's" vector_is_rendered
  check "another configuration rolls the controller" rolls_pods controller --set controller.log.cadence=5s
  check "another bound of the records rolls the controller" rolls_pods controller --set controller.records.bytes=1073741825
  check "another maker of the webhook's certificate rolls the controller" rolls_pods controller --set webhook.certManager.enabled=true,webhook.certManager.issuerRef.name=i
  check "another engine of the log rolls the controller" rolls_pods controller --set controller.log.engine=postgres,controller.log.database.secret=db
  check "another list of other logs rolls the controller" rolls_pods controller --set controller.log.references.policy=quorum
  check "another list of keys for cosign rolls the controller" rolls_pods controller --set controller.log.origin=log.example.org,controller.log.registration.rekorKeys=key
  check "another configuration rolls the webhook" rolls_pods webhook --set 'exemptNamespaces={a}'
  check "the webhook's port can be kept to API servers" limits_callers
  check "the webhook's replicas are spread over nodes" spreads_webhook 26 podAntiAffinity: matchLabelKeys:
  check "an upgrade's replicas are spread among themselves where the server knows how" spreads_webhook 27 "matchLabelKeys: \[pod-template-hash\]" podAntiAffinity:
  check "another configuration rolls the agents" rolls_pods agent --set agent.heartbeat=5s
}

shows_readme() { "$HELM" show readme "$STATE/package.tgz" | diff --ignore-blank-lines - "$CHART/README.md"; }

check_values() {
  check "what Chart.yaml says is what the repository has" /usr/bin/python3 "$HERE/check_metadata.py" "$REPO_DIR"
  check "values and schema name the same values" /usr/bin/python3 "$HERE/check_values.py" "$CHART"
  check "the README's table is that of the values" /usr/bin/python3 "$HERE/check_readme.py" "$CHART"
  check "Helm shows the README" shows_readme
  check "an unknown value is refused" refused "agent.*heartbaet" render --set agent.heartbaet=5s
  check "an unknown value at the top is refused" refused "replicas" render --set replicas=2
  check "a wrong duration is refused" refused "maxStaleness.*pattern" render --set webhook.maxStaleness=never
  check "a wrong type is refused" refused "replicas" render --set webhook.replicas=many
  check "a static guard for a server that reads no files is refused" refused "from Kubernetes 1.36 on" render --kube-version 1.35 --set staticGuard.enabled=true
  for value in commonLabels controller.podLabels webhook.podLabels agent.podLabels; do
    check "$value that the chart has itself are refused" refused "$value: label \"app.kubernetes.io/component\" is the chart's own" \
      render --set-string "$value.app\\.kubernetes\\.io/component=x"
    check "other $value are not" render --set-string "$value.team=x"
  done
  check "cert-manager without an issuer is refused" refused "issuerRef.name is required" render --set webhook.certManager.enabled=true
  check "HostPath without a path is refused" refused "hostPath" render --set controller.persistence.type=HostPath
  check "keys for cosign and a log without a name are refused" refused 'controller.log.origin is "": expected a host name' render --set controller.log.registration.rekorKeys=key
  for value in example.org/log log..example -log log.example:443; do
    check "keys for cosign and a log called $value are refused" refused "controller.log.origin is \"$value\": expected a host name" \
      render --set controller.log.registration.rekorKeys=key,controller.log.origin="$value"
  done
  check "keys for cosign and a log with a host's name are not" render --set controller.log.registration.rekorKeys=key,controller.log.origin=log.example.org
  check "a limit on memory is required" refused "memory" render --set agent.resources.limits.memory=null
  check "a deadline beyond the API server's is refused" refused "deadline 3s is not below" render --set webhook.deadline=3s
  check "a heartbeat that the agent would refuse is refused" refused 'agent.heartbeat: "0s": expected 1s to 1h' render --set agent.heartbeat=0s
  check "a database without its Secret is refused" refused "controller.log.database.secret is required with controller.log.engine=postgres" render --set controller.log.engine=postgres
  check "a Secret without a database is refused" refused "no effect without controller.log.engine=postgres" render --set controller.log.database.secret=db
  check "another engine is refused" refused "controller.log.engine.*files.*postgres|/controller/log/engine" render --set controller.log.engine=sqlite
  check "a name that no Secret can have is refused" refused "secret.*pattern" render --set controller.log.engine=postgres,controller.log.database.secret=Log_Database
  check "a database and its Secret are not" render --set controller.log.engine=postgres,controller.log.database.secret=db
  check "more replicas of the controller with a log on files are refused" refused "controller.replicas: 2 with the log on files" render --set controller.replicas=2
  check "more replicas without a volume of them all are refused" refused "controller.replicas: 2: expected a volume that all of them have" \
    render --set controller.replicas=2,controller.log.engine=postgres,controller.log.database.secret=db
  check "more replicas that share nothing are refused" refused "controller.replicas: 2: expected a volume that all of them have" \
    render --set controller.replicas=2,controller.log.engine=postgres,controller.log.database.secret=db,controller.persistence.type=EmptyDir
  check "no replica at all is refused" refused "replicas" render --set controller.replicas=0
  check "a cadence that the controller would refuse is refused" refused 'controller.log.cadence: "11m": expected 1s to 10m' render --set controller.log.cadence=11m
  check "a time between witnesses that the controller would refuse is refused" refused 'controller.log.witnesses.every: "2h": expected 100ms to 1h' render --set controller.log.witnesses.every=2h
  check "a retry that the controller would refuse is refused" refused "retryPeriod 10s: expected less than renewDeadline 10s" render --set controller.leaderElection.retryPeriod=10s
  check "a lease longer than the controller would wait for is refused" refused 'controller.leaderElection.leaseDuration: "121s": expected 1s to 2m' render --set controller.leaderElection.leaseDuration=121s
  check "an authority that ends before its certificates is refused" refused "caLife 2000h: expected more than certificateLife" render --set controller.tls.caLife=2000h
  check "an age of the spool that the webhook would refuse is refused" refused 'webhook.spool.age: "169h": expected 1s to 168h' render --set webhook.spool.age=169h
  check "a log's retention that the controller would refuse is refused" refused 'controller.log.retention.content: "1h": expected 24h to 876000h' render --set controller.log.retention.content=1h
  check "content is not kept longer than entries are served" refused 'controller.log.retention.content: "721h": expected a time that is at most entries' render --set controller.log.retention.content=721h,controller.log.retention.entries=720h
  check "a period of shards that there is not is refused" refused "shards" render --set controller.log.shards=week
  check "an origin that shards would make too long is refused" refused "controller.log.origin: expected at most 247 bytes" render --set controller.log.shards=year,controller.log.origin="$(printf 'a%.0s' $(seq 248))"
  check "a retention that the controller would refuse is refused" refused 'controller.records.retention: "1h": expected 24h to 876000h' render --set controller.records.retention=1h
  check "a staleness that the webhook would refuse is refused" refused 'webhook.maxStaleness: "1s"' render --set webhook.maxStaleness=1s
  check "a lease shorter than its deadline is refused" refused "renewDeadline 10s: expected less than leaseDuration 5s" render --set controller.leaderElection.leaseDuration=5s
  check "a budget that blocks every drain is refused" refused "no node could ever be drained" render --set webhook.podDisruptionBudget.minAvailable=2
  check "an API server's address without its length is refused" refused "apiServers" render --set 'networkPolicy.apiServers={192.0.2.1}'
  check "an API server's address that is none is refused" refused "apiServers" render --set 'networkPolicy.enabled=true,networkPolicy.apiServers={999.0.0.1/24}'
  check "an API server's IPv6 network is not" render --set 'networkPolicy.enabled=true,networkPolicy.apiServers={2001:db8::/64}'
  check "API servers without a network policy are refused" refused "no effect without networkPolicy.enabled" render --set 'networkPolicy.apiServers={192.0.2.0/24}'
  check "a store too small for a piece of evidence is refused" refused "four times blobBytes" render --set controller.limits.storeBytes=1
  check "a volume without room for the log is refused" refused "nothing would be left for the verdict log" render --set controller.persistence.size=3500M
  check "a volume with room for it is not" render --set controller.persistence.size=4Gi
  check "a log outside of what the pod sees is refused" refused "not below hostPath" render --set agent.measurements.bootLog=/tmp/log
}

main() {
  require_root
  install_packages "the chart's tests" python3-yaml jq etcd-server openssl util-linux iproute2 curl unzip
  command -v npm >/dev/null || install_packages npm npm
  ensure_tools
  ensure_kubernetes
  ensure_cel
  ensure_promtool
  check "the definitions keep the rules" /usr/bin/python3 "$HERE/check_crds.py" "$REPO_DIR"/crds/*.yaml
  check_renderings
  check_options
  check "the CEL rules let good objects pass and refuse bad ones" cel_rules_hold
  check "each alert fires when it should, and only then" alerts_hold
  check_values
  check_option_values
  # Whatever this starts ends with it: it has process ids and a network of its own.
  unshare --net --pid --fork --kill-child --mount-proc --propagation private \
    env HELM="$HELM" KUBECTL="$KUBECTL" KUBERNETES_DIR="$KUBERNETES_DIR" "$HERE/on_server.sh"
  say "the chart's tests have passed"
}

main
