// The HTTP benchmark's server with Go's net/http: 13 bytes for `/`, and the files of a directory,
// which is its argument, beneath `/files/`.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

func main() {
	body := make([]byte, 13)
	for at := range body {
		body[at] = byte('a' + at%23)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write(body)
	})
	http.Handle("/files/", http.StripPrefix("/files/", http.FileServer(http.Dir(os.Args[1]))))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, nil))
}
