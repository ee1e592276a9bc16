package engine_test

import (
	"context"
	"log"
	"os"

	"example.com/house/peer"
	"example.com/house/tool"
	"example.org/sdk" // want import
)

var state = map[string]int{}

func init() {
	state[peer.Kind+sdk.Kind] = tool.Four(1, 2, 3, 4)
	log.Println(context.Background(), os.Getenv("HOME"))
}
