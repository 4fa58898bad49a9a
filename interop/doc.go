// Package interop runs hudi-go against the real engines: Spark with Apache Hudi, and PostgreSQL and MariaDB with Debezium and Kafka.
//
// Everything runs on this machine's loopback and is installed on first use into a cache outside of the checkout
// (interop/lab/setup.sh; $HUDI_GO_CACHE, default ~/.cache/hudi-go). A test says what it needs:
//
//	func TestMain(m *testing.M) { interop.Main(m) }
//
//	func TestX(t *testing.T) {
//		spark := interop.SharedSpark(t)
//		spark.Write(t, interop.Write{Path: path, Name: "t", Type: interop.MOR, Keys: "id", …})
//	}
//
// The engines are heavy, so plain go test skips these tests on a laptop and says how to run them; in CI, or with
// HUDI_GO_INTEROP=1, an engine that cannot be had is a failure. HUDI_GO_INTEROP=all runs every combination of releases and
// table types where the others choose, HUDI_GO_INTEROP=0 skips the tests in CI too.
package interop
