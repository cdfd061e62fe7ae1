{{/* edgemeter.config: the configuration file. What the operator writes in camelCase becomes Prometheus' own. */}}
{{- define "edgemeter.config" -}}
{{- $global := dict "scrape_interval" .Values.scrapeInterval }}
{{- with .Values.scrapeTimeout }}{{ $_ := set $global "scrape_timeout" . }}{{ end }}
{{- $labels := deepCopy .Values.externalLabels }}
{{- with .Values.cluster.name }}{{ $_ := set $labels "cluster" . }}{{ end }}
{{- if $labels }}{{ $_ := set $global "external_labels" $labels }}{{ end }}
{{- $config := dict "global" $global }}
{{- with concat .Values.scrapeConfigs .Values.additionalScrapeConfigs }}
{{- $_ := set $config "scrape_configs" . }}
{{- end }}
{{- if .Values.httpMetrics.enabled }}
{{- $_ := set $config "http_metrics" (omit .Values.httpMetrics "enabled") }}
{{- end }}
{{- with .Values.queue }}{{ $_ := set $config "queue" . }}{{ end }}
{{- if .Values.remoteWrite }}
{{- $remotes := list }}
{{- range .Values.remoteWrite }}
{{- $remotes = append $remotes (include "edgemeter.remote" . | fromYaml) }}
{{- end }}
{{- $_ := set $config "remote_write" $remotes }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{/* edgemeter.remote: one entry of remote_write. */}}
{{- define "edgemeter.remote" -}}
{{- $remote := dict }}
{{- $special := list "basicAuth" "authorization" "oauth2" "tlsConfig" "headers" "writeRelabelConfigs" "messageVersion" "enableHTTP2" "queueConfig" "metadataConfig" }}
{{- range $key, $value := . }}
{{- if not (has $key $special) }}{{ $_ := set $remote (snakecase $key) $value }}{{ end }}
{{- end }}
{{- with .headers }}{{ $_ := set $remote "headers" . }}{{ end }}
{{- if hasKey . "enableHTTP2" }}{{ $_ := set $remote "enable_http2" .enableHTTP2 }}{{ end }}
{{- if eq (default "V1.0" .messageVersion) "V2.0" }}
{{- $_ := set $remote "protobuf_message" "io.prometheus.write.v2.Request" }}
{{- end }}
{{- with .queueConfig }}
{{- $queue := include "edgemeter.snakecased" (omit . "retryOnRateLimit") | fromYaml }}
{{- if hasKey . "retryOnRateLimit" }}{{ $_ := set $queue "retry_on_http_429" .retryOnRateLimit }}{{ end }}
{{- $_ := set $remote "queue_config" $queue }}
{{- end }}
{{- with .metadataConfig }}{{ $_ := set $remote "metadata_config" (include "edgemeter.snakecased" . | fromYaml) }}{{ end }}
{{- with .writeRelabelConfigs }}
{{- $rules := list }}
{{- range . }}
{{- $rule := include "edgemeter.snakecased" . | fromYaml }}
{{- with .action }}{{ $_ := set $rule "action" (lower .) }}{{ end }}
{{- $rules = append $rules $rule }}
{{- end }}
{{- $_ := set $remote "write_relabel_configs" $rules }}
{{- end }}
{{- with .basicAuth }}
{{- $_ := set $remote "basic_auth" (dict "username_file" (include "edgemeter.secretFile" .username) "password_file" (include "edgemeter.secretFile" .password)) }}
{{- end }}
{{- with .authorization }}
{{- $authorization := dict "credentials_file" (include "edgemeter.secretFile" .credentials) }}
{{- with .type }}{{ $_ := set $authorization "type" . }}{{ end }}
{{- $_ := set $remote "authorization" $authorization }}
{{- end }}
{{- with .oauth2 }}
{{- $oauth2 := dict "client_id" .clientId "token_url" .tokenUrl "client_secret_file" (include "edgemeter.secretFile" .clientSecret) }}
{{- with .scopes }}{{ $_ := set $oauth2 "scopes" . }}{{ end }}
{{- with .endpointParams }}{{ $_ := set $oauth2 "endpoint_params" . }}{{ end }}
{{- $_ := set $remote "oauth2" $oauth2 }}
{{- end }}
{{- with .tlsConfig }}
{{- $tls := include "edgemeter.snakecased" (omit . "ca" "cert" "keySecret") | fromYaml }}
{{- with .ca }}{{ $_ := set $tls "ca_file" (include "edgemeter.secretOrConfigMapFile" .) }}{{ end }}
{{- with .cert }}{{ $_ := set $tls "cert_file" (include "edgemeter.secretOrConfigMapFile" .) }}{{ end }}
{{- with .keySecret }}{{ $_ := set $tls "key_file" (include "edgemeter.secretFile" .) }}{{ end }}
{{- $_ := set $remote "tls_config" $tls }}
{{- end }}
{{- toYaml $remote }}
{{- end }}

{{- define "edgemeter.snakecased" -}}
{{- $result := dict }}
{{- range $key, $value := . }}{{ $_ := set $result (snakecase $key) $value }}{{ end }}
{{- toYaml $result }}
{{- end }}

{{- define "edgemeter.secretFile" -}}
/etc/edgemeter-secrets/{{ .name }}/{{ .key }}
{{- end }}

{{- define "edgemeter.secretOrConfigMapFile" -}}
{{- if .configMap -}}
/etc/edgemeter-configmaps/{{ .configMap.name }}/{{ .configMap.key }}
{{- else -}}
{{ include "edgemeter.secretFile" .secret }}
{{- end }}
{{- end }}

{{/* edgemeter.references: the names of the Secrets and ConfigMaps to mount: those that remoteWrite refers to, and the user's. */}}
{{- define "edgemeter.references" -}}
{{- $secrets := .Values.secrets }}
{{- $configMaps := .Values.configMaps }}
{{- range .Values.remoteWrite }}
{{- with .basicAuth }}{{ $secrets = concat $secrets (list .username.name .password.name) }}{{ end }}
{{- with .authorization }}{{ $secrets = append $secrets .credentials.name }}{{ end }}
{{- with .oauth2 }}{{ $secrets = append $secrets .clientSecret.name }}{{ end }}
{{- with .tlsConfig }}
{{- with .keySecret }}{{ $secrets = append $secrets .name }}{{ end }}
{{- range list .ca .cert }}
{{- with . }}
{{- with .secret }}{{ $secrets = append $secrets .name }}{{ end }}
{{- with .configMap }}{{ $configMaps = append $configMaps .name }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml (dict "secrets" (uniq $secrets) "configMaps" (uniq $configMaps)) }}
{{- end }}

{{/* edgemeter.gatewayConfig: /federate of every node's agent, labels and timestamps as they are there. */}}
{{- define "edgemeter.gatewayConfig" -}}
{{- $labels := list }}
{{- range $key, $value := include "edgemeter.selectorLabels" . | fromYaml }}
{{- $labels = append $labels (printf "%s=%s" $key $value) }}
{{- end }}
global:
  scrape_interval: {{ .Values.scrapeInterval }}
scrape_configs:
  - job_name: edgemeter-nodes
    honor_labels: true
    metrics_path: /federate
    params:
      "match[]": ['{__name__!=""}']
    kubernetes_sd_configs:
      - role: pod
        namespaces: {own_namespace: true}
        selectors:
          - role: pod
            label: {{ join "," $labels }}
    relabel_configs:
      - source_labels: [__meta_kubernetes_pod_node_name]
        target_label: instance
{{- end }}
