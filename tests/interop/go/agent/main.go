// Command agent is Juju's unit agent as far as hook tools see it: a net/rpc server that runs one tool at a time. It runs
// a tool by starting the program of that name, which asks another agent.
//
// With a program after the flags it listens for as long as that program runs, tells the program its own address, and
// exits with its code. So it can stand between an agent and a charm:
//
//	agent -socket @between -tools DIR -- CHARM ARGUMENTS..
//
// Without one it listens until it is terminated.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"interop/protocol"
)

// An agent is what all connections share.
type agent struct {
	contextId string
	tools     string
	upstream  string
	log       io.Writer
	// one is held while a tool runs.
	one sync.Mutex
}

func main() {
	var a agent
	socket := flag.String("socket", "", "where to listen: a path, or @ and a name for an abstract socket")
	flag.StringVar(&a.contextId, "context", os.Getenv("JUJU_CONTEXT_ID"), "the only context id to accept; any if empty")
	flag.StringVar(&a.tools, "tools", "", "the directory of the programs that carry the tools out")
	flag.StringVar(&a.upstream, "upstream", os.Getenv("JUJU_AGENT_SOCKET_ADDRESS"), "the address of the agent that the programs ask")
	log := flag.String("log", "", "a file to append a line to for each call: the number of its connection, the tool and its arguments")
	flag.Parse()
	code, err := a.run(*socket, *log, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func (a *agent) run(socket, log string, program []string) (code int, err error) {
	if socket == "" || a.tools == "" {
		return 0, errors.New("-socket and -tools are needed")
	}
	a.log = io.Discard
	if log != "" {
		file, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
		if err != nil {
			return 0, err
		}
		defer file.Close()
		a.log = file
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return 0, err
	}
	// This removes the socket, too.
	defer listener.Close()
	go a.serve(listener)

	if len(program) == 0 {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
		fmt.Println("listening")
		<-stop
		return 0, nil
	}
	charm := exec.Command(program[0], program[1:]...)
	charm.Stdin, charm.Stdout, charm.Stderr = os.Stdin, os.Stdout, os.Stderr
	charm.Env = environment(map[string]string{"JUJU_AGENT_SOCKET_ADDRESS": socket, "JUJU_AGENT_SOCKET_NETWORK": "unix"})
	return exitCode(charm.Run())
}

func (a *agent) serve(listener net.Listener) {
	for connection := 1; ; connection++ {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		server := rpc.NewServer()
		if err := server.Register(&Jujuc{a, connection}); err != nil {
			panic(err)
		}
		go server.ServeConn(conn)
	}
}

// Jujuc is what net/rpc calls; the name is part of the protocol.
type Jujuc struct {
	agent      *agent
	connection int
}

// Main runs a tool. It fails with Juju's texts.
func (j *Jujuc) Main(request protocol.Request, response *protocol.ExecResponse) error {
	a := j.agent
	program := filepath.Join(a.tools, request.CommandName)
	switch _, missing := os.Stat(program); {
	case request.CommandName == "":
		return errors.New("bad request: command not specified")
	case !filepath.IsAbs(request.Dir):
		return errors.New("bad request: Dir is not absolute")
	case a.contextId != "" && request.ContextId != a.contextId:
		return fmt.Errorf("bad request: expected context id %q, got %q", a.contextId, request.ContextId)
	case missing != nil || strings.Contains(request.CommandName, "/"):
		return fmt.Errorf("bad request: unknown hook command: %s", request.CommandName)
	}

	a.one.Lock()
	defer a.one.Unlock()
	fmt.Fprintf(a.log, "%d %s %q\n", j.connection, request.CommandName, request.Args)
	if needsStdin(request.Args) && !request.StdinSet {
		return errors.New(protocol.NeedsStdin)
	}
	tool := exec.Command(program, request.Args...)
	tool.Args[0] = request.CommandName
	tool.Dir = request.Dir
	tool.Stdin = bytes.NewReader(request.Stdin)
	var stdout, stderr bytes.Buffer
	tool.Stdout, tool.Stderr = &stdout, &stderr
	tool.Env = environment(map[string]string{
		"JUJU_AGENT_SOCKET_ADDRESS": a.upstream,
		"JUJU_AGENT_SOCKET_NETWORK": "unix",
		"JUJU_CONTEXT_ID":           request.ContextId,
	})
	code, err := exitCode(tool.Run())
	if err != nil {
		return err
	}
	response.Code, response.Stdout, response.Stderr = code, stdout.Bytes(), stderr.Bytes()
	return nil
}

// needsStdin finds `--file -` in each form that Juju reads.
func needsStdin(args []string) bool {
	next := false
	for _, arg := range args {
		switch name, path, given := strings.Cut(strings.TrimLeft(arg, "-"), "="); {
		case next:
			return arg == "-"
		case arg == "--":
			return false
		case !strings.HasPrefix(arg, "-") || name != "file":
		case given:
			return path == "-"
		default:
			next = true
		}
	}
	return false
}

func environment(replaced map[string]string) []string {
	all := os.Environ()
	for name, value := range replaced {
		// The last value of a name counts.
		all = append(all, name+"="+value)
	}
	return all
}

// exitCode tells a program that ran, and failed perhaps, from one that could not run. A signal is 128 and its number, as in
// a shell.
func exitCode(err error) (int, error) {
	var exited *exec.ExitError
	if !errors.As(err, &exited) {
		return 0, err
	}
	if status, ok := exited.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exited.ExitCode(), nil
}
