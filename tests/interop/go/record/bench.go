package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"time"

	"interop/protocol"
)

// listen answers on a socket until standard input ends. It says when it listens.
func listen(socket string) error {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	fmt.Println("listening")
	go server(tools(usual)).Accept(listener)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// measure prints the median times of a call on an open connection, of a call with a connection of its own, and of a
// process that makes one call. The server is another process, as the agent is.
func measure(jujuc string) error {
	directory, err := os.MkdirTemp("", "record")
	if err != nil {
		return err
	}
	defer os.RemoveAll(directory)
	socket := filepath.Join(directory, "agent.socket")
	agent := exec.Command(os.Args[0], "-listen", socket)
	agent.Stderr = os.Stderr
	stop, err := agent.StdinPipe()
	if err != nil {
		return err
	}
	says, err := agent.StdoutPipe()
	if err != nil {
		return err
	}
	if err := agent.Start(); err != nil {
		return err
	}
	defer agent.Wait()
	defer stop.Close()
	if _, err := says.Read(make([]byte, 1)); err != nil {
		return err
	}

	client, err := rpc.Dial("unix", socket)
	if err != nil {
		return err
	}
	defer client.Close()
	ask := func(client *rpc.Client) error {
		var response protocol.ExecResponse
		err := client.Call("Jujuc.Main", relationIds, &response)
		if err == nil && len(response.Stdout) == 0 {
			err = errors.New("the answer is empty")
		}
		return err
	}
	errs := errors.Join(
		median("a call on an open connection", 20_000, func() error { return ask(client) }),
		median("a call on a new connection", 2000, func() error {
			client, err := rpc.Dial("unix", socket)
			if err != nil {
				return err
			}
			return errors.Join(ask(client), client.Close())
		}))
	if jujuc == "" {
		return errs
	}
	return errors.Join(errs, median("a process", 500, func() error {
		tool := exec.Command(jujuc, relationIds.Args...)
		tool.Args[0] = relationIds.CommandName
		tool.Env = []string{"JUJU_CONTEXT_ID=" + relationIds.ContextId, "JUJU_AGENT_SOCKET_ADDRESS=" + socket, "JUJU_AGENT_SOCKET_NETWORK=unix"}
		output, err := tool.Output()
		if err == nil && string(output) != string(usual["relation-ids"].Stdout) {
			err = fmt.Errorf("the tool printed %q", output)
		}
		return err
	}))
}

// median prints the middle one of many times, with the tenth and the ninetieth percentile.
func median(name string, count int, run func() error) error {
	times := make([]time.Duration, count)
	for i := range times {
		started := time.Now()
		if err := run(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		times[i] = time.Since(started)
	}
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	in := func(percent int) time.Duration { return times[count*percent/100].Round(time.Microsecond) }
	fmt.Printf("%s: %v (%v to %v), of %d\n", name, in(50), in(10), in(90), count)
	return nil
}
