# echo server|client LOG: what it sends and receives is in LOG, for the test to compare.
import os
import socket
import sys

record = open(sys.argv[2], 'w')
record.write(f'{os.getpid()}\n')


def log(what, count):
    record.write(f'{what} {count}\n')
    return count


if sys.argv[1] == 'server':
    listener = socket.create_server(('127.0.0.1', 7000))
    peer = listener.accept()[0]
    while True:
        data = peer.recv(4096)
        log('receive', len(data))
        if not data:
            break
        while data:
            data = data[log('send', peer.send(data)):]
else:
    peer = socket.create_connection(('127.0.0.1', 7000))
    for size in (1, 10, 100, 1000, 10000):
        data = bytes(size)
        while data:
            data = data[log('send', peer.send(data)):]
        left = size
        while left:
            left -= log('receive', len(peer.recv(left)))
record.close()
