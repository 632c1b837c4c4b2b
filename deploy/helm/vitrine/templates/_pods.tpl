{{- /* The parts that all pods share. */}}

{{- /* A pod's labels and annotations. Takes root, component and values. */}}
{{- define "vitrine.pod.metadata" -}}
labels:
  {{- include "vitrine.labels" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
annotations:
  # Other settings are other pods: files of settings are read at the start.
  checksum/settings: {{ include "vitrine.toml" .root | sha256sum }}
  {{- with .values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- /* Who a pod runs as, and where. Takes root, component and values. */}}
{{- define "vitrine.pod.placement" -}}
automountServiceAccountToken: false
{{- with .root.Values.serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
# Kubernetes would add VITRINE_QUERY_PORT=tcp://… for the service of that name, and settings refuse it.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  # Not at each start: a shared volume of a million pictures takes minutes.
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $field := list "nodeSelector" "tolerations" "affinity" "priorityClassName" "runtimeClassName" }}
{{- with index $.values $field }}
{{ $field }}: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- /* One pod of a component beside another only where there is no other place. Takes root and component. */}}
{{- define "vitrine.pod.spread" -}}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "vitrine.selector" $.root | nindent 8 }}
        app.kubernetes.io/component: {{ $.component }}
  {{- end }}
{{- end }}

{{- /* What a container may do: nothing but its work. */}}
{{- define "vitrine.container.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* A container's variables: secrets by reference, then the role's own settings. Takes root, role and values. */}}
{{- define "vitrine.container.env" -}}
{{- $servers := index .root.Values.secrets.servers .role -}}
{{- $settings := .root.Values.settings -}}
{{- $keys := dict "VITRINE_REDIS_USERNAME" "redis-username" "VITRINE_PRIVACY_SECRET" "privacy-secret" -}}
{{- /* Not beside a setting that says the same: two are refused. */}}
{{- if not (dig "milvus" "token_file" "" $settings) }}{{ $_ := set $keys "VITRINE_MILVUS_TOKEN" "milvus-token" }}{{ end }}
{{- if not (dig "redis" "url" "" $settings) }}{{ $_ := set $keys "VITRINE_REDIS_URL" "redis-url" }}{{ end }}
{{- if dig "media_store" "url" "" $settings }}
{{- $_ := set $keys "VITRINE_MEDIA_STORE_ACCESS_KEY_ID" "media-access-key-id" }}
{{- $_ := set $keys "VITRINE_MEDIA_STORE_SECRET_ACCESS_KEY" "media-secret-access-key" }}
{{- end }}
{{- if and (eq .role "query") (not (dig "query" "token_secret_file" "" $settings)) }}{{ $_ := set $keys "VITRINE_QUERY_TOKEN_SECRET" "token-secret" }}{{ end }}
{{- range $variable, $key := $keys }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ $servers }}
      key: {{ $key }}
      optional: true
{{- end }}
- name: VITRINE_KAFKA_SASL_USERNAME
  valueFrom:
    secretKeyRef:
      name: {{ index .root.Values.secrets.kafka .role }}
      key: username
      optional: true
{{- range $name, $value := .values.env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{- /* Where a container finds its files. Takes media: `read`, `write` or nothing. */}}
{{- define "vitrine.container.mounts" -}}
# The working directory: vitrine.toml is looked for there, by whoever runs `vitrine` in the pod.
- name: settings
  mountPath: /etc/vitrine
  readOnly: true
- name: data
  mountPath: /data
{{- with include "vitrine.media" . }}
- name: media
  mountPath: /data/media
  readOnly: {{ eq . "read" }}
{{- end }}
- name: tmp
  mountPath: /tmp
# Read for each new connection, so that a password or a certificate changes without a restart.
- name: servers
  mountPath: /run/secrets/servers
  readOnly: true
- name: kafka
  mountPath: /run/secrets/kafka
  readOnly: true
{{- end }}

{{- /* A pod's volumes. Takes root, role and media. */}}
{{- define "vitrine.pod.volumes" -}}
- name: settings
  configMap:
    name: {{ include "vitrine.name" .root }}
- name: servers
  secret:
    # A pod waits for it: without, it would take to servers of its own.
    secretName: {{ index .root.Values.secrets.servers .role }}
    defaultMode: 0440
- name: kafka
  secret:
    secretName: {{ index .root.Values.secrets.kafka .role }}
    optional: true
    defaultMode: 0440
- name: data
  emptyDir:
    sizeLimit: 4Gi
- name: tmp
  emptyDir:
    sizeLimit: 1Gi
{{- with include "vitrine.media" . }}
- name: media
  persistentVolumeClaim:
    claimName: {{ include "vitrine.media-claim" $.root }}
    readOnly: {{ eq . "read" }}
{{- end }}
{{- end }}

{{- /* A worker's probes at the port of that name. Takes port. */}}
{{- define "vitrine.container.probes" -}}
# Not /readyz: a pod that starts while Milvus or Kafka is away waits for them, and is well.
startupProbe:
  httpGet:
    path: /healthz
    port: {{ .port }}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 150
# 503 once a part has been stuck for liveness.stuck_s (60 s), no answer while the loop is blocked; restarted after three
# of either.
livenessProbe:
  httpGet:
    path: /healthz
    port: {{ .port }}
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
{{- end }}
{{- define "vitrine.container.readiness" -}}
readinessProbe:
  httpGet:
    path: /readyz
    port: {{ .port }}
  periodSeconds: 5
  timeoutSeconds: 2
  failureThreshold: 2
{{- end }}
