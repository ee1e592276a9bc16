package scan

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

// Settings are the choices that decide what a result means. Results made under
// different ones do not belong into one journal.
type Settings struct {
	Budget       string `json:"budget"`
	Shard        string `json:"shard,omitempty"`
	PerHost      int    `json:"perHost,omitempty"`
	Own          bool   `json:"own,omitempty"`
	AllowPrivate bool   `json:"allowPrivate,omitempty"`
}

// header is the first line of a journal.
type header struct {
	Journal  int      `json:"holdfastScan"` // version of the format
	Settings Settings `json:"settings"`
}

const journalVersion = 1

// isHeader tells a journal's first line from an entry.
func isHeader(line []byte) bool {
	var h header
	return json.Unmarshal(line, &h) == nil && h.Journal > 0
}

// SettingsError says that a journal was begun with other settings.
type SettingsError struct {
	File      string
	Was, Want Settings
}

func (e *SettingsError) Error() string {
	was, _ := json.Marshal(e.Was)   // a struct of strings and numbers
	want, _ := json.Marshal(e.Want) // the same
	return fmt.Sprintf("%s was begun with settings %s, this scan has %s", e.File, was, want)
}

// Journal is the file by which a scan can be resumed: a header, then one
// record a line, appended. What was not measured is left out, so that a resumed
// scan tries it again. A torn last line, as a kill leaves it, is cut off.
type Journal struct {
	file   *os.File
	synced time.Time
	done   map[string]struct{}
	broken error
}

// syncEvery is how much time may pass before records are on disk. A kill loses
// none of them, a loss of power those.
const syncEvery = 2 * time.Second

// OpenJournal opens or begins a journal. Each record that is in it already is
// handed to old.
func OpenJournal(path string, want Settings, old func(Record) error) (*Journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	j := &Journal{file: file, done: map[string]struct{}{}, synced: time.Now()}
	if err := j.load(path, want, old); err != nil {
		_ = file.Close() // the fault above is the one to report
		return nil, err
	}
	return j, nil
}

func (j *Journal) load(path string, want Settings, old func(Record) error) error {
	whole, err := ReadRecords(j.file, path, RecordReader{
		Header: func(h Settings) error {
			if h != want {
				return &SettingsError{File: path, Was: h, Want: want}
			}
			return nil
		},
		NeedHeader: true,
		Record: func(r Record) error {
			j.done[r.Key] = struct{}{}
			return old(r)
		},
	})
	if err != nil {
		return err
	}
	if err := j.file.Truncate(whole); err != nil {
		return fmt.Errorf("cut the torn line off: %w", err)
	}
	if _, err := j.file.Seek(whole, io.SeekStart); err != nil {
		return err
	}
	if whole > 0 {
		return nil
	}
	if err := json.NewEncoder(j.file).Encode(header{Journal: journalVersion, Settings: want}); err != nil {
		return err
	}
	return j.sync()
}

// Has tells whether a target is finished.
func (j *Journal) Has(t Target) bool {
	_, ok := j.done[t.Key]
	return ok
}

// Len counts the finished targets that were read.
func (j *Journal) Len() int { return len(j.done) }

// Append adds a record that is final. After an error the journal takes nothing
// more and keeps returning it.
func (j *Journal) Append(r Record) error {
	if j.broken != nil || r.Grade == finding.Unknown {
		return j.broken
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = j.file.Write(append(line, '\n'))
	if err == nil && time.Since(j.synced) >= syncEvery {
		err = j.sync()
	}
	j.broken = err
	return err
}

func (j *Journal) sync() error {
	j.synced = time.Now()
	err := j.file.Sync()
	if errors.Is(err, errors.ErrUnsupported) || isNotSyncable(err) {
		return nil // a pipe or device
	}
	return err
}

// Close writes what is left and closes the file.
func (j *Journal) Close() error {
	err := j.broken
	if err == nil {
		err = j.sync()
	}
	return errors.Join(err, j.file.Close())
}

// RecordReader says what is done with the lines of a file of records.
type RecordReader struct {
	// NeedHeader refuses a file that has lines but no header.
	NeedHeader bool
	Header     func(Settings) error // nil: ignored
	Record     func(Record) error
	// Bad gets file:line of lines that are no records; nil makes them errors,
	// all but a torn last line.
	Bad func(where string, err error)
}

// maxRecord bounds one line of results, in bytes.
const maxRecord = 4 << 20

// ReadRecords reads the output or the journal of a scan and returns how many
// bytes of it are whole lines. Only one line is in memory at a time.
func ReadRecords(from io.Reader, file string, to RecordReader) (whole int64, err error) {
	lines := bufio.NewReaderSize(from, 64<<10)
	headed := !to.NeedHeader
	for n := 1; ; n++ {
		line, err := readLine(lines)
		where := fmt.Sprintf("%s:%d", file, n)
		switch {
		case errors.Is(err, io.EOF):
			return whole, nil // what is in line is torn
		case err != nil:
			return whole, fmt.Errorf("%s: %w", where, err)
		}
		size := int64(len(line))
		line = bytes.TrimSpace(line)
		isFirst := n == 1 && isHeader(line)
		if isFirst {
			headed = true
			err = to.header(line)
		} else if !headed {
			return whole, fmt.Errorf("%s: not the state of a scan", where)
		} else if len(line) > 0 {
			err = to.record(line, where)
		}
		if err != nil {
			return whole, err
		}
		whole += size
	}
}

func (to RecordReader) header(line []byte) error {
	var h header
	if err := json.Unmarshal(line, &h); err != nil || to.Header == nil {
		return err
	}
	return to.Header(h.Settings)
}

func (to RecordReader) record(line []byte, where string) error {
	var r Record
	err := json.Unmarshal(line, &r)
	if err == nil && (r.Target == "" || r.Grade == "") {
		err = errors.New("not the result of a scan")
	}
	if err != nil {
		if to.Bad != nil {
			to.Bad(where, err)
			return nil
		}
		return fmt.Errorf("%s: %w", where, err)
	}
	if r.Key == "" { // of check -o json
		r.Key = NewTarget(r.Target, "", "").Key
	}
	return to.Record(r)
}

// readLine reads a line with its end, at most maxRecord bytes. It returns
// io.EOF with what is left when there is no end.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return line, err
		case len(line) > maxRecord:
			return nil, fmt.Errorf("line is longer than %d bytes", maxRecord)
		}
	}
}
