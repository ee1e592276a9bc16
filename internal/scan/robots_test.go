package scan

import "testing"

func TestRobotsRules(t *testing.T) {
	const file = "# a comment\r\nUser-Agent: *\r\nDisallow: /private/\nDisallow: /*.json$\nAllow: /private/open\n" +
		"\nUser-agent: otherbot\nUser-agent: Holdfast/1.0\nDisallow: /mcp\nAllow: /mcp/public\nCrawl-delay: 7\n" +
		"User-agent: holdfast\nDisallow: /a%3cd\n"
	tests := []struct {
		token, path string
		forbidden   bool
	}{
		{"holdfast", "/mcp", true},
		{"holdfast", "/mcp/v1", true},
		{"holdfast", "/mcp?x=1", true},
		{"holdfast", "/mcp/public", false},
		{"holdfast", "/private/x", false}, // the group for * is not ours any more
		{"holdfast", "/a%3Cd", true},      // both groups that name us count, in any spelling
		{"holdfast", "/", false},
		{"stranger", "/mcp", false},
		{"stranger", "/private/x", true},
		{"stranger", "/private/open", false},
		{"stranger", "/x/y.json", true},
		{"stranger", "/x/y.json2", false},
		{"otherbot", "/mcp", true},
	}
	for _, tt := range tests {
		if got := forbiddenBy(parseRobots(file, tt.token), tt.path); (got != "") != tt.forbidden {
			t.Errorf("%s at %s: %q, want forbidden %v", tt.token, tt.path, got, tt.forbidden)
		}
	}
}

// The examples of RFC 9309 section 5 and the traps around them.
func TestRobotsEdges(t *testing.T) {
	tests := []struct {
		name, file, path string
		forbidden        bool
	}{
		{"empty file", "", "/mcp", false},
		{"empty disallow allows all", "User-agent: *\nDisallow:\n", "/mcp", false},
		{"named without rules is not *", "User-agent: *\nDisallow: /\nUser-agent: holdfast\nDisallow:\n", "/mcp", false},
		{"everything", "User-agent: *\nDisallow: /\n", "/", true},
		{"rules before any group", "Disallow: /\n", "/mcp", false},
		{"longest wins", "User-agent: *\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n", "/example/page/disallowed.gif", true},
		{"tie allows", "User-agent: *\nDisallow: /mcp\nAllow: /mcp\n", "/mcp", false},
		{"dollar in the middle is literal", "User-agent: *\nDisallow: /a$b\n", "/a$b", true},
		{"star at the end", "User-agent: *\nDisallow: /m*\n", "/mcp", true},
		{"star and end", "User-agent: *\nDisallow: /*mcp$\n", "/x/mcp/mcp", true},
		{"case of path counts", "User-agent: *\nDisallow: /MCP\n", "/mcp", false},
		{"byte order mark", "\ufeffUser-agent: *\nDisallow: /\n", "/mcp", true},
		{"a prefix of our name is not us", "User-agent: hold\nDisallow: /\n", "/mcp", false},
		{"no colon", "User-agent *\nDisallow /\n", "/mcp", false},
	}
	for _, tt := range tests {
		if got := forbiddenBy(parseRobots(tt.file, "holdfast"), tt.path); (got != "") != tt.forbidden {
			t.Errorf("%s: %q, want forbidden %v", tt.name, got, tt.forbidden)
		}
	}
}
