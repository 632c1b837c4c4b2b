{{- define "vitrine.name" -}}
{{- ternary .Release.Name (printf "%s-vitrine" .Release.Name) (contains "vitrine" .Release.Name) | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- /* What tells this release's pods from others; for ever the same, as selectors are. */}}
{{- define "vitrine.selector" -}}
app.kubernetes.io/name: vitrine
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "vitrine.labels" -}}
{{ include "vitrine.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- /* The name, namespace and labels of an object. Takes root, name (what follows the release's) and component. */}}
{{- define "vitrine.metadata" -}}
name: {{ include "vitrine.name" .root }}{{ with .name }}-{{ . }}{{ end }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "vitrine.labels" .root | nindent 2 }}
  {{- with .component }}
  app.kubernetes.io/component: {{ . }}
  {{- end }}
{{- end }}

{{- /* The image of a target. Takes root and target. */}}
{{- define "vitrine.image" -}}
{{- $image := .root.Values.image -}}
{{- with index $image.digests .target -}}
{{ $image.repository }}@{{ . }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .root.Chart.AppVersion }}-{{ .target }}
{{- end -}}
{{- end }}

{{- /* `read`, `write` or nothing: how a pod has the volume of media; nothing, too, where they are in a bucket. */}}
{{- define "vitrine.media" -}}
{{- if not (dig "media_store" "url" "" .root.Values.settings) }}{{ .media | default "" }}{{ end -}}
{{- end }}

{{- define "vitrine.media-claim" -}}
{{ .Values.media.existingClaim | default (printf "%s-media" (include "vitrine.name" .)) }}
{{- end }}

{{- /* vitrine.toml: strings, lists, numbers and truth values are written alike in JSON and in TOML. */}}
{{- define "vitrine.toml" -}}
{{- range $section, $settings := .Values.settings }}
[{{ $section }}]
{{- range $name, $value := $settings }}
{{- if not (kindIs "invalid" $value) }}
{{ $name }} = {{ toJson $value }}
{{- end }}
{{- end }}
{{ end }}
{{- end }}
