// Command record plays exchanges between Go's own net/rpc client and server, and writes their bytes as text. A server of
// each is in a process of its own; the client is in this one.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	out := flag.String("out", "", "the directory to write a file for each exchange to; standard output if there is none")
	serve := flag.String("serve", "", "serve the exchange of this name on standard input and output, which `record` does itself")
	socket := flag.String("listen", "", "answer on this socket until standard input ends, which -bench does itself")
	bench := flag.Bool("bench", false, "measure a call instead, and with -jujuc a process")
	jujuc := flag.String("jujuc", "", "the program that -bench starts as a hook tool")
	flag.Parse()
	var err error
	switch {
	case *socket != "":
		err = listen(*socket)
	case *bench:
		err = measure(*jujuc)
	default:
		err = run(*out, *serve)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func run(out, serve string) error {
	for _, exchange := range append(jujus(), others()...) {
		if serve == exchange.name {
			exchange.serve(connection{os.Stdin, os.Stdout})
			return nil
		}
		if serve != "" {
			continue
		}
		text, err := exchange.settled()
		if err != nil {
			return err
		}
		if out == "" {
			fmt.Printf("== %s\n%s", exchange.name, text)
		} else if err := os.WriteFile(filepath.Join(out, exchange.name+".txt"), []byte(text), 0o666); err != nil {
			return err
		}
	}
	if serve != "" {
		return fmt.Errorf("there is no exchange %q", serve)
	}
	return nil
}

// settled is a recording that the next run of this program makes again. Of an exchange whose answer has parts in random
// order it is the first in alphabetical order: with two parts, one run in a million misses it.
func (e exchange) settled() (string, error) {
	first, err := e.record()
	if !e.unordered {
		return first, err
	}
	for try := 1; try < 20 && err == nil; try++ {
		var text string
		if text, err = e.record(); text < first {
			first = text
		}
	}
	return first, err
}
