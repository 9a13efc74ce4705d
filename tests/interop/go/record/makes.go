package main

import (
	"bytes"
	"encoding/gob"
	"errors"
	"net/rpc"
	"time"

	"interop/protocol"
)

// A dialect is what a server that is not Go's speaks: it sends what Go's encoder has written in another way. What is nil is as in Go.
type dialect struct {
	// header says what to send instead of the header of a response.
	header func(rpc.Response) any
	// body says what to send instead of the body, by the number of the call.
	body func(call int, body any) any
	// arrange changes the messages of a response.
	arrange func(call int, messages []message) []message

	conn    connection
	dec     *gob.Decoder
	enc     *gob.Encoder
	written bytes.Buffer
	call    int
}

// A message is one of gob's, without its length: the definition of a type, or a value.
type message []byte

// isDefinition tells by the type number, which is negative in definitions and first in either: its last bit is the sign.
func (m message) isDefinition() bool {
	number, _ := unsigned(m)
	return number&1 == 1
}

// unsigned reads an unsigned integer of gob, and says how many bytes it takes.
func unsigned(data []byte) (number uint64, size int) {
	if data[0] < 0x80 {
		return uint64(data[0]), 1
	}
	size = 1 + int(-int8(data[0]))
	for _, b := range data[1:size] {
		number = number<<8 | uint64(b)
	}
	return number, size
}

func messages(data []byte) (all []message) {
	for len(data) > 0 {
		length, size := unsigned(data)
		end := size + int(length)
		all = append(all, data[size:end])
		data = data[end:]
	}
	return all
}

func (m message) delimited() []byte {
	switch length := len(m); {
	case length < 0x80:
		return append([]byte{byte(length)}, m...)
	case length < 0x100:
		return append([]byte{0xff, byte(length)}, m...)
	default:
		return append([]byte{0xfe, byte(length >> 8), byte(length)}, m...)
	}
}

func (m *dialect) ReadRequestHeader(request *rpc.Request) error { return m.dec.Decode(request) }

func (m *dialect) ReadRequestBody(body any) error { return m.dec.Decode(body) }

func (m *dialect) WriteResponse(response *rpc.Response, body any) error {
	var header any = response
	if m.header != nil {
		header = m.header(*response)
	}
	if m.body != nil {
		body = m.body(m.call, body)
	}
	if err := errors.Join(m.enc.Encode(header), m.enc.Encode(body)); err != nil {
		return err
	}
	all := messages(m.written.Bytes())
	if m.arrange != nil {
		all = m.arrange(m.call, all)
	}
	var data []byte
	for _, message := range all {
		data = append(data, message.delimited()...)
	}
	m.call++
	m.written.Reset()
	_, err := m.conn.Write(data)
	return err
}

func (m *dialect) Close() error { return m.conn.Close() }

func (m *dialect) serve(server *rpc.Server, conn connection) {
	m.conn, m.dec = conn, gob.NewDecoder(conn)
	m.enc = gob.NewEncoder(&m.written)
	server.ServeCodec(m)
}

func made(m dialect) func(connection) {
	return func(conn connection) { m.serve(server(tools(usual)), conn) }
}

// other is a service of its own, which some client has called first.
type other struct{}

// Counts is what other answers.
type Counts struct {
	ByName map[string]uint
	Code   int8
	Paths  [][]segment
}

// First has the name and the form that net/rpc expects.
func (other) First(request protocol.Request, counts *Counts) error {
	*counts = Counts{map[string]uint{"a": 1}, 5, [][]segment{{{}}}}
	return nil
}

// partitioned puts the definitions before the values.
func partitioned(all []message) (definitions, values []message) {
	for _, message := range all {
		if message.isDefinition() {
			definitions = append(definitions, message)
		} else {
			values = append(values, message)
		}
	}
	return definitions, values
}

func makes() []exchange {
	type output []byte

	calls := []protocol.Request{relationIds, tool("action-get"), isLeader}
	return []exchange{
		{
			name:    "fields-in-another-order",
			comment: "Fields are found by name: here the output comes first and the code last.",
			calls:   []protocol.Request{relationIds, isLeader},
			serve: serving(func(request protocol.Request, reply *struct {
				Stderr, Stdout []byte
				Code           int
			}) error {
				reply.Stderr, reply.Stdout, reply.Code = []byte("warning\n"), usual[request.CommandName].Stdout, 2
				return nil
			}),
		},
		{
			name:    "fields-of-other-sizes",
			comment: "The size of an integer, a name for bytes, and pointers are not on the wire.",
			calls:   []protocol.Request{relationIds, isLeader},
			serve: serving(func(request protocol.Request, reply *struct {
				Code   int8
				Stdout *output
				Stderr **[]byte
			}) error {
				reply.Code, reply.Stdout = -7, pointer(output(usual[request.CommandName].Stdout))
				reply.Stderr = pointer(pointer([]byte("warning\n")))
				return nil
			}),
		},
		{
			name:    "fields-missing",
			comment: "A response that has no field for errors is one without them.",
			calls:   []protocol.Request{relationIds, isLeader},
			serve: serving(func(request protocol.Request, reply *struct {
				Stdout []byte
				Time   int64
			}) error {
				reply.Stdout, reply.Time = usual[request.CommandName].Stdout, 1
				return nil
			}),
		},
		{
			name:    "header-fields-in-another-order",
			comment: "The header has unknown fields, and the known ones in another order.",
			calls:   calls,
			serve: made(dialect{header: func(response rpc.Response) any {
				return struct {
					Trailer       map[string][]string
					Error         string
					Sent          time.Time
					Seq           uint32
					Where         *point
					ServiceMethod string
					Last          []any
				}{map[string][]string{"trace": {"a", "b"}}, response.Error, time.Unix(1, 0).UTC(), uint32(response.Seq),
					&point{1, 2, "p"}, response.ServiceMethod, []any{"a", point{}}}
			}}),
		},
		{
			name:    "definitions-first",
			comment: "All definitions, those of the body too, come before the header.",
			calls:   calls,
			serve: made(dialect{arrange: func(_ int, all []message) []message {
				definitions, values := partitioned(all)
				return append(definitions, values...)
			}}),
		},
		{
			name:    "definitions-reversed",
			comment: "The definitions of the parts of a type come before its own.",
			calls:   calls,
			serve: made(dialect{
				body: func(call int, body any) any {
					if reply, ok := body.(*protocol.ExecResponse); ok {
						return ExecResponse[segment]{Code: 1, Between: segment{Labels: map[string][]point{"a": {{}}}}, Stdout: reply.Stdout}
					}
					return body
				},
				arrange: func(_ int, all []message) []message {
					definitions, values := partitioned(all)
					for i, j := 0, len(definitions)-1; i < j; i, j = i+1, j-1 {
						definitions[i], definitions[j] = definitions[j], definitions[i]
					}
					return append(definitions, values...)
				}}),
		},
		{
			name:    "definitions-unused",
			comment: "Definitions of types that no value has, between the header and the body, one of them late.",
			calls:   calls,
			serve: made(dialect{arrange: func(call int, all []message) []message {
				if call == 1 {
					return all
				}
				var unused bytes.Buffer
				err := errors.New("no such call")
				if call == 0 {
					err = gob.NewEncoder(&unused).Encode(segment{})
				} else if call == 2 {
					err = gob.NewEncoder(&unused).Encode(tree{})
				}
				if err != nil {
					panic(err)
				}
				definitions, _ := partitioned(messages(unused.Bytes()))
				last := len(all) - 1
				return append(append(append([]message{}, all[:last]...), definitions...), all[last])
			}}),
		},
		{
			name: "text-marshaler",
			comment: "A type that encodes itself as text: the seventh kind of definition. Go reads it but never writes it, so the one\n" +
				"of a BinaryMarshaler was changed.",
			calls: calls,
			serve: made(dialect{
				body: func(_ int, body any) any {
					if reply, ok := body.(*protocol.ExecResponse); ok {
						return struct {
							At     marshaler
							Stdout []byte
							After  []marshaler
						}{"10.1.2.3", reply.Stdout, []marshaler{"a", ""}}
					}
					return body
				},
				arrange: func(_ int, all []message) []message {
					for _, message := range all {
						if _, size := unsigned(message); message.isDefinition() && message[size] == 6 {
							message[size] = 7
						}
					}
					return all
				}}),
		},
		{
			name:    "another-method-first",
			comment: "Another method was called first on this connection; its types have the numbers that follow the header's.",
			calls:   []protocol.Request{relationIds, relationIds, relationIds, tool("action-get")},
			methods: map[int]string{0: "Other.First", 2: "Other.First"},
			serve: func(conn connection) {
				server := server(tools(usual))
				if err := server.RegisterName("Other", &other{}); err != nil {
					panic(err)
				}
				server.ServeConn(conn)
			},
		},
		{
			name:    "another-type-each-call",
			comment: "The responses of one connection have different types, of which some come again.",
			calls:   []protocol.Request{relationIds, relationIds, isLeader, isLeader, relationIds, relationIds},
			serve: made(dialect{body: func(call int, body any) any {
				reply := body.(*protocol.ExecResponse)
				switch call % 4 {
				case 1:
					return ExecResponse[[]string]{Before: []string{"a"}, Stdout: reply.Stdout, Code: call}
				case 2:
					return struct {
						Stdout []byte
						Held   any
						Code   int32
					}{reply.Stdout, point{1, 2, "p"}, int32(call)}
				case 3:
					return ExecResponse[point]{Stdout: reply.Stdout, Code: call}
				}
				return reply
			}}),
		},
		{
			name: "error-bodies",
			comment: "The body after an error may be anything, and is skipped: an empty struct, a zero byte and a number, text, bytes,\n" +
				"a float, a slice, a map, an array, a time, and a response that holds an interface.",
			calls: []protocol.Request{tool("a"), tool("b"), tool("c"), tool("d"), tool("e"), tool("f"), tool("g"), tool("h"),
				tool("i"), tool("j"), isLeader},
			serve: made(dialect{body: func(call int, body any) any {
				bodies := []any{body, 70_000, "text", []byte{1, 2}, 0.1, []string{"a", ""}, map[string]int{"a": 1},
					[2]point{}, time.Unix(1, 0).UTC(), ExecResponse[any]{Before: point{1, 2, "p"}, Code: 9, Stdout: []byte("no")}}
				if call < len(bodies) {
					return bodies[call]
				}
				return body
			}}),
		},
	}
}

// marshaler is a BinaryMarshaler.
type marshaler string

func (m marshaler) MarshalBinary() ([]byte, error) { return []byte(m), nil }

func (m *marshaler) UnmarshalBinary(data []byte) error {
	*m = marshaler(data)
	return nil
}
