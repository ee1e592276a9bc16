package sse

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

func BenchmarkReader(b *testing.B) {
	for _, size := range []int{100, 10 << 10, 100 << 10} {
		var stream []byte
		stream = AppendComment(stream, "keep-alive")
		stream = Append(stream, Event{Name: "message", ID: "7", HasID: true, Data: bytes.Repeat([]byte("x"), size)})
		b.Run(fmt.Sprintf("event%dB", size), func(b *testing.B) {
			b.SetBytes(int64(len(stream)))
			b.ReportAllocs()
			src := &endless{unit: stream}
			r := NewReader(src, 0)
			for b.Loop() {
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// endless repeats one piece of stream.
type endless struct {
	unit []byte
	at   int
}

var _ io.Reader = (*endless)(nil)

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.unit[e.at:])
	e.at = (e.at + n) % len(e.unit)
	return n, nil
}
