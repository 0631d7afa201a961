{{/* The release's full name: R in docs/interfaces.md. */}}
{{- define "avouch.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Labels by which a component's pods are selected. Call with (dict "root" $ "component" NAME). */}}
{{- define "avouch.selectorLabels" -}}
app.kubernetes.io/name: avouch
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "avouch.labels" -}}
{{ include "avouch.selectorLabels" . }}
app.kubernetes.io/part-of: avouch
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels and annotations of a component's service account, from the chart and from its values. */}}
{{- define "avouch.accountMetadata" -}}
{{- $account := (index .root.Values .component).serviceAccount | default dict -}}
labels:
  {{- include "avouch.labels" . | nindent 2 }}
  {{- with $account.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $account.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Image of a component: its own values first, then the common ones. */}}
{{- define "avouch.image" -}}
{{- $own := (index .root.Values .component).image -}}
{{- $common := .root.Values.image -}}
{{- $name := $own.repository -}}
{{- if not $name -}}
{{- $name = printf "%s/%s" $common.repository .component -}}
{{- if $common.registry }}{{ $name = printf "%s/%s" $common.registry $name }}{{ end -}}
{{- end -}}
{{- if $own.digest -}}
{{ $name }}@{{ $own.digest }}
{{- else -}}
{{ $name }}:{{ $own.tag | default $common.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "avouch.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Namespaces that are never gated, as a JSON list. */}}
{{- define "avouch.exemptNamespaces" -}}
{{- concat (list .Release.Namespace "kube-system" "kube-node-lease") .Values.exemptNamespaces | uniq | toJson -}}
{{- end -}}

{{/*
The shares of the two webhooks for pods, by name, as a JSON object: those that the server has, so that an upgrade leaves the
controller's as they are, or, at first, all namespaces to the one that fails closed.
*/}}
{{- define "avouch.firstShares" -}}
{{- $key := "avouch.dev/exempt" -}}
{{- dict "pods.avouch.dev" (dict "key" $key "operator" "DoesNotExist") "pods-unenforced.avouch.dev" (dict "key" $key "operator" "Exists") | toJson -}}
{{- end -}}
{{- define "avouch.admissionShares" -}}
{{- $first := include "avouch.firstShares" . | fromJson -}}
{{- $found := dict -}}
{{- $live := lookup "admissionregistration.k8s.io/v1" "ValidatingWebhookConfiguration" "" (include "avouch.fullname" .) | default dict -}}
{{- range $webhook := $live.webhooks | default list -}}
{{- $list := dig "namespaceSelector" "matchExpressions" list $webhook -}}
{{- if and (hasKey $first $webhook.name) (ge (len $list) 2) -}}
{{- $_ := set $found $webhook.name (last $list) -}}
{{- end -}}
{{- end -}}
{{- eq (len $found) 2 | ternary $found $first | toJson -}}
{{- end -}}

{{/* Namespaces in which policies may refer to ConfigMaps, beside the release's own, as a JSON list. */}}
{{- define "avouch.referenceNamespaces" -}}
{{- without (.Values.controller.referenceNamespaces | uniq) .Release.Namespace | toJson -}}
{{- end -}}

{{/* A container that can do nothing but run its program. */}}
{{- define "avouch.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "avouch.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* The release runs on nodes that are not attested: it is what attests them. */}}
{{- define "avouch.tolerations" -}}
- {key: avouch.dev/unattested, operator: Exists}
{{- end -}}

{{/*
The agent comes back to nodes with our own taint, whatever other taints keep it away: it is the way out of that one. Without a word
in the values it bears them all.
*/}}
{{- define "avouch.agentTolerations" -}}
{{- $everything := dict "operator" "Exists" -}}
{{- $own := .Values.agent.tolerations -}}
{{- if kindIs "invalid" $own }}{{ $own = list $everything }}{{ end -}}
{{- if not (has $everything $own) -}}
{{ include "avouch.tolerations" . }}
{{ end -}}
{{- with $own }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* Whoever is root where the webhook or the controller runs has their keys: better a node that is trusted, where there is one. */}}
{{- define "avouch.prefersAttested" -}}
nodeAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      preference:
        matchExpressions:
          - {key: avouch.node-restriction.kubernetes.io/attested, operator: In, values: ["true"]}
{{- end -}}

{{/* How a monitor of the Prometheus operator scrapes an endpoint, by its values. */}}
{{- define "avouch.scrape" -}}
path: /metrics
interval: {{ .interval }}
{{- with .scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- with .relabelings }}
relabelings: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The newest version of the flow control API that the server has, or nothing. */}}
{{- define "avouch.flowControlVersion" -}}
{{- $minor := include "avouch.minor" . | int -}}
{{- $apis := .Capabilities.APIVersions -}}
{{- if and (ge $minor 29) ($apis.Has "flowcontrol.apiserver.k8s.io/v1") -}}v1
{{- else if and (ge $minor 26) ($apis.Has "flowcontrol.apiserver.k8s.io/v1beta3") -}}v1beta3
{{- else if and (ge $minor 23) ($apis.Has "flowcontrol.apiserver.k8s.io/v1beta2") -}}v1beta2
{{- else if and (ge $minor 20) (lt $minor 26) ($apis.Has "flowcontrol.apiserver.k8s.io/v1beta1") -}}v1beta1
{{- end -}}
{{- end -}}

{{/* The server's minor version. `helm template` knows every API version of its own, so versions are compared too. */}}
{{- define "avouch.minor" -}}
{{- (semver .Capabilities.KubeVersion.Version).Minor -}}
{{- end -}}

{{/* Milliseconds of a duration such as 1h30m or 2500ms. */}}
{{- define "avouch.milliseconds" -}}
{{- $total := 0 -}}
{{- range $unit, $factor := dict "h" 3600000 "m" 60000 "s" 1000 "ms" 1 -}}
{{- $part := regexFind (printf "[0-9]+%s([0-9]|$)" $unit) $ | regexFind "^[0-9]+" -}}
{{- if $part }}{{ $total = add $total (mul ($part | int64) $factor) }}{{ end -}}
{{- end -}}
{{- $total -}}
{{- end -}}

{{/* The bytes of a whole quantity, such as 10Gi. */}}
{{- define "avouch.sizeBytes" -}}
{{- $factor := 1 -}}
{{- range $unit, $of := dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 -}}
{{- if hasSuffix $unit $ }}{{ $factor = $of }}{{ end -}}
{{- end -}}
{{- mul (regexFind "^[0-9]+" $ | int64) $factor -}}
{{- end -}}

{{/*
Access to the API server by a token that is bound to the pod. Before 1.21 the one that is mounted by itself is bound to
nothing, and an agent could not show by it on which node it runs.
*/}}
{{- define "avouch.apiAccess" -}}
- name: api
  projected:
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3607}
      - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
      - downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}
{{- end -}}

{{- define "avouch.apiMount" -}}
- {name: api, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
{{- end -}}
