package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
	"github.com/holdfast-mcp/holdfast/deploy/crds"
	"github.com/holdfast-mcp/holdfast/internal/kube/manifest/strict"
)

// maxServers bounds how many servers one front stands before.
const maxServers = 200

// fileSchema is the schema of the file: its servers are described by the
// CustomResourceDefinition of MCPServer, so that the two shapes cannot part.
func fileSchema() (*strict.Schema, error) {
	data, err := crds.Files.ReadFile("holdfast.dev_mcpservers.yaml")
	if err != nil {
		return nil, fmt.Errorf("read CRD: %w", err)
	}
	_, crd, err := strict.FromCRD(data, v1alpha1.Version)
	if err != nil {
		return nil, err
	}
	spec := crd.Properties["spec"].Properties
	shared := map[string]*strict.Schema{"name": {
		Type: "string", Pattern: `^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`,
		Description: "Name of the server, part of its URL: /servers/NAME/mcp.",
	}}
	for field := range reflect.TypeFor[v1alpha1.ServerSpec]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		shared[name] = spec[name]
	}
	shared["transport"].Default = nil // a command is stdio, and what a URL speaks is found out
	shared["url"].Pattern = ""        // client.ParseURL says it without repeating a password
	duration := func(description string) *strict.Schema {
		s := *spec["longestCall"]
		s.Default, s.Description = nil, description
		return &s
	}
	one := 1
	most := maxServers
	return &strict.Schema{
		Type: "object", Required: []string{"servers"},
		Properties: map[string]*strict.Schema{
			"listen": object("Addresses to listen at.", map[string]*strict.Schema{
				"public": text("Address for clients. Default: 127.0.0.1:8080."),
				"admin":  text("Address for status and health. Default: 127.0.0.1:9090."),
			}),
			"servers": {
				Type: "array", MinItems: &one, MaxItems: &most, ListType: "map", ListMapKeys: []string{"name"},
				Description: "The servers to stand in front of.",
				Items:       &strict.Schema{Type: "object", Required: []string{"name"}, Properties: shared},
			},
			"drain": object("How to end.", map[string]*strict.Schema{
				"wait":    duration("How long load balancers get to notice that we go. Default: 0s."),
				"timeout": duration("How long calls may finish after that. Default: the longest longestCall, which is also the least."),
			}),
			"store": text("Where sessions live. Only memory."),
			"sessions": object("Sealing of session ids.", map[string]*strict.Schema{
				"keys":  text("Folder of the keys. No effect yet."),
				"peers": text("Not supported yet."),
			}),
			"auth": later(), "policy": later(), "storePassword": later(), "history": later(), "alerts": later(),
		},
	}, nil
}

func text(description string) *strict.Schema {
	most := 4096
	return &strict.Schema{Type: "string", MaxLength: &most, Description: description}
}

func object(description string, fields map[string]*strict.Schema) *strict.Schema {
	return &strict.Schema{Type: "object", Properties: fields, Description: description}
}

// later is a field of the design that is refused whatever is in it.
func later() *strict.Schema {
	return &strict.Schema{Preserve: true, Description: "Not supported yet."}
}
