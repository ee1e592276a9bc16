// Package scan probes many endpoints politely and adds up what it saw. It is
// the census: it reads lists and registries, asks each endpoint the one
// question of package probe, and never asks a host faster than it can bear.
//
// What holds for every scan:
//
//   - One group of endpoints (a registrable domain; an address) has at most so
//     many probes under way, one by default, with a gap between two. A 429 or
//     Retry-After widens the gap, success narrows it again, never below the
//     configured one.
//   - An accusation (dead, unusable) is made only after a second probe, later
//     in the run, has seen the same. An acquittal needs one.
//   - What was not measured (throttled, robots.txt, sampling, our own network
//     down) is printed as unknown with its reason and is never counted as dead.
//   - Every origin's robots.txt is honoured unless the servers are one's own.
//     A robots.txt that cannot be fetched forbids nothing: asking whether a
//     server is alive is the purpose, and a server that fails has stated no wish.
//
// A scan may be interrupted and resumed by means of a [Journal].
package scan
