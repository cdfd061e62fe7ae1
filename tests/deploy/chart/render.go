// SPDX-License-Identifier: Apache-2.0
// Renders a Helm chart as `helm template` does: the templates with sprig's functions and Helm's own, every
// rendered file behind a line "# Source: NAME". Knows no dependencies, no files and no cluster to look up.
//
//	render CHART RELEASE NAMESPACE [VALUES...]
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type values = map[string]interface{}

// merge puts `over` over `under`: maps key by key, null removes.
func merge(under, over values) values {
	for key, value := range over {
		mine, isMap := under[key].(values)
		theirs, both := value.(values)
		switch {
		case value == nil:
			delete(under, key)
		case isMap && both:
			under[key] = merge(mine, theirs)
		default:
			under[key] = value
		}
	}
	return under
}

func read(path string) (values, error) {
	out := values{}
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.UnmarshalStrict(text, &out)
	}
	return out, err
}

func toYaml(value interface{}) (string, error) {
	text, err := yaml.Marshal(value)
	return strings.TrimSuffix(string(text), "\n"), err
}

func functions(root *template.Template) template.FuncMap {
	all := sprig.TxtFuncMap()
	delete(all, "env")
	delete(all, "expandenv")
	all["toYaml"] = toYaml
	all["fromYaml"] = func(text string) (values, error) {
		out := values{}
		err := yaml.Unmarshal([]byte(text), &out)
		return out, err
	}
	all["toJson"] = func(value interface{}) (string, error) {
		text, err := json.Marshal(value)
		return string(text), err
	}
	all["include"] = func(name string, data interface{}) (string, error) {
		var out bytes.Buffer
		err := root.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	all["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	return all
}

// chart renders every template but the partials, whose names start with an underscore.
func render(folder string, data values) error {
	root := template.New("chart").Option("missingkey=zero")
	root.Funcs(functions(root))
	var names []string
	err := filepath.Walk(filepath.Join(folder, "templates"), func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil {
			_, err = root.New(path).Parse(string(text))
		}
		if !strings.HasPrefix(info.Name(), "_") {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	sort.Strings(names)
	for _, name := range names {
		var out bytes.Buffer
		if err := root.ExecuteTemplate(&out, name, data); err != nil {
			return err
		}
		// What Helm makes of a value that is not there.
		text := strings.ReplaceAll(out.String(), "<no value>", "")
		relative, _ := filepath.Rel(folder, name)
		fmt.Printf("---\n# Source: %s\n%s\n", relative, text)
	}
	return nil
}

func run(arguments []string) error {
	if len(arguments) < 3 {
		return errors.New("usage: render CHART RELEASE NAMESPACE [VALUES...]")
	}
	folder := arguments[0]
	chart, err := read(filepath.Join(folder, "Chart.yaml"))
	if err != nil {
		return err
	}
	given, err := read(filepath.Join(folder, "values.yaml"))
	if err != nil {
		return err
	}
	for _, path := range arguments[3:] {
		more, err := read(path)
		if err != nil {
			return err
		}
		given = merge(given, more)
	}
	about := values{}
	for key, value := range chart { // Helm's names: AppVersion, KubeVersion
		about[strings.ToUpper(key[:1])+key[1:]] = value
	}
	return render(folder, values{
		"Values":  given,
		"Chart":   about,
		"Release": values{"Name": arguments[1], "Namespace": arguments[2], "Service": "Helm", "IsInstall": true, "Revision": 1},
		"Capabilities": values{
			"KubeVersion": values{"Version": "v1.30.0", "Major": "1", "Minor": "30"},
		},
	})
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}
