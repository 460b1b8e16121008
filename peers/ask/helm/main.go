// Puts on record what Helm's libraries say where no command of Helm's does: JSON lines on standard output.
//
//	go run . set             what lines of `--set` and its kin make of values (set.go)
//	go run . deprecated      kinds that Kubernetes gives up (deprecated.go)
//	go run . addresses       which addresses of maintainers lint takes (addresses.go)
//	go run . releases <FILE  what Helm 4 writes when it stores the releases again that these Secrets hold (releases.go)
package main

import (
	"fmt"
	"os"
)

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "set":
		recordSet()
	case len(os.Args) == 2 && os.Args[1] == "releases":
		recordReleases()
	case len(os.Args) == 2 && os.Args[1] == "deprecated":
		recordDeprecated()
	case len(os.Args) == 2 && os.Args[1] == "addresses":
		recordAddresses()
	default:
		fmt.Fprintln(os.Stderr, "set, releases, deprecated or addresses is asked for")
		os.Exit(2)
	}
}
