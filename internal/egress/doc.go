// Package egress is the one way out of the process: one guarded dialer and
// one HTTP transport that every outbound call goes through (probes, the MCP
// client, the upstream leg of the proxy, OAuth metadata).
//
// What holds for every call, whatever the caller forgot:
//
//   - A name is resolved once, every address is put before the [Guard], and
//     exactly a passed address is dialled; a name that changes its answer
//     between check and use (DNS rebinding) gains nothing.
//   - No redirect is followed. [Response.Redirect] judges one instead.
//   - No cookie is kept, no proxy variable is read, user info in a URL is
//     not sent.
//   - Only the identity content coding is asked for and accepted, so a small
//     answer cannot inflate.
//   - Head and body are capped.
//   - A failure is an *[Error] with the phase it happened in and its kind,
//     decided here and nowhere else.
//   - A response carries its phase timings, also on a reused connection.
//
// Known limits. A NAT64 prefix that a network chose for itself (RFC 6052
// section 2.2) looks like any public address, so the address embedded in it
// cannot be seen. The transport repeats a request on a fresh connection only
// when the reused one took no byte of it, when HTTP/2 says it was not
// processed, or when the method is safe or the request has an Idempotency-Key
// header; a POST without that header therefore never runs twice.
package egress
