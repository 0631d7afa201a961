# What each option comes to. Sourced by run.sh, which has render(), rendered(), refused() and STATE.
# shellcheck shell=bash

# objects NAME: of what rendered() has left under that name, as JSON.
objects() {
  /usr/bin/python3 -c 'import json, sys, yaml; json.dump([o for o in yaml.safe_load_all(sys.stdin) if o], sys.stdout, default=str)' \
    <"$STATE/$1.yaml" >"$STATE/$1.json"
}

# holds NAME KIND OBJECT CONDITION: that rendering has the object once, and jq says that the condition is true of it.
holds() {
  jq -e --arg kind "$2" --arg name "$3" \
    "[.[] | select(.kind == \$kind and .metadata.name == \$name)] | length == 1 and (.[0] | $4)" "$STATE/$1.json"
}

# Without a word in the values everything is as it was before there was one.
check_untouched() {
  check "the rendering by default can be read" objects default
  check "by default an agent runs on every node" holds default DaemonSet avouch-agent \
    '.spec.template.spec | .tolerations == [{operator: "Exists"}] and (has("affinity") | not) and .nodeSelector == {"kubernetes.io/os": "linux"}'
  check "by default agents are replaced one in ten at a time" holds default DaemonSet avouch-agent \
    '.spec.updateStrategy == {type: "RollingUpdate", rollingUpdate: {maxUnavailable: "10%"}}'
  check "by default the webhook is in the pod network" holds default Deployment avouch-webhook \
    '.spec.template.spec | (has("hostNetwork") or has("dnsPolicy") | not) and ([.containers[0].ports[].containerPort] == [9443, 8081])'
  check "by default no replica of the webhook ends before another is ready" holds default Deployment avouch-webhook \
    '.spec.strategy.rollingUpdate == {maxUnavailable: 0, maxSurge: 1}'
  check "by default a spool has no limit but its own" holds default Deployment avouch-webhook \
    '.spec.template.spec.volumes | map(select(.name == "spool")) == [{name: "spool", emptyDir: {}}]'
  check "by default the webhook's budget keeps one replica" holds default PodDisruptionBudget avouch-webhook \
    '.spec | .minAvailable == 1 and (has("maxUnavailable") or has("unhealthyPodEvictionPolicy") | not)'
  check "by default the controller makes its claim" holds default StatefulSet avouch-controller \
    '.spec.volumeClaimTemplates[0].metadata.name == "data" and all(.spec.template.spec.volumes[]; .name != "data")'
  check "a long log is not gone through for its owner at each start" holds default StatefulSet avouch-controller \
    '.spec.template.spec.securityContext.fsGroupChangePolicy == "OnRootMismatch"'
  check "by default a service account has no annotation" holds default ServiceAccount avouch-agent '.metadata | has("annotations") | not'
  check "renders with agents that are to bear no taint" rendered untolerant 31 DaemonSet --set-json 'agent.tolerations=[]'
  check "that can be read" objects untolerant
  check "an agent always bears our own taint" holds untolerant DaemonSet avouch-agent \
    '.spec.template.spec.tolerations == [{key: "avouch.dev/unattested", operator: "Exists"}]'
}

check_placed() {
  check "an agent bears the taints that are named, and our own" holds options DaemonSet avouch-agent \
    '.spec.template.spec.tolerations == [{key: "avouch.dev/unattested", operator: "Exists"},
      {key: "node-role.kubernetes.io/control-plane", operator: "Exists", effect: "NoSchedule"}]'
  check "an agent runs where its affinity and selector say" holds options DaemonSet avouch-agent \
    '.spec.template.spec | .nodeSelector.tpm == "yes" and
      .affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].key == "kind"'
  check "agents are replaced by hand where that is wanted" holds options DaemonSet avouch-agent '.spec.updateStrategy == {type: "OnDelete"}'
  check "agents have the labels, annotations, priority and resources that are set" holds options DaemonSet avouch-agent \
    '.spec.template | .metadata.labels["example.org/tier"] == "node" and .metadata.annotations["example.org/scrape"] == "yes" and
      .spec.priorityClassName == "system-cluster-critical" and .spec.containers[0].resources.limits.memory == "96Mi"'
  local part owner
  for part in controller=security webhook=platform agent=nodes hooks=installers; do
    owner=${part#*=} part=${part%=*}
    check "the service account of $part has its labels and annotations" holds options ServiceAccount "avouch-$part" \
      ".metadata | .labels[\"example.org/owner\"] == \"$owner\" and .labels[\"app.kubernetes.io/component\"] == \"$part\" and
        (.annotations[\"example.org/role\"] | length > 0)"
  done
  check "the hooks' service account is still a hook's" holds options ServiceAccount avouch-hooks \
    '.metadata.annotations | .["helm.sh/hook"] == "pre-install,pre-upgrade,pre-delete" and .["helm.sh/hook-weight"] == "-30"'
  check "the hooks' pods have what is set" holds options Job avouch-prepare \
    '.spec.template | .metadata.annotations == {"mesh.example.org/inject": "false"} and .metadata.labels["mesh.example.org/part"] == "no" and
      .spec.priorityClassName == "system-cluster-critical" and (.spec.affinity | has("nodeAffinity"))'
}

check_replaced() {
  check "the webhook is replaced as the values say" holds options Deployment avouch-webhook \
    '.spec.strategy.rollingUpdate == {maxUnavailable: "34%", maxSurge: 0}'
  check "the webhook's budget is what may be away" holds options PodDisruptionBudget avouch-webhook \
    '.spec | .maxUnavailable == 1 and .unhealthyPodEvictionPolicy == "AlwaysAllow" and (has("minAvailable") | not)'
  check "the webhook's spool has a limit" holds options Deployment avouch-webhook \
    '.spec.template.spec.volumes | any(.name == "spool" and .emptyDir == {sizeLimit: "128Mi"})'
  check "the controller takes the claim that is there" holds options StatefulSet avouch-controller \
    '(.spec | has("volumeClaimTemplates") | not) and
      (.spec.template.spec.volumes | any(.name == "data" and .persistentVolumeClaim == {claimName: "verdict-log"}))'
  check "its files are given to its group at each start where that is wanted" holds options StatefulSet avouch-controller \
    '.spec.template.spec.securityContext | .fsGroupChangePolicy == "Always" and .fsGroup == 65532'
  check "the webhook's program listens where its ports say" holds options ConfigMap avouch-webhook \
    '.data["config.yaml"] | contains("listen: \"0.0.0.0:9543\"") and contains("health: \"0.0.0.0:9581\"")'
  check "its Service finds the port by name" holds options Deployment avouch-webhook \
    '[.spec.template.spec.containers[0].ports[] | [.name, .containerPort]] == [["https", 9543], ["health", 9581]]'
}

# NAME's network policy of a component, as lines "PORTS from PEERS".
callers() {
  jq -r --arg name "avouch-$2" '.[] | select(.kind == "NetworkPolicy" and .metadata.name == $name) | .spec.ingress[] |
    ([.ports[].port | tostring] | join(" ")) + " from " + ([(.from // ["anybody"])[] | if type == "string" then . else
      .ipBlock.cidr // .podSelector.matchLabels["app.kubernetes.io/component"] // (.namespaceSelector.matchLabels | tostring) end] | join(" "))' "$STATE/$1.json"
}
callers_are() { same "$3" callers "$1" "$2"; }
MONITORS='{"kubernetes.io/metadata.name":"monitoring"}'

check_reached() {
  check "agents, webhook, API servers and who is named reach the controller" callers_are options controller \
    "8443 from agent webhook 192.0.2.1/32 198.51.100.0/24
8081 from $MONITORS 192.0.2.1/32"
  check "API servers reach the webhook at the port that is set, Prometheus its metrics" callers_are options webhook \
    "9543 from 192.0.2.1/32
9581 from $MONITORS 192.0.2.1/32"
  check "Prometheus alone reaches the agents" callers_are options agent "9100 from $MONITORS 192.0.2.1/32"
  check "the webhook is in the network of its node, and asks the cluster's DNS" holds host-network Deployment avouch-webhook \
    '.spec.template.spec | .hostNetwork == true and .dnsPolicy == "ClusterFirstWithHostNet" and
      [.containers[0].ports[].containerPort] == [9543, 9581]'
  check "nobody else is" jq -e '[.[] | select(.spec.template.spec.hostNetwork? // false) | .kind] == ["Deployment"]' "$STATE/host-network.json"
  check "no network policy promises what it cannot keep there" callers_are host-network webhook ""
  check "the nodes reach the controller then" callers_are host-network controller \
    "8443 from agent webhook 10.20.0.0/16
8081 from anybody"
}

check_scraped() {
  check "a ServiceMonitor scrapes as often and as long as it is told" holds options ServiceMonitor avouch \
    '.metadata.labels.release == "prometheus" and .spec.selector.matchLabels == {"app.kubernetes.io/name": "avouch", "app.kubernetes.io/instance": "avouch"} and
      (.spec.endpoints | length == 1 and (.[0] | .port == "metrics" and .path == "/metrics" and .interval == "15s" and .scrapeTimeout == "10s" and
        .relabelings[0].targetLabel == "node" and .metricRelabelings[0].action == "drop"))'
  local part
  for part in controller webhook agent; do
    check "it finds the $part by a Service" holds options Service "avouch-$part-metrics" \
      ".spec | .clusterIP == \"None\" and .selector[\"app.kubernetes.io/component\"] == \"$part\" and
        (.ports | length == 1 and .[0].name == \"metrics\" and .[0].targetPort == \"health\")"
  done
  check "a PodMonitor scrapes as often and as long as it is told" holds host-network PodMonitor avouch \
    '.spec.podMetricsEndpoints == [{port: "health", path: "/metrics", interval: "1m", scrapeTimeout: "20s", metricRelabelings: [{regex: "node", action: "labeldrop"}]}]'
  check "without a ServiceMonitor there is no Service for it" jq -e 'all(.[]; .kind != "Service" or (.metadata.name | endswith("-metrics") | not))' "$STATE/host-network.json"
}

check_several() {
  check "one controller is found by its labels alone" holds options Service avouch-controller '.spec.selector | has("avouch.dev/leads") | not'
  check "one controller marks no pod" holds options ConfigMap avouch-controller '.data["config.yaml"] | contains("markPod") | not'
  check "renders with several controllers on one volume" rendered several 31 "" --set controller.replicas=3,controller.log.engine=postgres \
    --set controller.log.database.secret=db,controller.persistence.existingClaim=shared
  check "that can be read" objects several
  check "the Service looks for the one that leads" holds several Service avouch-controller \
    '.spec.selector | .["avouch.dev/leads"] == "avouch" and .["app.kubernetes.io/component"] == "controller"'
  check "which marks its pod" holds several ConfigMap avouch-controller '.data["config.yaml"] | contains("markPod: true")'
  check "no pod is made with the mark" holds several StatefulSet avouch-controller \
    '.spec | .replicas == 3 and (.template.metadata.labels | has("avouch.dev/leads") | not) and (has("volumeClaimTemplates") | not)'
  check "they are spread over nodes" holds several StatefulSet avouch-controller \
    '.spec.template.spec.topologySpreadConstraints | length == 1 and .[0].topologyKey == "kubernetes.io/hostname"'
  check "a drain leaves one of them" holds several PodDisruptionBudget avouch-controller \
    '.spec | .minAvailable == 1 and .selector.matchLabels["app.kubernetes.io/component"] == "controller"'
}

check_options() {
  check "renders with what platform teams set" rendered options 31 "ServiceMonitor !PodMonitor NetworkPolicy" --values "$HERE/values/options.yaml"
  check "renders with the webhook in the network of its nodes" rendered host-network 31 "+hostNetwork PodMonitor !ServiceMonitor" \
    --values "$HERE/values/host-network.yaml"
  check "the first can be read" objects options
  check "the second too" objects host-network
  check_untouched
  check_placed
  check_replaced
  check_reached
  check_scraped
  check_several
}

# Wrong types, unknown keys, and values that would not do what they seem to.
check_option_values() {
  check "a host network that is no truth value is refused" refused "hostNetwork" render --set-string webhook.hostNetwork=yes
  check "a port below 1024 is refused" refused "ports.*https" render --set webhook.ports.https=443
  check "a port as text is refused" refused "ports.*health" render --set-string webhook.ports.health=8081
  check "an unknown port is refused" refused "ports.*metrics" render --set webhook.ports.metrics=9100
  check "one port for two is refused" refused "https and health are both 9443: expected two ports" render --set webhook.ports.health=9443
  check "an upgrade that can replace nothing is refused" refused "maxUnavailable and maxSurge are both 0" render --set webhook.updateStrategy.maxSurge=0
  check "an upgrade that can replace nothing of a hundred is refused" refused "are both 0" render --set webhook.updateStrategy.maxSurge=0%
  check "an upgrade that leaves no webhook is refused" refused "updateStrategy.maxUnavailable 2 of 2 replicas" render --set webhook.updateStrategy.maxUnavailable=2
  check "the only replica may be replaced so" render --set webhook.replicas=1,webhook.updateStrategy.maxUnavailable=1,webhook.updateStrategy.maxSurge=0
  check "an upgrade of all at once is refused" refused "updateStrategy.maxUnavailable" render --set webhook.updateStrategy.maxUnavailable=100%
  check "an unknown key of the upgrade is refused" refused "updateStrategy.*type" render --set webhook.updateStrategy.type=Recreate
  check "a budget that lets all go is refused" refused "podDisruptionBudget.maxUnavailable 2 of 2 replicas" render --set webhook.podDisruptionBudget.maxUnavailable=2
  check "a budget of nothing is refused" refused "podDisruptionBudget.maxUnavailable" render --set webhook.podDisruptionBudget.maxUnavailable=0
  check "an eviction policy that servers do not know is refused" refused "unhealthyPodEvictionPolicy" render --set webhook.podDisruptionBudget.unhealthyPodEvictionPolicy=Never
  check "one that this server does not know is refused" refused "from Kubernetes 1.27 on" render --kube-version 1.26 --set webhook.podDisruptionBudget.unhealthyPodEvictionPolicy=AlwaysAllow
  check "a spool's volume that is no size is refused" refused "sizeLimit" render --set webhook.spool.sizeLimit=much
  check "a spool's volume too small for its spool is refused" refused "sizeLimit 64Mi: .*expected at least 83886080 bytes" render --set webhook.spool.sizeLimit=64Mi
  check "a toleration of another form is refused" refused "tolerations" render --set 'agent.tolerations={all}'
  check "a toleration with an unknown key is refused" refused "tolerations.*taint" render --set-json 'agent.tolerations=[{"taint": "x"}]'
  check "an affinity that is no object is refused" refused "agent.affinity" render --set agent.affinity=near
  check "an update strategy that DaemonSets do not have is refused" refused "updateStrategy.*type" render --set agent.updateStrategy.type=Recreate
  check "an annotation that is no text is refused" refused "serviceAccount.annotations" render --set webhook.serviceAccount.annotations.a=1
  check "an annotation of Helm's is refused" refused 'hooks.serviceAccount.annotations: annotation "helm.sh/hook" is Helm' \
    render --set-string 'hooks.serviceAccount.annotations.helm\.sh/hook=test'
  check "another service account is refused" refused "serviceAccount.*name" render --set agent.serviceAccount.name=default
  local value
  for value in hooks.podLabels controller.serviceAccount.labels webhook.serviceAccount.labels agent.serviceAccount.labels hooks.serviceAccount.labels; do
    check "$value that the chart has itself are refused" refused "$value: label \"app.kubernetes.io/name\" is the chart's own" \
      render --set-string "$value.app\\.kubernetes\\.io/name=x"
  done
  check "a claim that no claim can be named is refused" refused "existingClaim" render --set controller.persistence.existingClaim=Log_Claim
  check "a claim for a folder is refused" refused "existingClaim has no effect with type HostPath" \
    render --set controller.persistence.existingClaim=log,controller.persistence.type=HostPath,controller.persistence.hostPath=/srv/log
  check "a class for a claim that is there is refused" refused "storageClassName has no effect with existingClaim" \
    render --set controller.persistence.existingClaim=log,controller.persistence.storageClassName=fast
  check "the size of a claim that is there is not guessed" render --set controller.persistence.existingClaim=log,controller.persistence.size=1Mi
  check "an unknown way to change owners is refused" refused "fsGroupChangePolicy" render --set controller.persistence.fsGroupChangePolicy=Never
  check "two monitors of the same pods are refused" refused "both enabled" render --set monitoring.podMonitor.enabled=true,monitoring.serviceMonitor.enabled=true
  check "a scrape longer than its interval is refused" refused "serviceMonitor.scrapeTimeout 31s: expected no more than interval 30s" \
    render --set monitoring.serviceMonitor.scrapeTimeout=31s
  check "a relabeling with an unknown key is refused" refused "relabelings.*source_labels" render --set-json 'monitoring.podMonitor.relabelings=[{"source_labels": ["a"]}]'
  check "a limit without a network policy is refused" refused "no effect without networkPolicy.enabled" render --set networkPolicy.controller.limit=true
  check "callers without a limit are refused" refused "no effect without networkPolicy.controller.limit" \
    render --set networkPolicy.enabled=true --set-json 'networkPolicy.controller.from=[{"podSelector": {}}]'
  check "a caller that is nobody is refused" refused "metrics.from" render --set networkPolicy.enabled=true --set-json 'networkPolicy.metrics.from=[{}]'
  check "a caller of two kinds is refused" refused "metrics.from" \
    render --set networkPolicy.enabled=true --set-json 'networkPolicy.metrics.from=[{"ipBlock": {"cidr": "192.0.2.0/24"}, "podSelector": {}}]'
  check "a caller's address without its length is refused" refused "cidr" \
    render --set networkPolicy.enabled=true --set-json 'networkPolicy.metrics.from=[{"ipBlock": {"cidr": "192.0.2.1"}}]'
  check "API servers for a webhook that no network policy holds for are refused" refused "no effect with webhook.hostNetwork" \
    render --set webhook.hostNetwork=true --set networkPolicy.enabled=true --set 'networkPolicy.apiServers={192.0.2.0/24}'
  check "a limit that keeps out the webhook on its nodes is refused" refused "would not reach the log" \
    render --set webhook.hostNetwork=true,networkPolicy.enabled=true,networkPolicy.controller.limit=true
}
