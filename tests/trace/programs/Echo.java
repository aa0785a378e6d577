// Echo server|client LOG: what it sends and receives is in LOG, for the test to compare.
import java.io.FileWriter;
import java.io.IOException;
import java.io.Writer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

public class Echo {
  static Writer record;

  static int log(String what, int bytes) throws IOException {
    record.write(what + " " + Math.max(bytes, 0) + "\n");
    return bytes;
  }

  public static void main(String[] words) throws IOException {
    record = new FileWriter(words[1]);
    record.write(ProcessHandle.current().pid() + "\n");
    byte[] data = new byte[10000];
    InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
    if (words[0].equals("server")) {
      try (ServerSocket listener = new ServerSocket(7000, 9, loopback);
          Socket peer = listener.accept()) {
        for (int got; (got = log("receive", peer.getInputStream().read(data, 0, 4096))) > 0; ) {
          peer.getOutputStream().write(data, 0, log("send", got));
        }
      }
    } else {
      try (Socket peer = new Socket(loopback, 7000)) {
        for (int size = 1; size <= 10000; size *= 10) {
          peer.getOutputStream().write(data, 0, log("send", size));
          for (int left = size; left > 0; ) {
            left -= log("receive", peer.getInputStream().read(data, 0, left));
          }
        }
      }
    }
    record.close();
  }
}
