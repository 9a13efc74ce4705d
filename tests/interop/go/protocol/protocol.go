// Package protocol holds the two structs that Juju's hook tools and its unit agent exchange over net/rpc. The names of
// the structs and of their fields travel in gob's type definitions, so they are Juju's.
package protocol

// NeedsStdin is the text of the error with which the agent asks a hook tool for its standard input.
const NeedsStdin = "hook tool requires stdin, none supplied"

// Request asks the agent to run one hook tool.
type Request struct {
	ContextId   string
	Dir         string
	CommandName string
	Args        []string
	// StdinSet tells an empty Stdin from an absent one, because gob sends neither.
	StdinSet bool
	Stdin    []byte
	// Token is set by operator charms of Juju 2.x and 3.x only.
	Token string
}

// ExecResponse is the outcome of a hook tool that ran.
type ExecResponse struct {
	Code   int
	Stdout []byte
	Stderr []byte
}
