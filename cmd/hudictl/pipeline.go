package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"

	"github.com/hudi-go/hudi-go/ingest"
)

// pipeline is the file of 'ingest -f': the flags of ingest by their names, for all tables
// and for each of them.
//
//	brokers: localhost:9092
//	type: mor
//	tables:
//	  - table: ./lake/customers
//	    topic: shop.public.customers
//	  - table: ./lake/orders
//	    topic: shop.public.orders
//	    type: cow
type pipeline struct {
	Tables []map[string]yaml.Node `yaml:"tables"`
	All    map[string]yaml.Node   `yaml:",inline"`
}

// minTableMemory is the least that a table of a pipeline can work with.
const minTableMemory = 64 << 20

// pipelineRun is one table of a pipeline.
type pipelineRun struct {
	options ingest.Options
	flags   ingestFlags
}

// readPipeline reads a pipeline. Flags given on the command line hold for all tables that
// do not say otherwise.
func (a *app) readPipeline(file string, given *pflag.FlagSet) ([]pipelineRun, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("pipeline: %w", err)
	}
	var p pipeline
	d := yaml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&p); err != nil {
		return nil, usagef("pipeline %s: %w", file, err)
	}
	if len(p.Tables) == 0 {
		return nil, usagef("pipeline %s: it has no tables", file)
	}
	memory := int64(a.globals.memory) / int64(len(p.Tables))
	if memory < minTableMemory {
		return nil, usagef("pipeline %s: %d tables need at least %s of --memory", file, len(p.Tables), humanBytes(int64(len(p.Tables))*minTableMemory))
	}
	var runs []pipelineRun
	for i, t := range p.Tables {
		r, err := a.pipelineTable(p.All, t, given)
		if err != nil {
			return nil, usagef("pipeline %s, table %d: %w", file, i+1, err)
		}
		r.options.Memory = memory
		runs = append(runs, r)
	}
	return runs, nil
}

// pipelineTable sets the flags of one table.
func (a *app) pipelineTable(all, own map[string]yaml.Node, given *pflag.FlagSet) (pipelineRun, error) {
	var f ingestFlags
	set := pflag.NewFlagSet("table", pflag.ContinueOnError)
	f.registerOn(set)
	uri := ""
	apply := func(values map[string]yaml.Node) error {
		for name, v := range values {
			text, err := flagText(v)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if name == "table" {
				uri = text
				continue
			}
			if set.Lookup(name) == nil || name == "file" {
				return fmt.Errorf("%q is no option of a table", name)
			}
			if err := set.Set(name, text); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	}
	if err := apply(all); err != nil {
		return pipelineRun{}, err
	}
	var wrong error
	given.Visit(func(g *pflag.Flag) {
		if set.Lookup(g.Name) != nil && g.Name != "file" {
			wrong = errors.Join(wrong, set.Set(g.Name, strings.Trim(g.Value.String(), "[]")))
		}
	})
	if err := errors.Join(wrong, apply(own)); err != nil {
		return pipelineRun{}, err
	}
	if uri == "" {
		return pipelineRun{}, errors.New("it does not say which table: give table: PATH")
	}
	o, err := f.options(a, uri)
	return pipelineRun{o, f}, err
}

// flagText is a value as a flag takes it: a list joined by commas.
func flagText(v yaml.Node) (string, error) {
	switch v.Kind {
	case yaml.ScalarNode:
		return v.Value, nil
	case yaml.SequenceNode:
		var parts []string
		for _, item := range v.Content {
			if item.Kind != yaml.ScalarNode {
				return "", errors.New("want a value or a list of values")
			}
			parts = append(parts, item.Value)
		}
		return strings.Join(parts, ","), nil
	}
	return "", errors.New("want a value or a list of values")
}

// ingestAll runs the tables of a pipeline side by side. One that fails does not stop the
// others.
func (a *app) ingestAll(ctx context.Context, runs []pipelineRun) error {
	if a.globals.progress == progressAuto {
		a.globals.progress = progressPlain // several lines cannot be rewritten in one place
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	wrong := 0
	for _, r := range runs {
		all.Go(func() {
			err := a.ingest(ctx, r.options, r.flags)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				wrong++
				failed = errors.Join(failed, fmt.Errorf("%s: %w", r.options.Table, err))
				fmt.Fprintf(a.err, "hudictl: %s: %s\n", r.options.Table, message(err))
			}
		})
	}
	all.Wait()
	switch {
	case failed == nil:
		return nil
	case wrong < len(runs):
		return kindError{fmt.Errorf("%d of %d tables failed", wrong, len(runs)), errPartly}
	}
	return fmt.Errorf("all %d tables failed: %w", len(runs), failed)
}
