// Package timeline reads and writes a table's timeline: the folder of small files that
// says which actions a table has seen, in which state they are, and what they did
// (docs/format/timeline.md).
//
// A Timeline is an immutable picture of the folder. Reading never changes it; Reload
// takes a new picture. The transitions (Request, Inflight, Complete, Remove) change the
// folder, not the picture.
package timeline

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Action is what an instant does to the table.
type Action string

// The actions. A completed compaction shows as Commit, a completed log compaction as
// DeltaCommit, a completed clustering as ReplaceCommit; in Layout1 a pending clustering
// is a ReplaceCommit too.
const (
	Commit        Action = "commit"
	DeltaCommit   Action = "deltacommit"
	Compaction    Action = "compaction"
	LogCompaction Action = "logcompaction"
	ReplaceCommit Action = "replacecommit"
	Clustering    Action = "clustering"
	Clean         Action = "clean"
	Rollback      Action = "rollback"
	Restore       Action = "restore"
	Savepoint     Action = "savepoint"
	Indexing      Action = "indexing"
)

// Completed is the action that a completed instant of action a shows.
func (a Action) Completed() Action {
	switch a {
	case Compaction:
		return Commit
	case LogCompaction:
		return DeltaCommit
	case Clustering:
		return ReplaceCommit
	}
	return a
}

// Writes reports whether the action makes data files: commits of all kinds, compactions
// and clusterings.
func (a Action) Writes() bool {
	switch a.Completed() {
	case Commit, DeltaCommit, ReplaceCommit:
		return true
	}
	return false
}

func (a Action) known() bool {
	switch a {
	case Commit, DeltaCommit, Compaction, LogCompaction, ReplaceCommit, Clustering,
		Clean, Rollback, Restore, Savepoint, Indexing:
		return true
	}
	return false
}

// State is how far an instant has come.
type State uint8

// The states, in their order.
const (
	Requested State = iota
	Inflight
	Completed
)

// String is the state's name as Hudi prints it in lower case.
func (s State) String() string {
	switch s {
	case Requested:
		return "requested"
	case Inflight:
		return "inflight"
	case Completed:
		return "completed"
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// Instant is one action of a table.
type Instant struct {
	// Time is the requested time; with Action it identifies the instant.
	Time   string
	Action Action
	State  State
	// Completion is the completion time of a completed instant: from the file name in
	// Layout2, from the file's modification time in Layout1 and for legacy instants.
	Completion string
	// File is the name, in the timeline folder, of the file of State.
	File string
}

// Done reports whether the instant is completed.
func (i Instant) Done() bool { return i.State == Completed }

// String is the instant for messages.
func (i Instant) String() string {
	return fmt.Sprintf("%s %s (%s)", i.Time, i.Action, i.State)
}

// compare orders instants by requested time, action, state.
func (i Instant) compare(o Instant) int {
	return cmp.Or(cmp.Compare(i.Time, o.Time), cmp.Compare(i.Action, o.Action), cmp.Compare(i.State, o.State))
}

// Layout is the form of the timeline folder.
type Layout int

// The layouts: 1 up to table version 7, 2 from version 8 on.
const (
	Layout1 Layout = 1
	Layout2 Layout = 2
)

// Dir is the default timeline folder, relative to the table.
func (l Layout) Dir() string {
	if l == Layout1 {
		return base.MetaFolder
	}
	return base.MetaFolder + "/timeline"
}

const (
	requestedExt = ".requested"
	inflightExt  = ".inflight"
)

// FileName is the name of the file of an instant's state. completion is used for
// completed instants of Layout2 only.
func (l Layout) FileName(time string, a Action, s State, completion string) string {
	if l == Layout1 && a == Clustering {
		a = ReplaceCommit
	}
	switch s {
	case Requested:
		return time + "." + string(a) + requestedExt
	case Inflight:
		if a == Commit {
			return time + inflightExt
		}
		return time + "." + string(a) + inflightExt
	}
	if l == Layout2 {
		time += "_" + completion
	}
	return time + "." + string(a.Completed())
}

// ParseFileName takes the name of a timeline file apart. ok is false for every other
// name, temporary ones of unfinished writes included. A completed instant without
// Completion is one of Layout1, or a legacy one in Layout2.
func (l Layout) ParseFileName(name string) (i Instant, ok bool) {
	stamp, rest, ok := strings.Cut(name, ".")
	if !ok {
		return Instant{}, false
	}
	time, completion, finished := strings.Cut(stamp, "_")
	if !base.IsDigits(time) || finished && (l == Layout1 || !base.IsDigits(completion)) {
		return Instant{}, false
	}
	i = Instant{Time: time, State: Completed, Completion: completion, File: name}
	action, state, pending := strings.Cut(rest, ".")
	switch {
	case rest == "inflight":
		action, i.State, pending = string(Commit), Inflight, true
	case pending && "."+state == requestedExt:
		i.State = Requested
	case pending && "."+state == inflightExt:
		i.State = Inflight
	case pending:
		return Instant{}, false
	}
	i.Action = Action(action)
	if !i.Action.known() || pending && finished || !pending && i.Action != i.Action.Completed() {
		return Instant{}, false
	}
	return i, true
}
