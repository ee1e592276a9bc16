package web

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of what is shown, in characters.
const (
	maxWord     = 60
	maxSentence = 400
	maxEvidence = 4000
	maxMarks    = 3 // combining marks on one character
)

// clean makes a text of a peer fit to be shown: valid, bounded, one line, without
// characters that are invisible, change the direction of text or climb over
// their neighbours.
func clean(s string, limit int) string {
	var b strings.Builder
	n, marks := 0, 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case unicode.Is(unicode.M, r):
			if marks++; marks > maxMarks {
				continue
			}
		case unicode.IsSpace(r):
			r, marks = ' ', 0
		case r == utf8.RuneError && size <= 1, !unicode.IsPrint(r), blank(r):
			r, marks = '·', 0
		default:
			marks = 0
		}
		if n == limit {
			return b.String() + "…"
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// blank tells letters that show nothing, which unicode counts as printable.
func blank(r rune) bool {
	switch r {
	case 0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800:
		return true
	}
	return false
}

// piece is a part of a text of ours: prose, or a command in backticks.
type piece struct {
	Text string
	Code bool
}

// pieces takes a text apart at its backticks.
func pieces(s string) []piece {
	var out []piece
	for i, part := range strings.Split(clean(s, maxEvidence), "`") {
		if part != "" {
			out = append(out, piece{part, i%2 == 1})
		}
	}
	return out
}

// span writes a duration in at most two units, as people say it.
func span(d time.Duration) string {
	d = max(d, 0)
	two := func(big, small time.Duration, words [2]string) string {
		text := number(int64(d/big)) + " " + words[0]
		if rest := d % big / small; rest > 0 {
			text += " " + number(int64(rest)) + " " + words[1]
		}
		return text
	}
	const day = 24 * time.Hour
	switch {
	case d < time.Second:
		return "less than 1 s"
	case d < time.Minute:
		return number(int64(d/time.Second)) + " s"
	case d < time.Hour:
		return number(int64(d/time.Minute)) + " min"
	case d < day:
		return two(time.Hour, time.Minute, [2]string{"h", "min"})
	case d < 14*day:
		return two(day, time.Hour, [2]string{"d", "h"})
	}
	return number(int64(d/day)) + " days"
}

// took writes how long a probe lasted.
func took(d time.Duration) string {
	if d < time.Second {
		return number(int64((d+time.Millisecond-1)/time.Millisecond)) + " ms"
	}
	tenths := int64((d + 50*time.Millisecond) / (100 * time.Millisecond))
	return number(tenths/10) + "." + number(tenths%10) + " s"
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
