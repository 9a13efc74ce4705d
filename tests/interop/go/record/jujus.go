package main

import (
	"encoding/gob"
	"errors"
	"io"
	"net/rpc"
	"reflect"
	"strings"

	"interop/protocol"
)

// jujuc is what the server registers as Jujuc. Its answers are of any type, for servers of another make.
type jujuc[Response any] struct {
	run func(protocol.Request, *Response) error
}

// Main has the name and the form that net/rpc expects.
func (j *jujuc[Response]) Main(request protocol.Request, response *Response) error {
	return j.run(request, response)
}

func serving[Response any](run func(protocol.Request, *Response) error) func(connection) {
	return func(conn connection) { server(run).ServeConn(conn) }
}

func server[Response any](run func(protocol.Request, *Response) error) *rpc.Server {
	server := rpc.NewServer()
	if err := server.RegisterName("Jujuc", &jujuc[Response]{run}); err != nil {
		panic(err)
	}
	return server
}

// tools answers each tool with what the map has for its name.
func tools(answers map[string]protocol.ExecResponse) func(protocol.Request, *protocol.ExecResponse) error {
	return func(request protocol.Request, response *protocol.ExecResponse) error {
		answer, known := answers[request.CommandName]
		if !known {
			return errors.New("bad request: unknown hook command: " + request.CommandName)
		}
		*response = answer
		return nil
	}
}

func tool(name string, args ...string) protocol.Request {
	return protocol.Request{
		ContextId:   "app/0-update-status-4242",
		Dir:         "/var/lib/juju/agents/unit-app-0/charm",
		CommandName: name,
		Args:        args,
	}
}

var (
	relationIds = tool("relation-ids", "tracing", "--format=json")
	isLeader    = tool("is-leader", "--format=json")
	usual       = map[string]protocol.ExecResponse{
		"relation-ids": {Stdout: []byte("[\"tracing:3\"]\n")},
		"is-leader":    {Stdout: []byte("true\n")},
		"juju-log":     {},
		"status-set":   {},
	}
)

// jujus are the exchanges with a server that has exactly Juju's structs.
func jujus() []exchange {
	text := func(code int, stderr string) protocol.ExecResponse {
		return protocol.ExecResponse{Code: code, Stderr: []byte(stderr)}
	}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	withStdin := tool("relation-set", "-r", "3", "--file", "-")
	withStdin.StdinSet, withStdin.Stdin = true, []byte("{\"receivers\": \"[\\\"otlp_http\\\"]\"}")
	emptyStdin := withStdin
	emptyStdin.Stdin = nil
	longStdin := withStdin
	longStdin.Stdin = []byte(strings.Repeat("s", 70_000))
	token := isLeader
	token.Token = "3fa7b0"
	short := protocol.Request{ContextId: "c", Dir: "/", CommandName: "is-leader"}
	many := make([]protocol.Request, 132)
	for i := range many {
		many[i] = short
	}

	return []exchange{
		{
			name:    "success",
			comment: "A tool that prints something. The definitions of the types come once per connection, before the first\nvalue.",
			calls:   []protocol.Request{relationIds, isLeader, relationIds},
			serve:   serving(tools(usual)),
		},
		{
			name:    "no-output",
			comment: "Tools that print nothing: all fields of the response are zero, and absent.",
			calls:   []protocol.Request{tool("juju-log", "-l", "DEBUG", "--", "text"), tool("status-set", "active"), isLeader},
			serve:   serving(tools(usual)),
		},
		{
			name:    "exit-codes",
			comment: "Signed exit codes; one of two bytes.",
			calls:   []protocol.Request{tool("one"), tool("two"), tool("panics"), tool("largest"), tool("negative"), tool("huge")},
			serve: serving(tools(map[string]protocol.ExecResponse{
				"one":      text(1, "ERROR permission denied\n"),
				"two":      text(2, "ERROR invalid value \"one\" for option -r: invalid relation id\n"),
				"panics":   text(3, ""),
				"largest":  text(255, ""),
				"negative": text(-1, ""),
				"huge":     text(-1<<63, "")})),
		},
		{
			name:    "refused",
			comment: "The agent refuses calls: the text is in the header, and an empty struct of its own type follows as the body.\nThe definition of ExecResponse comes with the first call that succeeds.",
			calls:   []protocol.Request{relationIds, tool("action-get"), isLeader, relationIds},
			serve: serving(func(request protocol.Request, response *protocol.ExecResponse) error {
				if request.CommandName == "relation-ids" {
					return errors.New("bad request: expected context id \"app/0-config-changed-77\", got \"app/0-update-status-4242\"")
				}
				return tools(usual)(request, response)
			}),
		},
		{
			name:    "refused-after-success",
			comment: "The definition of the empty struct comes with the first error.",
			calls:   []protocol.Request{isLeader, tool("action-get"), isLeader},
			serve:   serving(tools(usual)),
		},
		{
			name:    "no-such-method",
			comment: "net/rpc itself refuses a method that the server does not have.",
			calls:   []protocol.Request{isLeader, isLeader},
			methods: map[int]string{0: "Jujuc.Other"},
			serve:   serving(tools(usual)),
		},
		{
			name:    "stdin-on-demand",
			comment: "The agent asks for standard input by an error; the second call has it. One that is empty is only marked.",
			calls:   []protocol.Request{tool("relation-set", "-r", "3", "--file", "-"), withStdin, emptyStdin, longStdin},
			serve: serving(func(request protocol.Request, response *protocol.ExecResponse) error {
				if !request.StdinSet {
					return errors.New(protocol.NeedsStdin)
				}
				return nil
			}),
		},
		{
			name:    "long-output",
			comment: "Lengths of one byte (127), of two (128, 255), three (256, 300, 65535), and four (65536, 70000).",
			calls: []protocol.Request{tool("prints", "127"), tool("prints", "128"), tool("prints", "255"),
				tool("prints", "256"), tool("prints", "300"), tool("prints", "65535"), tool("prints", "65536"),
				tool("prints", "70000"), tool("fails", "70000")},
			serve: serving(func(request protocol.Request, response *protocol.ExecResponse) error {
				output := []byte(strings.Repeat("o", decimal(request.Args[0])))
				if request.CommandName == "fails" {
					response.Code, response.Stderr = 1, output
				} else {
					response.Stdout = output
				}
				return nil
			}),
		},
		{
			name:    "not-utf-8",
			comment: "Output is bytes: each of the 256 of them, and an encoding that is cut off.",
			calls:   []protocol.Request{tool("every"), tool("cut")},
			serve: serving(tools(map[string]protocol.ExecResponse{
				"every": {Stdout: every},
				"cut":   {Code: 1, Stdout: []byte("caf\xc3"), Stderr: []byte("caf\u00e9 \xff\n")},
			})),
		},
		{
			name:    "many-calls",
			comment: "Call numbers beyond 127 take two bytes. The number 0 of the first call is absent.",
			calls:   many,
			serve:   serving(tools(usual)),
		},
		{
			name: "requests",
			comment: "Requests: no arguments, as nil and as an empty slice; empty arguments; arguments that are not UTF-8 and not\n" +
				"ASCII; a long argument; 200 arguments; a token; nothing at all.",
			calls: []protocol.Request{
				tool("juju-log"), tool("juju-log", []string{}...), tool("juju-log", ""), tool("juju-log", "", "a", ""),
				tool("juju-log", "caf\xc3", "caf\u00e9", "\x00\n\"\\"), tool("juju-log", strings.Repeat("a", 70_000)),
				tool("juju-log", strings.Split(strings.Repeat("ab", 199), "b")...), token, {},
			},
			serve: serving(tools(map[string]protocol.ExecResponse{"juju-log": {}, "is-leader": {}, "": {}})),
		},
		{
			name:    "other-types-first",
			comment: "An agent that has sent other types before on other connections: type numbers of three bytes.",
			calls:   []protocol.Request{relationIds, tool("action-get"), isLeader},
			serve: func(conn connection) {
				for length := 0; length < 70; length++ {
					array := reflect.New(reflect.ArrayOf(length, reflect.TypeOf(0)))
					if err := gob.NewEncoder(io.Discard).EncodeValue(array); err != nil {
						panic(err)
					}
				}
				serving(tools(usual))(conn)
			},
		},
	}
}

func decimal(text string) (number int) {
	for _, digit := range text {
		number = number*10 + int(digit-'0')
	}
	return number
}
