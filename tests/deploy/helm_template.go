// Renders the chart's templates as Helm does: Go's own template engine, the functions of Sprig, and Helm's few of its own.
//
// Standard input holds {"Values", "Release", "Chart"} as JSON; the arguments are the templates' paths. Standard output is
// one YAML document for each template that is a manifest.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
)

func main() {
	var data map[string]interface{}
	check(json.NewDecoder(os.Stdin).Decode(&data))
	all := template.New("chart").Option("missingkey=zero").Funcs(sprig.TxtFuncMap())
	all.Funcs(template.FuncMap{
		"include": func(name string, data interface{}) (string, error) {
			var out bytes.Buffer
			err := all.ExecuteTemplate(&out, name, data)
			return out.String(), err
		},
		// JSON is YAML.
		"toYaml": func(value interface{}) (string, error) {
			text, err := json.Marshal(value)
			return string(text), err
		},
	})
	for _, path := range os.Args[1:] {
		text, err := os.ReadFile(path)
		check(err)
		_, err = all.New(filepath.Base(path)).Parse(string(text))
		check(err)
	}
	for _, path := range os.Args[1:] {
		if name := filepath.Base(path); strings.HasSuffix(name, ".yaml") {
			var out bytes.Buffer
			check(all.ExecuteTemplate(&out, name, data))
			fmt.Printf("---\n%s\n", out.String())
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
