package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// Every command explains itself: in one line, with an example, on one screen.
func TestHelp(t *testing.T) {
	root := newRoot(&app{})
	require.Contains(t, ok(t, ""), "Available Commands:")
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		t.Run(c.CommandPath(), func(t *testing.T) {
			require.NotContains(t, c.Short, "\n")
			require.False(t, strings.HasSuffix(c.Short, "."))
			require.LessOrEqual(t, len(c.Short), 80)
			text := ok(t, "", append(strings.Fields(c.CommandPath())[1:], "--help")...)
			require.Less(t, strings.Count(text, "\n"), 60)
			if c != root {
				require.Contains(t, text, "Examples:\n  "+c.CommandPath())
			}
		})
		for _, sub := range c.Commands() {
			if sub.Name() != "help" && sub.Name() != "completion" {
				visit(sub)
			}
		}
	}
	visit(root)
}

func TestVersion(t *testing.T) {
	require.Regexp(t, `^hudictl \S+.* go1\.\d+`, ok(t, "", "version"))
}
