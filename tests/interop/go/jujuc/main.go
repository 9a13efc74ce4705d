// Command jujuc is a hook tool as Juju has them: one program under the name of each tool, which knows nothing but how to
// ask the agent. It reads standard input only if the agent asks for it.
package main

import (
	"fmt"
	"io"
	"net/rpc"
	"os"
	"path/filepath"

	"interop/protocol"
)

func main() {
	response, err := ask(filepath.Base(os.Args[0]), os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "ERROR", err)
		os.Exit(1)
	}
	// If the caller has closed its end, the exit code still tells it how the tool went.
	os.Stdout.Write(response.Stdout)
	os.Stderr.Write(response.Stderr)
	os.Exit(response.Code)
}

func ask(name string, args []string) (response protocol.ExecResponse, err error) {
	context, err := variable("JUJU_CONTEXT_ID")
	if err != nil {
		return response, err
	}
	directory, err := os.Getwd()
	if err != nil {
		return response, err
	}
	address, err := variable("JUJU_AGENT_SOCKET_ADDRESS")
	if err != nil {
		return response, err
	}
	network, err := variable("JUJU_AGENT_SOCKET_NETWORK")
	if err != nil {
		return response, err
	}
	agent, err := rpc.Dial(network, address)
	if err != nil {
		return response, err
	}
	defer agent.Close()

	request := protocol.Request{ContextId: context, Dir: directory, CommandName: name, Args: args}
	err = agent.Call("Jujuc.Main", request, &response)
	if err == nil || err.Error() != protocol.NeedsStdin {
		return response, err
	}
	request.StdinSet = true
	if request.Stdin, err = io.ReadAll(os.Stdin); err != nil {
		return response, fmt.Errorf("cannot read stdin: %w", err)
	}
	return response, agent.Call("Jujuc.Main", request, &response)
}

func variable(name string) (string, error) {
	if value := os.Getenv(name); value != "" {
		return value, nil
	}
	return "", fmt.Errorf("%s not set", name)
}
