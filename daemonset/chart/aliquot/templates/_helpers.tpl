{{/* What every object's name begins with: the release's name, and the chart's where that does not say it. */}}
{{- define "aliquot.name" -}}
{{- if contains "aliquot" .Release.Name -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-aliquot" .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "aliquot.selector" -}}
app.kubernetes.io/name: aliquot
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: agent
{{- end -}}

{{- define "aliquot.labels" -}}
{{ include "aliquot.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "aliquot.serviceAccount" -}}
{{- if .Values.serviceAccount.name -}}
{{ .Values.serviceAccount.name }}
{{- else if .Values.serviceAccount.create -}}
{{ include "aliquot.name" . }}-agent
{{- else -}}
default
{{- end -}}
{{- end -}}

{{/* Whether the agent speaks with the API server at all: only then it gets a token. */}}
{{- define "aliquot.speaks" -}}
{{- if or (ne .Values.health.kubernetes "off") .Values.pods.readAnnotations -}}yes{{- end -}}
{{- end -}}

{{- define "aliquot.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* A size as the schema has it, in MiB. */}}
{{- define "aliquot.mebibytes" -}}
{{- $number := regexFind "^[0-9]+" . | int64 -}}
{{- if hasSuffix "Ti" . -}}
{{ mul $number 1048576 }}
{{- else if hasSuffix "Gi" . -}}
{{ mul $number 1024 }}
{{- else -}}
{{ $number }}
{{- end -}}
{{- end -}}

{{/* The agent's own memory and the host pool, whose pinned pages are charged to no cgroup, in MiB. */}}
{{- define "aliquot.memory" -}}
{{ add (include "aliquot.mebibytes" .Values.resources.memory) (include "aliquot.mebibytes" .Values.hostPool.size) }}
{{- end -}}

{{/* agent.yaml: every value that the chart decides. Keys are the agent's own. */}}
{{- define "aliquot.config" -}}
state-dir: /run/aliquot
library-dir: /var/lib/aliquot/lib
cgroup-root: /sys/fs/cgroup
{{- if eq .Values.driver.from "simulated" }}
simulate: {{ .Values.driver.simulated | quote }}
{{- else if eq .Values.driver.from "host" }}
nvml-library: /run/nvidia-driver/libnvidia-ml.so.1
cuda-library: /run/nvidia-driver/libcuda.so.1
{{- end }}
device-plugin: {{ ternary "on" "off" .Values.devicePlugin.enabled | quote }}
{{- if .Values.devicePlugin.enabled }}
kubelet-dir: {{ .Values.devicePlugin.kubeletDir | quote }}
resource-name: {{ .Values.devicePlugin.resourceName | quote }}
placement: {{ .Values.devicePlugin.placement | quote }}
injection: {{ .Values.devicePlugin.injection | quote }}
cdi-kind: {{ .Values.devicePlugin.cdiKind | quote }}
{{- end }}
pod-annotations: {{ ternary "on" "off" .Values.pods.readAnnotations | quote }}
annotation-prefix: {{ .Values.pods.annotationPrefix | quote }}
host-pool-size: {{ .Values.hostPool.size | quote }}
{{- with .Values.hostPool.reserve }}
host-pool-reserve: {{ . | quote }}
{{- end }}
host-pool-prepared: {{ .Values.hostPool.prepared | quote }}
lending: {{ .Values.sharing.lending | quote }}
swap: {{ .Values.sharing.swap | quote }}
headroom-percent: {{ .Values.sharing.headroomPercent | toString | quote }}
memory-limits: {{ .Values.sharing.memoryLimits | quote }}
bypass-policy: {{ .Values.policies.bypass | quote }}
stranger-policy: {{ .Values.policies.stranger | quote }}
keeper-policy: {{ .Values.policies.keeper | quote }}
health-kubernetes: {{ .Values.health.kubernetes | quote }}
health-taint: {{ ternary "on" "off" .Values.health.taint | quote }}
health-evict: {{ .Values.health.evict | quote }}
health-hyperpod: {{ .Values.health.hyperpod | join "," | default "none" | quote }}
health-breaker: {{ .Values.health.breakerPercent | toString | quote }}
health-profile: {{ .Values.health.profile | quote }}
health-tenants: {{ .Values.health.tenants | quote }}
expected-devices: {{ .Values.health.expectedDevices | int64 | toString | quote }}
{{- with .Values.kernelLogFile }}
kernel-log: {{ . | quote }}
{{- end }}
http-port: {{ .Values.http.port | int64 | toString | quote }}
log-level: {{ .Values.log.level | quote }}
log-format: {{ .Values.log.format | quote }}
{{- range $key, $value := .Values.config }}
{{- /* a large number would come out as 1e+06 */}}
{{ $key }}: {{ if and (kindIs "float64" $value) (eq $value (floor $value)) }}{{ $value | int64 | toString | quote }}{{ else }}{{ $value | toString | quote }}{{ end }}
{{- end }}
{{- end -}}

{{/* Refuses a folder of the host that is no plain path: what is mounted must be where the value says. Of a value's name and itself. */}}
{{- define "aliquot.plainFolder" -}}
{{- if not (regexMatch "^(/[.]{0,2}[A-Za-z0-9_+-][A-Za-z0-9._+-]*)+$" (toString (index . 1))) -}}
{{- fail (printf "%s is %q: give an absolute path such as %s, of letters, digits and . _ + - only, without the parts . and .. and without a / at its end" (index . 0) (toString (index . 1)) (index . 2)) -}}
{{- end -}}
{{- end -}}
