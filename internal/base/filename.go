package base

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// Extensions and fixed names of data files (docs/format/files.md).
const (
	ParquetExt        = ".parquet"
	PartitionMetafile = ".hoodie_partition_metadata"
	MetaFolder        = ".hoodie"
	CDCSuffix         = ".cdc"
)

// BaseFileName is the name <fileId>_<writeToken>_<instant><ext> taken apart.
type BaseFileName struct {
	FileID  string
	Token   string
	Instant string
	Ext     string
}

// String puts the name together.
func (n BaseFileName) String() string {
	return n.FileID + "_" + n.Token + "_" + n.Instant + n.Ext
}

// ParseBaseFileName takes a base file's name apart. ok is false for any other file.
func ParseBaseFileName(name string) (n BaseFileName, ok bool) {
	if strings.HasPrefix(name, ".") {
		return n, false
	}
	id, rest, ok := strings.Cut(name, "_")
	if !ok {
		return n, false
	}
	token, rest, ok := strings.Cut(rest, "_")
	if !ok {
		return n, false
	}
	dot := strings.IndexByte(rest, '.')
	if dot < 0 || id == "" || !IsDigits(rest[:dot]) {
		return n, false
	}
	return BaseFileName{FileID: id, Token: token, Instant: rest[:dot], Ext: rest[dot:]}, true
}

// LogFileName is the name .<fileId>_<time>.log.<version>[_<writeToken>[.cdc]] taken apart.
// Time is the base instant of the slice in table version 6 and the requested time of the
// writing delta commit from version 8 on.
type LogFileName struct {
	FileID  string
	Time    string
	Version int
	Token   string
	CDC     bool
}

var logName = regexp.MustCompile(`^\.([^._]+)_([^.]*)\.log\.(\d+)(_((\d+)-(\d+)-(\d+))(\.cdc)?)?$`)

// ParseLogFileName takes a log file's name apart. ok is false for any other file.
func ParseLogFileName(name string) (n LogFileName, ok bool) {
	m := logName.FindStringSubmatch(name)
	if m == nil {
		return n, false
	}
	version, err := strconv.Atoi(m[3])
	if err != nil {
		return n, false
	}
	return LogFileName{FileID: m[1], Time: m[2], Version: version, Token: m[5], CDC: m[9] != ""}, true
}

// String puts the name together.
func (n LogFileName) String() string {
	s := "." + n.FileID + "_" + n.Time + ".log." + strconv.Itoa(n.Version)
	if n.Token != "" {
		s += "_" + n.Token
	}
	if n.CDC {
		s += CDCSuffix
	}
	return s
}

// Compare orders log files as readers of real Hudi do: time, version as a number,
// token as a string (a missing one first), the .cdc twin after its log.
func (n LogFileName) Compare(o LogFileName) int {
	cdc := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(n.Time, o.Time),
		cmp.Compare(n.Version, o.Version),
		cmp.Compare(n.Token, o.Token),
		cmp.Compare(cdc(n.CDC), cdc(o.CDC)),
	)
}

// RollbackToken is the write token of log files with a rollback block.
const RollbackToken = "1-0-1"

// WriteToken names one attempt of one worker, <partition>-<stage>-<attempt>.
func WriteToken(worker, stage, attempt int) string {
	return fmt.Sprintf("%d-%d-%d", worker, stage, attempt)
}

// InstantToken is the write token of a worker that also tells the instant, for names that
// do not: <worker>-<time of day>-<date>. Without it two writers that append to one slice of
// a table of version 6 at the same time could choose the same name.
func InstantToken(worker int, instant string) string {
	date, time := splitInstant(instant)
	return strconv.Itoa(worker) + "-" + time + "-" + date
}

func splitInstant(instant string) (date, time string) {
	const day = len("20060102")
	if len(instant) <= day {
		return "0", instant
	}
	return instant[:day], instant[day:]
}

// WrittenBy reports whether the name tells that an instant wrote the file, or opened the
// slice that it is in.
func (n LogFileName) WrittenBy(instant string) bool {
	date, time := splitInstant(instant)
	return n.Time == instant || strings.HasSuffix(n.Token, "-"+time+"-"+date)
}

// BucketPrefix is the first eight characters of a file id in a bucketed table.
func BucketPrefix(bucket int) string { return fmt.Sprintf("%08d", bucket) }

// NewFileID makes the id of a new file group from a random UUID in canonical text:
// <uuid>-0, or with the bucket number in its first eight characters.
func NewFileID(uuid string) string { return uuid + "-0" }

// NewBucketFileID is NewFileID for a bucket of a bucketed table.
func NewBucketFileID(bucket int, uuid string) string {
	return BucketPrefix(bucket) + uuid[len("00000000"):] + "-0"
}

// BucketOf reads the bucket number from a bucketed table's file id.
func BucketOf(fileID string) (bucket int, ok bool) {
	if len(fileID) < len("00000000-") || fileID[8] != '-' || !IsDigits(fileID[:8]) {
		return 0, false
	}
	bucket, err := strconv.Atoi(fileID[:8])
	return bucket, err == nil
}

// Join joins path elements with slashes, dropping empty ones ("" is the table's own folder).
func Join(elem ...string) string { return path.Join(elem...) }

var uri = regexp.MustCompile(`^[A-Za-z0-9+.-]*://`)

// IsName reports whether s can be the name of a file in a folder.
func IsName(s string) bool {
	return s != "" && s != "." && s != ".." && !strings.ContainsAny(s, "/\x00")
}

// CleanRelative checks that p, taken from metadata, stays below the folder it is relative to,
// and returns its clean form. A URI in the middle, as values of partition columns may be, is a
// path like others: k=http://h is the folder k=http:/h.
func CleanRelative(p string) (string, error) {
	if uri.MatchString(p) || strings.HasPrefix(p, "/") || strings.ContainsRune(p, 0) {
		return "", fmt.Errorf("path %q is not relative to the table: %w", p, ErrCorrupt)
	}
	c := path.Clean("/" + p)[1:]
	for seg := range strings.SplitSeq(p, "/") {
		if seg == ".." {
			return "", fmt.Errorf("path %q leaves the table: %w", p, ErrCorrupt)
		}
	}
	return c, nil
}
