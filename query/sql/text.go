package sql

import (
	"path/filepath"
	"strings"
)

// identifier quotes a name.
func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// literal quotes a text.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// localFolder is the folder on local disk that a store's URI names.
func localFolder(uri string) (dir string, ok bool) {
	dir, ok = strings.CutPrefix(uri, "file://") // the path as it is, nothing escaped
	return filepath.FromSlash(dir), ok
}

// Split cuts a text into statements at its semicolons. done is false when the last statement
// still goes on: it lacks its semicolon, or a quote is open.
func Split(text string) (statements []string, done bool) {
	begin, i := 0, 0
	blank := true // nothing but space and comments since begin
	for i < len(text) {
		switch c := text[i]; {
		case c == ';':
			if !blank {
				statements = append(statements, strings.TrimSpace(text[begin:i]))
			}
			i++
			begin, blank = i, true
			continue
		case strings.HasPrefix(text[i:], "--"):
			i = after(text, i, "\n")
			continue
		case strings.HasPrefix(text[i:], "/*"):
			i = after(text, i+2, "*/")
			continue
		case c == '\'' || c == '"':
			i = after(text, i+1, string(c))
		case c == '$':
			i = afterDollar(text, i)
		default:
			blank = blank && strings.ContainsRune(" \t\r\n", rune(c))
			i++
			continue
		}
		blank = false
	}
	if rest := strings.TrimSpace(text[begin:]); !blank && rest != "" {
		return append(statements, rest), false
	}
	return statements, true
}

// after is the position after the next mark, that of the end when there is none.
func after(text string, from int, mark string) int {
	if at := strings.Index(text[min(from, len(text)):], mark); at >= 0 {
		return from + at + len(mark)
	}
	return len(text)
}

// afterDollar is the position after a text in dollars, $$…$$ or $tag$…$tag$, or after the
// dollar when it begins none.
func afterDollar(text string, from int) int {
	end := strings.IndexByte(text[from+1:], '$')
	if end < 0 {
		return from + 1
	}
	tag := text[from : from+end+2]
	if strings.ContainsAny(tag, " \t\r\n;'\",()") {
		return from + 1
	}
	return after(text, from+len(tag), tag)
}
