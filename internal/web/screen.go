package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

// screen is a View in the words and order of the page. Every text in it is
// clean.
type screen struct {
	Title, Verdict string
	Tone           string // class of the verdict: good, care, bad
	Now            stamp
	Version        string
	Draining       bool
	Counts         []count
	Groups         []group
	Codes          []finding.Entry
}

type count struct {
	Grade finding.Grade
	N     int
}

// group is servers that ask the same of the reader.
type group struct {
	ID, Title string
	Cards     []card
}

// stamp is a point in time.
type stamp struct {
	ISO, Clock string
	Ago        string // distance to now, without "ago" or "in"
}

// card is one server.
type card struct {
	ID, Name, About string
	Class           string // grade, or waiting
	Word            string // grade in words
	Open            bool
	Code, Headline  string
	Measured        bool
	Since, Checked  stamp
	Stale           bool
	Problems        []problem
	More            int // findings that are not shown
	Facts           []fact
	Spark           *spark
}

// problem is a finding in full.
type problem struct {
	ID, Code, Name, Title string
	Known                 bool // there is an entry to link to
	Severity              string
	Subject, Seen         string
	Do                    []piece
	Evidence              string
}

// fact is one line of what is known. Tone is good, care, bad or none.
type fact struct{ Label, Text, Tone string }

// maxProblems is how many findings of one server are shown.
const maxProblems = 8

// The groups, in order of urgency.
const (
	broken = iota
	unseen
	troubled
	gated
	working
)

func groupTitles() []group {
	return []group{
		broken:   {ID: "broken", Title: "Broken: clients cannot use them"},
		unseen:   {ID: "unseen", Title: "Not known"},
		troubled: {ID: "troubled", Title: "Working, with trouble"},
		gated:    {ID: "gated", Title: "Gated: they ask for a credential that we do not hold"},
		working:  {ID: "working", Title: "Working"},
	}
}

// glossary is the catalogue of findings by code, which is slow to make.
type glossary map[string]finding.Entry

func newGlossary() glossary {
	g := glossary{}
	for _, e := range finding.Catalogue() {
		g[e.Code] = e
	}
	return g
}

func (g glossary) screen(v View) screen {
	s := screen{Now: newStamp(v.Now, v.Now), Version: clean(v.Version, maxWord), Draining: v.Draining}
	groups := groupTitles()
	tally := map[finding.Grade]int{}
	codes := map[string]finding.Entry{}
	for _, server := range v.Servers {
		if !slices.Contains(finding.Grades(), server.Grade) || !server.Measured {
			server.Grade = finding.Unknown
		}
		c := g.card(server, v.Now)
		i := c.group(server.Grade)
		groups[i].Cards = append(groups[i].Cards, c)
		if i == unseen {
			server.Grade = finding.Unknown
		}
		tally[server.Grade]++
		for _, p := range c.Problems {
			if e, ok := g[p.Code]; ok {
				codes[e.Code] = e
			}
		}
	}
	fold(groups)
	for _, grade := range finding.Grades() {
		if tally[grade] > 0 {
			s.Counts = append(s.Counts, count{grade, tally[grade]})
		}
	}
	for _, e := range codes {
		s.Codes = append(s.Codes, e)
	}
	slices.SortFunc(s.Codes, func(a, b finding.Entry) int { return cmp.Compare(a.Code, b.Code) })
	s.Title, s.Verdict, s.Tone = verdict(groups, len(v.Servers))
	s.Groups = slices.DeleteFunc(groups, func(g group) bool { return len(g.Cards) == 0 })
	return s
}

// fold closes the cards when so many are open that nobody would see them all.
func fold(groups []group) {
	const many = 8
	open := 0
	for _, g := range groups {
		for _, c := range g.Cards {
			if c.Open {
				open++
			}
		}
	}
	for _, g := range groups {
		for i := range g.Cards {
			g.Cards[i].Open = g.Cards[i].Open && open <= many
		}
	}
}

// group tells where a card belongs. A stale grade is no grade.
func (c *card) group(g finding.Grade) int {
	switch {
	case g.Accuses():
		return broken
	case c.Stale, g == finding.Unknown:
		return unseen
	case g == finding.Degraded:
		return troubled
	case g == finding.Gated:
		return gated
	}
	return working
}

// verdict says the whole in one sentence, and in the few words that fit a tab.
func verdict(groups []group, total int) (title, sentence, tone string) {
	n := func(i int) int { return len(groups[i].Cards) }
	of := fmt.Sprintf("of %d %s", total, plural(total, "server", "servers"))
	switch {
	case total == 0:
		return "Holdfast", "No server is configured.", "care"
	case n(broken) > 0:
		return fmt.Sprintf("✕ %d of %d broken · Holdfast", n(broken), total),
			fmt.Sprintf("%s %s not work for a client.", named(groups[broken].Cards, of), plural(n(broken), "does", "do")), "bad"
	case n(unseen) > 0:
		return fmt.Sprintf("? %d of %d not known · Holdfast", n(unseen), total),
			unknown(groups[unseen].Cards, of), "care"
	case n(troubled) > 0:
		return fmt.Sprintf("! %d of %d in trouble · Holdfast", n(troubled), total),
			fmt.Sprintf("%d %s %s with trouble.", n(troubled), of, plural(n(troubled), "works", "work")), "care"
	case n(gated) > 0:
		return "Holdfast",
			fmt.Sprintf("%d %s %s; %d %s for a credential that we do not hold.", n(working), of, plural(n(working), "works", "work"), n(gated), plural(n(gated), "asks", "ask")), "good"
	case total == 1:
		return "✓ Holdfast", "The server works for a client.", "good"
	}
	return "✓ Holdfast", fmt.Sprintf("All %d servers work for a client.", total), "good"
}

// unknown tells whether we wait or cannot tell.
func unknown(cards []card, of string) string {
	if !slices.ContainsFunc(cards, func(c card) bool { return c.Measured }) {
		return "Waiting for the first probe of " + named(cards, of) + "."
	}
	return fmt.Sprintf("It is not known whether %s %s.", named(cards, of), plural(len(cards), "works", "work"))
}

// named says which servers, as long as they are few.
func named(cards []card, of string) string {
	const few = 3
	if len(cards) > few {
		return fmt.Sprintf("%d %s", len(cards), of)
	}
	var names []string
	for _, c := range cards {
		names = append(names, c.Name)
	}
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func newStamp(t, now time.Time) stamp {
	if t.IsZero() {
		return stamp{}
	}
	t, now = t.UTC(), now.UTC()
	clock := t.Format("2006-01-02 15:04")
	if y, m, d := t.Date(); now.Year() == y && now.Month() == m && now.Day() == d {
		clock = t.Format("15:04:05")
	}
	distance := now.Sub(t)
	return stamp{ISO: t.Format(time.RFC3339), Clock: clock, Ago: span(distance.Abs())}
}

func (g glossary) card(s Server, now time.Time) card {
	name := clean(s.Name, maxWord)
	c := card{
		ID: "server-" + name, Name: name, About: clean(s.About, maxWord*2), Class: string(s.Grade), Word: string(s.Grade),
		Measured: s.Measured, Since: newStamp(s.Since, now), Checked: newStamp(s.Checked, now),
		Stale: s.Measured && !s.StaleAt.IsZero() && now.After(s.StaleAt),
	}
	if !s.Measured {
		c.Class, c.Word, c.Headline = "waiting", "waiting", "The first probe is under way"
		c.Facts = s.facts(now)
		return c
	}
	for i, f := range s.Findings[:min(len(s.Findings), maxProblems)] {
		c.Problems = append(c.Problems, g.problem(fmt.Sprintf("%s-%d", c.ID, i), f))
	}
	c.More = len(s.Findings) - len(c.Problems)
	c.Headline = fmt.Sprintf("%d %s", s.Tools, plural(s.Tools, "tool", "tools"))
	if len(c.Problems) > 0 {
		c.Code, c.Headline = c.Problems[0].Code, c.Problems[0].Title
	}
	c.Open = s.Grade.Accuses() || s.Grade == finding.Degraded || c.Stale
	c.Spark = newSpark(s.Probes)
	c.Facts = s.facts(now)
	return c
}

func (g glossary) problem(id string, f finding.Finding) problem {
	p := problem{
		ID: id, Code: clean(f.Code, 12), Name: clean(f.Name, maxWord), Severity: clean(string(f.Severity), 12),
		Subject: clean(f.Subject, 2*maxWord), Seen: clean(f.Seen, maxSentence), Do: pieces(f.Hint), Evidence: clean(f.Evidence, maxEvidence),
	}
	p.Title = p.Name
	if e, ok := g[f.Code]; ok {
		p.Code, p.Title, p.Known = e.Code, e.Title, true
	}
	return p
}

// facts lists what is known, the time of the next probe last.
func (s *Server) facts(now time.Time) []fact {
	var out []fact
	add := func(label, text, tone string) {
		if text != "" {
			out = append(out, fact{label, text, tone})
		}
	}
	if s.Measured {
		add("Since", moment(s.Since, now), "")
		text, tone := s.checks(now)
		add("Last check", text, tone)
		if s.Tools > 0 || s.ToolsExpected != nil || !s.Grade.Accuses() && s.Grade != finding.Unknown && s.Grade != finding.Gated {
			text, tone = s.tools()
			add("Tools", text, tone)
		}
		add("Eras", strings.Join(cleanAll(s.Eras), ", "), "")
		add("Versions", strings.Join(cleanAll(s.Versions), ", "), "")
		text, tone = posture(s.Auth)
		add("Authorization", text, tone)
	}
	text, tone := certificate(s.CertificateExpires, now)
	add("Certificate", text, tone)
	add("Sessions", number(int64(s.Sessions)), "")
	add("Endpoint", clean(s.Endpoint, 4*maxWord), "")
	add("Transport", clean(s.Transport, maxWord), "")
	add("Software", clean(strings.TrimSpace(s.Software), 2*maxWord), "")
	if s.Measured && !s.Ready {
		add("Readiness", "does not count as ready: calls may fail", "bad")
	}
	return out
}

// moment is a time in both ways: how long ago, and when.
func moment(t, now time.Time) string {
	st := newStamp(t, now)
	if st.ISO == "" {
		return ""
	}
	return st.Ago + " (" + st.Clock + ")"
}

func (s *Server) checks(now time.Time) (text, tone string) {
	text = newStamp(s.Checked, now).Ago + " ago (" + newStamp(s.Checked, now).Clock + ")"
	switch {
	case !s.StaleAt.IsZero() && now.After(s.StaleAt):
		return text + ", overdue since " + newStamp(s.Next, now).Clock + ": do not believe the grade", "bad"
	case s.Next.After(now):
		return text + ", next in " + newStamp(s.Next, now).Ago, ""
	case !s.Next.IsZero():
		return text + ", next one due now", ""
	}
	return text, ""
}

func (s *Server) tools() (text, tone string) {
	text = fmt.Sprintf("%d served", s.Tools)
	if s.ToolsExpected != nil {
		text += fmt.Sprintf(" of %d expected", *s.ToolsExpected)
		if s.Tools-s.ToolsInvalid < *s.ToolsExpected {
			tone = "bad"
		}
	}
	if s.ToolsInvalid > 0 {
		text += fmt.Sprintf(", %d of them invalid", s.ToolsInvalid)
		if tone == "" {
			tone = "care"
		}
	}
	if s.ToolsExpected == nil {
		text += ", no contract"
	}
	return text, tone
}

// posture explains an authorization posture.
func posture(auth string) (text, tone string) {
	switch auth {
	case "open":
		return "open: works without a credential", ""
	case "gated":
		return "gated: asks correctly for a credential that we do not hold", ""
	case "gated-at-call":
		return "gated at call: lists openly, asks when a tool is called", ""
	case "credentialed":
		return "credentialed: works with the one we hold", ""
	case "broken":
		return "broken: asks in a way no client can follow, or refuses ours", "bad"
	}
	return clean(auth, maxWord), ""
}

// certificateWarning is how near the end of a certificate is worth a colour.
const certificateWarning = 14 * 24 * time.Hour

func certificate(end, now time.Time) (text, tone string) {
	if end.IsZero() {
		return "", ""
	}
	st := newStamp(end, now)
	switch left := end.Sub(now); {
	case left < 0:
		return "ended " + st.Ago + " ago (" + st.Clock + ")", "bad"
	case left < certificateWarning:
		return "ends in " + st.Ago + " (" + st.Clock + ")", "care"
	}
	return "good for " + st.Ago + " (" + st.Clock + ")", ""
}

func cleanAll(texts []string) []string {
	const many = 12
	var out []string
	for _, t := range texts[:min(len(texts), many)] {
		out = append(out, clean(t, 24))
	}
	if len(texts) > many {
		out = append(out, "…")
	}
	return out
}
