// Ask puts on record what the YAML libraries of Go make of a text: the tree and the text that yaml v3 (as kyaml sets
// it up) has for it, the JSON that sigs.k8s.io/yaml has for it, and the YAML that both make of that again.
//
//	go run . cases > ../../../crates/yaml/tests/corpus/cases.jsonl     the cases of cases.go, with the answers
//	go run . texts < texts.jsonl > answers.jsonl                       a JSON string a line
//	go run . files < list > answers.jsonl                              a file a line, answers without the texts
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	yaml3 "go.yaml.in/yaml/v3"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	sigs "sigs.k8s.io/yaml"
)

// Node is a tree in few letters: kind, tag, style, anchor, value, place, comments, children.
type Node struct {
	Kind     string  `json:"k"`
	Tag      string  `json:"t,omitempty"`
	Style    string  `json:"s,omitempty"`
	Tagged   bool    `json:"x,omitempty"`
	Anchor   string  `json:"a,omitempty"`
	Value    string  `json:"v,omitempty"`
	Place    [2]int  `json:"p"`
	Head     string  `json:"h,omitempty"`
	Line     string  `json:"l,omitempty"`
	Foot     string  `json:"f,omitempty"`
	Children []*Node `json:"c,omitempty"`
}

// Answer is what the libraries say to one text.
type Answer struct {
	Name string `json:"name,omitempty"`
	Text string `json:"text,omitempty"`
	// Base64 stands in for Text where that is no UTF-8.
	Base64 string `json:"base64,omitempty"`

	Error   string  `json:"error,omitempty"`
	Nodes   []*Node `json:"nodes,omitempty"`
	Compact *string `json:"compact,omitempty"`
	Wide    *string `json:"wide,omitempty"`

	JSON        json.RawMessage `json:"json,omitempty"`
	JSONError   string          `json:"jsonError,omitempty"`
	StrictError string          `json:"strictError,omitempty"`
	// Sigs is the JSON as YAML again.
	Sigs *string `json:"sigs,omitempty"`
	// Kustomize is the first document on kustomize's way out.
	Kustomize      *string `json:"kustomize,omitempty"`
	KustomizeError string  `json:"kustomizeError,omitempty"`
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	switch os.Args[1] {
	case "cases":
		for _, c := range cases() {
			answer := ask([]byte(c.text))
			answer.Name = c.name
			if utf8.ValidString(c.text) {
				answer.Text = c.text
			} else {
				answer.Base64 = base64.StdEncoding.EncodeToString([]byte(c.text))
			}
			must(encoder.Encode(answer))
		}
	case "texts":
		lines := bufio.NewScanner(os.Stdin)
		lines.Buffer(nil, 1<<24)
		for lines.Scan() {
			var text string
			must(json.Unmarshal(lines.Bytes(), &text))
			answer := ask([]byte(text))
			answer.Text = text
			must(encoder.Encode(answer))
		}
	case "files":
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			text, err := os.ReadFile(lines.Text())
			must(err)
			answer := ask(text)
			answer.Name = lines.Text()
			must(encoder.Encode(answer))
		}
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// message is the error's text, or that of a panic, which the libraries let through here and there.
func message(run func() error) (text string) {
	defer func() {
		if caught := recover(); caught != nil {
			text = fmt.Sprintf("panic: %v", caught)
		}
	}()
	if err := run(); err != nil {
		return err.Error()
	}
	return ""
}

func ask(text []byte) *Answer {
	answer := &Answer{}
	var documents []*yaml3.Node
	answer.Error = message(func() error {
		decoder := yaml3.NewDecoder(bytes.NewReader(text))
		for {
			node := &yaml3.Node{}
			err := decoder.Decode(node)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			documents = append(documents, node)
		}
	})
	if answer.Error == "" {
		for _, node := range documents {
			answer.Nodes = append(answer.Nodes, dump(node))
		}
		if len(documents) > 0 {
			compact, wide := encode(documents, true), encode(documents, false)
			answer.Compact = &compact
			if wide != compact {
				answer.Wide = &wide
			}
			var text []byte
			answer.KustomizeError = message(func() error {
				bytes, err := kyaml.NewRNode(documents[0]).MarshalJSON()
				if err != nil {
					return err
				}
				text, err = sigs.JSONToYAML(bytes)
				return err
			})
			if answer.KustomizeError == "" {
				text := string(text)
				answer.Kustomize = &text
			}
		}
	}
	var value []byte
	answer.JSONError = message(func() (err error) {
		value, err = sigs.YAMLToJSON(text)
		return err
	})
	if answer.JSONError == "" {
		answer.JSON = value
		answer.StrictError = message(func() error {
			_, err := sigs.YAMLToJSONStrict(text)
			return err
		})
		again, err := sigs.JSONToYAML(value)
		if err == nil {
			text := string(again)
			answer.Sigs = &text
		}
	}
	return answer
}

func encode(documents []*yaml3.Node, compact bool) (text string) {
	out := &bytes.Buffer{}
	failed := message(func() error {
		encoder := yaml3.NewEncoder(out)
		encoder.SetIndent(2)
		if compact {
			encoder.CompactSeqIndent()
		}
		for _, node := range documents {
			if err := encoder.Encode(node); err != nil {
				return err
			}
		}
		return encoder.Close()
	})
	if failed != "" {
		return "error: " + failed
	}
	return out.String()
}

func dump(node *yaml3.Node) *Node {
	kinds := map[yaml3.Kind]string{
		yaml3.DocumentNode: "doc", yaml3.SequenceNode: "seq", yaml3.MappingNode: "map",
		yaml3.ScalarNode: "str", yaml3.AliasNode: "alias",
	}
	styles := map[yaml3.Style]string{
		yaml3.DoubleQuotedStyle: "double", yaml3.SingleQuotedStyle: "single", yaml3.LiteralStyle: "literal",
		yaml3.FoldedStyle: "folded", yaml3.FlowStyle: "flow",
	}
	out := &Node{
		Kind: kinds[node.Kind], Tag: node.Tag, Style: styles[node.Style&^yaml3.TaggedStyle],
		Tagged: node.Style&yaml3.TaggedStyle != 0, Anchor: node.Anchor, Value: node.Value,
		Place: [2]int{node.Line, node.Column},
		Head:  node.HeadComment, Line: node.LineComment, Foot: node.FootComment,
	}
	if usual := map[string]string{"seq": "!!seq", "map": "!!map", "str": "!!str"}; out.Tag == usual[out.Kind] {
		// Most nodes have the tag of their kind.
		out.Tag = ""
	}
	for _, child := range node.Content {
		out.Children = append(out.Children, dump(child))
	}
	return out
}
