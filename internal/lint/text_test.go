package lint

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// registries are variables by which tools find package registries and proxies. What they
// say on a developer's machine has no place in the project.
var registries = []string{
	"GOPROXY", "GONOSUMDB", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "NPM_CONFIG_REGISTRY",
	"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "MAVEN_REPO", "MAVEN_MIRROR",
}

// loopback are names of every machine.
var loopback = []string{"localhost", "127.0.0.1"}

// foreign lists texts that would give this machine away: hosts of its registries, and its
// folders.
func foreign(t *testing.T) []string {
	var out []string
	for _, name := range registries {
		for _, part := range strings.FieldsFunc(os.Getenv(name), func(r rune) bool { return r == ',' || r == '|' || r == ' ' }) {
			u, err := url.Parse(part)
			if err == nil && u.Hostname() != "" && !slices.Contains(loopback, u.Hostname()) {
				out = append(out, u.Hostname())
			}
		}
	}
	here, err := filepath.Abs(root)
	require.NoError(t, err)
	out = append(out, here)
	if home, err := os.UserHomeDir(); err == nil && len(home) > len("/root") {
		out = append(out, home)
	}
	return out
}

// absolute are folders of developers' machines that examples and tests have no use for.
var absolute = regexp.MustCompile(`(^|[\s"'=(])/(work|root|home/[a-z]+|Users/[A-Za-z]+)/`)

// TestNothingOfThisMachine looks for names of hosts and folders that exist here and
// nowhere else.
func TestNothingOfThisMachine(t *testing.T) {
	hosts := foreign(t)
	require.NoError(t, walk(func(p string) error {
		if below(p, "testdata") || strings.Contains(p, "/testdata/") {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, p))
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || bytes.IndexByte(text, 0) >= 0 { // not text
			return err
		}
		for _, h := range hosts {
			if bytes.Contains(text, []byte(h)) {
				t.Errorf("%s has %q in it, which is of this machine", p, h)
			}
		}
		if p == "internal/lint/text_test.go" {
			return nil
		}
		if m := absolute.Find(text); m != nil {
			t.Errorf("%s has the folder %q of a developer's machine in it", p, bytes.TrimSpace(m))
		}
		return nil
	}))
}
