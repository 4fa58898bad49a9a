package index

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5" //nolint:gosec // it names file groups, as real Hudi has it
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
)

// Consistent is Hudi's bucket index with consistent hashing: a ring of nodes for each
// partition says which file group has a key (docs/format/indexes.md). Real Hudi splits and
// merges the nodes by clustering; a write goes by the ring that it finds.
type Consistent struct {
	// Slices are for Locate alone. Ring is the ring of a partition.
	Slices Slices
	Ring   func(ctx context.Context, partition string) (*Ring, error)

	fields hashFields
}

// NewConsistent makes the index of a table whose record key has the given fields, of which
// some are hashed, all when none are given.
func NewConsistent(keyFields, hashed []string) (*Consistent, error) {
	fields, err := newHashFields(keyFields, hashed)
	return &Consistent{fields: fields}, err
}

// Global implements Index.
func (c *Consistent) Global() bool { return false }

// Assigns implements Index.
func (c *Consistent) Assigns() bool { return true }

// Locate implements Index.
func (c *Consistent) Locate(ctx context.Context, parts []Part) ([]*Located, error) {
	out := make([]*Located, len(parts))
	for i, part := range parts {
		slices, err := c.Slices(ctx, part.Partition)
		if err != nil {
			return nil, err
		}
		ring, err := c.Ring(ctx, part.Partition)
		if err != nil {
			return nil, err
		}
		out[i] = c.locate(part, slices, ring)
	}
	return out, nil
}

func (c *Consistent) locate(part Part, slices []table.FileSlice, ring *Ring) *Located {
	l := &Located{Of: make([]int32, part.Changes.Len())}
	at := map[string]int32{}
	for _, s := range slices {
		at[s.FileID] = int32(len(l.Groups))
		l.Groups = append(l.Groups, Group{FileSlice: s})
	}
	var buf []byte
	for e := range part.Changes.Len() {
		var id string
		id, buf = c.groupOf(ring, part.Changes.Key(e), buf)
		g, ok := at[id]
		if !ok {
			g = int32(len(l.Groups))
			at[id] = g
			l.Groups = append(l.Groups, Group{New: true, FileSlice: table.FileSlice{Partition: part.Partition, FileID: id}})
		}
		l.Of[e] = g
	}
	return l
}

// groupOf is the file id of a key's group. buf is used for the hash, and handed back.
func (c *Consistent) groupOf(ring *Ring, key, buf []byte) (id string, _ []byte) {
	buf = buf[:0]
	c.fields.values(key, func(value []byte) {
		switch string(value) {
		case nullValue: // as Java joins null
			buf = append(buf, "null"...)
		case emptyValue:
		default:
			buf = append(buf, value...)
		}
	})
	return ring.find(xxHash32(buf) & math.MaxInt32), buf
}

// Ring says which file group of a partition has the keys of which hashes.
type Ring struct {
	Version   int    `json:"version"`
	Partition string `json:"partitionPath"`
	Instant   string `json:"instant"`
	Buckets   int    `json:"numBuckets"`
	Sequence  int    `json:"seqNo"`
	Nodes     []Node `json:"nodes"`
}

// Node has the keys with hashes up to Value and above that of the node before; those above
// the last are the first's.
type Node struct {
	Value        uint32 `json:"value"`
	FileIDPrefix string `json:"fileIdPrefix"`
	Tag          string `json:"tag"`
}

// firstRing is the instant of rings that are made when a partition is.
const firstRing = "00000000000000"

// NewRing makes the ring of a new partition. It is the same whoever makes it.
func NewRing(partition string, buckets int) (*Ring, error) {
	if buckets < 1 || buckets > math.MaxInt32 {
		return nil, fmt.Errorf("index: %d buckets: %w", buckets, base.ErrInvalid)
	}
	r := &Ring{Partition: partition, Instant: firstRing, Buckets: buckets}
	step := (int64(math.MaxInt32) + int64(buckets) - 1) / int64(buckets)
	from := int64(0)
	for i := 1; i <= buckets; i++ {
		to := min(step*int64(i), math.MaxInt32)
		r.Nodes = append(r.Nodes, Node{uint32(to), ringUUID(from, to, partition), "NORMAL"})
		from = to
	}
	return r, nil
}

// ringUUID is Java's UUID.nameUUIDFromBytes of a node's range and partition.
func ringUUID(from, to int64, partition string) string {
	name := binary.BigEndian.AppendUint64(nil, uint64(from))
	name = binary.BigEndian.AppendUint64(name, uint64(to))
	sum := md5.Sum(append(name, partition...)) //nolint:gosec // as above
	sum[6], sum[8] = sum[6]&0x0f|0x30, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// Encode is the content of the ring's file.
func (r *Ring) Encode() []byte {
	var b bytes.Buffer
	quote := func(s string) string {
		text, _ := json.Marshal(s) // a string can always be written
		return string(text)
	}
	fmt.Fprintf(&b, "{\n  \"version\" : %d,\n  \"partitionPath\" : %s,\n  \"instant\" : %s,\n  \"numBuckets\" : %d,\n  \"seqNo\" : %d,\n  \"nodes\" : [ ",
		r.Version, quote(r.Partition), quote(r.Instant), r.Buckets, r.Sequence)
	for i, n := range r.Nodes {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "{\n    \"value\" : %d,\n    \"fileIdPrefix\" : %s,\n    \"tag\" : %s\n  }", n.Value, quote(n.FileIDPrefix), quote(n.Tag))
	}
	b.WriteString(" ]\n}")
	return b.Bytes()
}

// find is the file id of the node that has a hash.
func (r *Ring) find(hash uint32) string {
	i, _ := slices.BinarySearchFunc(r.Nodes, hash, func(n Node, h uint32) int { return cmp.Compare(n.Value, h) })
	return base.NewFileID(r.Nodes[i%len(r.Nodes)].FileIDPrefix)
}

// What tables with a bucket index have below bucketFolder.
const (
	bucketFolder = base.MetaFolder + "/.bucket_index"
	ringFolder   = bucketFolder + "/consistent_hashing_metadata"
	ruleFolder   = bucketFolder + "/partition_bucket_index_meta"
	ringExt      = ".hashing_meta"
	ringMark     = ".commit"
)

// HasRings tells whether a table has a bucket index with consistent hashing. One with numbers
// of buckets that differ by partition wraps base.ErrUnsupported.
func HasRings(ctx context.Context, st storage.Store) (bool, error) {
	entries, err := st.List(ctx, bucketFolder)
	if err != nil {
		return false, fmt.Errorf("index: list %s: %w", bucketFolder, err)
	}
	has := func(folder string) bool {
		return slices.ContainsFunc(entries, func(e storage.Entry) bool { return e.Path == folder })
	}
	if has(ruleFolder) {
		return false, fmt.Errorf("index: %s: a bucket index with rules for the number of buckets by partition: %w", ruleFolder, base.ErrUnsupported)
	}
	return has(ringFolder), nil
}

// RingPath is the file of a partition's first ring.
func RingPath(partition string) string {
	return base.Join(ringFolder, partition, firstRing+ringExt)
}

// LoadRing returns the newest ring of a partition that is in force, nil if there is none.
// committed tells whether an instant is completed: that of a clustering which has made a ring
// of its own.
func LoadRing(ctx context.Context, st storage.Store, partition string, committed func(instant string) bool) (*Ring, error) {
	dir := base.Join(ringFolder, partition)
	entries, err := st.List(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("index: list %s: %w", dir, err)
	}
	marked := map[string]bool{firstRing: true}
	var rings []string
	for _, e := range entries {
		if at, ok := strings.CutSuffix(e.Name, ringMark); ok {
			marked[at] = true
		}
		if at, ok := strings.CutSuffix(e.Name, ringExt); ok {
			rings = append(rings, at)
		}
	}
	slices.Sort(rings)
	for _, at := range slices.Backward(rings) {
		if !marked[at] && !committed(at) {
			continue
		}
		path := base.Join(dir, at+ringExt)
		data, err := storage.ReadFile(ctx, st, path)
		if err != nil {
			return nil, fmt.Errorf("index: read %s: %w", path, err)
		}
		r := &Ring{}
		if err := json.Unmarshal(data, r); err != nil {
			return nil, fmt.Errorf("index: %s: %w: %w", path, err, base.ErrCorrupt)
		}
		if len(r.Nodes) == 0 || slices.ContainsFunc(r.Nodes, func(n Node) bool { return n.FileIDPrefix == "" }) {
			return nil, fmt.Errorf("index: %s: a ring without nodes, or with nodes that have no file group: %w", path, base.ErrCorrupt)
		}
		slices.SortFunc(r.Nodes, func(a, b Node) int { return cmp.Compare(a.Value, b.Value) })
		return r, nil
	}
	return nil, nil
}

// The primes of xxHash.
const (
	xxPrime1, xxPrime2, xxPrime3 = 2654435761, 2246822519, 3266489917
	xxPrime4, xxPrime5           = 668265263, 374761393
)

// xxHash32 is the 32-bit xxHash with seed 0.
func xxHash32(b []byte) uint32 {
	rotate := func(v uint32, by int) uint32 { return v<<by | v>>(32-by) }
	n := uint32(len(b))
	var h uint32 = xxPrime5
	if len(b) >= 16 {
		seed := uint32(0)
		v := [4]uint32{seed + xxPrime1, 0, seed, 0}
		v[0] += xxPrime2
		v[1] = seed + xxPrime2
		v[3] = seed - xxPrime1
		for ; len(b) >= 16; b = b[16:] {
			for i := range v {
				v[i] = rotate(v[i]+binary.LittleEndian.Uint32(b[4*i:])*xxPrime2, 13) * xxPrime1
			}
		}
		h = rotate(v[0], 1) + rotate(v[1], 7) + rotate(v[2], 12) + rotate(v[3], 18)
	}
	h += n
	for ; len(b) >= 4; b = b[4:] {
		h = rotate(h+binary.LittleEndian.Uint32(b)*xxPrime3, 17) * xxPrime4
	}
	for _, c := range b {
		h = rotate(h+uint32(c)*xxPrime5, 11) * xxPrime1
	}
	h = (h ^ h>>15) * xxPrime2
	h = (h ^ h>>13) * xxPrime3
	return h ^ h>>16
}
