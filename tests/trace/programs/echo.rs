// echo server|client LOG: what it sends and receives is in LOG, for the test to compare.
use std::fs::File;
use std::io::{Read, Result, Write};
use std::net::{TcpListener, TcpStream};

fn send(peer: &mut TcpStream, bytes: &[u8], record: &mut File) -> Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        let count = peer.write(&bytes[done..])?;
        writeln!(record, "send {}", count)?;
        done += count;
    }
    Ok(())
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().collect();
    let mut record = File::create(&words[2])?;
    writeln!(record, "{}", std::process::id())?;
    let mut data = vec![b'x'; 10000];
    if words[1] == "server" {
        let (mut peer, _) = TcpListener::bind("127.0.0.1:7000")?.accept()?;
        loop {
            let count = peer.read(&mut data[..4096])?;
            writeln!(record, "receive {}", count)?;
            if count == 0 {
                break;
            }
            send(&mut peer, &data[..count], &mut record)?;
        }
    } else {
        let mut peer = TcpStream::connect("127.0.0.1:7000")?;
        let mut size = 1;
        while size <= 10000 {
            send(&mut peer, &data[..size], &mut record)?;
            let mut left = size;
            while left > 0 {
                let count = peer.read(&mut data[..left])?;
                writeln!(record, "receive {}", count)?;
                left -= count;
            }
            size *= 10;
        }
    }
    Ok(())
}
