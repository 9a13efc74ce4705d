package main

import (
	"encoding/gob"
	"math/big"
	"net"
	"net/netip"
	"time"

	"interop/protocol"
)

// ExecResponse is the response with a field that a client does not know: before its own, between them, and after them.
// gob names the type like Go does, with the type of the field.
type ExecResponse[Unknown any] struct {
	Before  Unknown
	Code    int
	Between Unknown
	Stdout  []byte
	Another Unknown
	Stderr  []byte
	After   Unknown
}

// unknown is an exchange with a server whose responses have unknown fields of one kind. The second answer uses the
// definitions that came with the first.
func unknown[Unknown any](name, comment string, value Unknown) exchange {
	return exchange{
		name:    "unknown-" + name,
		comment: comment,
		calls:   []protocol.Request{relationIds, isLeader},
		serve: serving(func(request protocol.Request, reply *ExecResponse[Unknown]) error {
			answer := usual[request.CommandName]
			*reply = ExecResponse[Unknown]{value, 1, value, answer.Stdout, value, []byte("ERROR x\n"), value}
			return nil
		}),
	}
}

// in says what unknown's answers mean, for those that Go's own client does not understand.
func (e exchange) in(disorder bool, meant bool) exchange {
	e.unordered = disorder
	if meant {
		e.calls = e.calls[:1]
		e.meant = []protocol.ExecResponse{{Code: 1, Stdout: usual["relation-ids"].Stdout, Stderr: []byte("ERROR x\n")}}
	}
	return e
}

type point struct {
	X, Y int
	Name string
}

type segment struct {
	From, To point
	Middle   *point
	Labels   map[string][]point
}

type tree struct {
	Name     string
	Children []tree
	Left     *tree
	ByName   map[string]tree
}

// chain and link refer to each other.
type chain struct {
	Link *link
	Text string
}

type link struct {
	Chain *chain
}

type holder struct {
	Held any
	Text string
}

type fraction float32

type empty struct{}

func (point) String() string { return "a point" }

func pointer[Value any](value Value) *Value { return &value }

func others() []exchange {
	gob.Register(point{})
	gob.Register(&segment{})
	gob.Register(holder{})
	gob.Register(tree{})
	gob.Register(map[string]int{})
	gob.Register(time.Time{})
	gob.Register(fraction(0))

	when := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	huge, _ := new(big.Int).SetString("-123456789012345678901234567890", 10)
	where := point{-3, 400, "p"}
	line := segment{where, point{}, &where, map[string][]point{"a": {{1, 2, ""}, {}}}}
	wood := tree{"root", []tree{{Name: "a"}, {}}, &tree{Left: &tree{Name: "b"}}, map[string]tree{"c": {Name: "c"}}}
	ring := chain{&link{&chain{&link{}, "inner"}}, "outer"}

	all := []exchange{
		unknown("bool", "A bool.", true),
		unknown("uint", "An unsigned integer that needs eight bytes.", uint64(1)<<63),
		unknown("uint8", "A byte alone is an unsigned integer.", byte(200)),
		unknown("int", "A negative integer.", int64(-1)<<40),
		unknown("float", "A float: its bytes are reversed, so that round numbers are short.", -17.25),
		unknown("float-of-own-type", "A type that is float32 by another name is a float.", fraction(0.1)),
		unknown("complex", "A complex number: two floats.", complex(1.5, -0.1)),
		unknown("string", "A string of 200 bytes.", string(make([]byte, 200))),
		unknown("bytes", "Bytes are a type of their own, not a slice of unsigned integers.", []byte{0xff, 0, 1}),
		unknown("slice-of-int", "A slice of integers; its zeros are sent.", []int{0, -1, 70_000}),
		unknown("slice-of-slice", "A slice of slices, one of them empty.", [][]string{{"a", ""}, {}, {"b"}}),
		unknown("slice-of-bytes", "A slice of byte slices.", [][]byte{{1, 2}, {}, {0xff}}),
		unknown("slice-of-bool", "A slice of booleans.", []bool{true, false}),
		unknown("slice-of-pointer", "A slice of pointers is one of what they point to.", []*point{{1, 2, "x"}, {}}),
		unknown("array", "An array has its length twice: in the type and before the value.", [3]string{"a", "", "c"}),
		unknown("array-of-no-elements", "An array of length 0 is sent.", [0]int{}),
		unknown("array-of-bytes", "An array of bytes is not bytes, but unsigned integers.", [4]byte{0, 127, 128, 255}),
		unknown("array-of-structs", "An array of structs; the zero ones are sent.", [2]point{{}, {5, 6, "z"}}),
		unknown("map", "A map with two pairs.", map[string]int{"a": 1, "b": 0}).in(true, false),
		unknown("map-of-structs", "A map to slices of structs.", map[string][]point{"a": {{1, 2, "x"}, {}}}),
		unknown("map-of-maps", "Maps by integers, to maps by structs.", map[int]map[point]bool{-1: {where: false}}),
		unknown("empty-map", "A map without pairs is sent if it is not nil.", map[string]int{}),
		unknown("struct", "A struct with structs in it. Absent are its zero fields, but not its empty structs.", line),
		unknown("zero-struct", "A struct whose fields are all zero is sent nevertheless.", point{}),
		unknown("struct-without-fields", "A struct that has no fields.", empty{}),
		unknown("pointer", "A pointer is what it points to.", &where),
		unknown("pointer-to-pointer", "So is a pointer to a pointer.", pointer(pointer(-5))),
		unknown("pointer-to-zero", "A pointer to zero is absent, like a nil one.", pointer(0)),
		unknown("recursive-struct", "A struct that holds itself, by a slice, a pointer and a map.", wood),
		unknown("structs-of-each-other", "Two structs that hold each other.", ring),
		unknown("gob-encoder", "A type that encodes itself (time.Time): bytes.", when),
		unknown("gob-encoder-pointer", "Such a type whose pointer encodes itself (*big.Int).", huge),
		unknown("gob-encoder-in-map", "Such types in a map, and as its keys.", map[time.Time]*big.Int{when: huge}),
		unknown("binary-marshaler", "A BinaryMarshaler (netip.Addr): bytes.", netip.MustParseAddr("10.1.2.3")),
		unknown("zero-binary-marshaler", "A zero BinaryMarshaler is sent.", netip.Addr{}),
		unknown("text-marshaler-that-is-bytes", "net.IP is a TextMarshaler; for gob it is bytes.", net.ParseIP("10.1.2.3")),
		unknown("interface-of-string", "An interface that holds a basic type. After the byte count comes a zero byte.", any("text")),
		unknown("interface-of-bytes", "An interface that holds bytes.", any([]byte{1, 2, 3})),
		unknown("interface-of-float", "An interface that holds a float by another name.", any(fraction(0.5))),
		unknown("interface-of-map", "An interface that holds a map.", any(map[string]int{"a": 1})),
		unknown("interface-of-gob-encoder", "An interface that holds a type that encodes itself.", any(when)),
		unknown("interface-of-struct", "An interface that holds a struct. Its definition cuts the value of the response in two messages.", any(where)),
		unknown("interface-of-pointer", "An interface that holds a pointer to a struct; definitions of its parts follow in messages of their own.", any(&line)),
		unknown("interface-of-recursive-struct", "An interface that holds a recursive struct.", any(wood)),
		unknown("interface-with-methods", "An interface with methods is like any other.", interface{ String() string }(where)),
		unknown("nil-interface", "A nil interface is absent.", any(nil)),
		unknown("slice-of-interface", "A slice of interfaces that hold different types.", []any{"a", 1, where, true, 2.5}),
		unknown("map-of-interface", "A map to interfaces.", map[string]any{"a": where}),
		unknown("nil-interface-in-slice", "A nil interface in a slice is an empty name. The specification says that no more follows.", []any{"a", nil, 2}).in(false, true),
		unknown("interface-in-interface", "An interface in an interface, both of known types.", any(holder{"text", "end"})),
		unknown("nil-interface-in-interface", "A nil interface in a struct in an interface.", any(holder{nil, "end"})),
		unknown("interface-in-interface-of-struct", "An interface in an interface whose types are defined on the way.", any(holder{where, "end"})).in(false, true),
	}
	return append(all, makes()...)
}
