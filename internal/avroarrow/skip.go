package avroarrow

import "github.com/hudi-go/hudi-go/schema"

// skip compiles a value that the reader does not want, for pass.
func skip(w *schema.Type, path string) (node, error) {
	n, err := leaf(w, path)
	if err != nil {
		return n, err
	}
	switch n.op {
	case opBool:
		n.op, n.size = opFixed, 1
	case opFloat:
		n.op, n.size = opFixed, 4
	case opDouble:
		n.op, n.size = opFixed, 8
	case opFixedDecimal:
		n.op = opFixed
	case opInt, opEnum:
		n.op = opLong
	case opDecimal:
		n.op = opBytes
	case opList:
		if w.Kind == schema.Map {
			n.kids = []node{{op: opBytes, name: join(path, "key")}}
		}
		elem, err := skip(w.Elem, join(path, "element"))
		if err != nil {
			return n, err
		}
		n.kids = append(n.kids, elem)
	case opRecord:
		for _, f := range w.Fields {
			kid, err := skip(f.Type, join(path, f.Name))
			if err != nil {
				return n, err
			}
			n.kids = append(n.kids, kid)
		}
	}
	return n, nil
}

// pass goes over the values of a program made by skip and returns the place after them. On
// damage it returns −1 and the node where it is.
func pass(program []node, in []byte, p int) (next int, at *node) {
	for i := range program {
		n := &program[i]
		if n.union {
			if p >= len(in) || in[p]&^secondBranch != 0 {
				return -1, n
			}
			p++
			if in[p-1] == n.null {
				continue
			}
		}
		switch n.op {
		case opLong:
			if p < len(in) && in[p] < 0x80 {
				p++
				continue
			}
			if _, p = number(in, p); p < 0 {
				return -1, n
			}
		case opBytes:
			size, q := number(in, p)
			if q < 0 || uint64(size) > uint64(len(in)-q) {
				return -1, n
			}
			p = q + int(size)
		case opFixed:
			if len(in)-p < n.size {
				return -1, n
			}
			p += n.size
		case opRecord:
			if p, at = pass(n.kids, in, p); p < 0 {
				return -1, at
			}
		case opList:
			if p, at = n.passList(in, p); p < 0 {
				return -1, at
			}
		}
	}
	return p, nil
}

// passList is pass for an array or map; blocks that say their size are not looked into.
func (n *node) passList(in []byte, p int) (next int, at *node) {
	for seen := 0; ; {
		count, size, p2 := block(in, p)
		if p = p2; p < 0 || !n.holds(seen, count, len(in)-p) || size > int64(len(in)-p) {
			return -1, n
		}
		if count == 0 {
			return p, nil
		}
		seen += int(count)
		if size >= 0 {
			p += int(size)
			continue
		}
		for range count {
			if p, at = pass(n.kids, in, p); p < 0 {
				return -1, at
			}
		}
	}
}
