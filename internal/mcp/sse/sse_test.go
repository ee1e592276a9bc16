package sse

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// readAll reads events until the first error.
func readAll(r *Reader) ([]Event, error) {
	var events []Event
	for {
		e, err := r.Next()
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
}

func message(data string) Event { return Event{Data: []byte(data), HasData: true} }

func TestReader(t *testing.T) {
	named := func(name, data string) Event { return Event{Name: name, Data: []byte(data), HasData: true} }
	for _, c := range []struct {
		name, in string
		want     []Event
		end      error
	}{
		{"empty", "", nil, io.EOF},
		{"only a byte order mark", "\xef\xbb\xbf", nil, io.EOF},
		{"LF", "data: a\n\ndata: b\n\n", []Event{message("a"), message("b")}, io.EOF},
		{"CR", "data: a\r\rdata: b\r\r", []Event{message("a"), message("b")}, io.EOF},
		{"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", []Event{message("a"), message("b")}, io.EOF},
		{"mixed", "data: a\r\n\ndata: b\n\r", []Event{message("a"), message("b")}, io.EOF},
		{"LF CR are two ends", "data: a\n\rdata: b\n\r\n", []Event{message("a"), message("b")}, io.EOF},
		{"byte order mark", "\xef\xbb\xbfdata: a\n\n", []Event{message("a")}, io.EOF},
		{"byte order mark later", "data: a\n\n\xef\xbb\xbfdata: b\n\n", []Event{message("a")}, io.EOF},
		{"several data lines", "data: a\ndata:\ndata:  b\n\n", []Event{message("a\n\n b")}, io.EOF},
		{"data without a colon", "data\n\n", []Event{{HasData: true}}, io.EOF},
		{"two empty data lines", "data\ndata:\n\n", []Event{message("\n")}, io.EOF},
		{"one space belongs to the colon", "data:a\n\ndata:  a\n\n", []Event{message("a"), message(" a")}, io.EOF},
		{"colons in the value", "data: a:b: c\n\n", []Event{message("a:b: c")}, io.EOF},
		{"name", "event: endpoint\ndata: /x\n\ndata: y\n\n", []Event{named("endpoint", "/x"), message("y")}, io.EOF},
		{"last name wins", "event: a\nevent: b\ndata: x\n\n", []Event{named("b", "x")}, io.EOF},
		{"name without data", "event: a\n\n", []Event{{Name: "a"}}, io.EOF},
		{"names are case-sensitive", "Data: a\ndATA: b\n\ndata: c\n\n", []Event{message("c")}, io.EOF},
		{"unknown fields", "foo: a\n data: b\n\ndata: c\nbar\n\n", []Event{message("c")}, io.EOF},
		{"comments", ": a\n:\n\ndata: x\n: b\ndata: y\n\n:c\n", []Event{message("x\ny")}, io.EOF},
		{"empty lines", "\n\n\r\r\n\ndata: x\n\n\n\n", []Event{message("x")}, io.EOF},
		{"id stays in force", "id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", []Event{
			{ID: "1", HasID: true, Data: []byte("a"), HasData: true},
			{ID: "1", Data: []byte("b"), HasData: true},
			{HasID: true, Data: []byte("c"), HasData: true},
		}, io.EOF},
		{"id with NUL", "id: 1\x002\ndata: a\n\n", []Event{message("a")}, io.EOF},
		{"id alone", "id: 1\n\n", []Event{{ID: "1", HasID: true}}, io.EOF},
		{"empty data and id, to resume from", "id: 1\ndata:\n\n", []Event{{ID: "1", HasID: true, HasData: true}}, io.EOF},
		{"retry", "retry: 1500\n\n", []Event{{Retry: 1500 * time.Millisecond, HasRetry: true}}, io.EOF},
		{"retry that is no number", "retry: 1s\n\nretry: -1\n\nretry: +1\n\nretry:\n\nretry: 1_0\n\n", nil, io.EOF},
		{"retry beyond any use", "retry: 99999999999999999999\n\nretry: 2147483648\n\n", nil, io.EOF},
		{"cut in data", "data: a\n\ndata: b", []Event{message("a")}, io.ErrUnexpectedEOF},
		{"cut before the empty line", "data: a\n", nil, io.ErrUnexpectedEOF},
		{"cut in a name", "da", nil, io.ErrUnexpectedEOF},
		{"cut in a comment", "data: a\n\n: keep", []Event{message("a")}, io.EOF},
		{"cut in a comment inside an event", "data: a\n: keep", nil, io.ErrUnexpectedEOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, wrap := range []func(io.Reader) io.Reader{
				func(r io.Reader) io.Reader { return r },
				iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader,
			} {
				got, err := readAll(NewReader(wrap(strings.NewReader(c.in)), 0))
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("%q: %s", c.in, diff)
				}
				if !errors.Is(err, c.end) || err == io.EOF != (c.end == io.EOF) {
					t.Errorf("%q ended with %v, want %v", c.in, err, c.end)
				}
			}
		})
	}
}

func TestReaderCountsComments(t *testing.T) {
	r := NewReader(strings.NewReader(": a\n\n:\n\ndata: x\n: c\n\ndata: :no\n\n"), 0)
	if _, err := readAll(r); err != io.EOF || r.Comments() != 3 {
		t.Errorf("%d comments, %v", r.Comments(), err)
	}
}

// A lone CR ends a line. Whether an LF follows is the next call's business: a
// server that waits for us must not be waited for.
func TestReaderDoesNotWaitForMore(t *testing.T) {
	for _, end := range []string{"\n", "\r", "\r\n"} {
		for _, split := range []bool{false, true} { // in one write, or byte by byte
			t.Run(fmt.Sprintf("%q split %t", end, split), func(t *testing.T) {
				client, server := io.Pipe()
				defer client.Close()
				r := NewReader(client, 0)
				done := make(chan struct{})
				defer func() { <-done }()
				go func() {
					defer close(done)
					for i := range 3 {
						wire := fmt.Sprintf("data: %d%s%s", i, end, end)
						if split {
							for j := range len(wire) {
								if _, err := io.WriteString(server, wire[j:j+1]); err != nil {
									return
								}
							}
						} else if _, err := io.WriteString(server, wire); err != nil {
							return
						}
					}
					server.Close()
				}()
				for i := range 3 {
					if e, err := r.Next(); err != nil || string(e.Data) != fmt.Sprint(i) {
						t.Fatalf("event %d: %q, %v", i, e.Data, err)
					}
				}
				if _, err := r.Next(); err != io.EOF {
					t.Errorf("after the last: %v", err)
				}
			})
		}
	}
}

// stall gives what it has and fails the test when asked for more.
type stall struct {
	t    *testing.T
	rest []byte
}

func (s *stall) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		s.t.Error("the reader asked for more than the event needs")
		return 0, io.EOF
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func TestReaderAsksForNothingBeyondTheEvent(t *testing.T) {
	for _, in := range []string{"data: a\n\n", "data: a\r\r", "data: a\r\n\r\n", "data: a\r\n\r"} {
		r := NewReader(&stall{t, []byte(in)}, 0)
		if e, err := r.Next(); err != nil || string(e.Data) != "a" {
			t.Errorf("%q: %q, %v", in, e.Data, err)
		}
	}
}

func TestReaderLimit(t *testing.T) {
	const limit = 64
	fits := "data: " + strings.Repeat("x", limit-len("data: ")-2) + "\n\n" // 64 bytes
	for _, c := range []struct {
		name, in string
		ok       bool
	}{
		{"exact", fits, true},
		{"one more", "data: x" + fits[len("data: "):], false},
		{"exact, twice", fits + fits, true},
		{"CRLF counts as one", strings.ReplaceAll(fits, "\n", "\r\n"), true},
		{"many comments between events", strings.Repeat(": keep-alive\n\n", 50) + fits, true},
		{"many comment lines in a row", strings.Repeat(": keep-alive\n", 50) + fits, true},
		{"comments inside count", "data: x\n" + strings.Repeat(": keep-alive\n", 5) + "\n", false},
		{"one long comment", ":" + strings.Repeat("x", limit) + "\n", false},
		{"line that never ends", strings.Repeat("x", 10_000), false},
		{"lines that never end", strings.Repeat("data: x\n", 100), false},
		{"unknown fields that never end", strings.Repeat("x: x\n", 100), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, in := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in))} {
				r := NewReader(in, limit)
				_, err := readAll(r)
				if errors.Is(err, ErrTooLarge) == c.ok {
					t.Errorf("ended with %v", err)
				}
				if _, again := r.Next(); again != err {
					t.Errorf("after %v came %v: an error must stay", err, again)
				}
			}
		})
	}
}

func TestQuietReaderKeepsNoLongLine(t *testing.T) {
	long := "data: " + strings.Repeat("x", 1<<20) + "\n\n"
	r := NewReader(strings.NewReader(long+long+":\n:\n:\ndata: y\n\n"), 0)
	for i, most := range []int{4 << 20, 4 << 20, 0} {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if cap(r.long) > most {
			t.Errorf("after event %d: %d bytes kept, at most %d expected", i, cap(r.long), most)
		}
	}
}

func TestReaderDataBelongsToTheCaller(t *testing.T) {
	r := NewReader(strings.NewReader("data: a\n\ndata: b\n\n"), 0)
	first, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil || string(first.Data) != "a" {
		t.Errorf("the first event's data became %q (%v)", first.Data, err)
	}
}

func TestReaderPassesErrorsOn(t *testing.T) {
	broken := errors.New("broken")
	r := NewReader(io.MultiReader(strings.NewReader("data: a\n\ndata: b"), iotest.ErrReader(broken)), 0)
	if got, err := readAll(r); err != broken || len(got) != 1 {
		t.Errorf("%d events, then %v", len(got), err)
	}
}

func TestAppend(t *testing.T) {
	for _, c := range []struct {
		event Event
		want  string
	}{
		{Event{}, "\n"},
		{message("a"), "data: a\n\n"},
		{Event{Data: []byte("a")}, "data: a\n\n"},
		{message(""), "data: \n\n"},
		{message("a\nb\r\nc\rd"), "data: a\ndata: b\ndata: c\ndata: d\n\n"},
		{message("a\n\n"), "data: a\ndata: \ndata: \n\n"},
		{Event{Name: "x\r\ndata: evil\n\n", ID: "1\n2\x003", HasID: true, Retry: 2 * time.Second, HasRetry: true},
			"event: xdata: evil\nid: 123\nretry: 2000\n\n"},
		{Event{ID: "not set"}, "\n"},
	} {
		if got := string(Append([]byte("> "), c.event)); got != "> "+c.want {
			t.Errorf("%+v: %q, want %q", c.event, got, c.want)
		}
	}
	if got := string(AppendComment(nil, "a\nb")); got != ": ab\n\n" {
		t.Errorf("comment: %q", got)
	}
}

func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"data: a\n\n", "\xef\xbb\xbfevent: endpoint\r\ndata: /x\r\n\r\n", ": c\r\rid: 1\rdata\r\r", "retry: 10\nid: a\x00\n\n",
		"data: a\ndata: b", "\n\r\n\r", "data:" + strings.Repeat("x", 40) + "\n\n", strings.Repeat(":\n", 40) + "event:x\n\n",
	} {
		f.Add([]byte(seed), uint16(0))
		f.Add([]byte(seed), uint16(16))
	}
	f.Fuzz(func(t *testing.T, in []byte, limit uint16) {
		whole := NewReader(bytes.NewReader(in), int(limit))
		got, err := readAll(whole)
		// The same in pieces, through a buffer so small that lines do not fit.
		pieces := NewReader(nil, int(limit))
		pieces.src = bufio.NewReaderSize(iotest.OneByteReader(bytes.NewReader(in)), 16)
		gotPieces, errPieces := readAll(pieces)
		if !slices.EqualFunc(got, gotPieces, same) || errors.Is(err, ErrTooLarge) != errors.Is(errPieces, ErrTooLarge) {
			t.Fatalf("whole and in pieces differ (%v, %v):\n%s", err, errPieces, cmp.Diff(got, gotPieces))
		}
		if whole.Comments() != pieces.Comments() {
			t.Fatalf("%d comments, in pieces %d", whole.Comments(), pieces.Comments())
		}
		want, cut := split(in)
		if errors.Is(err, ErrTooLarge) {
			if limit == 0 || len(in) <= int(limit) || len(got) > len(want) {
				t.Fatalf("%v for %d bytes and limit %d", err, len(in), limit)
			}
			want = want[:len(got)]
		} else if cut != (err == io.ErrUnexpectedEOF) || !cut && err != io.EOF || fmt.Sprint(err) != fmt.Sprint(errPieces) {
			t.Fatalf("ended with %v, in pieces %v, cut is %t", err, errPieces, cut)
		}
		if !slices.EqualFunc(want, got, same) {
			t.Fatalf("%q: %s", in, cmp.Diff(want, got))
		}
	})
}

// same compares events faster than cmp does, which counts when fuzzing.
func same(a, b Event) bool {
	data := bytes.Equal(a.Data, b.Data)
	a.Data, b.Data = nil, nil
	return data && reflect.DeepEqual(a, b)
}

// split is the standard's algorithm, written for clarity and with all of the
// stream at hand. cut tells that the stream ended inside an event.
func split(in []byte) (events []Event, cut bool) {
	text := strings.TrimPrefix(string(in), "\xef\xbb\xbf")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(text, "\n")
	lines, last := lines[:len(lines)-1], lines[len(lines)-1]
	var e Event
	var data []string
	var lastID string
	pending := false
	for _, line := range lines {
		if line == "" {
			if pending {
				if e.HasData {
					e.Data = []byte(strings.Join(data, "\n"))
				}
				if e.HasID {
					lastID = e.ID
				}
				e.ID = lastID
				events = append(events, e)
			}
			e, data, pending = Event{}, nil, false
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case name == "data":
			e.HasData, pending, data = true, true, append(data, value)
		case name == "event":
			e.Name, pending = value, true
		case name == "id" && !strings.Contains(value, "\x00"):
			e.ID, e.HasID, pending = value, true, true
		case name == "retry" && value != "" && strings.Trim(value, "0123456789") == "":
			digits := strings.TrimLeft(value, "0")
			if len(digits) > 10 || len(digits) == 10 && digits > "2147483647" {
				continue
			}
			var ms int64
			for _, d := range digits {
				ms = 10*ms + int64(d-'0')
			}
			e.Retry, e.HasRetry, pending = time.Duration(ms)*time.Millisecond, true, true
		}
	}
	return events, pending || last != "" && last[0] != ':'
}

func FuzzAppend(f *testing.F) {
	f.Add("", "", false, uint32(0), false, []byte("a\nb"))
	f.Add("endpoint", "7", true, uint32(1500), true, []byte("\r\n\r"))
	f.Add("a\nb", "1\x00", true, uint32(1<<31), true, []byte(nil))
	f.Add(" a", "\xff", true, uint32(0), false, []byte(" :x"))
	f.Fuzz(func(t *testing.T, name, id string, hasID bool, retry uint32, hasRetry bool, data []byte) {
		in := Event{Name: name, ID: id, HasID: hasID, HasRetry: hasRetry, Data: data, HasData: true,
			Retry: time.Duration(retry>>1) * time.Millisecond}
		wire := AppendComment(Append(AppendComment(nil, name), in), id)
		r := NewReader(bytes.NewReader(wire), 1<<30)
		got, err := readAll(r)
		if err != io.EOF || len(got) != 1 || r.Comments() != 2 {
			t.Fatalf("%q: %d events, %d comments, %v", wire, len(got), r.Comments(), err)
		}
		want := in
		drop := strings.NewReplacer("\r", "", "\n", "", "\x00", "")
		want.Name, want.ID = drop.Replace(name), drop.Replace(id)
		want.Data = []byte(strings.ReplaceAll(strings.ReplaceAll(string(data), "\r\n", "\n"), "\r", "\n"))
		if !hasID {
			want.ID = ""
		}
		if !hasRetry {
			want.Retry = 0
		}
		if !same(want, got[0]) {
			t.Fatalf("%q: %s", wire, cmp.Diff(want, got[0]))
		}
	})
}
