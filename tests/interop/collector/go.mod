module peer

go 1.24

require (
	go.opentelemetry.io/collector/exporter/otlphttpexporter v0.136.0
	go.opentelemetry.io/collector/otelcol v0.136.0
	go.opentelemetry.io/collector/receiver/otlpreceiver v0.136.0
)
