package timeline

// The plans and results of table services and of the undoing actions. In both layouts
// they are Avro containers. A nil map, slice or pointer is written as null where the
// schema allows it; an empty one as empty.

// CompactionPlan is the content of compaction.requested and logcompaction.requested.
type CompactionPlan struct {
	Operations    []CompactionOperation `avro:"operations"`
	ExtraMetadata map[string]string     `avro:"extraMetadata"`
	// Version is 2 when paths are file names, 1 when they are absolute paths.
	Version  int32     `avro:"version"`
	Strategy *Strategy `avro:"strategy"`
	// PreserveMetadata is false in compactions (rows keep their commit times all the
	// same) and true in log compactions.
	PreserveMetadata          bool     `avro:"preserveHoodieMetadata"`
	MissingSchedulePartitions []string `avro:"missingSchedulePartitions"`
}

// CompactionOperation is one file slice to compact.
type CompactionOperation struct {
	BaseInstant string `avro:"baseInstantTime"`
	// DeltaFiles are the log files in log order; DataFile is the base file, "" for none.
	DeltaFiles []string           `avro:"deltaFilePaths"`
	DataFile   string             `avro:"dataFilePath,omitempty"`
	FileID     string             `avro:"fileId"`
	Partition  string             `avro:"partitionPath"`
	Metrics    map[string]float64 `avro:"metrics"`
	Bootstrap  string             `avro:"bootstrapFilePath,omitempty"`
}

// The metrics of compaction operations and clustering groups: counts, bytes, MB.
const (
	MetricLogFiles     = "TOTAL_LOG_FILES"
	MetricLogFilesSize = "TOTAL_LOG_FILES_SIZE"
	MetricIORead       = "TOTAL_IO_READ_MB"
	MetricIOWrite      = "TOTAL_IO_WRITE_MB"
	MetricIO           = "TOTAL_IO_MB"
)

// Strategy names the class that made a compaction plan.
type Strategy struct {
	Class   string            `avro:"compactorClassName,omitempty"`
	Params  map[string]string `avro:"strategyParams"`
	Version int32             `avro:"version"`
}

// RequestedReplace is the content of replacecommit.requested (all null for overwrites)
// and clustering.requested.
type RequestedReplace struct {
	OperationType string            `avro:"operationType,omitempty"`
	Plan          *ClusteringPlan   `avro:"clusteringPlan"`
	ExtraMetadata map[string]string `avro:"extraMetadata"`
	Version       int32             `avro:"version,omitempty"`
}

// ClusteringPlan says which file groups are rewritten together.
type ClusteringPlan struct {
	InputGroups               []ClusteringGroup   `avro:"inputGroups"`
	Strategy                  *ClusteringStrategy `avro:"strategy"`
	ExtraMetadata             map[string]string   `avro:"extraMetadata"`
	Version                   int32               `avro:"version"`
	PreserveMetadata          bool                `avro:"preserveHoodieMetadata"`
	MissingSchedulePartitions []string            `avro:"missingSchedulePartitions"`
}

// ClusteringGroup is a set of slices that become one or more new file groups.
type ClusteringGroup struct {
	Slices        []SliceInfo        `avro:"slices"`
	Metrics       map[string]float64 `avro:"metrics"`
	OutputGroups  int32              `avro:"numOutputFileGroups"`
	ExtraMetadata map[string]string  `avro:"extraMetadata"`
	Version       int32              `avro:"version"`
}

// SliceInfo is a file slice in a clustering plan. Its paths are absolute, as the writing
// engine saw them: take the file names only.
type SliceInfo struct {
	DataFile   string   `avro:"dataFilePath"`
	DeltaFiles []string `avro:"deltaFilePaths"`
	FileID     string   `avro:"fileId"`
	Partition  string   `avro:"partitionPath"`
	Bootstrap  string   `avro:"bootstrapFilePath"`
	Version    int32    `avro:"version"`
}

// ClusteringStrategy names the class that executes a clustering plan.
type ClusteringStrategy struct {
	Class   string            `avro:"strategyClassName,omitempty"`
	Params  map[string]string `avro:"strategyParams"`
	Version int32             `avro:"version"`
}

// CleanerPlan is the content of clean.requested.
type CleanerPlan struct {
	EarliestInstantToRetain *ActionInstant `avro:"earliestInstantToRetain"`
	LastCompletedCommit     string         `avro:"lastCompletedCommitTimestamp"`
	Policy                  string         `avro:"policy"`
	// LegacyFiles is the form of plan version 1; empty since.
	LegacyFiles map[string][]string `avro:"filesToBeDeletedPerPartition"`
	Version     int32               `avro:"version"`
	// Files has absolute paths without scheme, by partition path.
	Files              map[string][]CleanFile `avro:"filePathsToBeDeletedPerPartition"`
	PartitionsToDelete []string               `avro:"partitionsToBeDeleted"`
	ExtraMetadata      map[string]string      `avro:"extraMetadata"`
}

// ActionInstant is an instant as cleaner plans name it; State is in upper case.
type ActionInstant struct {
	Time   string `avro:"timestamp"`
	Action string `avro:"action"`
	State  string `avro:"state"`
}

// CleanFile is a file to delete.
type CleanFile struct {
	Path        string `avro:"filePath"`
	IsBootstrap bool   `avro:"isBootstrapBaseFile"`
}

// CleanMetadata is the content of a completed clean.
type CleanMetadata struct {
	StartTime         string `avro:"startCleanTime"`
	TimeTakenMillis   int64  `avro:"timeTakenInMillis"`
	TotalFilesDeleted int32  `avro:"totalFilesDeleted"`
	// EarliestCommitToRetain is "" under the file-versions policy.
	EarliestCommitToRetain string                    `avro:"earliestCommitToRetain"`
	LastCompletedCommit    string                    `avro:"lastCompletedCommitTimestamp"`
	Partitions             map[string]CleanPartition `avro:"partitionMetadata"`
	Version                int32                     `avro:"version"`
	Bootstrap              map[string]CleanPartition `avro:"bootstrapPartitionMetadata"`
	ExtraMetadata          map[string]string         `avro:"extraMetadata"`
}

// CleanPartition is what a clean deleted in one partition, as file names.
type CleanPartition struct {
	Partition      string   `avro:"partitionPath"`
	Policy         string   `avro:"policy"`
	DeletePatterns []string `avro:"deletePathPatterns"`
	Deleted        []string `avro:"successDeleteFiles"`
	Failed         []string `avro:"failedDeleteFiles"`
	IsDeleted      bool     `avro:"isPartitionDeleted"`
}

// RollbackPlan is the content of rollback.requested.
type RollbackPlan struct {
	Instant  *InstantInfo      `avro:"instantToRollback"`
	Requests []RollbackRequest `avro:"RollbackRequests"`
	Version  int32             `avro:"version"`
}

// InstantInfo names an instant in plans and results of rollbacks and restores.
type InstantInfo struct {
	Time   string `avro:"commitTime"`
	Action string `avro:"action"`
}

// RollbackRequest is one step of a rollback: files to delete, as absolute paths, or (table
// version 6) a log file to which a rollback block is to be appended.
type RollbackRequest struct {
	Partition         string           `avro:"partitionPath"`
	FileID            string           `avro:"fileId"`
	LatestBaseInstant string           `avro:"latestBaseInstant"`
	FilesToDelete     []string         `avro:"filesToBeDeleted"`
	LogBlocksToDelete map[string]int64 `avro:"logBlocksToBeDeleted"`
}

// RollbackMetadata is the content of a completed rollback.
type RollbackMetadata struct {
	StartTime         string                       `avro:"startRollbackTime"`
	TimeTakenMillis   int64                        `avro:"timeTakenInMillis"`
	TotalFilesDeleted int32                        `avro:"totalFilesDeleted"`
	CommitsRollback   []string                     `avro:"commitsRollback"`
	Partitions        map[string]RollbackPartition `avro:"partitionMetadata"`
	Version           int32                        `avro:"version"`
	Instants          []InstantInfo                `avro:"instantsRollback"`
}

// RollbackPartition is what a rollback did in one partition, with absolute paths.
type RollbackPartition struct {
	Partition string   `avro:"partitionPath"`
	Deleted   []string `avro:"successDeleteFiles"`
	Failed    []string `avro:"failedDeleteFiles"`
	// RollbackLogFiles are the new log files with rollback blocks, FailedLogFiles the
	// log files of the failed write, both with their sizes.
	RollbackLogFiles map[string]int64 `avro:"rollbackLogFiles"`
	FailedLogFiles   map[string]int64 `avro:"logFilesFromFailedCommit"`
}

// RestorePlan is the content of restore.requested. Instants are in execution order.
type RestorePlan struct {
	Instants  []InstantInfo `avro:"instantsToRollback"`
	Version   int32         `avro:"version"`
	Savepoint string        `avro:"savepointToRestoreTimestamp,omitempty"`
}

// RestoreMetadata is the content of a completed restore.
type RestoreMetadata struct {
	StartTime       string                         `avro:"startRestoreTime"`
	TimeTakenMillis int64                          `avro:"timeTakenInMillis"`
	InstantTimes    []string                       `avro:"instantsToRollback"`
	Rollbacks       map[string][]*RollbackMetadata `avro:"hoodieRestoreMetadata"`
	Version         int32                          `avro:"version"`
	Instants        []InstantInfo                  `avro:"restoreInstantInfo"`
}

// SavepointMetadata is the content of a completed savepoint.
type SavepointMetadata struct {
	By string `avro:"savepointedBy"`
	// At is milliseconds since 1970.
	At         int64                         `avro:"savepointedAt"`
	Comments   string                        `avro:"comments"`
	Partitions map[string]SavepointPartition `avro:"partitionMetadata"`
	Version    int32                         `avro:"version"`
}

// SavepointPartition names the files of one partition that a savepoint keeps.
type SavepointPartition struct {
	Partition string   `avro:"partitionPath"`
	Files     []string `avro:"savepointDataFile"`
}

// IndexPlan is the content of indexing.requested.
type IndexPlan struct {
	Version    int32            `avro:"version"`
	Partitions []IndexPartition `avro:"indexPartitionInfos"`
}

// IndexMetadata is the content of a completed indexing.
type IndexMetadata struct {
	Version       int32            `avro:"version"`
	OperationType string           `avro:"operationType,omitempty"`
	Partitions    []IndexPartition `avro:"indexPartitionInfos"`
}

// IndexPartition is a partition of the metadata table that was built, and up to which
// instant.
type IndexPartition struct {
	Version       int32             `avro:"version"`
	Partition     string            `avro:"metadataPartitionPath,omitempty"`
	UpToInstant   string            `avro:"indexUptoInstant,omitempty"`
	ExtraMetadata map[string]string `avro:"extraMetadata"`
}

// Encode renders the plan as an Avro container; equal plans give equal bytes. The same
// holds for the Encode methods below.
func (p *CompactionPlan) Encode(layout Layout) ([]byte, error) {
	if layout == Layout1 { // without missingSchedulePartitions
		return encode("layout1/HoodieCompactionPlan", p)
	}
	return encode("HoodieCompactionPlan", p)
}

// Encode renders the plan as an Avro container.
func (p *RequestedReplace) Encode() ([]byte, error) {
	return encode("HoodieRequestedReplaceMetadata", p)
}

// Encode renders the plan as an Avro container.
func (p *CleanerPlan) Encode() ([]byte, error) { return encode("HoodieCleanerPlan", p) }

// Encode renders the result as an Avro container.
func (m *CleanMetadata) Encode() ([]byte, error) { return encode("HoodieCleanMetadata", m) }

// Encode renders the plan as an Avro container.
func (p *RollbackPlan) Encode() ([]byte, error) { return encode("HoodieRollbackPlan", p) }

// Encode renders the result as an Avro container.
func (m *RollbackMetadata) Encode() ([]byte, error) { return encode("HoodieRollbackMetadata", m) }

// Encode renders the plan as an Avro container.
func (p *RestorePlan) Encode() ([]byte, error) { return encode("HoodieRestorePlan", p) }

// Encode renders the result as an Avro container.
func (m *RestoreMetadata) Encode() ([]byte, error) { return encode("HoodieRestoreMetadata", m) }

// Encode renders the result as an Avro container.
func (m *SavepointMetadata) Encode() ([]byte, error) {
	return encode("HoodieSavepointMetadata", m)
}

// Encode renders the plan as an Avro container.
func (p *IndexPlan) Encode() ([]byte, error) { return encode("HoodieIndexPlan", p) }

// Encode renders the result as an Avro container.
func (m *IndexMetadata) Encode() ([]byte, error) { return encode("HoodieIndexCommitMetadata", m) }
