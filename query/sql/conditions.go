//go:build cgo && (linux || darwin) && (amd64 || arm64)

package sql

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/hudi-go/hudi-go/schema"
)

// pushConditions finds out which rows of our own scans a statement can need: it has DuckDB
// plan the statement, and takes from the plan the conditions directly over each scan. DuckDB
// applies them again, so one that is not understood is left out. A table that a statement
// reads several times is read for all of them.
func (db *DB) pushConditions(statement string) {
	ours := false
	db.eachScan(func(s *scan) {
		s.where = ""
		ours = ours || len(s.plan.Tasks) > 0
	})
	if !ours {
		return
	}
	rows, err := db.texts("SELECT json_serialize_plan("+literal(statement)+", skip_null := true, skip_empty := true, optimize := true)::VARCHAR", 1)
	if err != nil || len(rows) != 1 {
		return
	}
	var doc struct {
		Plans []planNode `json:"plans"`
	}
	if json.Unmarshal([]byte(rows[0][0]), &doc) != nil {
		return
	}
	found := map[int64][]string{}
	for _, p := range doc.Plans {
		p.collect(db, nil, found)
	}
	for id, all := range found {
		if s := db.find(id); s != nil && !slices.Contains(all, "") {
			s.where = join(all, " OR ")
		}
	}
}

// planNode is an operator of a plan, as DuckDB serialises it.
type planNode struct {
	Type        string           `json:"type"`
	Name        string           `json:"name"`
	Children    []planNode       `json:"children"`
	Expressions []planExpression `json:"expressions"`
	Parameters  []planValue      `json:"parameters"`
	ColumnIDs   []struct {
		Index uint64 `json:"index"`
	} `json:"column_indexes"`
	ProjectionIDs []uint64 `json:"projection_ids"`
}

// planExpression is a condition, a reference to a column, or a constant.
type planExpression struct {
	Class          string           `json:"expression_class"`
	Type           string           `json:"type"`
	Index          uint64           `json:"index"`
	Value          planValue        `json:"value"`
	Left           *planExpression  `json:"left"`
	Right          *planExpression  `json:"right"`
	Input          *planExpression  `json:"input"`
	Lower          *planExpression  `json:"lower"`
	Upper          *planExpression  `json:"upper"`
	LowerInclusive bool             `json:"lower_inclusive"`
	UpperInclusive bool             `json:"upper_inclusive"`
	Children       []planExpression `json:"children"`
}

type planValue struct {
	Type struct {
		ID   string `json:"id"`
		Info struct {
			Scale int32 `json:"scale"`
		} `json:"type_info"`
	} `json:"type"`
	Null  bool            `json:"is_null"`
	Value json.RawMessage `json:"value"`
}

// collect adds for each scan under n the condition that over, the filter around n, has for
// it; "" for none.
func (n *planNode) collect(db *DB, over *planNode, found map[int64][]string) {
	if n.Type == "LOGICAL_GET" && n.Name == "hudi_scan" && len(n.Parameters) == 1 {
		var id int64
		if json.Unmarshal(n.Parameters[0].Value, &id) == nil {
			found[id] = append(found[id], n.condition(db.find(id), over))
		}
	}
	for i := range n.Children {
		var filter *planNode
		if n.Type == "LOGICAL_FILTER" {
			filter = n
		}
		n.Children[i].collect(db, filter, found)
	}
}

// condition is what a filter asks of the rows of the scan that n reads.
func (n *planNode) condition(s *scan, filter *planNode) string {
	if s == nil || filter == nil {
		return ""
	}
	column := func(index uint64) (schema.Field, bool) {
		if len(n.ProjectionIDs) > 0 {
			if index >= uint64(len(n.ProjectionIDs)) {
				return schema.Field{}, false
			}
			index = n.ProjectionIDs[index]
		}
		if index >= uint64(len(n.ColumnIDs)) || n.ColumnIDs[index].Index >= uint64(len(s.plan.Schema.Fields())) {
			return schema.Field{}, false
		}
		return s.plan.Schema.Fields()[n.ColumnIDs[index].Index], true
	}
	var parts []string
	for i := range filter.Expressions {
		if text, ok := filter.Expressions[i].render(column); ok {
			parts = append(parts, text)
		}
	}
	return join(parts, " AND ")
}

// join puts conditions together, each in parentheses.
func join(conditions []string, word string) string {
	if len(conditions) == 0 {
		return ""
	}
	return "(" + strings.Join(conditions, ")"+word+"(") + ")"
}

// comparisons are the operators of package expr for DuckDB's, and those with the sides swapped.
var comparisons = map[string][2]string{
	"COMPARE_EQUAL": {"=", "="}, "COMPARE_NOTEQUAL": {"<>", "<>"},
	"COMPARE_LESSTHAN": {"<", ">"}, "COMPARE_LESSTHANOREQUALTO": {"<=", ">="},
	"COMPARE_GREATERTHAN": {">", "<"}, "COMPARE_GREATERTHANOREQUALTO": {">=", "<="},
}

// render writes a condition for package expr; ok is false when it cannot be said there.
func (e *planExpression) render(column func(uint64) (schema.Field, bool)) (text string, ok bool) {
	switch e.Class {
	case "BOUND_COMPARISON":
		op, known := comparisons[e.Type]
		if !known || e.Left == nil || e.Right == nil {
			return "", false
		}
		if e.Left.Class == "BOUND_CONSTANT" {
			return e.Right.compare(op[1], e.Left, column)
		}
		return e.Left.compare(op[0], e.Right, column)
	case "BOUND_BETWEEN":
		if e.Input == nil || e.Lower == nil || e.Upper == nil {
			return "", false
		}
		ops := [2]string{">", "<"}
		if e.LowerInclusive {
			ops[0] = ">="
		}
		if e.UpperInclusive {
			ops[1] = "<="
		}
		low, ok1 := e.Input.compare(ops[0], e.Lower, column)
		high, ok2 := e.Input.compare(ops[1], e.Upper, column)
		return low + " AND " + high, ok1 && ok2
	case "BOUND_CONJUNCTION":
		var parts []string
		for i := range e.Children {
			part, ok := e.Children[i].render(column)
			if !ok && e.Type == "CONJUNCTION_OR" {
				return "", false
			}
			if ok {
				parts = append(parts, part)
			}
		}
		if len(parts) == 0 {
			return "", false
		}
		return join(parts, map[bool]string{true: " OR ", false: " AND "}[e.Type == "CONJUNCTION_OR"]), true
	case "BOUND_OPERATOR":
		return e.operator(column)
	}
	return "", false
}

// operator renders IS NULL, IS NOT NULL and IN.
func (e *planExpression) operator(column func(uint64) (schema.Field, bool)) (string, bool) {
	if len(e.Children) == 0 || e.Children[0].Class != "BOUND_REF" {
		return "", false
	}
	f, ok := column(e.Children[0].Index)
	if !ok {
		return "", false
	}
	switch e.Type {
	case "OPERATOR_IS_NULL":
		return identifier(f.Name) + " IS NULL", true
	case "OPERATOR_IS_NOT_NULL":
		return identifier(f.Name) + " IS NOT NULL", true
	case "COMPARE_IN":
		var parts []string
		for i := range e.Children[1:] {
			part, ok := e.Children[0].compare("=", &e.Children[1+i], column)
			if !ok {
				return "", false
			}
			parts = append(parts, part)
		}
		return join(parts, " OR "), len(parts) > 0
	}
	return "", false
}

// compare renders the comparison of e, a column, with a constant.
func (e *planExpression) compare(op string, constant *planExpression, column func(uint64) (schema.Field, bool)) (string, bool) {
	if e.Class != "BOUND_REF" || constant.Class != "BOUND_CONSTANT" || constant.Value.Null {
		return "", false
	}
	f, ok := column(e.Index)
	if !ok {
		return "", false
	}
	value, ok := constant.Value.render(f.Type)
	return identifier(f.Name) + " " + op + " " + value, ok
}

// render writes a constant as package expr has it for a column of the type. Floats are left
// to DuckDB, whose order of NaN and whose rounding are its own.
func (v *planValue) render(t *schema.Type) (string, bool) {
	var number json.Number
	if v.Type.ID != "VARCHAR" && v.Type.ID != "BOOLEAN" && json.Unmarshal(v.Value, &number) != nil {
		return "", false
	}
	whole, err := number.Int64()
	switch v.Type.ID {
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT":
		return number.String(), err == nil && t.Logical == schema.NoLogical && (t.Kind == schema.Int || t.Kind == schema.Long)
	case "DECIMAL":
		if t.Logical != schema.Decimal || err != nil {
			return "", false
		}
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(v.Type.Info.Scale)), nil)
		return new(big.Rat).SetFrac(big.NewInt(whole), scale).FloatString(int(v.Type.Info.Scale)), true
	case "BOOLEAN":
		return strings.ToUpper(string(v.Value)), t.Kind == schema.Boolean
	case "VARCHAR":
		var text string
		err := json.Unmarshal(v.Value, &text)
		return literal(text), err == nil && (t.Kind == schema.String || t.Kind == schema.Enum)
	case "DATE":
		return "DATE " + literal(time.Unix(whole*86400, 0).UTC().Format(time.DateOnly)), err == nil && t.Logical == schema.Date && calendar(whole*86400)
	case "TIMESTAMP WITH TIME ZONE", "TIMESTAMP":
		at := time.UnixMicro(whole).UTC()
		local := t.Logical == schema.LocalTimestampMicros
		fits := local && v.Type.ID == "TIMESTAMP" || t.Logical == schema.TimestampMicros && v.Type.ID != "TIMESTAMP"
		return fmt.Sprintf("TIMESTAMP '%s'", at.Format("2006-01-02 15:04:05.000000")), err == nil && fits && calendar(at.Unix())
	}
	return "", false
}

// calendar tells whether a time is in the years of four digits, which texts can say.
func calendar(seconds int64) bool {
	y := time.Unix(seconds, 0).UTC().Year()
	return y > 0 && y < 10000
}
