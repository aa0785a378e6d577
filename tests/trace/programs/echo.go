// echo server|client LOG: what it sends and receives is in LOG, for the test to compare.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	record, err := os.Create(os.Args[2])
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(record, os.Getpid())
	data := make([]byte, 10000)
	send := func(peer net.Conn, bytes []byte) {
		count, err := peer.Write(bytes)
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(record, "send", count)
	}
	if os.Args[1] == "server" {
		listener, err := net.Listen("tcp4", "127.0.0.1:7000")
		if err != nil {
			panic(err)
		}
		peer, _ := listener.Accept()
		for {
			count, err := peer.Read(data[:4096])
			fmt.Fprintln(record, "receive", count)
			if err != nil {
				break
			}
			send(peer, data[:count])
		}
		peer.Close()
	} else {
		peer, err := net.Dial("tcp4", "127.0.0.1:7000")
		if err != nil {
			panic(err)
		}
		for size := 1; size <= 10000; size *= 10 {
			send(peer, data[:size])
			for left := size; left > 0; {
				count, _ := peer.Read(data[:left])
				fmt.Fprintln(record, "receive", count)
				left -= count
			}
		}
		peer.Close()
	}
}
