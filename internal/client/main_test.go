package client_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
)

// childWord is the argument that makes this test binary an odd stdio server.
const childWord = "client-test-child"

// TestMain lets this test binary be the stdio servers of its tests.
func TestMain(m *testing.M) {
	if code, ok := mcptest.StdioMain(context.Background(), os.Args); ok {
		os.Exit(code)
	}
	if len(os.Args) >= 3 && os.Args[1] == childWord {
		os.Exit(child(os.Args[2], os.Args[3:]))
	}
	os.Exit(m.Run())
}

// command starts this test binary as an odd child.
func command(kind string, args ...string) []string {
	return append([]string{os.Args[0], childWord, kind}, args...)
}

// child is a stdio server with one bad habit.
func child(kind string, args []string) int {
	answer := func(in io.Reader, result string) {
		lines := bufio.NewScanner(in)
		for n := 1; lines.Scan(); n++ {
			fmt.Printf("{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":%s}\n", n, result)
		}
	}
	switch kind {
	case "deaf": // reads nothing
		time.Sleep(time.Hour)
	case "stubborn": // ends neither with its stdin nor by SIGTERM
		signal.Ignore(syscall.SIGTERM)
		answer(os.Stdin, "{}")
		time.Sleep(time.Hour)
	case "endless": // a line of 100 MB
		chunk := strings.Repeat("x", 1<<20)
		for range 100 {
			if _, err := os.Stdout.WriteString(chunk); err != nil {
				return 1
			}
		}
		time.Sleep(time.Hour)
	case "environment":
		bufio.NewScanner(os.Stdin).Scan()
		env, err := json.Marshal(os.Environ())
		if err != nil {
			return 1
		}
		fmt.Printf("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"env\":%s}}\n", env)
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "parent", "runaway": // leaves a grandchild that holds the pipes
		cmd := exec.Command(os.Args[0], childWord, "grandchild", args[0])
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: kind == "runaway"}
		if err := cmd.Start(); err != nil {
			return 1
		}
		answer(os.Stdin, "{}")
	case "grandchild":
		if err := os.WriteFile(args[0], fmt.Append(nil, os.Getpid()), 0o600); err != nil {
			return 1
		}
		time.Sleep(time.Hour)
	case "stranger": // answers with ids that nobody asked for
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			fmt.Println(`{"jsonrpc":"2.0","id":4711,"result":{}}`)
		}
	case "blind": // cannot read any id
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			fmt.Println(`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}`)
		}
	case "fragile": // its first process dies of the first question
		if f, err := os.OpenFile(args[0], os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			_ = f.Close()
			bufio.NewScanner(os.Stdin).Scan()
			return 3
		}
		return mustPeer("legacy")
	case "brief": // one answer, then the end
		bufio.NewScanner(os.Stdin).Scan()
		fmt.Println(`{"jsonrpc":"2.0","id":1,"result":{"last":"words"}}`)
		fmt.Fprintln(os.Stderr, "goodbye")
		return 7
	}
	return 0
}

func mustPeer(kind string) int {
	code, _ := mcptest.StdioMain(context.Background(), mcptest.StdioCommand(kind))
	return code
}
