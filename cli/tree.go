package cli

import "strings"

// node is one word of the grammar and what may follow it.
type node struct {
	word string // literal, or name of an argument
	arg  bool
	row  *command
	kids []*node
}

// root is the grammar as a tree; its own word is empty.
var root = grow(grammar)

func grow(rows []command) *node {
	top := &node{}
	for i := range rows {
		n := top
		for w := range strings.FieldsSeq(rows[i].words) {
			n = n.kid(w)
		}
		n.row = &rows[i]
	}
	return top
}

// kid finds or makes the follower that is written as w in the table.
func (n *node) kid(w string) *node {
	for _, k := range n.kids {
		if k.String() == w {
			return k
		}
	}
	k := &node{word: strings.Trim(w, "<>"), arg: strings.HasPrefix(w, "<")}
	n.kids = append(n.kids, k)
	return k
}

// String is the word as the table writes it.
func (n *node) String() string {
	if n.arg {
		return "<" + n.word + ">"
	}
	return n.word
}

// command tells whether a line may end here.
func (n *node) command() bool { return n.row != nil && n.row.do != "" }

// help is the text beside the word.
func (n *node) help() string {
	if n.arg {
		return arguments[n.word].help
	}
	if n.row != nil {
		return n.row.help
	}
	return ""
}

// named are the literals that begin with s; an exact one stands alone.
func (n *node) named(s string) (l []*node) {
	for _, k := range n.kids {
		switch {
		case k.arg || s == "":
		case strings.EqualFold(k.word, s):
			return []*node{k}
		case len(s) < len(k.word) && strings.EqualFold(k.word[:len(s)], s):
			l = append(l, k)
		}
	}
	return l
}

// argKid is the argument that may follow, if one may.
func (n *node) argKid() *node {
	for _, k := range n.kids {
		if k.arg {
			return k
		}
	}
	return nil
}
