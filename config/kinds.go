package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// kind is how one value is written: its form in words, from text and to text. The text is what stands in the file
// without quotes, so that other syntaxes than YAML can share it. tag is YAML's idea of its type.
type kind[V any] struct {
	words  string
	parse  func(text, tag string) (V, *flaw)
	format func(V) string
	quoted bool // write in quotes, so that 1001 stays text
}

// flaw is what is wrong with a value, and what would be right if the words of its kind do not say so.
type flaw struct{ what, want string }

func wrong(format string, args ...any) *flaw { return &flaw{what: fmt.Sprintf(format, args...)} }

func (f *flaw) but(format string, args ...any) *flaw { f.want = fmt.Sprintf(format, args...); return f }

// shown is a value in a message.
func shown(text string) string {
	if len(text) > 40 {
		text = text[:40] + "..."
	}
	return strconv.Quote(text)
}

func number(low, high int) kind[int] {
	return kind[int]{
		words: fmt.Sprintf("whole number, %d to %d", low, high),
		parse: func(text, tag string) (int, *flaw) {
			if tag == "!!str" {
				return 0, wrong("%s is text", shown(text))
			}
			n, err := strconv.Atoi(text)
			if err != nil {
				return 0, wrong("%s is not a whole number", shown(text))
			}
			if n < low || n > high {
				return 0, wrong("%d is out of range", n)
			}
			return n, nil
		},
		format: strconv.Itoa,
	}
}

var boolean = kind[bool]{
	words: "true or false",
	parse: func(text, tag string) (bool, *flaw) {
		switch {
		case tag == "!!bool" && strings.EqualFold(text, "true"):
			return true, nil
		case tag == "!!bool" && strings.EqualFold(text, "false"):
			return false, nil
		}
		f := wrong("%s is neither true nor false", shown(text))
		switch strings.ToLower(text) {
		case "yes", "on", "true", "1", "enabled":
			return false, f.but("write true")
		case "no", "off", "false", "0", "disabled":
			return false, f.but("write false")
		}
		return false, f
	},
	format: strconv.FormatBool,
}

// text is one line of at most so many bytes. Anything that YAML takes for a number is text here too, as it stands.
func text(most int, words string) kind[string] {
	return kind[string]{
		words: words,
		parse: func(s, tag string) (string, *flaw) {
			switch {
			case tag == "!!null":
				return "", wrong("has no value").but(`write a value, or "" for none`)
			case len(s) > most:
				return "", wrong("%d bytes are too long", len(s)).but("at most %d", most)
			case !utf8.ValidString(s):
				return "", wrong("is not UTF-8")
			case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
				return "", wrong("holds control characters or line ends").but("write one line")
			}
			return s, nil
		},
		format: func(s string) string { return s },
		quoted: true,
	}
}

// word is text without blanks and without the marks that have a meaning in SIP addresses.
func word(most int, words, want string) kind[string] {
	k := text(most, words)
	plain := k.parse
	k.parse = func(s, tag string) (string, *flaw) {
		v, f := plain(s, tag)
		if f == nil && strings.ContainsAny(v, " \t@<>\";,\\") {
			return "", wrong("%s holds blanks or one of @ < > \" ; , \\", shown(v)).but("%s", want)
		}
		return v, f
	}
	return k
}

var secret = kind[Secret]{
	words: "text",
	parse: func(s, tag string) (Secret, *flaw) {
		v, f := text(maxSecretBytes, "").parse(s, tag)
		return Secret(v), f
	},
	format: Secret.String,
	quoted: true,
}

func choice(words ...string) kind[string] {
	return kind[string]{
		words: oneOf(words),
		parse: func(s, _ string) (string, *flaw) {
			if slices.Contains(words, s) {
				return s, nil
			}
			return "", wrong("%s is not known", shown(s)).but("%s", meant(s, words))
		},
		format: func(s string) string { return s },
	}
}

// duration is a Go duration: 30s, 1h30m, 20ms. none: 0 is allowed too and means never.
func duration(low, high time.Duration, none bool) kind[time.Duration] {
	words := fmt.Sprintf("duration, %s to %s", spoken(low), spoken(high))
	if none && low > 0 {
		words = "0, or " + words
	}
	return kind[time.Duration]{
		words: words,
		parse: func(s, tag string) (time.Duration, *flaw) {
			v, err := time.ParseDuration(s)
			if err != nil {
				if n, err := strconv.ParseUint(s, 10, 32); err == nil {
					return 0, wrong("%d has no unit", n).but("write %ds for seconds", n)
				}
				return 0, wrong("%s is not a duration", shown(s)).but("write such as 500ms, 30s, 2m or 1h")
			}
			if (v < low || v > high) && !(none && v == 0) {
				return 0, wrong("%s is out of range", s)
			}
			return v, nil
		},
		format: spoken,
	}
}

// steps limits a duration to multiples.
func steps(k kind[time.Duration], step time.Duration) kind[time.Duration] {
	k.words += fmt.Sprintf(" in steps of %s", spoken(step))
	plain := k.parse
	k.parse = func(s, tag string) (time.Duration, *flaw) {
		v, f := plain(s, tag)
		if f == nil && v%step != 0 {
			return 0, wrong("%s is no multiple of %s", s, spoken(step))
		}
		return v, f
	}
	return k
}

// spoken writes 1h0m0s as 1h.
func spoken(d time.Duration) string {
	s := d.String()
	if d == 0 {
		return "0s"
	}
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
