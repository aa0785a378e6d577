// echo server|client LOG: what it sends and receives is in LOG, for the test to compare.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static FILE* record;

static long log_call(const char* what, long bytes) {
  fprintf(record, "%s %ld\n", what, bytes);
  return bytes;
}

int main(int count, char** words) {
  if (count < 3 || !(record = fopen(words[2], "w"))) return 2;
  fprintf(record, "%d\n", (int)getpid());
  static char data[100000];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(7000)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int one = socket(AF_INET, SOCK_STREAM, 0);
  if (strcmp(words[1], "server") == 0) {
    if (bind(one, (struct sockaddr*)&address, sizeof address) != 0 || listen(one, 9) != 0) return 1;
    int peer = accept(one, NULL, NULL);
    for (long got; (got = log_call("receive", recv(peer, data, 4096, 0))) > 0;) {
      for (long done = 0; done < got;) done += log_call("send", write(peer, data, got - done));
    }
    close(peer);
  } else {
    if (connect(one, (struct sockaddr*)&address, sizeof address) != 0) return 1;
    for (long size = 1; size <= 10000; size *= 10) {
      for (long done = 0; done < size;) done += log_call("send", send(one, data, size - done, 0));
      for (long left = size; left > 0;) left -= log_call("receive", read(one, data, left));
    }
    close(one);
  }
  return fclose(record);
}
