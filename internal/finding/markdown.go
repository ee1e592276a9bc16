package finding

import (
	"fmt"
	"strings"
)

const markdownHead = `# Findings

Every diagnosis of Holdfast has a code. The code never changes its meaning and is
never used again for another one; the name beside it says the same in words.
` + "`holdfast explain CODE`" + ` prints an entry in the terminal.

The grade is what a server gets that shows this finding and nothing worse. A
finding without one is about a deployment and not about a running server.

`

// Markdown renders the whole catalogue as one page. Each entry has an anchor
// that is its code in lower case, such as #hf011.
func Markdown() string { return markdown(Catalogue()) }

func markdown(entries []Entry) string {
	var b strings.Builder
	b.WriteString(markdownHead)
	b.WriteString("## Contents\n")
	eachGroup(entries, func(g group, members []Entry) {
		fmt.Fprintf(&b, "\n%s\n\n", g.title)
		for _, e := range members {
			fmt.Fprintf(&b, "- [%s](#%s) `%s`: %s\n", e.Code, strings.ToLower(e.Code), e.Name, escape(e.Title))
		}
	})
	eachGroup(entries, func(g group, members []Entry) {
		fmt.Fprintf(&b, "\n## %s\n", g.title)
		for _, e := range members {
			writeEntry(&b, e)
		}
	})
	return b.String()
}

func writeEntry(b *strings.Builder, e Entry) {
	fmt.Fprintf(b, "\n<a id=\"%s\"></a>\n\n### %s %s\n\n", strings.ToLower(e.Code), e.Code, escape(e.Title))
	fmt.Fprintf(b, "`%s` · severity %s", e.Name, e.Severity)
	if e.Grade != "" {
		fmt.Fprintf(b, " · grade %s", e.Grade)
	}
	fmt.Fprintf(b, "\n\n**Seen.** %s\n\n**Why it matters.** %s\n\n**What to do.** %s\n",
		escape(e.Seen), escape(e.Why), escape(e.Do))
}

// eachGroup calls visit for each run of entries, which are in order, that belong
// to one group.
func eachGroup(entries []Entry, visit func(group, []Entry)) {
	for len(entries) > 0 {
		g, n := groupOf(entries[0].Code), 1
		for n < len(entries) && groupOf(entries[n].Code) == g {
			n++
		}
		visit(g, entries[:n])
		entries = entries[n:]
	}
}

// escape keeps Markdown from reading markup into a text, except inside
// backticks, where it reads none. An underscore between letters is no markup.
func escape(s string) string {
	parts := strings.Split(s, "`")
	for i := 0; i < len(parts); i += 2 { // the odd ones stand in backticks
		parts[i] = strings.NewReplacer("<", "&lt;", "*", `\*`, " _", ` \_`, "_ ", `\_ `, "](", `]\(`).Replace(parts[i])
	}
	return strings.Join(parts, "`")
}

// explainWidth is where Explain wraps, in columns.
const explainWidth = 78

// Explain renders one entry as plain text for a terminal, wrapped at 78 columns.
// A single word that is longer, such as a URL, is left whole.
func Explain(e Entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n%s\n\n", e.Code, e.Name, e.Title)
	verdict := string(e.Severity)
	if e.Grade != "" {
		verdict += "; a server that shows nothing worse is " + string(e.Grade)
	}
	for _, line := range []struct{ label, text string }{
		{"Means", verdict}, {"Seen", e.Seen}, {"Why", e.Why}, {"Do", e.Do},
	} {
		b.WriteString(wrap(line.label, line.text))
	}
	return b.String()
}

// wrap writes a label and a text beside it, broken into lines.
func wrap(label, text string) string {
	const indent = 7
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s", indent, label)
	column := indent
	for word := range strings.FieldsSeq(text) {
		width := len([]rune(word))
		if column > indent && column+1+width > explainWidth {
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		}
		if column > indent {
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += width
	}
	b.WriteByte('\n')
	return b.String()
}
