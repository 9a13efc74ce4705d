package main

import (
	"bytes"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"os/exec"
	"strings"
	"sync"

	"interop/protocol"
)

// An exchange is one connection of a client with a server, and becomes one file.
type exchange struct {
	name    string
	comment string
	calls   []protocol.Request
	// methods names what to call instead of Jujuc.Main, by the number of the call.
	methods map[int]string
	// serve answers on a connection until it ends.
	serve func(connection)
	// unordered is set if Go sends parts of the answer, such as the pairs of a map, in random order.
	unordered bool
	// meant says what the answers mean where Go's own client does not understand them.
	meant []protocol.ExecResponse
}

// A connection is the server's end: its standard input and output.
type connection struct {
	io.Reader
	io.WriteCloser
}

// A recording is the client's end. It keeps what passes since the last take.
type recording struct {
	io.ReadCloser
	io.WriteCloser
	mutex          sync.Mutex
	sent, received bytes.Buffer
}

func (r *recording) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.received.Write(p[:n])
	return n, err
}

func (r *recording) Write(p []byte) (int, error) {
	r.mutex.Lock()
	r.sent.Write(p)
	r.mutex.Unlock()
	return r.WriteCloser.Write(p)
}

func (r *recording) Close() error {
	r.WriteCloser.Close()
	return r.ReadCloser.Close()
}

func (r *recording) take() (sent, received string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	sent, received = hexadecimal(r.sent.Bytes()), hexadecimal(r.received.Bytes())
	r.sent.Reset()
	r.received.Reset()
	return sent, received
}

// record plays an exchange with a server in a process of its own, because the numbers of gob's types belong to a
// process: they are what they would be in an agent that has just started.
func (e exchange) record() (string, error) {
	server := exec.Command(os.Args[0], "-serve", e.name)
	server.Stderr = os.Stderr
	toServer, err := server.StdinPipe()
	if err != nil {
		return "", err
	}
	fromServer, err := server.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := server.Start(); err != nil {
		return "", err
	}
	defer server.Wait()
	conn := &recording{ReadCloser: fromServer, WriteCloser: toServer}
	client := rpc.NewClient(conn)
	defer client.Close()

	var text strings.Builder
	for _, line := range strings.Split(e.comment, "\n") {
		fmt.Fprintf(&text, "# %s\n", line)
	}
	for i, request := range e.calls {
		method := e.methods[i]
		if method == "" {
			method = "Jujuc.Main"
		}
		var response protocol.ExecResponse
		err := client.Call(method, request, &response)
		sent, received := conn.take()
		if _, refused := err.(rpc.ServerError); err != nil && !refused {
			if i >= len(e.meant) {
				return "", fmt.Errorf("%s: Go's client does not understand: %w", e.name, err)
			}
			fmt.Fprintf(&text, "# Go's own client fails with %q.\n", err)
			response, err = e.meant[i], nil
		}
		fmt.Fprintf(&text, "? %s\n> %s\n< %s\n= %s\n", question(method, request), sent, received, answer(response, err))
	}
	return text.String(), nil
}

func question(method string, r protocol.Request) string {
	args := make([]string, len(r.Args))
	for i, arg := range r.Args {
		args[i] = quoted(arg)
	}
	return fmt.Sprintf("method=%q context=%q dir=%q command=%q args=[%s] stdin_set=%t stdin=%s token=%q", method,
		r.ContextId, r.Dir, r.CommandName, strings.Join(args, " "), r.StdinSet, quoted(string(r.Stdin)), r.Token)
}

func answer(r protocol.ExecResponse, err error) string {
	text := ""
	if err != nil {
		text = err.Error()
	}
	return fmt.Sprintf("code=%d stdout=%s stderr=%s error=%q", r.Code, quoted(string(r.Stdout)), quoted(string(r.Stderr)), text)
}

// The shortest run of one byte that is written as a repetition.
const repeated = 100

// hexadecimal writes bytes as `2a ff`, and 200 times the byte 61 as `61*200`.
func hexadecimal(data []byte) string {
	var words []string
	for len(data) > 0 {
		same := len(data) - len(bytes.TrimLeft(data, string(data[:1])))
		if data[0] >= 0x80 {
			same = 1 // TrimLeft reads UTF-8; runs of other bytes are not worth a loop.
		}
		if same >= repeated {
			words = append(words, fmt.Sprintf("%02x*%d", data[0], same))
		} else {
			same = 1
			words = append(words, fmt.Sprintf("%02x", data[0]))
		}
		data = data[same:]
	}
	return strings.Join(words, " ")
}

// quoted writes a string as Go does, and 200 times `a` as `"a"*200`.
func quoted(s string) string {
	if len(s) >= repeated && s == strings.Repeat(s[:1], len(s)) {
		return fmt.Sprintf("%q*%d", s[:1], len(s))
	}
	return fmt.Sprintf("%q", s)
}
