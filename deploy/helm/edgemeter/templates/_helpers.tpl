{{- define "edgemeter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "edgemeter.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "edgemeter.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "edgemeter.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "edgemeter.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "edgemeter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "edgemeter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: agent
{{- end }}

{{- define "edgemeter.labels" -}}
{{ include "edgemeter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* edgemeter.podLabels: what selects the pods is not the user's to change. */}}
{{- define "edgemeter.podLabels" -}}
{{- $ours := dict "app.kubernetes.io/version" .Chart.AppVersion }}
{{- toYaml (merge (include "edgemeter.selectorLabels" . | fromYaml) .Values.podLabels .Values.commonLabels $ours) }}
{{- end }}

{{/* edgemeter.podAnnotations: the user's before ours, so that he can turn the scrape off. */}}
{{- define "edgemeter.podAnnotations" -}}
{{- $scrape := dict "prometheus.io/scrape" "true" "prometheus.io/port" "9595" "prometheus.io/path" "/metrics/self" }}
{{- $checksum := dict "checksum/config" (include "edgemeter.config" . | sha256sum) }}
{{- toYaml (merge (dict) .Values.podAnnotations $checksum $scrape) }}
{{- end }}

{{- define "edgemeter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "edgemeter.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "edgemeter.configMapName" -}}
{{- default (include "edgemeter.fullname" .) .Values.existingConfigMap }}
{{- end }}

{{- define "edgemeter.priorityClassName" -}}
{{- $made := default (ternary (include "edgemeter.fullname" .) "" .Values.priorityClass.create) .Values.priorityClass.name }}
{{- default $made .Values.priorityClassName }}
{{- end }}

{{- define "edgemeter.image" -}}
{{- $registry := default .Values.image.registry .Values.global.imageRegistry }}
{{- $repository := ternary (printf "%s/%s" $registry .Values.image.repository) .Values.image.repository (not (empty $registry)) }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* edgemeter.imagePullSecrets: a list; in `global` texts will do, as other charts have it. */}}
{{- define "edgemeter.imagePullSecrets" -}}
{{- $secrets := list }}
{{- range concat .Values.imagePullSecrets .Values.global.imagePullSecrets }}
{{- $secrets = append $secrets (ternary (dict "name" .) . (kindIs "string" .)) }}
{{- end }}
{{- if $secrets }}{{ toYaml (uniq $secrets) }}{{ end }}
{{- end }}

{{/* edgemeter.endpoint: what ServiceMonitor and PodMonitor say of the endpoint. Where another Prometheus scrapes, it needs the
HTTP rows, too: /metrics. */}}
{{- define "edgemeter.endpoint" -}}
port: http
path: {{ .path }}
honorLabels: true
{{- with .interval }}
interval: {{ . }}
{{- end }}
{{- with .scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- with .scheme }}
scheme: {{ . }}
{{- end }}
{{- with .tlsConfig }}
tlsConfig: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .basicAuth }}
basicAuth: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .relabelings }}
relabelings: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* edgemeter.volumeName: of a kind and the name of its object, which may be longer than a volume's and have dots. */}}
{{- define "edgemeter.volumeName" -}}
{{- $name := printf "%s-%s" (first .) (last .) }}
{{- if regexMatch "^[a-z0-9-]{1,63}$" $name }}{{ $name }}
{{- else }}{{ printf "%s-%s" (first .) (last . | sha256sum | trunc 16) }}
{{- end }}
{{- end }}
