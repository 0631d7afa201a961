{{/*
The webhooks of the ValidatingWebhookConfiguration, as a list. Call with (dict "root" $ "shares" SHARES). Rendered twice: as the
configuration, and as what the controller compares the configuration with (src/control/admission_shape.h).
*/}}
{{- define "avouch.webhooks" -}}
{{- $root := .root }}
{{- $r := include "avouch.fullname" $root }}
{{- $exempt := include "avouch.exemptNamespaces" $root | fromJsonArray }}
# Every way by which a pod gets onto a node. A Binding carries no labels, so namespaces are all there is to select by.
# Two webhooks share the namespaces: Fail where a policy is enforced, Ignore everywhere else, so that a policy in Audit or
# Warn cannot stop pods that nobody wants to stop. The last expression of each is its share, the other's is the opposite;
# the controller keeps both as the policies have them.
{{- range $name, $failure := dict "pods.avouch.dev" "Fail" "pods-unenforced.avouch.dev" "Ignore" }}
- name: {{ $name }}
  admissionReviewVersions: [v1]
  clientConfig:
    service: {name: {{ $r }}-webhook, namespace: {{ $root.Release.Namespace }}, path: /admit/{{ trimSuffix ".avouch.dev" $name }}, port: 443}
  rules:
    - apiGroups: [""]
      apiVersions: [v1]
      operations: [CREATE]
      resources: [pods, pods/binding, bindings]
      scope: Namespaced
  # By name only where the server itself sets and guards that label, from 1.21 on; before, anybody could set it. The
  # hook job labels the same namespaces with ours.
  namespaceSelector:
    matchExpressions:
      - {key: avouch.dev/exempt, operator: DoesNotExist}
      {{- if ge (include "avouch.minor" $root | int) 21 }}
      - {key: kubernetes.io/metadata.name, operator: NotIn, values: {{ toJson $exempt }}}
      {{- end }}
      - {{ get $.shares $name | toJson }}
  failurePolicy: {{ $failure }}
  matchPolicy: Equivalent
  sideEffects: NoneOnDryRun
  timeoutSeconds: {{ $root.Values.webhook.timeoutSeconds }}
{{- end }}
# What has the labels of the release's own pods is an endpoint of their Services: not so a kubelet's static pod, nor another
# that names its node itself. Ignore: without a webhook its own pods must come up.
- name: own-pods.avouch.dev
  admissionReviewVersions: [v1]
  clientConfig:
    service: {name: {{ $r }}-webhook, namespace: {{ $root.Release.Namespace }}, path: /admit/own-pods, port: 443}
  rules:
    - apiGroups: [""]
      apiVersions: [v1]
      operations: [CREATE]
      resources: [pods]
      scope: Namespaced
  {{- if ge (include "avouch.minor" $root | int) 21 }}
  namespaceSelector:
    matchExpressions:
      - {key: kubernetes.io/metadata.name, operator: In, values: [{{ $root.Release.Namespace | quote }}]}
  {{- end }}
  objectSelector:
    matchExpressions:
      - {key: app.kubernetes.io/name, operator: In, values: [avouch]}
      - {key: app.kubernetes.io/instance, operator: In, values: [{{ $root.Release.Name | quote }}]}
      - {key: app.kubernetes.io/component, operator: In, values: [controller, webhook]}
  failurePolicy: Ignore
  matchPolicy: Equivalent
  sideEffects: NoneOnDryRun
  timeoutSeconds: {{ $root.Values.webhook.timeoutSeconds }}
# Only a node's own agent writes its evidence.
- name: evidence.avouch.dev
  admissionReviewVersions: [v1]
  clientConfig:
    service: {name: {{ $r }}-webhook, namespace: {{ $root.Release.Namespace }}, path: /admit/evidence, port: 443}
  rules:
    - apiGroups: [avouch.dev]
      apiVersions: [v1alpha1]
      operations: [CREATE, UPDATE]
      resources: [attestationevidences]
      scope: Cluster
  failurePolicy: Fail
  matchPolicy: Equivalent
  sideEffects: NoneOnDryRun
  timeoutSeconds: {{ $root.Values.webhook.timeoutSeconds }}
# What the schema cannot say, with errors that name the field.
- name: policies.avouch.dev
  admissionReviewVersions: [v1]
  clientConfig:
    service: {name: {{ $r }}-webhook, namespace: {{ $root.Release.Namespace }}, path: /admit/policies, port: 443}
  rules:
    - apiGroups: [avouch.dev]
      apiVersions: [v1alpha1]
      operations: [CREATE, UPDATE]
      resources: [attestationpolicies, referencemanifests]
      scope: Cluster
  failurePolicy: Fail
  matchPolicy: Equivalent
  sideEffects: NoneOnDryRun
  timeoutSeconds: {{ $root.Values.webhook.timeoutSeconds }}
# Who may exempt a namespace, or end its exemption: the selector looks at the object before and after. Labels can be
# changed through the subresources as well.
- name: exemptions.avouch.dev
  admissionReviewVersions: [v1]
  clientConfig:
    service: {name: {{ $r }}-webhook, namespace: {{ $root.Release.Namespace }}, path: /admit/namespaces, port: 443}
  rules:
    - apiGroups: [""]
      apiVersions: [v1]
      operations: [CREATE, UPDATE]
      resources: [namespaces, namespaces/status, namespaces/finalize]
      scope: Cluster
  objectSelector:
    matchExpressions:
      - {key: avouch.dev/exempt, operator: Exists}
  failurePolicy: Fail
  matchPolicy: Equivalent
  sideEffects: NoneOnDryRun
  timeoutSeconds: {{ $root.Values.webhook.timeoutSeconds }}
{{- end -}}
