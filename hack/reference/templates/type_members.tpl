{{- define "type_members" -}}
{{- $limits := list -}}
{{- $of := .Type -}}
{{- range .Validation -}}
{{- if hasPrefix "Required" . }}{{ $limits = prepend $limits "required" }}
{{- else if not (or (hasPrefix "Optional" .) (hasPrefix "Type:" .) (contains "(ms|s|m|h)" .) (and (hasPrefix "Enum:" .) $of.EnumValues)) }}{{ $limits = append $limits . }}{{ end -}}
{{- end -}}
{{- /* The rules of a type are listed once, with the type. */ -}}
{{- $type := .Type -}}
{{- if eq $type.Kind 4 }}{{ $type = $type.UnderlyingType }}{{ end -}}
{{- $ofType := list -}}
{{- range index $type.Markers "kubebuilder:validation:XValidation" }}{{ $ofType = append $ofType .Message }}{{ end -}}
{{- range index .Markers "kubebuilder:validation:XValidation" }}{{ if not (has .Message $ofType) }}{{ $limits = append $limits .Message }}{{ end }}{{ end }}
| `{{ .Name }}` {{ regexReplaceAll "\\[(Duration|Time)\\]\\([^)]*\\)" (markdownRenderType .Type) "$1" | replace "Duration" "duration" | replace "Time" "time" }} | {{ if eq .Name "metadata" }}The metadata of every Kubernetes object.{{ else }}{{ template "prose" .Doc }}{{ end }} | {{ if .Default }}`{{ .Default }}`{{ end }} | {{ join "; " $limits | replace "|" "\\|" }} |
{{- end -}}

{{- define "prose" }}{{ . | replace "\n" " " | trim | replace "|" "\\|" | replace "<" "\\<" }}{{ end -}}
