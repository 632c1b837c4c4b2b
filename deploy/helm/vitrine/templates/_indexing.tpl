{{- /* A pod of indexing workers, or of standby workers. Takes root, component and values; gpu: its values, or nothing. */}}
{{- define "vitrine.indexing.pod" -}}
{{- $parts := dict "root" .root "component" .component "values" .values "role" "indexing" "media" "write" -}}
{{- $gpu := .gpu | default dict -}}
{{- $port := .root.Values.settings.indexing.health_port | int -}}
metadata:
  {{- include "vitrine.pod.metadata" $parts | nindent 2 }}
spec:
  # It finishes its batches within indexing.drain_s, and as long again where Kafka moves its partitions meanwhile. Then it
  # leaves the group. No preStop: nobody sends it anything.
  terminationGracePeriodSeconds: {{ include "vitrine.indexing.grace" .root }}
  {{- include "vitrine.pod.placement" $parts | nindent 2 }}
  {{- include "vitrine.pod.spread" $parts | nindent 2 }}
  {{- if $gpu }}
  initContainers:
    {{- include "vitrine.indexing.encoder" (merge (dict "gpu" $gpu "port" (add $port $gpu.workers)) $parts) | nindent 4 }}
  {{- end }}
  containers:
    {{- range $number := until (int ($gpu.workers | default 1)) }}
    {{- include "vitrine.indexing.worker" (merge (dict "number" $number "gpu" $gpu "port" (add $port $number)) $parts) | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "vitrine.pod.volumes" $parts | nindent 4 }}
    {{- if $gpu }}
    - name: encoder
      emptyDir:
        medium: Memory
        sizeLimit: 1Mi
    {{- end }}
{{- end }}

{{- define "vitrine.indexing.grace" -}}
{{ add (mul 2 (ceil .Values.settings.indexing.drain_s)) 10 }}
{{- end }}

{{- define "vitrine.indexing.image" -}}
{{- include "vitrine.image" (dict "root" .root "target" (ternary "indexing-gpu" "indexing-cpu" (not (empty .gpu)))) -}}
{{- end }}

{{- /* The name of a worker's port. */}}
{{- define "vitrine.indexing.port" -}}
health{{ if . }}-{{ add1 . }}{{ end }}
{{- end }}

{{- define "vitrine.indexing.worker" -}}
{{- $name := include "vitrine.indexing.port" .number -}}
- name: worker{{ if .number }}-{{ add1 .number }}{{ end }}
  image: {{ include "vitrine.indexing.image" . }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  workingDir: /etc/vitrine
  args: [worker, {{ .component }}]
  env:
    {{- include "vitrine.container.env" . | nindent 4 }}
    {{- if .gpu }}
    - name: VITRINE_ENCODER_SERVICE
      value: unix:/run/encoder/socket
    {{- end }}
    {{- if .number }}
    - name: VITRINE_INDEXING_HEALTH_PORT
      value: {{ .port | quote }}
    {{- end }}
  ports:
    - name: {{ $name }}
      containerPort: {{ .port }}
  {{- include "vitrine.container.probes" (dict "port" $name) | nindent 2 }}
  {{- include "vitrine.container.readiness" (dict "port" $name) | nindent 2 }}
  resources:
    {{- toYaml .values.resources | nindent 4 }}
  securityContext:
    {{- include "vitrine.container.security" . | nindent 4 }}
  volumeMounts:
    {{- include "vitrine.container.mounts" . | nindent 4 }}
    {{- if .gpu }}
    - name: encoder
      mountPath: /run/encoder
    {{- end }}
{{- end }}

{{- /* The encoder service: started before the workers and ended after them; it alone sees the GPU. */}}
{{- define "vitrine.indexing.encoder" -}}
- name: encoder
  image: {{ include "vitrine.indexing.image" . }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  restartPolicy: Always
  workingDir: /etc/vitrine
  args: [worker, encoder]
  env:
    - name: VITRINE_ENCODER_SERVICE
      value: unix:/run/encoder/socket
    - name: VITRINE_ENCODER_HEALTH_HOST
      value: 0.0.0.0
    - name: VITRINE_ENCODER_HEALTH_PORT
      value: {{ .port | quote }}
    {{- range $name, $value := .values.env }}
    - name: {{ $name }}
      value: {{ $value | quote }}
    {{- end }}
  ports:
    - name: encoder
      containerPort: {{ .port }}
  {{- include "vitrine.container.probes" (dict "port" "encoder") | nindent 2 }}
  resources:
    requests:
      {{- toYaml .gpu.resources.requests | nindent 6 }}
    limits:
      {{- toYaml .gpu.resources.limits | nindent 6 }}
      {{ .gpu.resource }}: {{ .gpu.count }}
  securityContext:
    {{- include "vitrine.container.security" . | nindent 4 }}
  volumeMounts:
    - name: settings
      mountPath: /etc/vitrine
      readOnly: true
    - name: data
      mountPath: /data
    - name: tmp
      mountPath: /tmp
    - name: encoder
      mountPath: /run/encoder
{{- end }}
