package interop

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Report is the outcome of one conformance run.
type Report struct {
	URL      string
	Revision string
	Took     time.Duration
	// Scenarios holds what ran, and every required scenario even if it left no
	// result, by name.
	Scenarios map[string]Scenario
}

// Scenario is one scenario of the suite.
type Scenario struct {
	// Required says that the revision scores this scenario. The others are
	// extensions, or came after the release.
	Required bool
	Checks   []Check
}

// Check is one assertion within a scenario. The same id may occur repeatedly.
type Check struct {
	ID     string `json:"id"`
	Status string `json:"status"` // SUCCESS, FAILURE, WARNING, SKIPPED or INFO
	Error  string `json:"errorMessage"`
}

// Passed follows the rule by which the suite assesses tiers: no check failed and
// at least one succeeded. A scenario without a result has not passed. (The
// summary that the suite prints is laxer: it ticks a scenario that only warned.)
func (s Scenario) Passed() bool {
	failed := func(c Check) bool { return c.Status == "FAILURE" }
	succeeded := func(c Check) bool { return c.Status == "SUCCESS" }
	return !slices.ContainsFunc(s.Checks, failed) && slices.ContainsFunc(s.Checks, succeeded)
}

// Required maps each required scenario to whether it passed.
func (r Report) Required() map[string]bool {
	required := make(map[string]bool)
	for name, s := range r.Scenarios {
		if s.Required {
			required[name] = s.Passed()
		}
	}
	return required
}

// Score counts the required scenarios that passed, and all required ones.
func (r Report) Score() (passed, total int) {
	for _, ok := range r.Required() {
		total++
		if ok {
			passed++
		}
	}
	return passed, total
}

// Failures describes every failed check of the required scenarios, sorted.
func (r Report) Failures() []string {
	var out []string
	for name, s := range r.Scenarios {
		if !s.Required || s.Passed() {
			continue
		}
		if len(s.Checks) == 0 {
			out = append(out, name+": no result")
		}
		for _, c := range s.Checks {
			if c.Status != "SUCCESS" {
				out = append(out, fmt.Sprintf("%s: %s: %s: %s", name, c.ID, c.Status, c.Error))
			}
		}
	}
	slices.Sort(out)
	return out
}

// Lost describes every check, scored or not, that succeeded in direct more
// often than in r. With direct taken from the server itself and r through
// something in front of it, an empty result says that everything that passes
// directly passes through.
func (r Report) Lost(direct Report) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(direct.Scenarios)) {
		want, got := direct.Scenarios[name].successes(), r.Scenarios[name].successes()
		for _, id := range slices.Sorted(maps.Keys(want)) {
			if got[id] < want[id] {
				out = append(out, fmt.Sprintf("%s: %s: succeeded %d of %d times: %s",
					name, id, got[id], want[id], r.Scenarios[name].explain(id)))
			}
		}
	}
	return out
}

func (s Scenario) successes() map[string]int {
	count := make(map[string]int)
	for _, c := range s.Checks {
		if c.Status == "SUCCESS" {
			count[c.ID]++
		}
	}
	return count
}

// explain says what became of a check that did not succeed as often as hoped.
// A scenario that broke off early lacks the check and fails another one.
func (s Scenario) explain(id string) string {
	var same, other []string
	for _, c := range s.Checks {
		switch {
		case c.Status == "SUCCESS":
		case c.ID == id:
			same = append(same, c.Status+" "+c.Error)
		default:
			other = append(other, c.ID+" "+c.Status+" "+c.Error)
		}
	}
	if len(same) > 0 {
		return strings.Join(same, "; ")
	}
	return cmp.Or(strings.Join(other, "; "), "absent")
}

// resultDir matches the folder that the suite writes per scenario: its name and
// the time at which it ended.
var resultDir = regexp.MustCompile(`^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$`)

// readResults collects what the suite wrote and adds the required scenarios
// that left nothing.
func readResults(dir fs.FS, required []string) (Report, error) {
	files, err := fs.Glob(dir, "*/checks.json")
	if err != nil {
		return Report{}, fmt.Errorf("read results: %w", err)
	}
	if len(files) == 0 {
		return Report{}, errors.New("read results: the suite wrote none")
	}
	report := Report{Scenarios: make(map[string]Scenario)}
	for _, file := range files {
		match := resultDir.FindStringSubmatch(path.Dir(file))
		if match == nil {
			return Report{}, fmt.Errorf("read results: %s is not named like a server scenario", file)
		}
		data, err := fs.ReadFile(dir, file)
		if err != nil {
			return Report{}, fmt.Errorf("read results: %w", err)
		}
		var s Scenario
		if err := json.Unmarshal(data, &s.Checks); err != nil {
			return Report{}, fmt.Errorf("read results: parse %s: %w", file, err)
		}
		if _, twice := report.Scenarios[match[1]]; twice {
			return Report{}, fmt.Errorf("read results: scenario %s has two", match[1])
		}
		report.Scenarios[match[1]] = s
	}
	for _, name := range required {
		s := report.Scenarios[name]
		s.Required = true
		report.Scenarios[name] = s
	}
	return report, nil
}

// readRequirements reads the server section of a frozen requirements file. It
// is a flat YAML list, too simple to need a parser.
func readRequirements(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read requirements: %w", err)
	}
	defer f.Close()
	var names []string
	section := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		if name, ok := strings.CutSuffix(line, ":"); ok && !strings.HasPrefix(line, " ") {
			section = name
		} else if name, ok := strings.CutPrefix(line, "  - "); ok && section == "server" {
			names = append(names, strings.TrimSpace(name))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read requirements: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("read requirements: no server section in %s", file)
	}
	return names, nil
}
