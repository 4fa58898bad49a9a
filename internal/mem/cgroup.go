package mem

import (
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// cgroupLimit is the memory limit in bytes that Linux control groups of version 1 or 2 put
// on the process, math.MaxInt64 without one. root is the file system from "/".
func cgroupLimit(root fs.FS) int64 {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return math.MaxInt64
	}
	limit := int64(math.MaxInt64)
	for line := range strings.Lines(string(groups)) {
		// hierarchy:controllers:path, for version 2 "0::path"
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) != 3 {
			continue
		}
		switch {
		case parts[0] == "0" && parts[1] == "":
			limit = min(limit, lowestLimit(root, "sys/fs/cgroup", parts[2], "memory.max"))
		case hasController(parts[1], "memory"):
			limit = min(limit, lowestLimit(root, "sys/fs/cgroup/memory", parts[2], "memory.limit_in_bytes"))
		}
	}
	return limit
}

func hasController(list, want string) bool {
	for c := range strings.SplitSeq(list, ",") {
		if c == want {
			return true
		}
	}
	return false
}

// lowestLimit reads the limits of a group and of those above it, up to the mount: each one
// binds. In a container the group's own folder may not be mounted; then the mount is the group.
func lowestLimit(root fs.FS, mount, group, file string) int64 {
	limit := int64(math.MaxInt64)
	for g := path.Clean("/" + group); ; g = path.Dir(g) {
		text, err := fs.ReadFile(root, path.Join(mount, g, file))
		if n, bad := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && bad == nil && n > 0 {
			limit = min(limit, n)
		}
		if g == "/" {
			return limit
		}
	}
}
